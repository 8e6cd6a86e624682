// From what a verb wants heard to samples the media engine plays: speech is synthesized, files are fetched and decoded.

import type { Log } from '../base/log.ts';
import { err, ok, type Result } from '../base/result.ts';
import type { PlaySource } from '../media/engine.ts';
import { type WebhookClient, withoutSecrets } from '../webhook/webhook.ts';
import type { AudioSource } from './call-control.ts';

/** Port to speech/. */
export interface Speaker {
  synthesize(
    request: {
      readonly text: string;
      readonly ssml: boolean;
      readonly voice: string;
      readonly language: string;
      readonly onPassedOver?: ((detail: string) => void) | undefined;
    },
    signal: AbortSignal,
  ): Promise<Result<Int16Array, { readonly code: string; readonly detail: string }>>;
}

export interface MediaSourceServices {
  readonly speaker: Speaker;
  readonly webhook: WebhookClient;
  readonly decode: (
    bytes: Buffer,
    contentType: string,
  ) => Promise<Result<Int16Array, { readonly code: string; readonly detail: string }>>;
  readonly log: Log;
}

/** twiml.md 5.1. */
const DEFAULT_VOICE = 'man';
export const NOT_SPOKEN = 13520;

export interface PreparedAudio {
  readonly sources: readonly PlaySource[];
  readonly loop: number;
  /** It can be heard, and is not what it should be: the speech service failed, and another engine or a tone stands in (13520). */
  readonly warning?: string | undefined;
}

export interface PrepareFailure {
  readonly errorCode: number;
  readonly detail: string;
  readonly url: string | null;
}

/** Gets one source ready to play. Failures are told with the vendor's code: the caller warns and goes on (twiml.md 16, point 4). */
export async function prepare(
  source: AudioSource,
  callSid: string,
  services: MediaSourceServices,
  signal: AbortSignal,
): Promise<Result<PreparedAudio, PrepareFailure>> {
  switch (source.kind) {
    case 'silence':
      return ok({ sources: [{ kind: 'silence', durationMs: source.durationMs }], loop: 1 });
    case 'digits':
      return ok({ sources: [{ kind: 'digits', digits: source.digits }], loop: 1 });
    case 'say': {
      let warning: string | undefined;
      const onPassedOver = (detail: string) => {
        warning ??= detail;
      };
      const spoken = await services.speaker.synthesize(
        { ...source.spoken, voice: source.spoken.voice ?? DEFAULT_VOICE, onPassedOver },
        signal,
      );
      if (!spoken.ok) return err({ errorCode: NOT_SPOKEN, detail: spoken.error.detail, url: null });
      return ok({ sources: [{ kind: 'samples', samples: spoken.value }], loop: source.loop, warning });
    }
    case 'url': {
      const file = await services.webhook.fetchMedia(source.url, callSid, signal);
      if (!file.ok)
        return err({ errorCode: file.error.errorCode, detail: file.error.detail, url: withoutSecrets(source.url) });
      const decoded = await services.decode(file.value.body, file.value.contentType);
      if (!decoded.ok) return err({ errorCode: 13420, detail: decoded.error.detail, url: withoutSecrets(source.url) });
      return ok({ sources: [{ kind: 'samples', samples: decoded.value }], loop: source.loop });
    }
  }
}
