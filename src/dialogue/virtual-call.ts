// A call without SIP, media or gateway: the interpreter runs an application's documents on it in virtual time, real HTTP requests included.
// The caller is a script (run-script.ts), the parties that the application dials are too.
//
//   script ─▶ TestCall ─▶ input, outcomes ─▶ VirtualLeg (CallControl) ◀─ interpreter ─▶ webhook client ─▶ application
//             ◀── feed of observations ◀──────────────┘

import { sleep } from '../base/clock.ts';
import { limits } from '../base/limits.ts';
import type { CallControl } from '../twiml/call-control.ts';
import { runVoiceSession, type SessionEvent } from '../twiml/interpreter.ts';
import { statusCallbackParams } from '../webhook/status-callbacks.ts';
import type { WebhookReport } from '../webhook/webhook.ts';
import { Engagements } from './engagement.ts';
import { Feed, type Seen, type TestCall } from './feed.ts';
import type { Outcome } from './script.ts';
import { speechMs, VirtualInput } from './virtual-input.ts';
import { VirtualLeg } from './virtual-leg.ts';
import { VirtualSound } from './virtual-sound.ts';
import type { LegIdentity, VirtualCallback, VirtualCallOptions, VirtualWorld } from './virtual-world.ts';

/** How long a key is held, and the pause behind it. */
const KEY_MS = 200;

export class VirtualCall implements TestCall, VirtualWorld {
  readonly feed = new Feed();
  readonly options: VirtualCallOptions;
  readonly input = new VirtualInput();
  readonly engagements: Engagements;
  readonly audio: VirtualSound;
  readonly #leg: VirtualLeg;
  #exchanges = 0;
  #called: Promise<void> = Promise.resolve();

  constructor(options: VirtualCallOptions) {
    this.options = options;
    this.engagements = new Engagements(options.clock);
    this.audio = new VirtualSound(options.clock);
    const { callSid, params } = options;
    this.#leg = new VirtualLeg(this, { callSid, params, isScreening: false });
  }

  /** Runs the call to its end. Never rejects. */
  async run(): Promise<void> {
    const { clock, webhook, start, fallback, authToken, log } = this.options;
    const limit = clock.after(limits.callTimeLimitMs, () =>
      this.#leg.end('application', 'the longest time of a call is over'),
    );
    await runVoiceSession({
      control: this.#leg,
      webhook,
      start: { kind: 'url', ...start },
      fallback,
      authToken,
      emit: (event) => this.onSessionEvent(event),
      log,
      clock,
      signal: this.#leg.callSignal,
    });
    limit.cancel();
    this.#tellEnd();
    await this.#called;
    webhook.forget(this.options.callSid);
  }

  newLeg(identity: LegIdentity): CallControl {
    return new VirtualLeg(this, identity);
  }

  callBack({ url, method, callSid, facts }: VirtualCallback): void {
    const { webhook, accountSid, authToken, clock } = this.options;
    const params = statusCallbackParams({ ...facts, wallMs: clock.wall() });
    const request = { url, method, params, authToken, accountSid, callSid, purpose: 'statusCallback' } as const;
    this.#called = this.#called.then(async () => void (await webhook.request(request)));
  }

  #tellEnd(): void {
    const { statusCallback: url, callSid, params, accountSid } = this.options;
    const { end, all } = this.feed;
    if (url === undefined || !end) return;
    const answered = all.find(({ kind }) => kind === 'answered');
    const own: [string, string][] = [
      ['CallSid', callSid],
      ['AccountSid', accountSid],
    ];
    const facts = {
      standard: new Map([...own, ...params]),
      callStatus: end.status,
      sequenceNumber: 0,
      durationSeconds: answered ? Math.round((end.atMs - answered.atMs) / 1_000) : 0,
      sipResponseCode: answered ? 200 : null,
    };
    this.callBack({ url, method: 'POST', callSid, facts });
  }

  // ------------------------------------------------------------------ what is seen

  see(seen: Seen): void {
    this.feed.add({ ...seen, atMs: this.atMs() });
  }

  onSessionEvent(event: SessionEvent): void {
    switch (event.type) {
      case 'verbStarted':
        return this.see({ kind: 'verb', verb: event.verb, detail: event.detail });
      case 'verbEnded':
        return this.see({ kind: 'verbEnded', verb: event.verb, outcome: event.outcome });
      case 'notification':
        return this.see({ kind: 'notice', level: event.level, code: event.errorCode, message: event.message });
    }
  }

  /** For WebhookClientOptions.onExchange. */
  onExchange({ method, url, purpose, status, errorCode, params }: WebhookReport): void {
    if (++this.#exchanges > limits.virtualRequests)
      this.#leg.end('application', `more than ${limits.virtualRequests} requests in one call`);
    const told = [...params].filter(([name]) => !STANDARD.has(name) && !this.options.params.has(name));
    this.see({ kind: 'exchange', method, url, purpose, status, errorCode, params: told });
  }

  // ------------------------------------------------------------------ the caller

  atMs(): number {
    return this.options.clock.now();
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return sleep(this.options.clock, ms, signal);
  }

  async press(keys: string): Promise<void> {
    for (const key of keys) {
      if (key === 'w' || key === 'W') await this.sleep(key === 'w' ? 500 : 1_000);
      else {
        await this.sleep(KEY_MS / 2);
        this.input.press(key);
        await this.sleep(KEY_MS / 2);
      }
    }
  }

  async speak(text: string): Promise<undefined> {
    await this.#make(text, speechMs(text));
  }

  async sound(hz: number, forMs: number): Promise<void> {
    this.audio.fromCaller(hz, forMs);
    await this.#make('', forMs);
  }

  async #make(words: string, forMs: number): Promise<void> {
    await this.sleep(KEY_MS / 2);
    this.input.beginSpeech(words);
    await this.sleep(forMs);
    this.input.endSpeech();
  }

  hears(hz: number, signal: AbortSignal): Promise<void> {
    return this.audio.hears(hz, signal);
  }

  hangUp(): void {
    this.#leg.end('caller', 'the caller hung up');
  }

  readonly decide = (outcome: Outcome): string | undefined => this.engagements.decide(outcome);
}

/** Parameters that each request has. */
const STANDARD: ReadonlySet<string> = new Set(
  'CallSid AccountSid ApiVersion CallStatus Direction From To Caller Called msg'.split(' '),
);
