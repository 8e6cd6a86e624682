// The leg of a call whose far end is an application of ours (`<Dial><Application>`, twiml.md 6.8): nothing is signalled, its own document
// answers it. Its media is a pair of endpoints that are each other's peer on the loopback, so that whatever a document does with a call
// (play, gather, record, dial on, join a room) works on it as on any other.
//
//   caller ═ bridge ═ outer ◀──RTP──▶ inner ◀── the document of the application
//
// `endpoint` is the inner one; the bridge of the Dial takes `bridgeEndpoint`.

import type { EndpointId, EndpointInfo, MediaEngine, MediaEvent } from '../media/engine.ts';
import type { MediaDirection, MediaPlan } from '../sdp/plan.ts';
import type { AnswerOutcome, LegDriver, LegEvent } from './leg-driver.ts';
import type { MediaRouter } from './media-router.ts';

export interface ApplicationLegServices {
  readonly engine: Pick<MediaEngine, 'open' | 'close' | 'configure' | 'expectSilence'>;
  readonly router: Pick<MediaRouter, 'own' | 'forget'>;
}

export interface ApplicationLegOptions {
  readonly callSid: string;
  /** Of the caller: the same media worker. */
  readonly near: EndpointId | undefined;
  /** Begins the document, once there is media. */
  readonly run: () => void;
}

const LOOPBACK = '127.0.0.1';
const TELEPHONE_EVENT_TYPE = 101;

type Phase = 'idle' | 'early' | 'answered' | 'ended';

export class ApplicationLeg implements LegDriver {
  readonly signallingId = undefined;
  readonly remoteAddress = undefined;
  readonly remoteDirection: MediaDirection = 'sendrecv';
  readonly isAnsweredHere = true;
  readonly #services: ApplicationLegServices;
  readonly #options: ApplicationLegOptions;
  readonly #endpoints: EndpointInfo[] = [];
  #listener: (event: LegEvent) => void = () => {};
  #outerListener: (event: MediaEvent) => void = () => {};
  #phase: Phase = 'idle';
  #onJoined: ((outcome: AnswerOutcome) => void) | undefined;

  constructor(services: ApplicationLegServices, options: ApplicationLegOptions) {
    this.#services = services;
    this.#options = options;
  }

  get endpoint(): EndpointId | undefined {
    return this.#endpoints[0]?.id;
  }

  get bridgeEndpoint(): EndpointId | undefined {
    return this.#endpoints[1]?.id;
  }

  onEvent(listener: (event: LegEvent) => void): void {
    this.#listener = listener;
  }

  /** What happens on the outer endpoint, for a call that has that side as its own (application-call.ts). */
  onOuterMedia(listener: (event: MediaEvent) => void): void {
    this.#outerListener = listener;
  }

  start(): void {
    if (this.#phase !== 'idle') return;
    this.#phase = 'early';
    void this.#open();
  }

  async #open(): Promise<void> {
    const { engine, router } = this.#services;
    const { callSid, near, run } = this.#options;
    for (const isInner of [true, false]) {
      const opened = await engine.open({ localAddress: LOOPBACK, callSid, ...(near === undefined ? {} : { near }) });
      if (opened.ok) this.#endpoints.push(opened.value);
      // Given up meanwhile.
      if (this.#phase === 'ended') return this.#close();
      if (!opened.ok) return this.#fail(503, 'transport', `no media port: ${opened.error.detail}`);
      router.own(opened.value.id, (event) => this.#onMedia(event, isInner));
    }
    const [inner, outer] = this.#endpoints as [EndpointInfo, EndpointInfo];
    for (const [one, other] of [
      [inner, outer],
      [outer, inner],
    ] as const) {
      engine.configure(one.id, planTowards(other), { signallingAddress: null, nat: false });
      // Whether anybody speaks is known at the far side of the bridge.
      engine.expectSilence(one.id, true);
    }
    this.#listener({ type: 'ringing', status: 180, earlyMedia: false });
    if (this.#phase === 'early') run();
  }

  /** Media flows when the bridge of the Dial has taken the leg: what the document says before would be lost. */
  answer(): Promise<AnswerOutcome> {
    if (this.#phase === 'answered') return Promise.resolve({ ok: true, detail: '' });
    if (this.#phase !== 'early') return Promise.resolve({ ok: false, detail: 'leg has ended' });
    this.#phase = 'answered';
    const joined = new Promise<AnswerOutcome>((resolve) => {
      this.#onJoined = resolve;
    });
    this.#listener({ type: 'answered', status: 200, headers: [] });
    return joined;
  }

  bridged(): void {
    this.#onJoined?.({ ok: true, detail: '' });
    this.#onJoined = undefined;
  }

  refuse(): void {
    this.#close();
  }

  hangUp(): void {
    if (this.#phase === 'ended') return;
    if (this.#phase !== 'answered') return this.#fail(487, 'canceled', 'given up');
    this.#close();
    this.#listener({ type: 'ended', by: 'local', headers: [] });
  }

  #fail(status: number, cause: 'transport' | 'canceled', detail: string): void {
    this.#close();
    this.#listener({ type: 'failed', status, cause, detail, headers: [] });
  }

  #close(): void {
    this.#phase = 'ended';
    for (const { id } of this.#endpoints.splice(0)) {
      this.#services.router.forget(id);
      this.#services.engine.close(id);
    }
    this.#onJoined?.({ ok: false, detail: 'leg has ended' });
    this.#onJoined = undefined;
  }

  #onMedia(event: MediaEvent, isInner: boolean): void {
    // Silence is expected: this is the failure of a worker.
    if (event.type === 'rtpTimeout') return this.#listener({ type: 'mediaTimeout' });
    if (!isInner) return this.#outerListener(event);
    if (event.type === 'digit') this.#listener({ type: 'digit', digit: event.digit, durationMs: event.durationMs });
    else if (event.type === 'playEnded')
      this.#listener({ type: 'playEnded', play: event.play, outcome: event.outcome });
  }

  /** A hold of the caller: the document goes on. */
  offerDirection(): Promise<boolean> {
    return Promise.resolve(this.#phase === 'answered');
  }
  limitDirection(): void {}
  probe(): Promise<boolean> {
    return Promise.resolve(this.#phase === 'answered');
  }
  // Nothing stands behind it that could ring.
  ring(): void {}
  earlyMedia(): boolean {
    return false;
  }
}

function planTowards({ rtpPort, rtcpPort }: EndpointInfo): MediaPlan {
  return {
    remoteAddress: LOOPBACK,
    remotePort: rtpPort,
    remoteRtcpPort: rtcpPort,
    rtcpMux: false,
    direction: 'sendrecv',
    codec: 'PCMU',
    payloadType: 0,
    receivePayloadTypes: [{ payloadType: 0, codec: 'PCMU' }],
    telephoneEventSend: TELEPHONE_EVENT_TYPE,
    telephoneEventReceive: TELEPHONE_EVENT_TYPE,
    packetTimeMs: 20,
    srtp: null,
  };
}
