// Texts of recordings (twiml.md 5.5, 5.6): reads the media, has it recognised piece by piece, keeps the text as a Transcription and tells the
// application. Beside the call, which may be over; one recording after another in a bounded queue.
//
//   Record transcribe="true" ──▶ TR in-progress ──▶ WAV ─▶ pieces of a minute ─▶ recogniser ──▶ TR completed | failed ──▶ transcribeCallback

import type { Clock } from '../base/clock.ts';
import { newSid, type RandomSource } from '../base/ids.ts';
import { limits } from '../base/limits.ts';
import type { Log } from '../base/log.ts';
import type { Recogniser } from '../base/recogniser.ts';
import { ok, type Result } from '../base/result.ts';
import type { Recording, Transcription } from '../base/voice-records.ts';
import { linearToMuLaw } from '../media/g711.ts';
import { readWav } from '../media/wav.ts';
import type { Transcriber, TranscriptionRequest } from '../recording/control.ts';

export interface TranscriberServices {
  readonly recogniser: Recogniser;
  /** The record and its media as a WAV file, once it is completed. */
  readonly recordingOf: (sid: string) => Promise<Recording | undefined>;
  readonly mediaOf: (recording: Recording) => Promise<Result<Buffer, { readonly detail: string }>>;
  readonly put: (transcription: Transcription) => void;
  /** Parameters of the call as they were last known (twiml.md 5.6). */
  readonly paramsOf: (callSid: string) => Promise<ReadonlyMap<string, string>>;
  /** URL of a resource below the account, without extension. */
  readonly urlOf: (accountSid: string, resource: string) => string;
  readonly callBack: (request: {
    readonly url: string;
    readonly method: 'POST';
    readonly params: ReadonlyMap<string, string>;
    readonly accountSid: string;
    readonly callSid: string;
  }) => void;
  /** Told of each that failed, in words for a notification of the call. */
  readonly onFailed?: (what: {
    readonly accountSid: string;
    readonly callSid: string;
    readonly detail: string;
  }) => void;
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly log: Log;
}

interface Job {
  readonly recordingSid: string;
  readonly callSid: string;
  readonly accountSid: string;
  readonly callbackUrl: string | undefined;
}

type Outcome = { readonly text: string } | { readonly failure: string };

/** PCMU octets in a second. */
const SECOND = 8_000;

export class RecordingTranscriber implements Transcriber {
  readonly #services: TranscriberServices;
  readonly #jobs: Job[] = [];
  #isRunning = false;

  constructor(services: TranscriberServices) {
    this.#services = services;
  }

  /** Those that wait or run. */
  get count(): number {
    return this.#jobs.length;
  }

  transcribe(
    { sid, callSid, accountSid }: { readonly sid: string; readonly callSid: string; readonly accountSid: string },
    { callbackUrl }: TranscriptionRequest,
  ): void {
    if (this.#jobs.length >= limits.transcriptionsQueued) {
      this.#services.log.warn({ callSid, recordingSid: sid }, 'transcription dropped: too many wait');
      return;
    }
    this.#jobs.push({ recordingSid: sid, callSid, accountSid, callbackUrl });
    void this.#run();
  }

  async #run(): Promise<void> {
    if (this.#isRunning) return;
    this.#isRunning = true;
    for (let job = this.#jobs[0]; job !== undefined; job = this.#jobs[0]) {
      try {
        await this.#transcribe(job);
      } catch (fault) {
        // One recording's fault must not stop those behind it.
        this.#services.log.error({ callSid: job.callSid, err: fault }, 'transcription fault');
      }
      this.#jobs.shift();
    }
    this.#isRunning = false;
  }

  async #transcribe(job: Job): Promise<void> {
    const { clock, random, put, recordingOf, log } = this.#services;
    const recording = await recordingOf(job.recordingSid);
    if (recording?.status !== 'completed') return;
    const begun: Transcription = {
      sid: newSid('TR', random),
      accountSid: job.accountSid,
      recordingSid: job.recordingSid,
      callSid: job.callSid,
      status: 'in-progress',
      durationSeconds: recording.durationSeconds,
      transcriptionText: null,
      dateCreated: clock.wall(),
      dateUpdated: clock.wall(),
    };
    put(begun);
    const outcome = await this.#textOf(recording);
    if ('failure' in outcome) {
      log.warn(
        { callSid: job.callSid, recordingSid: job.recordingSid, detail: outcome.failure },
        'transcription failed',
      );
      const { accountSid, callSid } = job;
      this.#services.onFailed?.({ accountSid, callSid, detail: `recording ${job.recordingSid}: ${outcome.failure}` });
    }
    const ended: Transcription = {
      ...begun,
      status: 'text' in outcome ? 'completed' : 'failed',
      transcriptionText: 'text' in outcome ? outcome.text : null,
      dateUpdated: clock.wall(),
    };
    put(ended);
    await this.#tell(job, ended);
  }

  async #textOf(recording: Recording): Promise<Outcome> {
    const seconds = recording.durationSeconds ?? 0;
    // twiml.md 5.5: shorter than 2 and longer than 120 seconds are not transcribed.
    if (seconds < limits.transcribedLeastSeconds || seconds > limits.transcribedMostSeconds)
      return { failure: `a recording of ${seconds} s: only 2 to 120 s are transcribed` };
    const media = await this.#services.mediaOf(recording);
    if (!media.ok) return { failure: media.error.detail };
    const audio = readWav(media.value);
    if (!audio.ok) return { failure: audio.error.detail };
    const octets = Uint8Array.from(audio.value.samples, linearToMuLaw);
    const texts: string[] = [];
    const piece = (limits.utteranceMs / 1_000) * SECOND;
    for (let at = 0; at < octets.length; at += piece) {
      const utterance = this.#services.recogniser.begin({ language: 'en-US', hints: [], model: undefined });
      utterance.push(octets.subarray(at, at + piece));
      const heard = await utterance.finish();
      if (!heard.ok) return { failure: heard.error.detail };
      if (heard.value.text !== '') texts.push(heard.value.text);
    }
    return { text: texts.join(' ') };
  }

  async #tell(job: Job, transcription: Transcription): Promise<void> {
    if (job.callbackUrl === undefined) return;
    const { paramsOf, urlOf, callBack } = this.#services;
    const { accountSid, callSid, recordingSid } = job;
    const params = new Map([
      ...(await paramsOf(callSid)),
      ['TranscriptionSid', transcription.sid],
      ['TranscriptionStatus', transcription.status],
      ['TranscriptionText', transcription.transcriptionText ?? ''],
      ['TranscriptionUrl', urlOf(accountSid, `Recordings/${recordingSid}/Transcriptions/${transcription.sid}`)],
      ['RecordingSid', recordingSid],
      ['RecordingUrl', urlOf(accountSid, `Recordings/${recordingSid}`)],
    ]);
    callBack({ url: job.callbackUrl, method: 'POST', params, accountSid, callSid });
  }
}

/** The whole of a stored file. */
export async function wholeOf(file: {
  readonly sizeBytes: number;
  read(start: number, end: number): AsyncIterable<Uint8Array>;
  close(): Promise<void>;
}): Promise<Result<Buffer, never>> {
  const chunks: Uint8Array[] = [];
  try {
    for await (const chunk of file.read(0, file.sizeBytes)) chunks.push(chunk);
  } finally {
    await file.close();
  }
  return ok(Buffer.concat(chunks));
}
