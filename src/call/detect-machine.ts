// Machine detection on a live call: listens to what its peer says from the answer on, says who it is, and tells whoever wants to know.

import type { Clock, Timer } from '../base/clock.ts';
import type { AnsweredBy, MachineDetection } from '../base/machine-detection-api.ts';
import type { AudioListeners } from '../media/audio-listeners.ts';
import { decode } from '../media/g711.ts';
import type { Call } from './call.ts';
import { MachineDetector } from './machine-detection.ts';

export interface DetectionServices {
  readonly audio: Pick<AudioListeners, 'tap'>;
  readonly clock: Clock;
  /** Tells the callback of the verdict. */
  readonly tellDetection: (call: Call, callback: NonNullable<MachineDetection['callback']>, verdict: Verdict) => void;
}

export interface Verdict {
  readonly answeredBy: AnsweredBy;
  /** From the answer to the verdict. */
  readonly durationMs: number;
}

const FRAME_MS = 20;
const TICK_MS = 100;
/** What has not come for so long does not come: frames may be late when the machine is busy. */
const LATE_FRAMES = 50;

/**
 * Listens until there is a verdict, writes it on the call and tells the callback. Resolves with it; undefined when the call or `signal`
 * ended before.
 */
export async function detectMachine(
  call: Call,
  detection: MachineDetection,
  services: DetectionServices,
  signal: AbortSignal,
): Promise<Verdict | undefined> {
  const verdict = await listen(call, detection, services, signal);
  if (!verdict) return undefined;
  call.markAnsweredBy(verdict.answeredBy, verdict.durationMs);
  if (detection.callback) services.tellDetection(call, detection.callback, verdict);
  return verdict;
}

function listen(
  call: Call,
  detection: MachineDetection,
  { audio, clock }: DetectionServices,
  signal: AbortSignal,
): Promise<Verdict | undefined> {
  const { endpoint } = call.leg;
  if (endpoint === undefined || signal.aborted || call.isOver) return Promise.resolve(undefined);
  return new Promise((resolve) => {
    const ears = new Ears(detection);
    const startedAt = clock.now();
    let tick: Timer | undefined;
    const end = (answeredBy?: AnsweredBy) => {
      closeTap();
      tick?.cancel();
      for (const one of [signal, call.signal]) one.removeEventListener('abort', onAbort);
      resolve(answeredBy && { answeredBy, durationMs: Math.round(clock.now() - startedAt) });
    };
    const onAbort = () => end();
    const closeTap = audio.tap(endpoint, ['inbound'], (payload, timestampMs) => {
      const answeredBy = ears.hear(payload, timestampMs);
      if (answeredBy) end(answeredBy);
    });
    for (const one of [signal, call.signal]) one.addEventListener('abort', onAbort, { once: true });
    // A peer that is silent may send nothing: then the clock alone goes on.
    const wait = () => {
      tick = clock.after(TICK_MS, () => {
        const answeredBy = ears.waitUntil(Math.floor((clock.now() - startedAt) / FRAME_MS) - LATE_FRAMES);
        if (answeredBy) return end(answeredBy);
        wait();
      });
    };
    wait();
  });
}

/** Brings the frames of a tap into one row, with gaps where frames are missing. */
class Ears {
  readonly #detector: MachineDetector;
  #frames = 0;
  /** Number of the frame that the tap calls zero. */
  #first: number | undefined;

  constructor(detection: MachineDetection) {
    this.#detector = new MachineDetector(detection);
  }

  hear(payload: Uint8Array, timestampMs: number): AnsweredBy | undefined {
    this.#first ??= this.#frames;
    const lost = this.waitUntil(this.#first + Math.round(timestampMs / FRAME_MS));
    if (lost) return lost;
    const samples = new Int16Array(payload.length);
    decode('PCMU', payload, samples);
    return this.#push(samples);
  }

  /** What is missing up to this frame is silence. */
  waitUntil(frame: number): AnsweredBy | undefined {
    while (this.#frames < frame) {
      const answeredBy = this.#push(null);
      if (answeredBy) return answeredBy;
    }
    return undefined;
  }

  #push(samples: Int16Array | null): AnsweredBy | undefined {
    this.#frames++;
    return this.#detector.push(samples);
  }
}
