import { expect, test } from 'vitest';
import { codecOf, PayloadTypes, payloadKind } from '../../../src/media/payload-types.ts';
import type { MediaPlan } from '../../../src/sdp/plan.ts';

const plan = (receive: MediaPlan['receivePayloadTypes'], telephoneEventReceive: number | null) =>
  ({ receivePayloadTypes: receive, telephoneEventReceive }) as unknown as MediaPlan;

test('RFC 3551 6: kinds of the types of a plan; all others are none', () => {
  const types = new PayloadTypes();
  types.configure(
    plan(
      [
        { payloadType: 0, codec: 'PCMU' },
        { payloadType: 96, codec: 'PCMA' },
      ],
      101,
    ),
  );
  const kinds = Array.from({ length: 128 }, (_, type) => types.kind(type));
  expect(kinds[0]).toBe(payloadKind.PCMU);
  expect(kinds[96]).toBe(payloadKind.PCMA);
  expect(kinds[101]).toBe(payloadKind.telephoneEvent);
  expect(kinds.filter((kind) => kind === payloadKind.other)).toHaveLength(125);
});

test('RFC 3264 8.3.2: a new plan replaces what the old one said', () => {
  const types = new PayloadTypes();
  types.configure(plan([{ payloadType: 0, codec: 'PCMU' }], 101));
  types.configure(plan([{ payloadType: 8, codec: 'PCMA' }], null));
  expect([0, 8, 101].map((type) => types.kind(type))).toEqual([payloadKind.other, payloadKind.PCMA, payloadKind.other]);
});

test('codecs of kinds', () => {
  expect([payloadKind.PCMU, payloadKind.PCMA, payloadKind.telephoneEvent].map(codecOf)).toEqual(['PCMU', 'PCMA', null]);
});
