// Voice sessions: at most one running document per call. Starts them, replaces them (REST redirect), runs screening documents, and
// knows the bridge a call is in so that a redirected child is taken out of it alive (twiml.md 4.2 point 6).

import type { VoiceApplication } from '../base/records.ts';
import { linkedController } from '../base/signal.ts';
import type { MakeApplicationChild, RunApplication } from '../call/application-child.ts';
import type { Attended } from '../call/attended.ts';
import type { Bridge } from '../call/bridge.ts';
import type { Call } from '../call/call.ts';
import { type DialServices, dial, type Screening } from '../call/dial.ts';
import type { DialTarget } from '../call/dial-options.ts';
import { keepOrphans } from '../call/orphans.ts';
import { documentParams } from '../call/params.ts';
import type { SessionStart } from '../call/rest-calls.ts';
import type { TransferDocument, TransferHooks, TransferRunEnd } from '../call/transfer.ts';
import type { RunWaitDocument } from '../call/wait-document.ts';
import type { Queues } from '../queue/queues.ts';
import { CallSession, type CallSessionServices } from './call-session.ts';
import { runVoiceSession, type SessionEnd, type SessionOptions } from './interpreter.ts';
import { queueControl } from './queue-control.ts';
import { fillTemplate } from './template.ts';
import { runWaitDocument } from './wait-document.ts';

export interface VoiceSessionServices extends Omit<CallSessionServices, 'dial' | 'queues'> {
  readonly queues: Queues;
  readonly holdMusic?: NonNullable<DialServices['holdMusic']>;
  readonly router: DialServices['router'];
  readonly authTokenOf: (accountSid: string) => string;
  readonly attended?: Attended;
  /** Finds out who answered a Dial. */
  readonly detection?: DialServices['detection'];
  /** The child of an Application noun. */
  readonly applicationChild?: (
    ...parts: [...Parameters<MakeApplicationChild>, RunApplication]
  ) => ReturnType<MakeApplicationChild>;
  /** What records a Dial. */
  readonly recordDial?: DialServices['record'];
}

type Start = SessionOptions['start'];
type Fallback = SessionStart['fallback'];

/** Reason of an abort: another document takes over. */
const REPLACED = 'replaced';

type Session = Pick<SessionOptions, 'start' | 'fallback' | 'signal' | 'endMeans' | 'isTentative' | 'restriction'> & {
  readonly isScreening?: boolean;
  readonly dial?: CallSessionServices['dial'];
};

interface Running {
  readonly controller: AbortController;
  readonly done: Promise<unknown>;
  readonly fallback: Fallback;
}

export class VoiceSessions {
  readonly #services: VoiceSessionServices;
  readonly #sessionServices: CallSessionServices;
  readonly #running = new Map<string, Running>();
  readonly #bridges = new Map<string, Bridge>();
  /** By CallSid of who is being transferred: told that it was joined with somebody. */
  readonly #transferred = new Map<string, () => void>();

  constructor(services: VoiceSessionServices) {
    this.#services = services;
    const dialServices: DialServices = {
      engine: services.engine,
      clock: services.clock,
      ...(services.holdMusic ? { holdMusic: services.holdMusic } : {}),
      router: services.router,
      screen: (child, target, signal) => this.#screen(child, target, signal),
      onBridge: (bridge, calls) => this.#noteBridge(bridge, calls),
      runTransfer: (call, document, hooks) => this.#transfer(call, document, hooks),
      attended: services.attended,
      detection: services.detection,
      ...(services.applicationChild ? { application: this.#applicationChild(services.applicationChild) } : {}),
      record: services.recordDial,
    };
    services.attended?.setUser({
      onBridge: (bridge) => this.#noteBridge(bridge, bridge.calls),
      onOrphans: (bridge) => void keepOrphans(bridge, dialServices),
    });
    const queueServices = {
      ...dialServices,
      queues: services.queues,
      runWaitDocument: ((call, document, signal) => this.runWaitDocument(call, document, signal)) as RunWaitDocument,
    };
    this.#sessionServices = {
      ...services,
      dial: (call, options, signal) => dial(call, options, dialServices, signal),
      queues: (call) => queueControl(call, queueServices),
    };
  }

  get count(): number {
    return this.#running.size;
  }

  #applicationChild(make: NonNullable<VoiceSessionServices['applicationChild']>): MakeApplicationChild {
    return (caller, target, callerId) =>
      make(caller, target, callerId, (call, application) => this.startForDomain(call, application));
  }

  /** The voice application of the domain, trunk or number that an inbound call came to. */
  startForDomain(call: Call, domain: VoiceApplication): void {
    const start: Start =
      domain.voiceUrl === null
        ? { kind: 'twiml', twiml: fillTemplate(domain.voiceTwiml ?? '<Response/>', documentParams(call)) }
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

  #run(call: Call, start: Start, fallback: Fallback): void {
    const before = this.#running.get(call.sid)?.done ?? Promise.resolve();
    const { controller, dispose } = linkedController(call.signal);
    const done = before
      .then(() => this.#interpret(call, { start, fallback, signal: controller.signal }))
      .catch((fault) => {
        // One call's fault never reaches another: log, end this call.
        call.log.error({ err: fault }, 'the voice session failed');
        call.hangUp('internal error');
      })
      .finally(() => {
        dispose();
        if (this.#running.get(call.sid)?.controller === controller) this.#running.delete(call.sid);
      });
    this.#running.set(call.sid, { controller, done, fallback });
    call.sessionEnded = done;
  }

  /** For queues and conferences: a document on a call that waits, beside the session that it waits in. */
  readonly runWaitDocument: RunWaitDocument = (call, document, signal) => {
    const { engine, clock } = this.#services;
    return runWaitDocument(
      call,
      document,
      { engine, clock, interpret: (on, session) => this.#interpret(on, session) },
      signal,
    );
  };

  async #interpret(call: Call, session: Session): Promise<SessionEnd> {
    if (call.isOver) return { how: 'stopped' };
    const { isScreening = false, dial, ...options } = session;
    const services = dial ? { ...this.#sessionServices, dial } : this.#sessionServices;
    return runVoiceSession({
      control: new CallSession(call, services, isScreening),
      webhook: this.#services.webhook,
      authToken: this.#services.authTokenOf(call.options.accountSid),
      emit: (event) => call.emit(event),
      log: call.log,
      clock: this.#services.clock,
      ...options,
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
      const { signal: screeningSignal } = controller;
      const session = {
        start,
        fallback: undefined,
        signal: screeningSignal,
        endMeans: 'return',
        isScreening: true,
      } as const;
      const done = this.#interpret(child, session);
      this.#running.set(child.sid, { controller, done, fallback: undefined });
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

  /**
   * The document of referUrl, for the party that stays (sip-interface.md 5.2). A caller goes on inside the session that dialled; a
   * dialled party gets a session of its own, which REST can replace like any other.
   */
  async #transfer(call: Call, document: TransferDocument, hooks: TransferHooks): Promise<TransferRunEnd> {
    const { controller, dispose } = linkedController(hooks.signal);
    const outer = this.#running.get(call.sid);
    let sipStatus: number | undefined;
    const session: Session = {
      start: {
        kind: 'url',
        url: document.url,
        method: document.method,
        params: new Map([['ReferTransferTarget', document.target]]),
        onFetched: hooks.onFetched,
      },
      // Who may go back needs no fallback document.
      fallback: hooks.isTentative() ? undefined : outer?.fallback,
      signal: controller.signal,
      isTentative: hooks.isTentative,
      dial: async (caller, options, signal) => {
        const outcome = await this.#sessionServices.dial(caller, options, signal);
        if (!outcome.bridged) sipStatus = outcome.sip?.responseCode;
        return outcome;
      },
    };
    this.#transferred.set(call.sid, hooks.onBridged);
    const done = this.#interpret(call, session).catch((fault) => {
      call.log.error({ err: fault }, 'the document of a transfer failed');
    });
    if (!outer) {
      this.#running.set(call.sid, { controller, done, fallback: undefined });
      call.sessionEnded = done;
    }
    await done;
    dispose();
    if (this.#running.get(call.sid)?.controller === controller) this.#running.delete(call.sid);
    if (this.#transferred.get(call.sid) === hooks.onBridged) this.#transferred.delete(call.sid);
    return { isReplaced: controller.signal.reason === REPLACED, sipStatus };
  }

  #noteBridge(bridge: Bridge, calls: readonly [Call, Call]): void {
    for (const call of calls) this.#transferred.get(call.sid)?.();
    // An application that was dialled stays in the bridge whatever document it gets.
    const joined = calls.filter((call) => !(call.leg.isAnsweredHere && bridge.children.has(call)));
    for (const call of joined) this.#bridges.set(call.sid, bridge);
    void bridge.ended.then(() => {
      for (const call of calls) if (this.#bridges.get(call.sid) === bridge) this.#bridges.delete(call.sid);
    });
  }
}
