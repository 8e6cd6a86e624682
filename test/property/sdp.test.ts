// Properties of offer and answer: no text throws or takes long, and whatever we answer the other side of ourselves accepts.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { acceptAnswer, answerOffer, createOffer, holdDirection } from '../../src/sdp/negotiate.ts';
import { parseSdp } from '../../src/sdp/parse.ts';
import type { AudioCodec, LocalMedia, MediaDirection } from '../../src/sdp/plan.ts';
import { all } from '../unit/sdp/offers.ts';

const direction = fc.constantFrom<MediaDirection>('sendrecv', 'sendonly', 'recvonly', 'inactive');
const codecs = fc.constantFrom<readonly AudioCodec[]>(['PCMU', 'PCMA'], ['PCMA', 'PCMU'], ['PCMU'], ['PCMA']);
const key = fc.uint8Array({ minLength: 30, maxLength: 30 });
const port = fc.integer({ min: 1, max: 65_534 });
const local = (address: string) =>
  fc.record<LocalMedia>({
    address: fc.constant(address),
    port,
    codecs,
    sessionId: fc.bigInt({ min: 1n, max: 2n ** 62n }).map(String),
  });
const security = { srtpAllowed: true, srtpRequired: false };

/** Real offers with some characters changed, lines dropped, doubled and moved. */
const mutated = fc
  .tuple(
    fc.constantFrom(...Object.values(all)),
    fc.array(fc.tuple(fc.nat(), fc.constantFrom('drop', 'double', 'swap', 'edit'), fc.string({ maxLength: 12 })), {
      maxLength: 8,
    }),
  )
  .map(([offer, changes]) => {
    const lines = offer.split('\r\n');
    for (const [place, change, text] of changes) {
      const index = place % lines.length;
      const line = lines[index] ?? '';
      if (change === 'drop') lines.splice(index, 1);
      else if (change === 'double') lines.splice(index, 0, line);
      else if (change === 'swap') lines.push(...lines.splice(index, 1));
      else lines[index] = line.slice(0, place % (line.length + 1)) + text + line.slice(place % (line.length + 1));
    }
    return lines.join('\r\n');
  });

test('any text gives a result, and never a throw', () => {
  const masterKey = new Uint8Array(30);
  const ours: LocalMedia = { address: '192.0.2.99', port: 12_000, codecs: ['PCMU', 'PCMA'], sessionId: '1' };
  const sent = createOffer(ours, { direction: 'sendrecv', profile: 'savp', masterKey }, 1);
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string({ unit: 'binary' }),
        mutated,
        fc.string().map((s) => `v=0\r\n${s}`),
      ),
      (text) => {
        const answered = answerOffer(text, ours, { security, direction: 'sendrecv', masterKey, version: 2 });
        if (!answered.ok) expect([400, 415, 488]).toContain(answered.error.status);
        const accepted = acceptAnswer(sent, text, { masterKey });
        if (!accepted.ok) expect([400, 488]).toContain(accepted.error.status);
        holdDirection(text);
      },
    ),
    { numRuns: 3_000 },
  );
});

test('RFC 3264 6: an answer to any offer has as many sections, one of them ours, and reads back clean', () => {
  const ours: LocalMedia = { address: '192.0.2.99', port: 12_000, codecs: ['PCMU', 'PCMA'], sessionId: '1' };
  let answeredCount = 0;
  fc.assert(
    fc.property(mutated, (offer) => {
      const answered = answerOffer(offer, ours, {
        security,
        direction: 'sendrecv',
        masterKey: new Uint8Array(30),
        version: 2,
      });
      if (!answered.ok) return;
      answeredCount += 1;
      const before = parseSdp(offer);
      const after = parseSdp(answered.value.sdp);
      if (!before.ok || !after.ok) throw new Error('unreadable');
      expect(after.value.media.map(({ kind, protocol }) => [kind, protocol])).toEqual(
        before.value.media.map(({ kind, protocol }) => [kind, protocol]),
      );
      expect(after.value.media.filter(({ port: written }) => written !== 0)).toHaveLength(1);
      expect(answered.value.sdp).toMatch(/^([\x20-\x7e]+\r\n)+$/);
    }),
    { numRuns: 2_000 },
  );
  expect(answeredCount).toBeGreaterThan(500);
});

test('our offer, answered by ourselves, is accepted; both plans fit together', () => {
  fc.assert(
    fc.property(
      fc.record({ caller: local('192.0.2.1'), callee: local('192.0.2.2'), offered: direction, wanted: direction }),
      fc.record({ callerKey: key, calleeKey: key, profile: fc.constantFrom('avp' as const, 'savp' as const) }),
      ({ caller, callee, offered, wanted }, { callerKey, calleeKey, profile }) => {
        const options = { direction: offered, profile, masterKey: profile === 'savp' ? callerKey : null };
        const offer = createOffer(caller, options, 1);
        const answered = answerOffer(offer, callee, { security, direction: wanted, masterKey: calleeKey, version: 1 });
        const common = caller.codecs.filter((codec) => callee.codecs.includes(codec));
        if (!answered.ok) {
          expect(common).toEqual([]);
          expect(answered.error.status).toBe(415);
          return;
        }
        const accepted = acceptAnswer(offer, answered.value.sdp, { masterKey: options.masterKey });
        if (!accepted.ok) throw new Error(accepted.error.detail);
        const [ours, theirs] = [accepted.value, answered.value.plan];
        expect(ours.codec).toBe(common[0]);
        expect(theirs.codec).toBe(ours.codec);
        expect([ours.remotePort, theirs.remotePort]).toEqual([callee.port, caller.port]);
        expect([ours.remoteAddress, theirs.remoteAddress]).toEqual([callee.address, caller.address]);
        expect(ours.telephoneEventSend).toBe(theirs.telephoneEventReceive);
        const mirrored = {
          sendrecv: 'sendrecv',
          sendonly: 'recvonly',
          recvonly: 'sendonly',
          inactive: 'inactive',
        } as const;
        expect(theirs.direction).toBe(mirrored[ours.direction]);
        expect(ours.srtp?.sendKey).toEqual(theirs.srtp?.receiveKey);
        expect(ours.srtp?.receiveKey).toEqual(theirs.srtp?.sendKey);
        expect(ours.srtp !== null).toBe(profile === 'savp');
        expect(theirs.receivePayloadTypes.map(({ payloadType }) => payloadType)).toContain(ours.payloadType);
        expect(ours.receivePayloadTypes.map(({ payloadType }) => payloadType)).toContain(theirs.payloadType);
      },
    ),
    { numRuns: 1_000 },
  );
});
