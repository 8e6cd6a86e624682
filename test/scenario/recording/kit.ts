// Helpers of the recording scenarios: tones that phones send, and what is in the WAVE files that come out.

import { toneShare } from '../../../src/media/goertzel.ts';
import { until } from '../../support/until.ts';
import { ACCOUNT_SID, AUTH_TOKEN, DEADLINE_MS, type World } from '../../support/world.ts';

export const authorization = `Basic ${Buffer.from(`${ACCOUNT_SID}:${AUTH_TOKEN}`).toString('base64')}`;

export const tone = (frequency: number, durationMs = 1_500) =>
  [{ kind: 'tone', frequencies: [frequency], levelDb: -10, durationMs }] as const;

/** Channels of a WAVE file as the recorder writes it. */
export function channelsOf(file: Buffer): Int16Array[] {
  const channels = file.readUInt16LE(22);
  const frames = Math.floor((file.length - 44) / (2 * channels));
  return Array.from({ length: channels }, (_, channel) =>
    Int16Array.from({ length: frames }, (_, index) => file.readInt16LE(44 + (index * channels + channel) * 2)),
  );
}

const WINDOW_SAMPLES = 800;

/** Share of the tone in the loudest tenth of a second that is wholly of the tone: the best of all windows that are loud at all. */
export function bestShare(samples: Int16Array, frequency: number): number {
  let best = 0;
  for (let at = 0; at + WINDOW_SAMPLES <= samples.length; at += WINDOW_SAMPLES) {
    const window = samples.subarray(at, at + WINDOW_SAMPLES);
    if (window.some((sample) => Math.abs(sample) > 2_000)) best = Math.max(best, toneShare(window, frequency));
  }
  return best;
}

export async function download(url: string): Promise<Buffer> {
  const answer = await fetch(url, { headers: { authorization } });
  if (answer.status !== 200) throw new Error(`${url}: ${answer.status} ${await answer.text()}`);
  return Buffer.from(await answer.arrayBuffer());
}

/** The record, when it is finished. */
export async function finished(w: World, sid: string): Promise<Readonly<Record<string, unknown>>> {
  return until(
    async () => {
      const { body } = await w.rest(`/Recordings/${sid}.json`);
      return ['completed', 'absent', 'failed'].includes(String(body.status)) ? body : undefined;
    },
    DEADLINE_MS,
    () => `recording ${sid} is finished`,
  );
}
