// Play of a RecordingUrl: our own recordings are read where they lie, not asked for over HTTP, where they would want credentials that no
// document has (rest-api.md 10). Part of the composition root: puts itself before the media fetcher of a webhook client.

import type { RecordingsApi } from './base/recordings-api.ts';
import { err, ok, type Result } from './base/result.ts';
import type { Recording } from './base/voice-records.ts';
import { wholeOf } from './transcription/recordings.ts';
import type { MediaFile, WebhookClient, WebhookFailure } from './webhook/webhook.ts';

export interface OwnRecordings {
  /** Origin of the URLs that we write. */
  readonly origin: () => string;
  /** A call plays recordings of its own account only. */
  readonly accountOf: (callSid: string) => string | undefined;
  readonly recordingOf: (sid: string) => Promise<Recording | undefined>;
  readonly media: RecordingsApi['media'];
}

const PATH =
  /^\/2010-04-01\/Accounts\/(AC[0-9a-f]{32})\/(?:Calls\/CA[0-9a-f]{32}\/)?Recordings\/(RE[0-9a-f]{32})(?:\.(wav|mp3))?$/;

/** The client, whose `fetchMedia` knows our recordings. */
export function withOwnRecordings(client: WebhookClient, own: OwnRecordings): WebhookClient {
  return {
    ...client,
    async fetchMedia(url, callSid, signal) {
      const named = recordingNamed(url, own.origin());
      if (!named || named.accountSid !== own.accountOf(callSid)) return client.fetchMedia(url, callSid, signal);
      return read(named.sid, named.accountSid, url, own);
    },
  };
}

function recordingNamed(url: string, origin: string): { accountSid: string; sid: string } | undefined {
  if (!URL.canParse(url)) return undefined;
  const { origin: asked, pathname } = new URL(url);
  if (asked !== new URL(origin).origin) return undefined;
  const [, accountSid, sid] = PATH.exec(pathname) ?? [];
  return accountSid !== undefined && sid !== undefined ? { accountSid, sid } : undefined;
}

async function read(
  sid: string,
  accountSid: string,
  url: string,
  own: OwnRecordings,
): Promise<Result<MediaFile, WebhookFailure>> {
  const fail = (detail: string, status: number) => err({ errorCode: 11217, detail, url, status });
  const recording = await own.recordingOf(sid);
  if (recording?.accountSid !== accountSid) return fail('there is no such recording', 404);
  // The player wants samples: WAV, whatever the extension says.
  const media = await own.media(recording, { format: 'wav', channels: undefined });
  if (!media.ok) return fail(media.error.message, media.error.status);
  const { contentType } = media.value;
  const content = await wholeOf(media.value);
  return content.ok ? ok({ contentType, body: content.value }) : content;
}
