// Texts of messages (twiml.md 5.5, 5.6): what is recognised, what is kept, and what the application is told.

import { describe, expect, test } from 'vitest';
import { limits } from '../../../src/base/limits.ts';
import { silentLog } from '../../../src/base/log.ts';
import type { Recogniser } from '../../../src/base/recogniser.ts';
import { err, ok } from '../../../src/base/result.ts';
import type { Recording, Transcription } from '../../../src/base/voice-records.ts';
import { RecordingTranscriber } from '../../../src/transcription/recordings.ts';
import { wavOf } from '../../support/recording-bench.ts';
import { settle, VirtualClock } from '../../support/virtual-clock.ts';
import { aRecording } from '../../support/voice-record-makers.ts';

const ACCOUNT = `AC${'a'.repeat(32)}`;
const CALL = `CA${'c'.repeat(32)}`;
const callParams = { CallSid: CALL, AccountSid: ACCOUNT, From: '+49301', To: '+49302', CallStatus: 'completed' };

interface Told {
  readonly url: string;
  readonly method: string;
  readonly params: Readonly<Record<string, string>>;
}

class TranscriberBench {
  readonly records: Transcription[] = [];
  readonly told: Told[] = [];
  readonly failed: string[] = [];
  /** Octets of each utterance. */
  readonly heard: number[] = [];
  texts = ['hello', 'there', 'again'];
  failure: string | undefined;
  recording: Recording = aRecording(ACCOUNT, { callSid: CALL, status: 'completed', durationSeconds: 5 });
  readonly transcriber = new RecordingTranscriber({
    recogniser: this.#recogniser(),
    recordingOf: async () => this.recording,
    mediaOf: async ({ durationSeconds }) => ok(wavOf(new Int16Array((durationSeconds ?? 0) * 8_000))),
    put: (record) => this.records.push(record),
    paramsOf: async () => new Map(Object.entries(callParams)),
    urlOf: (accountSid, resource) => `https://gw.example/2010-04-01/Accounts/${accountSid}/${resource}`,
    callBack: ({ url, method, params }) => this.told.push({ url, method, params: Object.fromEntries(params) }),
    onFailed: ({ callSid, detail }) => this.failed.push(`${callSid} ${detail}`),
    clock: new VirtualClock(),
    random: (size) => Buffer.alloc(size, 7),
    log: silentLog,
  });

  #recogniser(): Recogniser {
    return {
      name: 'test',
      isConfigured: true,
      begin: () => {
        let octets = 0;
        return {
          push: (audio) => {
            octets += audio.length;
          },
          finish: async () => {
            this.heard.push(octets);
            if (this.failure !== undefined) return err({ code: 'failed', detail: this.failure });
            return ok({ text: this.texts.shift() ?? '', confidence: null });
          },
          abandon: () => {},
        };
      },
      close: () => {},
    };
  }

  async run(callbackUrl: string | undefined = 'https://app.example/text'): Promise<void> {
    this.transcriber.transcribe(this.recording, { callbackUrl });
    await settle();
  }
}

describe('the text of a message', () => {
  test('is told by POST with the parameters of the call and of both resources [twiml 5.6 parameters]', async () => {
    const bench = new TranscriberBench();
    await bench.run();
    const [begun, ended] = bench.records;
    const base = `https://gw.example/2010-04-01/Accounts/${ACCOUNT}/Recordings/${bench.recording.sid}`;
    expect(begun).toMatchObject({ status: 'in-progress', transcriptionText: null, callSid: CALL });
    expect(ended).toMatchObject({ sid: begun!.sid, status: 'completed', transcriptionText: 'hello' });
    expect(bench.told).toEqual([
      {
        url: 'https://app.example/text',
        method: 'POST',
        params: {
          ...callParams,
          TranscriptionSid: begun!.sid,
          TranscriptionStatus: 'completed',
          TranscriptionText: 'hello',
          TranscriptionUrl: `${base}/Transcriptions/${begun!.sid}`,
          RecordingSid: bench.recording.sid,
          RecordingUrl: base,
        },
      },
    ]);
  });

  test('a longer one is recognised minute by minute', async () => {
    const bench = new TranscriberBench();
    bench.recording = { ...bench.recording, durationSeconds: 90 };
    await bench.run();
    expect(bench.heard).toEqual([limits.utteranceMs * 8, 30_000 * 8]);
    expect(bench.told[0]?.params.TranscriptionText).toBe('hello there');
  });

  test.each([0, 1, 121, 3_600])(
    '%i seconds are not transcribed: failed [twiml 5.5 transcribe-length]',
    async (seconds) => {
      const bench = new TranscriberBench();
      bench.recording = { ...bench.recording, durationSeconds: seconds };
      await bench.run();
      expect(bench.heard).toEqual([]);
      expect(bench.told[0]?.params).toMatchObject({ TranscriptionStatus: 'failed', TranscriptionText: '' });
    },
  );

  test('the recogniser fails: failed, and a warning of the call [twiml 5.6 failed]', async () => {
    const bench = new TranscriberBench();
    bench.failure = 'down';
    await bench.run();
    expect(bench.records.at(-1)).toMatchObject({ status: 'failed', transcriptionText: null });
    expect(bench.told[0]?.params).toMatchObject({ TranscriptionStatus: 'failed', TranscriptionText: '' });
    expect(bench.failed).toEqual([`${CALL} recording ${bench.recording.sid}: down`]);
  });

  test.each(['absent', 'failed', 'deleted'] as const)(
    'a recording that is %s: nothing is told [twiml 5.6 absent]',
    async (status) => {
      const bench = new TranscriberBench();
      bench.recording = { ...bench.recording, status };
      await bench.run();
      expect([bench.records, bench.told]).toEqual([[], []]);
      expect(bench.transcriber.count).toBe(0);
    },
  );

  test('without a callback the text is kept all the same', async () => {
    const bench = new TranscriberBench();
    bench.transcriber.transcribe(bench.recording, { callbackUrl: undefined });
    await settle();
    expect([bench.records.at(-1)?.status, bench.told]).toEqual(['completed', []]);
  });

  test('one after another, a bounded number of them', async () => {
    const bench = new TranscriberBench();
    for (let count = 0; count <= limits.transcriptionsQueued; count++)
      bench.transcriber.transcribe(bench.recording, { callbackUrl: undefined });
    expect(bench.transcriber.count).toBe(limits.transcriptionsQueued);
  });
});
