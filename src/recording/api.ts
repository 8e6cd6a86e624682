// RecordingsApi: what REST may do with recordings (rest-api.md 8, 10), on the registry and the store of media.

import type { CallControlError } from '../base/calls-api.ts';
import { limits } from '../base/limits.ts';
import type { Log } from '../base/log.ts';
import type {
  MediaRequest,
  RecordingChange,
  RecordingMedia,
  RecordingOwner,
  RecordingRequest,
  RecordingsApi,
} from '../base/recordings-api.ts';
import { ok, type Result } from '../base/result.ts';
import type { Recording } from '../base/voice-records.ts';
import type { Call } from '../call/call.ts';
import type { MediaFailure, RecordingFiles } from './files.ts';
import { type Recordings, refusal } from './recordings.ts';
import type { StoredFile } from './stored-file.ts';

export interface RecordingsApiServices {
  readonly recordings: Recordings;
  readonly files: RecordingFiles;
  /** A live call of this node. */
  readonly callOf: (callSid: string) => Call | undefined;
  readonly isMediaOpen: boolean;
  readonly log: Log;
}

const CURRENT = 'Twilio.CURRENT';
const contentTypes = { wav: 'audio/x-wav', mp3: 'audio/mpeg' } as const;

export function createRecordingsApi(services: RecordingsApiServices): RecordingsApi & { downloads(): number } {
  const downloads = new Set<StoredFile>();
  return {
    isMediaOpen: services.isMediaOpen,
    downloads: () => downloads.size,
    live: (sid) => services.recordings.live(sid)?.record,
    startOnCall: (owner, request) => startOnCall(owner, request, services),
    change: (owner, sid, change) => changeRecording(owner, sid, change, services.recordings),
    media: (recording, request) => openMedia(recording, request, services, downloads),
    removeMedia: (recording) => services.files.remove(recording),
  };
}

function startOnCall(
  { accountSid, callSid }: { readonly accountSid: string; readonly callSid: string },
  request: RecordingRequest,
  { recordings, callOf }: RecordingsApiServices,
): Result<Recording, CallControlError> {
  const call = callOf(callSid);
  if (!call?.isAnswered || call.options.accountSid !== accountSid)
    return refusal(21220, 400, 'Call is not in-progress. Cannot record.');
  const started = recordings.start(call, request);
  return started.ok ? ok(started.value.record) : started;
}

function changeRecording(
  owner: RecordingOwner,
  sid: string,
  change: RecordingChange,
  recordings: Recordings,
): Result<Recording, CallControlError> {
  const all = recordings.of(owner);
  const meant = sid === CURRENT ? all.filter((one) => one.isRunning) : all.filter((one) => one.sid === sid);
  const [recording, another] = meant;
  if (!recording) return refusal(20404, 404, 'There is no such recording under way');
  if (another) return refusal(16108, 400, 'More than one recording is active: name it by its sid');
  if (!recording.change(change))
    return refusal(21220, 400, `A recording that is ${recording.record.status} cannot become ${change.status}`);
  return ok(recording.record);
}

async function openMedia(
  recording: Recording,
  { format, channels = recording.channels }: MediaRequest,
  { files, log }: RecordingsApiServices,
  downloads: Set<StoredFile>,
): Promise<Result<RecordingMedia, CallControlError>> {
  if (channels > recording.channels)
    return refusal(16113, 400, 'Dual-channel media was requested of a recording with one channel');
  const isThere = recording.status === 'completed' || recording.status === 'failed';
  if (!isThere || recording.media === null) return missing();
  if (downloads.size >= limits.recordingDownloads) return refusal(20429, 429, 'Too many recordings are being read');
  const opened = await files
    .open(recording, format, channels)
    .catch((fault: unknown): { ok: false; error: MediaFailure } => {
      log.error({ err: fault, recordingSid: recording.sid }, 'the media of a recording cannot be read');
      return { ok: false, error: { code: 'failed', detail: String(fault) } };
    });
  if (!opened.ok) return refused(opened.error, recording, log);
  const file = opened.value;
  downloads.add(file);
  return ok({
    contentType: contentTypes[format],
    sizeBytes: file.sizeBytes,
    read: (start, end) => file.read(start, end),
    async close() {
      if (downloads.delete(file)) await file.close();
    },
  });
}

function refused({ code, detail }: MediaFailure, { sid }: Recording, log: Log): Result<never, CallControlError> {
  if (code === 'missing') return missing();
  if (code === 'busy') return refusal(20429, 429, 'Too many recordings are being rendered');
  log.error({ recordingSid: sid, detail }, 'a recording could not be given');
  return refusal(20500, 500, 'The media cannot be read');
}

const missing = (): Result<never, CallControlError> => refusal(20404, 404, 'The media of the recording is not there');
