// Random lives of calls against a small model (house style 2.8): Calls, Dial, bridges, voice sessions and REST on fake legs, a fake
// application and a virtual clock. The model knows of each leg only what its peer saw; from that it says how the call must have ended.
// fast-check prints seed, path and the shrunk list of commands of a failure.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { CallsApi } from '../../../src/base/calls-api.ts';
import { silentLog } from '../../../src/base/log.ts';
import { err, ok } from '../../../src/base/result.ts';
import type { Call } from '../../../src/call/call.ts';
import { createRestCalls } from '../../../src/call/rest-calls.ts';
import type { Router } from '../../../src/call/routing.ts';
import { listenToCalls } from '../../../src/call-listeners.ts';
import { AudioListeners } from '../../../src/media/audio-listeners.ts';
import { noRecogniser } from '../../../src/speech/recogniser.ts';
import { VoiceSessions } from '../../../src/twiml/voice-session.ts';
import type { StatusCallbackRequest } from '../../../src/webhook/status-callbacks.ts';
import type { WebhookClient } from '../../../src/webhook/webhook.ts';
import { ACCOUNT, CallBench, domainRecord, type FakeLeg, noConferences } from '../../support/call-fakes.ts';
import { FakeRecordingControl, FakeStreamControl } from '../../support/fake-call-control.ts';
import { queuesInMemory } from '../../support/queues.ts';
import { noSiprec } from '../../support/siprec.ts';
import { noTranscriptions } from '../../support/transcriptions.ts';
import { settle } from '../../support/virtual-clock.ts';

const ORIGIN = 'http://app.example';
const WEBHOOK_MS = 50;
const PLAY_MS = 1_000;

const documents = [
  '<Dial><Client>bob</Client></Dial>',
  '<Dial answerOnBridge="true" action="/next"><Client>bob</Client><Client>carol</Client></Dial>',
  '<Dial sequential="true" hangupOnStar="true" timeout="5" timeLimit="60"><Client>bob</Client><Client>carol</Client></Dial><Pause length="2"/>',
  '<Gather numDigits="2" action="/next"><Say>hello</Say></Gather><Hangup/>',
  '<Reject reason="busy"/>',
  '<Reject/>',
  '<Pause length="3"/><Redirect>/next</Redirect>',
  '<Dial answerOnBridge="true" action="/next"><Sip url="/screen">sip:bob@x.example</Sip></Dial>',
  '<Dial ringTone="uk"><Number sendDigits="12">+4930123</Number></Dial><Dial><Client>unroutable</Client></Dial>',
  '<Say>one</Say><Play digits="1"/>',
  '<Response',
];
const pages: Readonly<Record<string, string>> = {
  '/next': '<Say>bye</Say>',
  '/screen': '<Gather numDigits="1" action="/next"/><Hangup/>',
};

interface Made {
  readonly call: Call;
  readonly leg: FakeLeg;
  readonly incoming: boolean;
  /** What the peer saw, at which time. */
  answeredMs: number | undefined;
  refused: number | undefined;
  wasHeld: boolean;
}

class CallWorld extends CallBench {
  readonly made: Made[] = [];
  readonly callbacks: StatusCallbackRequest[] = [];
  readonly sessions: VoiceSessions;
  readonly rest: CallsApi;
  isWebhookDown = false;
  requests = 0;

  constructor() {
    super(1_000);
    const router = {
      child: async (caller: Call, target: { readonly kind: string; readonly identity?: string }) =>
        target.identity === 'unroutable'
          ? err({ errorCode: 32009, detail: 'not registered', sipStatus: 404 })
          : ok(this.#outgoing('outbound-dial', caller.sid)),
      make: () => ok(this.#outgoing('outbound-api', null)),
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
      speaker: { synthesize: async () => ok(new Int16Array(160)) },
      webhook: this.#webhook(),
      decode: async () => ok(new Int16Array(160)),
      recordings: () => new FakeRecordingControl(),
      streams: () => new FakeStreamControl(),
      authTokenOf: () => 'token',
      log: silentLog,
    });
    this.rest = createRestCalls({
      calls: this.calls,
      router,
      engine: this.engine,
      clock: this.clock,
      startSession: (call, start) => this.sessions.start(call, start),
      homeDomain: () => undefined,
    });
    listenToCalls({
      calls: this.calls,
      store: { calls: { put: () => {} }, notifications: { put: () => {} } } as never,
      statusCallbacks: {
        send: (request) => void this.callbacks.push(request),
        pending: () => 0,
        waiting: () => 0,
        restore: async () => {},
        drain: async () => {},
        stop: () => {},
      },
      recordings: { ofCallback: async () => undefined },
      authTokenOf: () => 'token',
      forgetCookies: () => {},
      clock: this.clock,
      log: silentLog,
    });
    // Everything that is played to its end takes a second.
    const play = this.engine.play.bind(this.engine);
    this.engine.play = (endpoint, options) => {
      const id = play(endpoint, options);
      if (options.loop > 0) this.clock.after(PLAY_MS, () => this.#finish(id, endpoint));
      return id;
    };
  }

  #finish(play: string, endpoint: string): void {
    if (this.engine.playsNow.delete(play)) this.engine.onPlayEnded(endpoint, play, 'finished');
  }

  #outgoing(direction: 'outbound-dial' | 'outbound-api', parentCallSid: string | null): Call {
    const statusCallback = {
      url: `${ORIGIN}/callback`,
      method: 'POST',
      events: ['initiated', 'ringing', 'answered', 'completed'],
    } as const;
    const { call, leg } = this.outbound({ direction, parentCallSid, statusCallback });
    leg.cancelsAtOnce = false;
    this.#keep(call, leg, false);
    return call;
  }

  #keep(call: Call, leg: FakeLeg, incoming: boolean): void {
    this.made.push({ call, leg, incoming, answeredMs: undefined, refused: undefined, wasHeld: false });
  }

  invite(document: number): void {
    const statusCallback = { url: `${ORIGIN}/callback`, method: 'POST', events: ['completed'] } as const;
    const { call, leg } = this.inbound({ statusCallback });
    this.#keep(call, leg, true);
    this.sessions.startForDomain(call, domainRecord({ voiceUrl: `${ORIGIN}/document/${document}` }));
  }

  createOverRest(document: number): void {
    const made = this.rest.create({
      accountSid: ACCOUNT,
      to: 'client:bob',
      from: 'reception',
      instructions: { url: `${ORIGIN}/document/${document}`, method: 'POST' },
      fallbackUrl: null,
      fallbackMethod: 'POST',
      statusCallback: `${ORIGIN}/callback`,
      statusCallbackMethod: 'POST',
      statusCallbackEvents: ['initiated', 'ringing', 'answered', 'completed'],
      timeoutSeconds: 20,
      timeLimitSeconds: 600,
      sendDigits: null,
      sipAuth: null,
    });
    expect(made.ok).toBe(true);
  }

  #webhook(): WebhookClient {
    return {
      request: (request, signal) =>
        new Promise((resolve) => {
          this.requests++;
          const fail = (errorCode: number) =>
            resolve(err({ errorCode, detail: 'failed', url: request.url, status: undefined }));
          const timer = this.clock.after(WEBHOOK_MS, () => {
            if (this.isWebhookDown) return fail(11205);
            const { pathname } = new URL(request.url);
            const number = /^\/document\/(\d+)$/.exec(pathname)?.[1];
            const verbs = number === undefined ? (pages[pathname] ?? '') : documents[Number(number)]!;
            resolve(
              ok({
                status: 200,
                contentType: 'text/xml',
                body: Buffer.from(`<Response>${verbs}</Response>`),
                finalUrl: request.url,
                durationMs: WEBHOOK_MS,
              }),
            );
          });
          signal?.addEventListener('abort', () => {
            timer.cancel();
            fail(11205);
          });
        }),
      fetchMedia: async (url) => err({ errorCode: 11217, detail: 'none', url, status: 404 }),
      forget: () => {},
      isOverloaded: () => false,
      counts: () => ({ inFlight: 0, queued: 0, cookieJars: 0 }),
      stop: async () => {},
    };
  }

  /** What peers see of a leg's state, before and after a step. */
  note(): void {
    for (const made of this.made) {
      const isAnswered = made.leg.done.includes('answer') || made.leg.phase === 'answered';
      if (made.answeredMs === undefined && isAnswered) made.answeredMs = this.clock.now();
    }
  }
}

// ---------------------------------------------------------------- commands

const REFUSALS = [486, 480, 404, 603, 500] as const;
const expectedOf: Readonly<Record<number, string>> = {
  486: 'busy',
  480: 'no-answer',
  404: 'failed',
  603: 'busy',
  500: 'failed',
};

type Command =
  | { readonly type: 'invite' | 'create'; readonly document: number }
  | { readonly type: 'advance'; readonly ms: number }
  | { readonly type: 'webhook'; readonly isDown: boolean }
  | { readonly type: 'refuse'; readonly leg: number; readonly status: (typeof REFUSALS)[number] }
  | { readonly type: 'digit'; readonly leg: number; readonly digit: string }
  | { readonly type: 'offer'; readonly leg: number; readonly direction: 'sendonly' | 'inactive' | 'sendrecv' }
  | { readonly type: 'redirect'; readonly leg: number; readonly document: number }
  | {
      readonly type: 'ring' | 'earlyMedia' | 'answer' | 'cancel' | 'bye' | 'silence' | 'complete' | 'cancelOverRest';
      readonly leg: number;
    };

/** Counted from the youngest leg: those are where something happens. */
const leg = fc.nat({ max: 4 });
const document = fc.nat({ max: documents.length - 1 });
const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ type: fc.constant('invite' as const), document }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('create' as const), document }) },
  {
    weight: 6,
    arbitrary: fc.record({
      type: fc.constant('advance' as const),
      ms: fc.constantFrom(10, 60, 60, 60, 1_000, 6_000, 40_000),
    }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('webhook' as const), isDown: fc.boolean() }) },
  {
    weight: 2,
    arbitrary: fc.record({ type: fc.constant('refuse' as const), leg, status: fc.constantFrom(...REFUSALS) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ type: fc.constant('digit' as const), leg, digit: fc.constantFrom('1', '#', '*') }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant('offer' as const),
      leg,
      direction: fc.constantFrom('sendonly' as const, 'inactive' as const, 'sendrecv' as const),
    }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('redirect' as const), leg, document }) },
  { weight: 5, arbitrary: fc.record({ type: fc.constant('answer' as const), leg }) },
  {
    weight: 6,
    arbitrary: fc.record({
      type: fc.constantFrom(
        'ring' as const,
        'earlyMedia' as const,
        'cancel' as const,
        'bye' as const,
        'silence' as const,
        'complete' as const,
        'cancelOverRest' as const,
      ),
      leg,
    }),
  },
);

/** One step. What the state of the leg does not allow its peer to do is left out. */
function perform(world: CallWorld, step: Command): void {
  if (step.type === 'invite') return world.invite(step.document);
  if (step.type === 'create') return world.createOverRest(step.document);
  if (step.type === 'webhook') {
    world.isWebhookDown = step.isDown;
    return;
  }
  if (!('leg' in step)) return;
  const made = world.made[world.made.length - 1 - step.leg];
  if (made) act(world, made, step);
}

function act(world: CallWorld, made: Made, step: Extract<Command, { leg: number }>): void {
  const { leg: peer, incoming, call } = made;
  const isRung = !incoming && peer.phase === 'early';
  switch (step.type) {
    case 'ring':
      return isRung ? peer.rings() : undefined;
    case 'earlyMedia':
      return isRung ? peer.rings(true) : undefined;
    case 'answer':
      // Also one that crosses our CANCEL: a leg driver then ends it by itself.
      if (!isRung) return;
      if (peer.done.includes('hangUp')) return peer.fails(487, 'canceled');
      return peer.answers();
    case 'refuse':
      if (!isRung) return;
      if (!peer.done.includes('hangUp')) made.refused = step.status;
      return peer.fails(step.status);
    case 'cancel':
      return incoming && peer.phase === 'early' ? peer.cancels() : undefined;
    case 'bye':
      return peer.phase === 'answered' ? peer.hangsUp() : undefined;
    case 'digit':
      return peer.phase === 'answered' ? peer.presses(step.digit) : undefined;
    case 'offer':
      if (peer.phase !== 'answered' || peer.remoteDirection === step.direction) return;
      return peer.offers(step.direction);
    case 'silence':
      return peer.phase === 'answered' ? peer.emit({ type: 'mediaTimeout' }) : undefined;
    case 'complete':
      return void world.rest.complete(call.sid);
    case 'cancelOverRest':
      return void world.rest.cancel(call.sid);
    case 'redirect':
      return void world.rest.redirect(call.sid, {
        url: `${ORIGIN}/document/${step.document}`,
        method: 'POST',
        fallbackUrl: null,
        fallbackMethod: 'POST',
      });
  }
}

// ---------------------------------------------------------------- invariants

/** How a call must have ended, by what its peer saw. */
function expectedStatuses(made: Made): readonly string[] {
  if (made.answeredMs !== undefined) return ['completed'];
  const refusal = made.leg.done.find((one) => one.startsWith('refuse'));
  if (refusal === 'refuse 486') return ['busy'];
  if (refusal === 'refuse 404') return ['no-answer'];
  if (made.incoming) return ['canceled'];
  if (made.refused !== undefined) return [expectedOf[made.refused]!];
  return ['canceled', 'no-answer'];
}

/** Final responses that the INVITE of a leg got. */
const finalsOf = ({ leg: { done } }: Made): number =>
  done.filter((one) => one === 'answer' || one.startsWith('refuse')).length;

function checkCall(world: CallWorld, made: Made): void {
  const events = world.events.filter((event) => event.callSid === made.call.sid);
  const ended = events.filter((event) => event.type === 'ended');
  expect(ended, 'one `ended` per call').toHaveLength(1);
  const [end] = ended;
  expect(expectedStatuses(made)).toContain(end!.status);
  const seconds = end!.durationSeconds;
  expect(seconds).toBeGreaterThanOrEqual(0);
  if (made.answeredMs === undefined) expect(seconds).toBe(0);
  if (made.incoming) expect(finalsOf(made), 'final responses of an INVITE').toBeLessThanOrEqual(1);
  expect(made.leg.done.filter((one) => one === 'start').length).toBeLessThanOrEqual(1);
  const statuses = events.flatMap((event) => (event.type === 'status' ? [event.status] : []));
  expect(statuses, 'each status once, in order').toEqual(
    ['initiated', 'ringing', 'in-progress'].filter((status) => (statuses as string[]).includes(status)),
  );
  const told = world.callbacks.filter((callback) => callback.callSid === made.call.sid);
  const finals = told.filter(({ params }) => params.get('CallStatus') === end!.status);
  expect(finals, 'one final callback').toHaveLength(1);
  expect(told.at(-1)).toBe(finals[0]);
  expect(told.map(({ params }) => params.get('SequenceNumber'))).toEqual(told.map((_, index) => String(index)));
}

/** Peers give up what is left, and time passes. */
async function wind(world: CallWorld): Promise<void> {
  for (let round = 0; round < 4; round++) {
    for (const made of world.made) {
      const { leg: peer, incoming } = made;
      if (peer.phase === 'answered') peer.hangsUp();
      else if (peer.phase !== 'early') continue;
      else if (incoming) peer.cancels();
      else if (peer.done.includes('hangUp')) peer.fails(487, 'canceled');
      else {
        made.refused = 480;
        peer.fails(480);
      }
      await settle();
    }
    await world.clock.advanceAsync(120_000);
    world.note();
  }
}

describe('a random life of calls', () => {
  test('one final response, one end, no negative duration, nothing left', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(command, { minLength: 1, maxLength: 60, size: 'max' }), async (commands) => {
        const world = new CallWorld();
        for (const step of commands) {
          perform(world, step);
          await settle();
          world.note();
          if (step.type !== 'advance') continue;
          await world.clock.advanceAsync(step.ms);
          world.note();
        }
        await wind(world);
        expect(world.calls.size, 'calls').toBe(0);
        expect(world.sessions.count, 'voice sessions').toBe(0);
        expect(world.engine.counts(), 'media').toMatchObject({ bridges: 0, plays: 0 });
        expect(world.clock.pendingTimers, 'timers').toBe(0);
        for (const made of world.made) checkCall(world, made);
      }),
      { numRuns: 600, interruptAfterTimeLimit: 30_000 },
    );
  });
});
