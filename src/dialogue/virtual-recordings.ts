// Record on a virtual call: the message is as long as the script makes sounds, and ends as on a real call (twiml.md 5.5).

import { sleep, type Timer } from '../base/clock.ts';
import { limits } from '../base/limits.ts';
import type { Message, MessageOptions, RecordingControl } from '../recording/control.ts';
import { virtualRecording } from './virtual-dial.ts';
import type { CallerLeg, VirtualWorld } from './virtual-world.ts';

/** Padding that trimming leaves around the speech. */
const NOTHING_MS = 0;

export function virtualRecordings(call: VirtualWorld, leg: CallerLeg): RecordingControl {
  const running = new Set<string | undefined>();
  return {
    takeMessage: (options, signal) => takeMessage(call, leg, options, signal),
    start({ name }) {
      if (name !== undefined && running.has(name))
        return { code: 12200, message: 'a recording of this name runs already' };
      running.add(name);
      return undefined;
    },
    stop(name) {
      if (name !== undefined) return running.delete(name);
      const had = running.size > 0;
      running.clear();
      return had;
    },
  };
}

async function takeMessage(
  call: VirtualWorld,
  leg: CallerLeg,
  options: MessageOptions,
  signal: AbortSignal,
): Promise<Message> {
  const { clock } = call.options;
  if (options.playBeep) await sleep(clock, limits.recordingBeepMs, signal);
  const aborted = () => (leg.callSignal.aborted ? 'hangUp' : 'aborted') as Message['reason'];
  if (signal.aborted) return { reason: aborted(), finishedOnKey: '', recording: undefined };
  const startedMs = clock.now();
  let firstMs: number | undefined;
  let lastMs = startedMs;
  let isSounding = false;
  const cleanups: (() => void)[] = [];
  const end = await new Promise<Pick<Message, 'reason' | 'finishedOnKey'>>((resolve) => {
    const finish = (reason: Message['reason'], finishedOnKey = '') => resolve({ reason, finishedOnKey });
    let silence: Timer | undefined;
    const wait = () => {
      silence?.cancel();
      if (options.timeoutMs > 0) silence = clock.after(options.timeoutMs, () => finish('silence'));
    };
    const longest = clock.after(options.maxLengthMs, () => finish('maxLength'));
    const onAbort = () => finish(aborted());
    signal.addEventListener('abort', onAbort, { once: true });
    wait();
    cleanups.push(
      () => silence?.cancel(),
      () => longest.cancel(),
      () => signal.removeEventListener('abort', onAbort),
      call.input.onKey((key) => options.finishOnKey.includes(key) && finish('finishKey', key)),
      call.input.onSpeech((isSpeaking) => {
        isSounding = isSpeaking;
        if (isSpeaking) {
          firstMs ??= clock.now();
          silence?.cancel();
        } else wait();
        lastMs = clock.now();
      }),
    );
  });
  for (const cleanup of cleanups) cleanup();
  if (isSounding) lastMs = clock.now();
  const wholeMs = clock.now() - startedMs;
  const heardMs = firstMs === undefined ? NOTHING_MS : lastMs - firstMs;
  const durationMs = options.recording.trim ? heardMs : wholeMs;
  return { ...end, recording: virtualRecording(call, Math.round(durationMs / 1_000)) };
}
