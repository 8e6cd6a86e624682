// Part of the composition root: recordings, their media in the data directory, and what calls, verbs and REST ask of them.

import type { Log } from './base/log.ts';
import type { RecordingsApi } from './base/recordings-api.ts';
import type { Calls } from './call/calls.ts';
import type { Config } from './config.ts';
import type { MediaEngine } from './media/engine.ts';
import type { ProvisioningContext } from './provisioning.ts';
import { closeAbandonedRecordings } from './recording/abandoned.ts';
import { createRecordingsApi } from './recording/api.ts';
import type { Transcriber } from './recording/control.ts';
import { FolderFiles, type RecordingFiles } from './recording/files.ts';
import { Mp3Renderer } from './recording/mp3.ts';
import { Recordings } from './recording/recordings.ts';
import type { VerbServices } from './recording/verb.ts';
import type { Store } from './store/store.ts';
import type { StatusCallbacks } from './webhook/status-callbacks.ts';

export interface RecordingStack {
  readonly recordings: Recordings;
  readonly api: RecordingsApi;
  readonly verbServices: VerbServices;
  counts(): { readonly live: number; readonly renders: number; readonly downloads: number };
}

export interface RecordingParts {
  readonly config: Config;
  readonly context: ProvisioningContext;
  readonly store: Store;
  readonly engine: MediaEngine;
  readonly calls: Calls;
  readonly statusCallbacks: StatusCallbacks;
  readonly authTokenOf: (accountSid: string) => string;
  readonly secretKey: Buffer;
  readonly transcriber?: Transcriber | undefined;
  /** Origin of our HTTP listener, once it is open. */
  readonly httpOrigin: () => string | undefined;
}

export function buildRecordings(parts: RecordingParts): RecordingStack {
  const { config, context, engine, calls, statusCallbacks, store } = parts;
  const log = context.log.child({ folder: 'recording' });
  const renderer = new Mp3Renderer(context.clock);
  const files = recordingFiles(config, parts.secretKey, renderer);
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
  return {
    recordings,
    api,
    verbServices: { recordings, engine, clock: context.clock, transcriber: parts.transcriber },
    counts: () => ({ live: recordings.count, renders: renderer.count, downloads: api.downloads() }),
  };
}

const recordingFiles = (config: Config, secretKey: Buffer, renderer: Mp3Renderer): RecordingFiles =>
  new FolderFiles({ dataDir: config.dataDir, secretKey, encrypts: config.recordingEncryption, renderer });

/** Closes what an earlier run left, before the first call. */
export async function closeAbandoned(
  config: Config,
  secretKey: Buffer,
  store: Store,
  { clock, log }: { readonly clock: ProvisioningContext['clock']; readonly log: Log },
): Promise<void> {
  const files = recordingFiles(config, secretKey, new Mp3Renderer(clock));
  const count = await closeAbandonedRecordings({ store: store.recordings, files, clock, log });
  if (count > 0) log.warn({ folder: 'start', recordings: count }, 'recordings of an earlier run were cut short');
}

/** Where applications fetch media: what the operator says, else our own listener; its wildcard address leads nowhere. */
function publicOrigin({ publicUrl, publicAddress, httpListen }: Config, bound: string | undefined): string {
  if (publicUrl !== null) return publicUrl.replace(/\/+$/, '');
  const origin = bound ?? `http://${httpListen.address}:${httpListen.port}`;
  const host = publicAddress ?? '127.0.0.1';
  return origin.replace(/^(https?:\/\/)(0\.0\.0\.0|\[::\])(?=:)/, `$1${host.includes(':') ? `[${host}]` : host}`);
}
