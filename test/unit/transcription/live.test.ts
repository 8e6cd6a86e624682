// Live transcriptions: sentences of each track, cut at pauses, told in order, and every end.

import { describe, expect, test } from 'vitest';
import { limits } from '../../../src/base/limits.ts';
import type { RecognisedText, Recogniser, RecogniserFailure } from '../../../src/base/recogniser.ts';
import { err, ok, type Result } from '../../../src/base/result.ts';
import { AudioListeners } from '../../../src/media/audio-listeners.ts';
import type { MediaEvent } from '../../../src/media/engine.ts';
import { linearToMuLaw } from '../../../src/media/g711.ts';
import { LiveTranscriptions, type TranscribedCall } from '../../../src/transcription/live.ts';
import type { TranscriptionOptions } from '../../../src/transcription/options.ts';
import { settle, VirtualClock } from '../../support/virtual-clock.ts';

const options = (more: Partial<TranscriptionOptions> = {}): TranscriptionOptions => ({
  name: undefined,
  track: 'both_tracks',
  languageCode: 'en-US',
  engine: 'google',
  speechModel: 'telephony',
  hints: ['sales'],
  partialResults: false,
  inboundTrackLabel: 'caller',
  outboundTrackLabel: undefined,
  statusCallback: { url: 'https://app.test/t', method: 'POST' },
  ...more,
});

function bench(isConfigured = true) {
  const clock = new VirtualClock();
  const call = new AbortController();
  const told: { url: string; method: string; params: Record<string, string> }[] = [];
  const notices: number[] = [];
  const utterances: {
    bytes: number;
    onPartial: ((text: string) => void) | undefined;
    answer: PromiseWithResolvers<Result<RecognisedText, RecogniserFailure>>;
    isFinished: boolean;
  }[] = [];
  let emit: (event: MediaEvent) => void = () => {};
  const taps: { tracks: readonly string[]; isOpen: boolean }[] = [];
  const audio = new AudioListeners({
    tap: (_endpoint, tracks) => {
      taps.push({ tracks, isOpen: true });
      return `tap${taps.length - 1}`;
    },
    closeTap: (tap) => {
      taps[Number(tap.slice(3))]!.isOpen = false;
    },
    watchSpeech: () => {},
    onEvent: (listener) => {
      emit = listener;
      return () => {};
    },
  });
  const recogniser: Recogniser = {
    name: 'test',
    isConfigured,
    begin({ onPartial }) {
      const one = {
        bytes: 0,
        onPartial,
        answer: Promise.withResolvers<Result<RecognisedText, RecogniserFailure>>(),
        isFinished: false,
      };
      utterances.push(one);
      return {
        push: (payload) => {
          one.bytes += payload.length;
        },
        finish: () => {
          one.isFinished = true;
          return one.answer.promise;
        },
        abandon() {},
      };
    },
    close() {},
  };
  let seed = 0;
  const live = new LiveTranscriptions({
    recogniser,
    audio,
    callBack: ({ url, method, params }) => told.push({ url, method, params: Object.fromEntries(params) }),
    clock,
    random: (size) => Buffer.alloc(size, ++seed),
  });
  const leg: TranscribedCall = {
    callSid: 'CA1',
    accountSid: 'AC1',
    endpoint: 'e1',
    signal: call.signal,
    notify: (_level, code) => void notices.push(code),
  };
  const frame = (isLoud: boolean) =>
    Uint8Array.from({ length: 160 }, (_, index) => linearToMuLaw(isLoud ? Math.round(8_000 * Math.sin(index / 3)) : 4));
  /** So many ms of sound or silence on a track. */
  const hear = async (track: 'inbound' | 'outbound', durationMs: number, isLoud: boolean, tap = 0) => {
    for (let ms = 0; ms < durationMs; ms += 20)
      emit({ type: 'audio', endpoint: 'e1', tap: `tap${tap}`, track, payload: frame(isLoud), timestampMs: ms });
    await settle();
  };
  const events = () => told.map(({ params }) => params.TranscriptionEvent);
  return { live, leg, call, told, events, utterances, taps, hear, notices, clock };
}

describe('twiml.md 10.3: live transcription', () => {
  test('is told as started with what was asked for, then each sentence, then its end [twiml 10.3 events] [twiml 3.1 iso-dates] [twiml 10.3 stop]', async () => {
    const it = bench();
    const started = it.live.start(it.leg, options({ name: 'notes' }));
    expect(started).toMatchObject({ ok: true, value: { name: 'notes', status: 'in-progress', callSid: 'CA1' } });
    const sid = started.ok ? started.value.sid : '';
    expect(sid).toMatch(/^GT[0-9a-f]{32}$/);
    expect(it.told[0]).toEqual({
      url: 'https://app.test/t',
      method: 'POST',
      params: {
        AccountSid: 'AC1',
        CallSid: 'CA1',
        TranscriptionSid: sid,
        TranscriptionEvent: 'transcription-started',
        SequenceId: '1',
        Timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
        Name: 'notes',
        Track: 'both_tracks',
        TranscriptionEngine: 'google',
        ProviderConfiguration: '{"speechModel":"telephony","hints":"sales"}',
        InboundTrackLabel: 'caller',
        PartialResults: 'false',
        LanguageCode: 'en-US',
      },
    });
    expect(it.taps[0]?.tracks).toEqual(['inbound', 'outbound']);

    await it.hear('inbound', 200, false);
    await it.hear('inbound', 1_000, true);
    await it.hear('inbound', limits.transcriptionPauseMs + 400, false);
    expect(it.utterances.map(({ isFinished }) => isFinished)).toEqual([true]);
    it.utterances[0]?.answer.resolve(ok({ text: 'hello there', confidence: 0.5 }));
    await settle();
    expect(it.told[1]?.params).toMatchObject({
      TranscriptionEvent: 'transcription-content',
      SequenceId: '2',
      Track: 'inbound_track',
      LanguageCode: 'en-US',
      TranscriptionData: '{"transcript":"hello there","confidence":0.5}',
      Final: 'true',
    });

    expect(it.live.stop('CA1', 'notes')).toMatchObject({ sid, status: 'stopped' });
    await settle();
    expect(it.events()).toEqual(['transcription-started', 'transcription-content', 'transcription-stopped']);
    expect([it.taps[0]?.isOpen, it.live.count]).toEqual([false, 0]);
  });

  test('each track has its sentences; texts keep the order of one track though the later one is ready first [twiml 10.3 tracks]', async () => {
    const it = bench();
    it.live.start(it.leg, options());
    for (const _ of [1, 2]) {
      await it.hear('inbound', 600, true);
      await it.hear('inbound', 1_000, false);
    }
    await it.hear('outbound', 600, true);
    await it.hear('outbound', 1_000, false);
    expect(it.utterances).toHaveLength(3);
    it.utterances[1]?.answer.resolve(ok({ text: 'second', confidence: null }));
    it.utterances[2]?.answer.resolve(ok({ text: 'other side', confidence: null }));
    await settle();
    it.utterances[0]?.answer.resolve(ok({ text: 'first', confidence: null }));
    await settle();
    const texts = it.told.slice(1).map(({ params }) => `${params.Track} ${params.TranscriptionData}`);
    expect(texts).toEqual([
      'outbound_track {"transcript":"other side"}',
      'inbound_track {"transcript":"first"}',
      'inbound_track {"transcript":"second"}',
    ]);
  });

  test('a single track; partial results where they are asked for [twiml 10.3 tracks] [twiml 10.3 partial-results]', async () => {
    const it = bench();
    it.live.start(it.leg, options({ track: 'inbound_track', partialResults: true }));
    expect(it.taps[0]?.tracks).toEqual(['inbound']);
    await it.hear('inbound', 600, true);
    it.utterances[0]?.onPartial?.('hel');
    expect(it.told[1]?.params).toMatchObject({ TranscriptionData: '{"transcript":"hel"}', Final: 'false' });
  });

  test('the end of the call: the last words are still told, then the end', async () => {
    const it = bench();
    it.live.start(it.leg, options());
    await it.hear('inbound', 600, true);
    it.call.abort();
    it.utterances[0]?.answer.resolve(ok({ text: 'bye', confidence: null }));
    await settle();
    expect(it.events()).toEqual(['transcription-started', 'transcription-content', 'transcription-stopped']);
    expect(it.live.count).toBe(0);
    expect(it.live.stop('CA1', undefined)).toBeUndefined();
  });

  test('a recogniser that fails: told each time, notified once, and it goes on [twiml 10.3 error]', async () => {
    const it = bench();
    it.live.start(it.leg, options());
    for (const index of [0, 1]) {
      await it.hear('inbound', 600, true);
      await it.hear('inbound', 1_000, false);
      it.utterances[index]?.answer.resolve(err({ code: 'failed', detail: 'down' }));
      await settle();
    }
    expect(it.told[1]?.params).toMatchObject({ TranscriptionErrorCode: '13340', TranscriptionError: 'down' });
    expect(it.events()).toEqual(['transcription-started', 'transcription-error', 'transcription-error']);
    expect(it.notices).toEqual([13340]);
  });

  test('a recogniser that falls behind gets a bounded number of sentences', async () => {
    const it = bench();
    it.live.start(it.leg, options());
    for (let index = 0; index < limits.transcriptionUtterances + 3; index++) {
      await it.hear('inbound', 600, true);
      await it.hear('inbound', 1_000, false);
    }
    expect(it.utterances).toHaveLength(limits.transcriptionUtterances);
  });

  test('who never pauses is cut before the recogniser is full', async () => {
    const it = bench();
    it.live.start(it.leg, options());
    await it.hear('inbound', limits.utteranceMs + 2_000, true);
    expect(it.utterances.length).toBeGreaterThan(1);
    expect(it.utterances[0]!.bytes).toBeLessThanOrEqual(limits.utteranceMs * 8);
  });

  test.each([
    ['no recogniser', false, {}, 13343],
    ['no audio', true, { endpoint: undefined }, 13343],
  ])('%s: refused [twiml 10.3 no-recogniser]', (_name, isConfigured, leg, code) => {
    const it = bench(isConfigured);
    expect(it.live.start({ ...it.leg, ...leg }, options())).toMatchObject({ ok: false, error: { code } });
    expect([it.taps, it.told]).toEqual([[], []]);
  });

  test('a name is used once at a time, and a call has a bounded number', async () => {
    const it = bench();
    expect(it.live.start(it.leg, options({ name: 'a' })).ok).toBe(true);
    expect(it.live.start(it.leg, options({ name: 'a' })).ok).toBe(false);
    it.live.stop('CA1', 'a');
    expect(it.live.start(it.leg, options({ name: 'a' })).ok).toBe(true);
    for (let index = 2; index < limits.transcriptionsPerCall; index++) it.live.start(it.leg, options());
    expect(it.live.start(it.leg, options()).ok).toBe(false);
    it.call.abort();
    await settle();
    expect(it.live.count).toBe(0);
  });
});
