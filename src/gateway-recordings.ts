// Part of the composition root: recordings, and what calls, verbs and REST ask of them.

import { newSid } from './base/ids.ts';
import type { Log } from './base/log.ts';
import type { Recogniser } from './base/recogniser.ts';
import type { RecordingsApi } from './base/recordings-api.ts';
import type { CallRecord } from './base/records.ts';
import { err } from './base/result.ts';
import type { Calls } from './call/calls.ts';
import { callParams } from './call/params.ts';
import type { Config } from './config.ts';
import type { RecordingFileStack } from './gateway-recording-files.ts';
import type { MediaEngine } from './media/engine.ts';
import type { ProvisioningContext } from './provisioning.ts';
import { closeAbandonedRecordings } from './recording/abandoned.ts';
import { createRecordingsApi } from './recording/api.ts';
import type { RecordingFiles } from './recording/files.ts';
import { Recordings } from './recording/recordings.ts';
import type { VerbServices } from './recording/verb.ts';
import type { Store } from './store/store.ts';
import { RecordingTranscriber, wholeOf } from './transcription/recordings.ts';
import type { StatusCallbacks } from './webhook/status-callbacks.ts';

export interface RecordingStack {
  readonly recordings: Recordings;
  readonly api: RecordingsApi;
  readonly verbServices: VerbServices;
  /** Origin of the URLs of recordings. */
  origin(): string;
  counts(): {
    readonly live: number;
    readonly renders: number;
    readonly downloads: number;
    /** On their way to the store. */
    readonly moving: number;
    readonly transcriptions: number;
  };
}

export interface RecordingParts {
  readonly config: Config;
  readonly context: ProvisioningContext;
  readonly store: Store;
  readonly engine: MediaEngine;
  readonly calls: Calls;
  readonly statusCallbacks: StatusCallbacks;
  readonly authTokenOf: (accountSid: string) => string;
  readonly recordingFiles: RecordingFileStack;
  readonly recogniser: Recogniser;
  /** Origin of our HTTP listener, once it is open. */
  readonly httpOrigin: () => string | undefined;
}

export function buildRecordings(parts: RecordingParts): RecordingStack {
  const { config, context, engine, calls, statusCallbacks, store } = parts;
  const log = context.log.child({ folder: 'recording' });
  const { files, renderer, moving } = parts.recordingFiles;
  const recordings = new Recordings({
    engine,
    files,
    isEncrypted: config.recordingEncryption,
    put: (record) => store.recordings.put(record),
    callBack: (request) => statusCallbacks.send({ ...request, authToken: parts.authTokenOf(request.accountSid) }),
    findCall: (callSid) => calls.find(callSid),
    origin: () => publicOrigin(config, parts.httpOrigin()),
    clock: context.clock,
    random: context.random,
    log,
  });
  const api = createRecordingsApi({
    recordings,
    files,
    callOf: (callSid) => calls.get(callSid),
    isMediaOpen: !config.recordingAuth,
    log,
  });
  const transcriber = parts.recogniser.isConfigured ? buildTranscriber(parts, api) : undefined;
  return {
    recordings,
    api,
    origin: () => publicOrigin(config, parts.httpOrigin()),
    verbServices: { recordings, engine, clock: context.clock, transcriber },
    counts: () => ({
      live: recordings.count,
      renders: renderer.count,
      downloads: api.downloads(),
      moving: moving(),
      transcriptions: transcriber?.count ?? 0,
    }),
  };
}

function buildTranscriber(parts: RecordingParts, api: RecordingsApi): RecordingTranscriber {
  const { config, context, store, calls, recogniser, authTokenOf } = parts;
  return new RecordingTranscriber({
    recogniser,
    recordingOf: (sid) => store.recordings.get(sid),
    async mediaOf(recording) {
      const media = await api.media(recording, { format: 'wav', channels: 1 });
      return media.ok ? wholeOf(media.value) : err({ detail: media.error.message });
    },
    put: (transcription) => store.transcriptions.put(transcription),
    onFailed: ({ accountSid, callSid, detail }) =>
      store.notifications.put({
        sid: newSid('NO', context.random),
        ...{ accountSid, callSid, level: 'warning', errorCode: 13340, requestUrl: null },
        message: `transcription of ${detail}`,
        date: context.clock.wall(),
      }),
    async paramsOf(callSid) {
      const call = calls.find(callSid);
      if (call) return callParams(call);
      const record = await store.calls.get(callSid);
      return record ? recordParams(record) : new Map([['CallSid', callSid]]);
    },
    urlOf: (accountSid, resource) =>
      `${publicOrigin(config, parts.httpOrigin())}/2010-04-01/Accounts/${accountSid}/${resource}`,
    callBack: (request) => parts.statusCallbacks.send({ ...request, authToken: authTokenOf(request.accountSid) }),
    ...context,
    log: context.log.child({ folder: 'transcription' }),
  });
}

/** The parameters of a call that is over, from its record. */
function recordParams({
  sid,
  accountSid,
  status,
  direction,
  from,
  to,
  forwardedFrom,
}: CallRecord): Map<string, string> {
  return new Map([
    ['CallSid', sid],
    ['AccountSid', accountSid],
    ['ApiVersion', '2010-04-01'],
    ['CallStatus', status],
    ['Direction', direction],
    ['From', from],
    ['To', to],
    ...(forwardedFrom === null ? [] : [['ForwardedFrom', forwardedFrom] as const]),
  ]);
}

/** Closes what an earlier run left, before the first call. */
export async function closeAbandoned(
  files: RecordingFiles,
  store: Store,
  { clock, log }: { readonly clock: ProvisioningContext['clock']; readonly log: Log },
  isOurs: (sid: string) => boolean,
): Promise<void> {
  const count = await closeAbandonedRecordings({ store: store.recordings, files, clock, log, isOurs });
  if (count > 0) log.warn({ folder: 'start', recordings: count }, 'recordings of an earlier run were cut short');
}

/** Where applications fetch media: what the operator says, else our own listener; its wildcard address leads nowhere. */
function publicOrigin({ publicUrl, publicAddress, httpListen }: Config, bound: string | undefined): string {
  if (publicUrl !== null) return publicUrl.replace(/\/+$/, '');
  const origin = bound ?? `http://${httpListen.address}:${httpListen.port}`;
  const host = publicAddress ?? '127.0.0.1';
  return origin.replace(/^(https?:\/\/)(0\.0\.0\.0|\[::\])(?=:)/, `$1${host.includes(':') ? `[${host}]` : host}`);
}
