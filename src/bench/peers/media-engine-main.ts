// The process of media-engine.ts: one question on the input, one line with the ports as answer, then it relays until it is ended.

import { text } from 'node:stream/consumers';
import { realClock } from '../../base/clock.ts';
import { silentLog } from '../../base/log.ts';
import type { MediaEngine } from '../../media/engine.ts';
import type { PortRange } from '../../media/port-pool.ts';
import { createWorkerMediaEngine } from '../../media/workers.ts';
import type { MediaPlan } from '../../sdp/plan.ts';

/** `sides`: where the generator receives what goes to the two sides of each call. */
export interface EngineQuestion {
  readonly portRange: PortRange;
  readonly isAcross: boolean;
  readonly sides: readonly { readonly a: number; readonly b: number }[];
}

const HOST = '127.0.0.1';

const planOf = (remotePort: number): MediaPlan => ({
  ...{ remoteAddress: HOST, remotePort, remoteRtcpPort: remotePort + 1, rtcpMux: false, direction: 'sendrecv' },
  ...{ codec: 'PCMU', payloadType: 0, receivePayloadTypes: [{ payloadType: 0, codec: 'PCMU' }] },
  ...{ telephoneEventSend: 101, telephoneEventReceive: 101, packetTimeMs: 20, srtp: null },
});

async function opened(engine: MediaEngine, call: number, remotePort: number, near?: string) {
  const wanted = { localAddress: HOST, callSid: `CA${call}` };
  const endpoint = await engine.open(near === undefined ? wanted : { ...wanted, near });
  if (!endpoint.ok) throw new Error(`endpoint of call ${call}: ${endpoint.error}`);
  engine.configure(endpoint.value.id, planOf(remotePort), { signallingAddress: null, nat: false });
  return endpoint.value;
}

async function main(): Promise<void> {
  const { portRange, isAcross, sides } = JSON.parse(await text(process.stdin)) as EngineQuestion;
  const engine = createWorkerMediaEngine({ workers: 2, portRange, log: silentLog, clock: realClock });
  const started = await engine.start();
  if (!started.ok) throw new Error(started.error);
  const pairs: { a: number; b: number }[] = [];
  for (const [call, side] of sides.entries()) {
    const a = await opened(engine, call, side.a);
    // The engine gives a new endpoint to the worker with the fewest: the next one is the other's.
    const b = await opened(engine, call, side.b, isAcross ? undefined : a.id);
    engine.bridge(a.id, b.id);
    pairs.push({ a: a.rtpPort, b: b.rtpPort });
  }
  process.stdout.write(`${JSON.stringify(pairs)}\n`);
}

await main();
