// Which document runs on which call: one at a time, replaced over REST, screening, and calls taken out of a bridge (twiml.md 4.2).

import { describe, expect, test } from 'vitest';
import { silentLog } from '../../../src/base/log.ts';
import { err, ok } from '../../../src/base/result.ts';
import type { Call } from '../../../src/call/call.ts';
import type { Router } from '../../../src/call/routing.ts';
import { AudioListeners } from '../../../src/media/audio-listeners.ts';
import { noRecogniser } from '../../../src/speech/recogniser.ts';
import { VoiceSessions } from '../../../src/twiml/voice-session.ts';
import { CallBench, domainRecord, type FakeLeg, noConferences } from '../../support/call-fakes.ts';
import { FakeRecordingControl, FakeStreamControl } from '../../support/fake-call-control.ts';
import { queuesInMemory } from '../../support/queues.ts';
import { noSiprec } from '../../support/siprec.ts';
import { noTranscriptions } from '../../support/transcriptions.ts';
import { settle } from '../../support/virtual-clock.ts';
import { FakeWebhook } from './kit.ts';

const page = (verbs: string): string => `<Response>${verbs}</Response>`;

class SessionBench extends CallBench {
  readonly children: { call: Call; leg: FakeLeg }[] = [];
  readonly webhook: FakeWebhook;
  readonly sessions: VoiceSessions;
  isSpeakerBroken = false;
  /** Files that can be had when the test says so; undefined: none exists. */
  files: Map<string, PromiseWithResolvers<void>> | undefined;
  isAudio = true;

  constructor(pages: Record<string, string>) {
    super();
    this.webhook = new FakeWebhook(
      Object.fromEntries(Object.entries(pages).map(([path, verbs]) => [`http://app${path}`, page(verbs)])),
    );
    const router = {
      child: async (caller: Call) => {
        const child = this.outbound({ parentCallSid: caller.sid });
        this.children.push(child);
        return ok(child.call);
      },
    } as unknown as Router;
    this.sessions = new VoiceSessions({
      recogniser: noRecogniser,
      siprec: noSiprec,
      transcriptions: noTranscriptions,
      audio: new AudioListeners(this.engine),
      conferences: noConferences,
      queues: queuesInMemory(this.clock),
      engine: this.engine,
      clock: this.clock,
      router,
      speaker: {
        synthesize: async () => {
          if (this.isSpeakerBroken) throw new Error('a fault of ours');
          return ok(new Int16Array(160));
        },
      },
      webhook: Object.assign(this.webhook, { fetchMedia: (url: string) => this.#fetch(url) }),
      decode: async () =>
        this.isAudio ? ok(new Int16Array(160)) : err({ code: 'notAudio', detail: 'no audio file' } as const),
      recordings: () => new FakeRecordingControl(),
      streams: () => new FakeStreamControl(),
      authTokenOf: () => 'token',
      log: silentLog,
    });
  }

  async #fetch(url: string) {
    if (!this.files) return err({ errorCode: 11217, detail: 'HTTP status 404', url, status: 404 });
    const file = Promise.withResolvers<void>();
    this.files.set(url.replace('http://app', ''), file);
    await file.promise;
    return ok({ contentType: 'audio/wav', body: Buffer.alloc(1) });
  }

  get paths(): string[] {
    return this.webhook.sent.map((request) => request.url.replace('http://app', ''));
  }

  async call() {
    const inbound = this.inbound();
    this.sessions.startForDomain(inbound.call, domainRecord({ voiceUrl: 'http://app/voice' }));
    await settle();
    return inbound;
  }

  redirect(call: Call, path: string): void {
    this.sessions.start(call, { instructions: { url: `http://app${path}`, method: 'POST' }, fallback: undefined });
  }
}

const DIAL = '<Dial action="/after"><Client>bob</Client></Dial>';
const GATHER = '<Gather timeout="100" numDigits="1" action="/digits"/>';

describe('documents of a call', () => {
  test('twiml.md 4.2 point 3: no verb left: answered, then hung up [twiml 1 end-of-document] [twiml 1 empty-document] [twiml 4.2 end]', async () => {
    const bench = new SessionBench({ '/voice': '' });
    const { call, leg } = await bench.call();
    expect(leg.done).toEqual(['answer', 'hangUp']);
    expect([call.status, bench.sessions.count, bench.clock.pendingTimers]).toEqual(['completed', 0, 0]);
  });

  test('the fallback of the domain is asked in its own method, and its document runs [twiml 2.4 fallback-method]', async () => {
    const bench = new SessionBench({ '/sorry': '<Reject reason="busy"/>' });
    const { call } = bench.inbound();
    const fallback = { voiceFallbackUrl: 'http://app/sorry', voiceFallbackMethod: 'GET' } as const;
    bench.sessions.startForDomain(call, domainRecord({ voiceUrl: 'http://app/voice', ...fallback }));
    await settle();
    expect(call.status).toBe('busy');
    expect(bench.webhook.sent.map(({ method, purpose, params }) => [method, purpose, params.ErrorCode])).toEqual([
      ['POST', 'document', undefined],
      ['GET', 'fallback', '11217'],
    ]);
  });

  test('a static document of the domain needs no request', async () => {
    const bench = new SessionBench({});
    const { call } = bench.inbound();
    bench.sessions.startForDomain(call, domainRecord({ voiceUrl: null, voiceTwiml: page('<Reject reason="busy"/>') }));
    await settle();
    expect([call.status, bench.paths]).toEqual(['busy', []]);
  });

  test('the caller cancels while the document is fetched: nothing is left [twiml 4.2 hangup-while-fetching]', async () => {
    const bench = new SessionBench({ '/voice': GATHER });
    const { call, leg } = bench.inbound();
    bench.sessions.startForDomain(call, domainRecord({ voiceUrl: 'http://app/voice' }));
    leg.cancels();
    await call.sessionEnded;
    await settle();
    expect([call.status, leg.done, bench.sessions.count]).toEqual(['canceled', [], 0]);
  });

  test('a fault of ours ends this call only [twiml 4.2 own-fault]', async () => {
    const bench = new SessionBench({ '/voice': '<Gather><Say>hello</Say></Gather>' });
    const other = new SessionBench({ '/voice': GATHER });
    const { call: living } = await other.call();
    bench.isSpeakerBroken = true;
    const { call } = await bench.call();
    expect(call.isOver).toBe(true);
    expect(bench.story(call)).toContain('error 12400');
    expect([bench.sessions.count, bench.clock.pendingTimers]).toEqual([0, 0]);
    expect(living.isAnswered).toBe(true);
  });
});

test('what is typed before Gather begins is not its input [twiml 16 point-7]', async () => {
  const bench = new SessionBench({
    '/voice': '<Pause length="2"/><Gather numDigits="1" action="/digits"/>',
    '/digits': '<Hangup/>',
  });
  const { leg } = await bench.call();
  leg.presses('1');
  await bench.clock.advanceAsync(2_000);
  expect(bench.paths).toEqual(['/voice']);
  leg.presses('2');
  await settle();
  expect(bench.webhook.sent.at(-1)).toMatchObject({ url: 'http://app/digits', params: { Digits: '2' } });
});

describe('files of Play', () => {
  const TWO = '<Play>/one.wav</Play><Play>/two.wav</Play>';

  test('those of a Gather are all fetched before the first one is heard [twiml 5.2 nested-fetch]', async () => {
    const bench = new SessionBench({ '/voice': `<Gather>${TWO}</Gather>` });
    bench.files = new Map();
    await bench.call();
    expect([...bench.files.keys()]).toEqual(['/one.wav', '/two.wav']);
    bench.files.get('/one.wav')!.resolve();
    await settle();
    expect(bench.engine.playsNow.size).toBe(0);
    bench.files.get('/two.wav')!.resolve();
    await settle();
    expect(bench.engine.playsNow.size).toBe(1);
  });

  test('one that is no audio: 13420, in a Gather 13325; what stands behind it is played [twiml 5.2 not-audio] [twiml 14 play-say]', async () => {
    for (const [verbs, code] of [
      [`${TWO}<Say>sorry</Say>`, 13420],
      [`<Gather>${TWO}<Say>sorry</Say></Gather>`, 13325],
    ] as const) {
      const bench = new SessionBench({ '/voice': verbs });
      bench.files = new Map();
      bench.isAudio = false;
      const { call } = await bench.call();
      for (let turn = 0; turn < 2; turn++) {
        for (const file of bench.files.values()) file.resolve();
        await settle();
      }
      expect(bench.story(call).filter((line) => line.startsWith('error'))).toEqual([`error ${code}`, `error ${code}`]);
      expect([call.isOver, bench.engine.playsNow.size]).toEqual([false, 1]);
    }
  });

  test('one that cannot be had: its number, and the next verb [twiml 5.2 not-found]', async () => {
    const bench = new SessionBench({ '/voice': '<Play>/gone.wav</Play><Reject/>' });
    const { call } = await bench.call();
    expect(bench.story(call)).toContain('error 11217');
    expect(call.isOver).toBe(true);
  });
});

describe('twiml.md 4.2 point 6: another document over REST', () => {
  test('it replaces the running verb [twiml 4.2 in-order] [twiml 4.2 rest-update] [rest 9.3 url]', async () => {
    const bench = new SessionBench({ '/voice': GATHER, '/else': '<Pause length="5"/>' });
    const { call } = await bench.call();
    bench.redirect(call, '/else');
    await settle();
    expect(bench.paths).toEqual(['/voice', '/else']);
    expect(bench.sessions.count).toBe(1);
    await bench.clock.advanceAsync(5_000);
    expect([call.status, bench.sessions.count]).toEqual(['completed', 0]);
  });

  test('on the parent of a Dial: the child ends, the action is told and ignored, then the new document [twiml 4.2 rest-parent]', async () => {
    const bench = new SessionBench({ '/voice': DIAL, '/after': '<Reject/>', '/else': GATHER });
    const { call } = await bench.call();
    const [child] = bench.children;
    child!.leg.answers();
    await settle();
    expect(bench.engine.counts().bridges).toBe(1);
    bench.redirect(call, '/else');
    await settle();
    expect(child!.call.isOver).toBe(true);
    expect(bench.paths).toEqual(['/voice', '/after', '/else']);
    expect(bench.webhook.sent[1]!.params).toMatchObject({ DialCallStatus: 'completed', DialBridged: 'true' });
    expect([call.isAnswered, bench.engine.counts().bridges]).toEqual([true, 0]);
  });

  test('on the child: it is taken out alive, the parent goes on, both end apart [twiml 4.2 rest-child]', async () => {
    const bench = new SessionBench({ '/voice': DIAL, '/after': GATHER, '/else': GATHER });
    const { call, leg } = await bench.call();
    const [child] = bench.children;
    child!.leg.answers();
    await settle();
    bench.redirect(child!.call, '/else');
    await settle();
    const after = bench.webhook.sent.find((request) => request.url === 'http://app/after');
    expect(after!.params).toMatchObject({ CallSid: call.sid, DialCallStatus: 'completed' });
    expect(after!.params).not.toHaveProperty('DialCallDuration');
    expect([call.isAnswered, child!.call.isAnswered, bench.sessions.count]).toEqual([true, true, 2]);
    leg.hangsUp();
    await settle();
    expect([child!.call.isAnswered, bench.sessions.count]).toEqual([true, 1]);
  });

  test('on a child that is being screened: it leaves the Dial, and is not bridged [twiml 4.2 rest-screening]', async () => {
    const bench = new SessionBench({
      '/voice': '<Dial action="/after"><Sip url="/screen">sip:bob@x.example</Sip></Dial>',
      '/screen': GATHER,
      '/after': GATHER,
      '/else': GATHER,
    });
    const { call } = await bench.call();
    const [child] = bench.children;
    child!.leg.answers();
    await settle();
    expect(bench.paths).toEqual(['/voice', '/screen']);
    bench.redirect(child!.call, '/else');
    await settle();
    expect(bench.paths).toEqual(expect.arrayContaining(['/after', '/else']));
    expect([call.isAnswered, child!.call.isAnswered]).toEqual([true, true]);
    expect(bench.engine.counts().bridges).toBe(0);
  });
});

describe('twiml.md 6.3: screening', () => {
  const pages = {
    '/voice': '<Dial action="/after"><Sip url="/screen">sip:bob@x.example</Sip></Dial>',
    '/after': GATHER,
  };

  test('its end bridges [twiml 4.2 end-of-screening] [twiml 6.3 screening-end]', async () => {
    const bench = new SessionBench({ ...pages, '/screen': '<Pause length="1"/>' });
    await bench.call();
    bench.children[0]!.leg.answers();
    await bench.clock.advanceAsync(1_000);
    expect(bench.engine.counts().bridges).toBe(1);
  });

  test('the callee hangs up during it: not bridged, the parent goes on [twiml 16 point-14]', async () => {
    const bench = new SessionBench({ ...pages, '/screen': GATHER });
    const { call } = await bench.call();
    bench.children[0]!.leg.answers();
    await settle();
    bench.children[0]!.leg.hangsUp();
    await settle();
    expect(bench.paths.at(-1)).toBe('/after');
    expect(bench.webhook.sent.at(-1)!.params).toMatchObject({ DialCallStatus: 'completed', DialBridged: 'false' });
    expect([call.isAnswered, bench.sessions.count]).toEqual([true, 1]);
  });

  test('the caller hangs up during it: the callee too [twiml 6.3 screening-caller-leaves]', async () => {
    const bench = new SessionBench({ ...pages, '/screen': GATHER });
    const { leg } = await bench.call();
    bench.children[0]!.leg.answers();
    await settle();
    leg.hangsUp();
    await settle();
    expect([bench.calls.size, bench.sessions.count, bench.clock.pendingTimers]).toEqual([0, 0, 0]);
  });

  test('13201: Dial in it is refused; the callee hears the announcement and is hung up [twiml 6.2 nested]', async () => {
    const bench = new SessionBench({ ...pages, '/screen': '<Dial>+49</Dial>' });
    await bench.call();
    bench.children[0]!.leg.answers();
    await settle();
    expect(bench.story(bench.children[0]!.call)).toContain('error 13201');
    bench.engine.stopPlay([...bench.engine.playsNow.keys()][0]!);
    for (const play of [...bench.engine.playsNow.keys()]) bench.engine.stopPlay(play);
    await settle();
    expect(bench.children[0]!.call.isOver).toBe(true);
  });
});
