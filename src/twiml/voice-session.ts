// Voice sessions: at most one running document per call. Starts them, replaces them (REST redirect), runs screening documents, and
// knows the bridge a call is in so that a redirected child is taken out of it alive (twiml.md 4.2 point 6).

import type { Domain, HttpMethod } from '../base/records.ts';
import { linkedController } from '../base/signal.ts';
import type { Bridge } from '../call/bridge.ts';
import type { Call } from '../call/call.ts';
import { type DialServices, dial, type Screening } from '../call/dial.ts';
import type { DialTarget } from '../call/dial-options.ts';
import type { SessionStart } from '../call/rest-calls.ts';
import { CallSession, type CallSessionServices } from './call-session.ts';
import { runVoiceSession } from './interpreter.ts';

export interface VoiceSessionServices extends Omit<CallSessionServices, 'dial'> {
  readonly holdMusic?: NonNullable<DialServices['holdMusic']>;
  readonly router: DialServices['router'];
  readonly authTokenOf: (accountSid: string) => string;
}

type Start =
  | { readonly kind: 'url'; readonly url: string; readonly method: HttpMethod }
  | { readonly kind: 'twiml'; readonly twiml: string };

/** Reason of an abort: another document takes over. */
const REPLACED = 'replaced';

interface Running {
  readonly controller: AbortController;
  readonly done: Promise<void>;
}

export class VoiceSessions {
  readonly #services: VoiceSessionServices;
  readonly #sessionServices: CallSessionServices;
  readonly #running = new Map<string, Running>();
  readonly #bridges = new Map<string, Bridge>();

  constructor(services: VoiceSessionServices) {
    this.#services = services;
    const dialServices: DialServices = {
      engine: services.engine,
      clock: services.clock,
      ...(services.holdMusic ? { holdMusic: services.holdMusic } : {}),
      router: services.router,
      screen: (child, target, signal) => this.#screen(child, target, signal),
      onBridge: (bridge, calls) => this.#noteBridge(bridge, calls),
    };
    this.#sessionServices = { ...services, dial: (call, options, signal) => dial(call, options, dialServices, signal) };
  }

  get count(): number {
    return this.#running.size;
  }

  /** The voice application of the domain that an inbound call came to. */
  startForDomain(call: Call, domain: Domain): void {
    const start: Start =
      domain.voiceUrl === null
        ? { kind: 'twiml', twiml: domain.voiceTwiml ?? '<Response/>' }
        : { kind: 'url', url: domain.voiceUrl, method: domain.voiceMethod };
    const fallback =
      domain.voiceFallbackUrl === null
        ? undefined
        : { url: domain.voiceFallbackUrl, method: domain.voiceFallbackMethod };
    this.#run(call, start, fallback);
  }

  /** A document for a call in progress: its first (outgoing REST call) or another one (REST redirect). */
  start(call: Call, { instructions, fallback }: SessionStart): void {
    const start: Start =
      'twiml' in instructions
        ? { kind: 'twiml', twiml: instructions.twiml }
        : { kind: 'url', url: instructions.url, method: instructions.method };
    this.#running.get(call.sid)?.controller.abort(REPLACED);
    this.#bridges.get(call.sid)?.release(call);
    this.#run(call, start, fallback);
  }

  #run(call: Call, start: Start, fallback: SessionStart['fallback']): void {
    const before = this.#running.get(call.sid)?.done ?? Promise.resolve();
    const { controller, dispose } = linkedController(call.signal);
    const done = before
      .then(() => this.#interpret(call, start, fallback, controller.signal, 'hangUp', false))
      .catch((fault) => {
        // One call's fault never reaches another: log, end this call.
        call.log.error({ err: fault }, 'the voice session failed');
        call.hangUp('internal error');
      })
      .finally(() => {
        dispose();
        if (this.#running.get(call.sid)?.controller === controller) this.#running.delete(call.sid);
      });
    this.#running.set(call.sid, { controller, done });
    call.sessionEnded = done;
  }

  async #interpret(
    call: Call,
    start: Start,
    fallback: SessionStart['fallback'],
    signal: AbortSignal,
    endMeans: 'hangUp' | 'return',
    isScreening: boolean,
  ): Promise<void> {
    if (call.isOver) return;
    await runVoiceSession({
      control: new CallSession(call, this.#sessionServices, isScreening),
      webhook: this.#services.webhook,
      start,
      fallback,
      authToken: this.#services.authTokenOf(call.options.accountSid),
      emit: (event) => call.emit(event),
      log: call.log,
      clock: this.#services.clock,
      signal,
      endMeans,
    });
  }

  /** twiml.md 6.3: the end of a screening document bridges, a Hangup in it declines. */
  async #screen(child: Call, target: DialTarget, signal: AbortSignal): Promise<Screening> {
    if (target.url === undefined) return 'accepted';
    const { controller, dispose } = linkedController(signal);
    const onEnd = () => controller.abort();
    child.signal.addEventListener('abort', onEnd, { once: true });
    try {
      const start: Start = { kind: 'url', url: target.url, method: target.method };
      const done = this.#interpret(child, start, undefined, controller.signal, 'return', true);
      this.#running.set(child.sid, { controller, done });
      child.sessionEnded = done;
      await done;
    } finally {
      child.signal.removeEventListener('abort', onEnd);
      dispose();
      if (this.#running.get(child.sid)?.controller === controller) this.#running.delete(child.sid);
    }
    if (controller.signal.reason === REPLACED) return 'taken';
    return child.isOver || signal.aborted ? 'declined' : 'accepted';
  }

  #noteBridge(bridge: Bridge, calls: readonly [Call, Call]): void {
    for (const call of calls) this.#bridges.set(call.sid, bridge);
    void bridge.ended.then(() => {
      for (const call of calls) if (this.#bridges.get(call.sid) === bridge) this.#bridges.delete(call.sid);
    });
  }
}
