// `call <target>`: a scripted phone for users and tests. Dials, sends digits, plays, records, and prints its ladder.

import { type Clock, realClock } from '../base/clock.ts';
import { createLog } from '../base/log.ts';
import type { Phone, PhoneCall } from '../demo/phone.ts';
import type { RecordingResult } from '../media/engine-audio.ts';
import { finish } from './arguments.ts';
import { type CallOptions, parseCallOptions } from './call-options.ts';
import { run as runDialogue, wantsScript } from './dialogue.ts';
import { startPhone } from './start-phone.ts';

/** How long the other side may ring. */
const RING_MS = 60_000;
/** A call without --duration: the longest that the clock can wait for, 24 days. */
const FOREVER_MS = 2 ** 31 - 1;

export async function run(args: readonly string[]): Promise<number> {
  if (wantsScript(args)) return runDialogue(args);
  const parsed = await parseCallOptions(args);
  if (!parsed.ok) return finish(parsed.error);
  const options = parsed.value;
  const log = createLog({ level: options.verbose ? 'trace' : 'silent', folders: {}, pretty: true });
  const interrupt = new AbortController();
  const onSignal = () => interrupt.abort();
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  const phone = await startPhone(options, log);
  if (!phone.ok) {
    console.error(phone.error);
    return 1;
  }
  const outcome = await script(phone.value, options, interrupt.signal).finally(() => phone.value.stop());
  // Drawn when all is over: the answer to the BYE belongs to the picture.
  if (outcome.callId !== undefined) console.log(`\n${phone.value.ladder(outcome.callId, process.stdout.columns)}\n`);
  return verdict(outcome, options.expectedStatus);
}

interface Outcome {
  /** Final SIP status; of REGISTER where that failed. */
  readonly status: number;
  readonly isAnswered: boolean;
  readonly callId: string | undefined;
}

function verdict({ status, isAnswered }: Outcome, expected: number | undefined): number {
  if (expected === undefined) return isAnswered ? 0 : 1;
  if (expected !== status) console.error(`expected status ${expected}, got ${status}`);
  return expected === status ? 0 : 1;
}

async function script(phone: Phone, options: CallOptions, interrupt: AbortSignal): Promise<Outcome> {
  if (options.register) {
    const status = await phone.register();
    console.log(`REGISTER → ${status}`);
    if (status !== 200) {
      console.error(`not registered: ${status}`);
      return { status, isAnswered: false, callId: undefined };
    }
  }
  const dialled = phone.dial(options.targetText);
  if (!dialled.ok) throw new TypeError(dialled.error);
  const call = dialled.value;
  interrupt.addEventListener('abort', () => call.leg.hangUp());
  const { target } = options;
  console.log(`calling ${target.user === undefined ? '' : `${target.user}@`}${target.host} …`);
  const outcome = await call.waitFor(RING_MS, 'answered', 'failed', 'ended');
  if (outcome?.type === 'answered') {
    await talk(call, options, realClock);
    return { status: outcome.status, isAnswered: true, callId: call.callId };
  }
  const status = outcome?.type === 'failed' ? outcome.status : 408;
  const detail = outcome?.type === 'failed' ? outcome.detail : `it rang for ${RING_MS / 1000} s`;
  console.error(`not answered: ${status}${detail ? ` (${detail})` : ''}`);
  call.leg.hangUp();
  return { status, isAnswered: false, callId: call.callId };
}

async function talk(call: PhoneCall, options: CallOptions, clock: Clock): Promise<void> {
  const { durationMs, recordFile, sources } = options;
  console.log(`answered${durationMs === undefined ? '' : `, hanging up after ${durationMs / 1000} s`}`);
  const waitMs = durationMs ?? FOREVER_MS;
  const end = clock.now() + waitMs;
  if (recordFile !== undefined) call.record(recordFile);
  const played = sources.length > 0 ? call.play(sources, waitMs) : Promise.resolve();
  await call.waitFor(end - clock.now(), 'ended');
  const statistics = call.statistics();
  const recorded = call.stopRecord();
  call.leg.hangUp();
  await played;
  if (recordFile !== undefined) reportRecording(recordFile, await recorded);
  if (!statistics) return;
  const { packetsReceived, packetsSent, packetsLost, jitterMs } = statistics;
  console.log(
    `RTP: ${packetsReceived} received, ${packetsSent} sent, ${packetsLost} lost, jitter ${jitterMs.toFixed(1)} ms`,
  );
}

function reportRecording(file: string, result: RecordingResult | undefined): void {
  const durationMs = result?.durationMs ?? 0;
  if (durationMs > 0) console.log(`recorded ${(durationMs / 1_000).toFixed(1)} s to ${file}`);
  if (result?.failure != null) console.error(`${file}: ${result.failure}`);
  else if (durationMs === 0) console.error(`${file}: nothing was recorded`);
}
