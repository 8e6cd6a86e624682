// A document on a call that waits (twiml.md 7.1, 7.2, 15): what it may do, how it ends, and that it never becomes a storm of requests.

import { describe, expect, test } from 'vitest';
import { limits } from '../../../src/base/limits.ts';
import { silentLog } from '../../../src/base/log.ts';
import { ok } from '../../../src/base/result.ts';
import type { Router } from '../../../src/call/routing.ts';
import type { WaitDocument, WaitEnd } from '../../../src/call/wait-document.ts';
import { AudioListeners } from '../../../src/media/audio-listeners.ts';
import { noRecogniser } from '../../../src/speech/recogniser.ts';
import { VoiceSessions } from '../../../src/twiml/voice-session.ts';
import { CallBench, noConferences } from '../../support/call-fakes.ts';
import { FakeRecordingControl, FakeStreamControl } from '../../support/fake-call-control.ts';
import { queuesInMemory } from '../../support/queues.ts';
import { noSiprec } from '../../support/siprec.ts';
import { noTranscriptions } from '../../support/transcriptions.ts';
import { settle } from '../../support/virtual-clock.ts';
import { FakeWebhook } from './kit.ts';

const URL = 'https://app.example.test/wait';
const page = (verbs: string): string => `<Response>${verbs}</Response>`;

const queueVerbs: ReadonlySet<string> = new Set(['Play', 'Say', 'Pause', 'Hangup', 'Redirect', 'Leave', 'Gather']);

class WaitBench extends CallBench {
  readonly controller = new AbortController();
  readonly webhook: FakeWebhook;
  readonly sessions: VoiceSessions;
  end: WaitEnd | undefined;

  constructor(pages: ConstructorParameters<typeof FakeWebhook>[0]) {
    super();
    this.webhook = new FakeWebhook(pages);
    this.sessions = new VoiceSessions({
      recogniser: noRecogniser,
      siprec: noSiprec,
      transcriptions: noTranscriptions,
      audio: new AudioListeners(this.engine),
      conferences: noConferences,
      queues: queuesInMemory(this.clock),
      engine: this.engine,
      clock: this.clock,
      router: {} as Router,
      speaker: { synthesize: async () => ok(new Int16Array(160)) },
      webhook: Object.assign(this.webhook, {
        fetchMedia: async () => ok({ contentType: 'audio/wav', body: Buffer.alloc(1) }),
      }),
      decode: async () => ok(new Int16Array(160)),
      recordings: () => new FakeRecordingControl(),
      streams: () => new FakeStreamControl(),
      authTokenOf: () => 'token',
      log: silentLog,
    });
  }

  async wait(document: Partial<WaitDocument> = {}) {
    const inbound = this.inbound();
    await inbound.call.answer();
    let asked = 0;
    const whole: WaitDocument = {
      url: URL,
      method: 'POST',
      params: () => new Map([['QueuePosition', String(++asked)]]),
      verbs: queueVerbs,
      wrongVerbCode: 12200,
      atEnd: 'again',
      ...document,
    };
    void this.sessions.runWaitDocument(inbound.call, whole, this.controller.signal).then((end) => {
      this.end = end;
    });
    await settle();
    return inbound;
  }

  async abort(): Promise<WaitEnd | undefined> {
    this.controller.abort();
    await settle();
    return this.end;
  }
}

describe('wait document', () => {
  test('[twiml 7.2 wait-again] the end of the document requests it again, with parameters as of then [twiml 4.2 end-of-wait]', async () => {
    const bench = new WaitBench({ [URL]: page('<Pause length="5"/>') });
    const { call } = await bench.wait();
    await bench.clock.advanceAsync(5_000);
    await bench.clock.advanceAsync(5_000);
    expect(bench.webhook.sent.map(({ url, params }) => [url, params.QueuePosition, params.CallSid])).toEqual([
      [URL, '1', call.sid],
      [URL, '2', call.sid],
      [URL, '3', call.sid],
    ]);
    expect(await bench.abort()).toEqual({ how: 'aborted' });
    expect([call.isAnswered, bench.clock.pendingTimers]).toEqual([true, 1]);
  });

  test('an empty document is requested at a pace that slows down', async () => {
    const bench = new WaitBench({ [URL]: page('') });
    await bench.wait();
    const times: number[] = [];
    bench.webhook.during = () => times.push(bench.clock.now());
    for (let second = 0; second < 60; second++) await bench.clock.advanceAsync(1_000);
    expect(times.slice(0, 5)).toEqual([1_000, 3_000, 7_000, 15_000, 25_000]);
    expect(times.at(-1)! - times.at(-2)!).toBe(limits.waitDocumentPaceMaxMs);
    expect(await bench.abort()).toEqual({ how: 'aborted' });
  });

  test('documents that lead in a circle without any verb that takes time fail', async () => {
    const bench = new WaitBench({ [URL]: page('<Redirect/>') });
    const { call } = await bench.wait();
    expect(bench.end).toEqual({ how: 'failed', code: 11215 });
    expect([call.isAnswered, bench.webhook.sent.length]).toEqual([true, limits.documentsWithoutWait]);
  });

  test('[twiml 7.4 leave] Leave ends it and leaves the call up', async () => {
    const bench = new WaitBench({ [URL]: page('<Say>Goodbye</Say><Leave/><Say>never</Say>') });
    const { call } = await bench.wait();
    bench.engine.finishPlay();
    await settle();
    expect(bench.end).toEqual({ how: 'left' });
    expect([call.isAnswered, bench.engine.playsNow.size]).toEqual([true, 0]);
  });

  test('Hangup in it ends the call [twiml 5.9 in-waiting]', async () => {
    const bench = new WaitBench({ [URL]: page('<Hangup/>') });
    const { call } = await bench.wait();
    expect([bench.end, call.isOver]).toEqual([{ how: 'hungUp' }, true]);
  });

  test.each([[13238], [12200]])(
    'a verb outside its set is told of with %i and skipped [twiml 7.1 wait-verbs]',
    async (wrongVerbCode) => {
      const bench = new WaitBench({ [URL]: page('<Dial>100</Dial><Record/><Say>still here</Say>') });
      const { call } = await bench.wait({ wrongVerbCode });
      expect(bench.story(call).filter((line) => line.includes(String(wrongVerbCode)))).toHaveLength(2);
      expect(bench.engine.playsNow.size).toBe(1);
      expect(await bench.abort()).toEqual({ how: 'aborted' });
    },
  );

  test('Leave warns and is skipped where the set does not hold it [twiml 7.4 not-in-conference]', async () => {
    const bench = new WaitBench({ [URL]: page('<Leave/><Pause length="5"/>') });
    const { call } = await bench.wait({ verbs: new Set(['Play', 'Say', 'Pause', 'Redirect']), wrongVerbCode: 13238 });
    expect(bench.story(call)).toContain('error 13238');
    expect(bench.end).toBeUndefined();
    expect(await bench.abort()).toEqual({ how: 'aborted' });
  });

  test.each([
    ['again', 1_000],
    ['silence', 1_000],
    ['return', 1],
  ] as const)('an answer that is audio, atEnd %s: %i rounds [twiml 7.1 wait-audio]', async (atEnd, rounds) => {
    const bench = new WaitBench({ [URL]: { contentType: 'audio/mpeg', body: 'x' } });
    await bench.wait({ atEnd });
    expect([...bench.engine.playsNow.values()].map(({ options }) => options.loop)).toEqual([rounds]);
    expect(await bench.abort()).toEqual({ how: 'aborted' });
    expect(bench.engine.playsNow.size).toBe(0);
  });

  test('text/plain is spoken, and nobody is hung up', async () => {
    const bench = new WaitBench({ [URL]: { contentType: 'text/plain', body: 'One moment please' } });
    const { call } = await bench.wait({ atEnd: 'return' });
    bench.engine.finishPlay();
    await settle();
    expect([bench.end, call.isAnswered]).toEqual([{ how: 'ended' }, true]);
  });

  test('[twiml 7.1 wait-end-silence] atEnd silence: nothing more is asked [twiml 4.2 end-of-wait]', async () => {
    const bench = new WaitBench({ [URL]: page('<Pause/>') });
    await bench.wait({ atEnd: 'silence' });
    await bench.clock.advanceAsync(60_000);
    expect([bench.webhook.sent.length, bench.end]).toEqual([1, undefined]);
    expect(await bench.abort()).toEqual({ how: 'aborted' });
  });

  test('an empty URL is silence', async () => {
    const bench = new WaitBench({});
    await bench.wait({ url: '' });
    expect([bench.webhook.sent.length, bench.engine.playsNow.size]).toEqual([0, 0]);
    expect(await bench.abort()).toEqual({ how: 'aborted' });
  });

  test('no URL is the built-in tune, which ends with the wait', async () => {
    const bench = new WaitBench({});
    const { leg } = await bench.wait({ url: undefined });
    expect(bench.engine.done.at(-1)).toBe(`comfort ${leg.endpoint} music`);
    expect(await bench.abort()).toEqual({ how: 'aborted' });
    expect(bench.engine.done.at(-1)).toBe(`comfort ${leg.endpoint} silence`);
  });

  test.each<[string, ConstructorParameters<typeof FakeWebhook>[0], number]>([
    ['HTTP error', {}, 11217],
    ['time out', { [URL]: { error: 11205 } }, 11205],
    ['no XML', { [URL]: '<Response><Say' }, 12100],
    ['wrong type', { [URL]: { contentType: 'application/pdf', body: 'x' } }, 12300],
    ['wrong root', { [URL]: '<html/>' }, 12102],
  ])('%s: fails with its code, says nothing and hangs nobody up', async (_name, pages, code) => {
    const bench = new WaitBench(pages);
    const { call } = await bench.wait();
    expect(bench.end).toEqual({ how: 'failed', code });
    expect([call.isAnswered, bench.engine.playsNow.size]).toEqual([true, 0]);
    expect(bench.story(call)).toContain(`error ${code}`);
  });

  test('relative URLs are those of the wait document [twiml 5.7 in-waiting]', async () => {
    const bench = new WaitBench({
      [URL]: page('<Redirect>next</Redirect>'),
      'https://app.example.test/next': page('<Gather action="digits" numDigits="1"/>'),
      'https://app.example.test/digits': page('<Leave/>'),
    });
    const { leg } = await bench.wait();
    leg.presses('5');
    await settle();
    expect(bench.end).toEqual({ how: 'left' });
    expect(bench.webhook.sent.map(({ url, params }) => [url, params.QueuePosition, params.Digits])).toEqual([
      [URL, '1', undefined],
      ['https://app.example.test/next', '2', undefined],
      ['https://app.example.test/digits', '3', '5'],
    ]);
  });

  test('the peer hangs up while it waits', async () => {
    const bench = new WaitBench({ [URL]: page('<Say loop="0">Please hold</Say>') });
    const { leg } = await bench.wait();
    leg.hangsUp();
    await settle();
    expect([bench.end, bench.engine.playsNow.size, bench.clock.pendingTimers]).toEqual([{ how: 'hungUp' }, 0, 0]);
  });

  test('a signal that is aborted already, and a call that is over', async () => {
    const bench = new WaitBench({ [URL]: page('<Pause/>') });
    bench.controller.abort();
    await bench.wait();
    expect([bench.end, bench.webhook.sent.length]).toEqual([{ how: 'aborted' }, 0]);
    const other = new WaitBench({ [URL]: page('<Pause/>') });
    const { call } = await other.wait({ url: '' });
    call.hangUp('test');
    await settle();
    expect(other.end).toEqual({ how: 'hungUp' });
  });
});
