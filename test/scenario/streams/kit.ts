// What scenarios of media streams share: a world, a server, and a phone in a call.

import { expect, onTestFinished } from 'vitest';
import type { PhoneCall } from '../../../src/demo/phone-call.ts';
import { muLawToLinear } from '../../../src/media/g711.ts';
import { StreamServer } from '../../support/stream-server.ts';
import { until } from '../../support/until.ts';
import { DEADLINE_MS, dials, expectEvent, type World, type WorldOptions, world } from '../../support/world.ts';

export async function streamWorld(options: WorldOptions = {}) {
  const server = await StreamServer.start();
  onTestFinished(() => server.stop());
  const w = await world(options);
  return { w, server };
}

/** Alice's call, once it is answered. */
export async function calls(w: World): Promise<PhoneCall> {
  const alice = await w.phone('alice');
  const call = dials(alice, w.uri('1000'));
  await expectEvent(alice, call, 'answered');
  return call;
}

export const linear = (payload: Uint8Array): Int16Array => Int16Array.from(payload, (code) => muLawToLinear[code]!);

export interface StreamCounts {
  readonly live: number;
  readonly calls: number;
  readonly sockets: number;
}

/** Idle, and nothing of streams is left. */
export async function nothingIsLeft(w: World): Promise<void> {
  await w.isIdle();
  const counts = () => (w.gateway.counts() as { streams: StreamCounts }).streams;
  await until(
    () => Object.values(counts()).every((count) => count === 0),
    DEADLINE_MS,
    () => `streams left: ${JSON.stringify(counts())}`,
  );
  expect((w.gateway.counts() as { media: { taps?: number } }).media.taps ?? 0).toBe(0);
}
