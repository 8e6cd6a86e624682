// RecordingControl on a call with a fake engine: what ends a message, and recordings that Start begins.

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { MessageOptions } from '../../../src/recording/control.ts';
import { recordingControl } from '../../../src/recording/verb.ts';
import { aRequest, RecordingBench } from '../../support/recording-bench.ts';
import { settle } from '../../support/virtual-clock.ts';

let bench: RecordingBench;
beforeEach(() => {
  bench = new RecordingBench();
});
afterEach(() => bench.discard());

const options = (over: Partial<MessageOptions> = {}): MessageOptions => ({
  timeoutMs: 5_000,
  finishOnKey: '#*',
  maxLengthMs: 60_000,
  playBeep: false,
  recording: aRequest({ track: 'inbound', source: 'RecordVerb' }),
  transcription: undefined,
  ...over,
});

/** A message on an answered call; `packets` is what the peer has sent so far. */
function message(over: Partial<MessageOptions> = {}) {
  const { call, leg } = bench.inbound();
  void call.answer();
  let packets = 0;
  const engine = Object.assign(bench.engine, { statistics: () => ({ packetsReceived: packets }) });
  const transcribed: unknown[] = [];
  const control = recordingControl(call, {
    recordings: bench.recordings,
    engine: engine as never,
    clock: bench.clock,
    transcriber: { transcribe: (recording, request) => transcribed.push([recording.sid, request]) },
  });
  const controller = new AbortController();
  call.signal.addEventListener('abort', () => controller.abort());
  const done = control.takeMessage(options(over), controller.signal);
  const endpoint = leg.endpoint!;
  return {
    call,
    leg,
    done,
    controller,
    transcribed,
    digit: (digit: string) => leg.emit({ type: 'digit', digit, durationMs: 100 }),
    speaks: (isSpeaking: boolean) => bench.engine.tell({ type: 'speech', endpoint, isSpeaking }),
    /** Time passes, with packets of the peer or without. */
    async passes(ms: number, withPackets = true) {
      if (withPackets) packets += ms / 20;
      await bench.clock.advance(ms);
    },
  };
}

const isIdle = () => {
  expect(bench.recordings.count).toBe(0);
  expect(bench.engine.recordingsNow.size).toBe(0);
  // Each live call has its hard end.
  expect(bench.clock.pendingTimers).toBe(bench.calls.size);
};

describe('twiml.md 5.5: what ends a message', () => {
  test('[twiml 5.5 finish-on-key] a key of the set, and no other', async () => {
    const one = message();
    await settle();
    one.digit('5');
    await settle();
    expect(bench.recordings.count).toBe(1);
    one.digit('*');
    const { reason, finishedOnKey, recording } = await one.done;
    expect([reason, finishedOnKey]).toEqual(['finishKey', '*']);
    expect(recording).toEqual({
      sid: expect.stringMatching(/^RE/),
      url: expect.stringMatching(/\/Recordings\/RE[0-9a-f]{32}$/),
      durationSeconds: 1,
    });
  });

  test('[twiml 5.5 timeout] silence ends it; speech holds it up', async () => {
    const one = message();
    await settle();
    await one.passes(4_000);
    one.speaks(true);
    await one.passes(20_000);
    one.speaks(false);
    await one.passes(4_999);
    expect(bench.recordings.count).toBe(1);
    await one.passes(1);
    expect(await one.done).toMatchObject({ reason: 'silence', finishedOnKey: '' });
    expect(bench.engine.done).toEqual(expect.arrayContaining([expect.stringMatching(/^watchSpeech \S+ false$/)]));
    await settle();
    isIdle();
  });

  test('[twiml 5.5 no-rtp] packets that do not come are not silence', async () => {
    const one = message();
    await settle();
    await one.passes(5_000, false);
    await one.passes(5_000, false);
    expect(bench.recordings.count).toBe(1);
    await one.passes(5_000);
    expect((await one.done).reason).toBe('silence');
  });

  test('[twiml 5.5 timeout-off] timeout 0: silence is not looked for', async () => {
    const one = message({ timeoutMs: 0 });
    await settle();
    await one.passes(500_000);
    expect(bench.recordings.count).toBe(1);
    expect(bench.engine.done.filter((word) => word.startsWith('watchSpeech'))).toEqual([]);
    one.digit('#');
    await one.done;
  });

  test('[twiml 5.5 max-length] the engine stops by itself', async () => {
    const one = message({ maxLengthMs: 7_000 });
    await settle();
    const [id, running] = [...bench.engine.recordingsNow][0]!;
    expect(running.options).toMatchObject({ maxDurationMs: 7_000, channels: 1, track: 'inbound' });
    bench.engine.endRecording(id, { durationMs: 7_000 });
    expect(await one.done).toMatchObject({ reason: 'maxLength', recording: { durationSeconds: 7 } });
  });

  test('[twiml 5.5 hang-up] the caller hangs up', async () => {
    const one = message();
    await settle();
    one.leg.hangsUp();
    expect(await one.done).toMatchObject({ reason: 'hangUp', recording: { durationSeconds: 1 } });
    await settle();
    isIdle();
  });

  test('another document takes over', async () => {
    const one = message();
    await settle();
    one.controller.abort();
    expect((await one.done).reason).toBe('aborted');
    await settle();
    isIdle();
  });

  test('a disk that is full ends it with what there is', async () => {
    const one = message();
    await settle();
    bench.engine.endRecording([...bench.engine.recordingsNow.keys()][0]!, { durationMs: 0, failure: 'ENOSPC' });
    expect((await one.done).reason).toBe('failed');
    expect(one.call.isOver).toBe(false);
  });

  test('a call that is over already is not recorded', async () => {
    const { call, leg } = bench.inbound();
    void call.answer();
    leg.hangsUp();
    const services = { recordings: bench.recordings, engine: bench.engine, clock: bench.clock, transcriber: undefined };
    const control = recordingControl(call, services);
    expect(await control.takeMessage(options({ playBeep: true }), AbortSignal.abort())).toEqual({
      reason: 'hangUp',
      finishedOnKey: '',
      recording: undefined,
    });
    expect(bench.puts).toEqual([]);
  });
});

describe('beep and transcription', () => {
  test('[twiml 5.5 play-beep] the recording starts when the beep is over', async () => {
    const one = message({ playBeep: true });
    await settle();
    expect(bench.engine.recordingsNow.size).toBe(0);
    expect([...bench.engine.playsNow.values()][0]!.options.sources).toEqual([
      expect.objectContaining({ kind: 'tone' }),
    ]);
    bench.engine.finishPlay();
    await settle();
    expect(bench.engine.recordingsNow.size).toBe(1);
    one.digit('#');
    expect((await one.done).reason).toBe('finishKey');
  });

  test('[twiml 5.5 transcribe] a completed message goes to the transcriber', async () => {
    const transcription = { callbackUrl: 'https://app.example/text' };
    const one = message({ transcription });
    await settle();
    one.digit('#');
    const { recording } = await one.done;
    expect(one.transcribed).toEqual([[recording!.sid, transcription]]);
    expect(one.call.notice).toBeUndefined();
  });

  test('[twiml 5.5 no-engine] without a recogniser 13614 is said at once, and the message is taken', async () => {
    const { call, leg } = bench.inbound();
    void call.answer();
    const services = { recordings: bench.recordings, engine: bench.engine, clock: bench.clock, transcriber: undefined };
    const done = recordingControl(call, services).takeMessage(
      options({ transcription: { callbackUrl: undefined }, timeoutMs: 0 }),
      call.signal,
    );
    await settle();
    expect(call.notice?.errorCode).toBe(13614);
    leg.emit({ type: 'digit', digit: '#', durationMs: 100 });
    expect((await done).reason).toBe('finishKey');
  });
});

describe('twiml.md 10.1: Start and Stop', () => {
  function controlled() {
    const { call, leg } = bench.inbound();
    void call.answer();
    const services = { recordings: bench.recordings, engine: bench.engine, clock: bench.clock, transcriber: undefined };
    return { call, leg, control: recordingControl(call, services) };
  }

  test('[twiml 10.1 name] unique among those that run; stopped by name', async () => {
    const { control } = controlled();
    expect(control.start({ name: 'a', recording: aRequest() })).toBeUndefined();
    expect(control.start({ name: 'a', recording: aRequest() })).toMatchObject({ code: 12200 });
    expect(control.start({ name: 'b', recording: aRequest() })).toBeUndefined();
    expect(control.stop('c')).toBe(false);
    expect(control.stop('a')).toBe(true);
    expect(control.stop('a')).toBe(false);
    expect(bench.engine.recordingsNow.size).toBe(1);
    expect(control.start({ name: 'a', recording: aRequest() })).toBeUndefined();
  });

  test('[twiml 10.1 stop] without a name: all that Start began, but not those of others', () => {
    const { call, control } = controlled();
    bench.recordings.start(call, aRequest({ source: 'DialVerb' }));
    control.start({ name: undefined, recording: aRequest() });
    control.start({ name: 'b', recording: aRequest() });
    expect(control.stop(undefined)).toBe(true);
    expect(bench.engine.recordingsNow.size).toBe(1);
    expect(control.stop(undefined)).toBe(false);
  });

  test('a call without media says why', () => {
    const { call, leg, control } = controlled();
    leg.hangsUp();
    expect(call.isOver).toBe(true);
    expect(control.start({ name: undefined, recording: aRequest() })).toMatchObject({ code: 21220 });
  });
});
