// Which recogniser listens: the scheme of the configured URL says how it is spoken to; none without one.

import type { Clock } from '../base/clock.ts';
import type { Recogniser } from '../base/recogniser.ts';
import { createHttpRecogniser } from './recogniser-http.ts';
import { createWebSocketRecogniser } from './recogniser-websocket.ts';
import { failedUtterance } from './utterance-audio.ts';

export interface RecogniserSettings {
  /** `http(s):` an OpenAI-style service, `ws(s):` a Vosk server; null: no speech recognition. */
  readonly url: string | null;
  readonly apiKey: string | null;
  readonly model: string;
}

export function createRecogniser({ url, apiKey, model }: RecogniserSettings, clock: Clock): Recogniser {
  if (url === null) return noRecogniser;
  if (/^wss?:/i.test(url)) return createWebSocketRecogniser({ url, apiKey }, clock);
  return createHttpRecogniser({ url, apiKey, model }, clock);
}

const NONE = { code: 'none', detail: 'no speech recogniser is configured (recogniserUrl)' } as const;

/** Fails at once: the document gets its code instead of a silent wait. */
export const noRecogniser: Recogniser = {
  name: 'none',
  isConfigured: false,
  begin: () => failedUtterance(NONE),
  close() {},
};
