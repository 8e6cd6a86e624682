// A call under test over SIP: the scripted phone is the caller, the gateway says what the application does, tones are measured in what is
// really heard. Time is real, and real parties decide what becomes of a Dial.

import { type Clock, sleep } from '../base/clock.ts';
import { statusOfRefusal } from '../call/outcome.ts';
import type { PhoneCall } from '../demo/phone-call.ts';
import type { WatchedEvent, WatchedPage } from '../trace/call-watch.ts';
import type { Feed, Seen, TestCall } from './feed.ts';
import { TONE_WINDOW_SAMPLES, ToneWatch } from './virtual-sound.ts';
import { plainText } from './virtual-world.ts';

/** Port to the gateway; undefined when it can tell nothing more. */
export interface CallWatch {
  /** Events from the `from`th on; waits for some time when there is none. */
  poll(from: number): Promise<WatchedPage | undefined>;
}

/** Port to speech/. */
export interface ScriptSpeaker {
  synthesize(
    request: { readonly text: string; readonly ssml: boolean; readonly voice: string; readonly language: string },
    signal: AbortSignal,
  ): Promise<
    | { readonly ok: true; readonly value: Int16Array }
    | { readonly ok: false; readonly error: { readonly detail: string } }
  >;
}

export interface DialledParts {
  readonly feed: Feed;
  readonly speaker: ScriptSpeaker;
  readonly clock: Clock;
}

/** How long the gateway may take to tell of the end that the phone has seen. */
const END_MS = 3_000;
const KEYS_HEARD_MS = 2_000;
const PLAY_MS = 4 * 3_600_000;

export class DialledCall implements TestCall {
  readonly feed: Feed;
  readonly decide = undefined;
  readonly #phone: PhoneCall;
  readonly #watch: CallWatch;
  readonly #speaker: ScriptSpeaker;
  readonly #clock: Clock;
  readonly #startedMs: number;
  readonly #over = new AbortController();
  readonly #watched: Promise<void>;
  #rootSid: string | undefined;
  #hasHungUp = false;

  constructor(phone: PhoneCall, watch: CallWatch, { feed, speaker, clock }: DialledParts) {
    this.feed = feed;
    this.#phone = phone;
    this.#watch = watch;
    this.#speaker = speaker;
    this.#clock = clock;
    this.#startedMs = clock.now();
    this.#watched = this.#follow();
    void this.#awaitEnd();
  }

  /** Resolves when nothing more will be seen. */
  async finish(): Promise<void> {
    if (!this.feed.end) await this.#phone.waitFor(END_MS, 'ended', 'failed');
    if (!this.feed.end) await this.sleep(END_MS, this.#over.signal);
    this.#over.abort();
    void this.#watched;
  }

  // ------------------------------------------------------------------ what is seen

  #see(seen: Seen, atMs = this.atMs()): void {
    if (seen.kind === 'ended' && this.feed.end) return;
    this.feed.add({ ...seen, atMs });
    if (seen.kind === 'ended') this.#over.abort();
  }

  async #follow(): Promise<void> {
    let from = 0;
    while (!this.#over.signal.aborted) {
      const page = await this.#watch.poll(from);
      if (!page) return;
      this.#rootSid = page.callSid;
      for (const event of page.events) this.#onWatched(event);
      from = page.next;
    }
  }

  #onWatched(event: WatchedEvent): void {
    const isOwn = event.callSid === this.#rootSid;
    const seen = seenOf(event, isOwn, this.#hasHungUp);
    if (seen) this.#see(seen, isOwn ? event.atMs : this.atMs());
  }

  /** The phone knows of the end too: when the gateway never saw the call, or is gone. */
  async #awaitEnd(): Promise<void> {
    const event = await this.#phone.waitFor(PLAY_MS, 'ended', 'failed');
    await this.sleep(END_MS, this.#over.signal);
    const isRefused = event?.type === 'failed';
    this.#see({
      kind: 'ended',
      by: this.#hasHungUp ? 'caller' : 'application',
      status: isRefused ? statusOfRefusal(event.status) : 'completed',
      reason: isRefused ? `refused with ${event.status}` : 'the other side hung up',
    });
  }

  // ------------------------------------------------------------------ the caller

  atMs(): number {
    return this.#clock.now() - this.#startedMs;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return sleep(this.#clock, ms, signal);
  }

  async press(keys: string): Promise<void> {
    const heardBefore = this.#keysHeard;
    const count = keys.replace(/w/gi, '').length;
    await this.#phone.play([{ kind: 'digits', digits: keys }], PLAY_MS);
    const heard = new AbortController();
    const unsubscribe = this.feed.onAdded(() => this.#keysHeard >= heardBefore + count && heard.abort());
    if (this.#keysHeard < heardBefore + count && !this.feed.end) await this.sleep(KEYS_HEARD_MS, heard.signal);
    unsubscribe();
  }

  get #keysHeard(): number {
    return this.feed.all.filter(({ kind }) => kind === 'keyHeard').length;
  }

  async speak(text: string): Promise<string | undefined> {
    const request = { text, ssml: false, voice: 'man', language: 'en-US' };
    const spoken = await this.#speaker.synthesize(request, this.#over.signal);
    if (!spoken.ok) return `it cannot be spoken: ${spoken.error.detail}`;
    await this.#phone.play([{ kind: 'samples', samples: spoken.value }], PLAY_MS);
    return undefined;
  }

  async sound(hz: number, forMs: number): Promise<void> {
    await this.#phone.play([{ kind: 'tone', frequencies: [hz], levelDb: -10, durationMs: forMs }], PLAY_MS);
  }

  async hears(hz: number, signal: AbortSignal): Promise<void> {
    await this.#phone.waitFor(PLAY_MS, 'answered', 'failed', 'ended');
    if (signal.aborted) return;
    const tone = new ToneWatch(hz);
    const window = new Int16Array(TONE_WINDOW_SAMPLES);
    let filled = 0;
    return new Promise((resolve) => {
      const finish = () => {
        stop();
        resolve();
      };
      const stop = this.#phone.listen((samples) => {
        for (const sample of samples) {
          window[filled++] = sample;
          if (filled < window.length) continue;
          filled = 0;
          if (tone.push(window)) return finish();
        }
      });
      signal.addEventListener('abort', finish, { once: true });
    });
  }

  hangUp(): void {
    this.#hasHungUp = true;
    this.#phone.leg.hangUp();
  }
}

/** What a script sees of an event; of called parties only what they are told. */
function seenOf(event: WatchedEvent, isOwn: boolean, hasHungUp: boolean): Seen | undefined {
  switch (event.type) {
    case 'heard':
      return event.what === 'play'
        ? { kind: 'play', url: event.text }
        : { kind: 'say', text: plainText(event.text, event.what === 'ssml') };
    case 'verbStarted':
      return { kind: 'verb', verb: event.verb, detail: event.detail };
    case 'verbEnded':
      return { kind: 'verbEnded', verb: event.verb, outcome: event.outcome };
    case 'notification':
      return { kind: 'notice', level: event.level, code: event.errorCode, message: event.message };
    case 'webhookResponse': {
      const { url, status, errorCode } = event;
      return { kind: 'exchange', method: '', url, purpose: 'document', status, errorCode, params: [] };
    }
    default:
      return isOwn ? ownSeen(event, hasHungUp) : undefined;
  }
}

function ownSeen(event: WatchedEvent, hasHungUp: boolean): Seen | undefined {
  switch (event.type) {
    case 'status':
      return event.status === 'in-progress' ? { kind: 'answered' } : undefined;
    case 'bridged':
      return { kind: 'bridged' };
    case 'digit':
      return { kind: 'keyHeard' };
    case 'ended':
      return { kind: 'ended', by: hasHungUp ? 'caller' : 'application', status: event.status, reason: event.reason };
    default:
      return undefined;
  }
}
