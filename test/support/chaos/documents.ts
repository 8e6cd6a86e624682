// TwiML drawn by chance: every verb and noun with attributes that are right, unusual or wrong. A document leads to others, a few deep.

import type { Draw } from './draw.ts';

export interface DocumentPlaces {
  /** Origin of the application. */
  readonly app: string;
  /** URL of the WebSocket server. */
  readonly streams: string;
  /** UDP port that nobody answers SIP at. */
  readonly deadSip: number;
}

/** How deep documents lead to one another. */
const DEPTH = 4;
const VERBS = 3;
const ROOMS = ['blue', 'red'];
const LINES = ['first', 'second'];

export class RandomDocuments {
  readonly #draw: Draw;
  readonly #places: DocumentPlaces;

  constructor(draw: Draw, places: DocumentPlaces) {
    this.#draw = draw;
    this.#places = places;
  }

  /** A document of the main line of a call. */
  main(depth: number): string {
    const { chance, whole } = this;
    if (depth >= DEPTH || chance(0.02)) return '<Response><Hangup/></Response>';
    const verbs = Array.from({ length: whole(1, VERBS) }, () => this.#verb(depth + 1));
    return `<Response>${verbs.join('')}</Response>`;
  }

  /** Of somebody who waits in a queue or room. */
  waiting(): string {
    const { pick, chance } = this;
    const verbs = ['<Say>wait</Say>', '<Play>/tone.wav</Play>', '<Play>/missing.wav</Play>', '<Pause length="1"/>'];
    const end = pick([
      '',
      '',
      '<Leave/>',
      '<Redirect>/wait</Redirect>',
      '<Gather numDigits="1" timeout="1"/>',
      '<Dial>1</Dial>',
    ]);
    return chance(0.03) ? 'not at all XML' : `<Response>${pick(verbs)}${pick(verbs)}${end}</Response>`;
  }

  /** Of a called party. */
  screening(): string {
    const { pick } = this;
    return `<Response>${pick(['', '<Say>a call</Say>', '<Gather numDigits="1" timeout="1"/>', '<Hangup/>', '<Dial>1</Dial>', '<Pause/>'])}</Response>`;
  }

  private get chance() {
    return (share: number) => this.#draw.chance(share);
  }
  private get whole() {
    return (from: number, to: number) => this.#draw.whole(from, to);
  }
  private get pick() {
    return <T>(list: readonly T[]): T => this.#draw.pick(list);
  }

  #next(depth: number): string {
    const failing = ['/fails', '/missing', '/silent#rt=200', 'http://127.0.0.1:1/'];
    return this.chance(0.06) ? this.pick(failing) : `/doc/${depth}`;
  }

  #callback(): string {
    return this.pick(['/told', '/told', '/told', '/fails', '/silent#rt=200']);
  }

  #action(depth: number): string {
    return this.chance(0.7) ? `action="${this.#next(depth)}"` : '';
  }

  #attributes(...choices: readonly string[]): string {
    return choices.filter(() => this.chance(0.35)).join(' ');
  }

  #verb(depth: number): string {
    const kinds: readonly (() => string)[] = [
      () => `<Say ${this.#attributes('loop="2"', 'voice="alice"', 'language="xx"')}>hello</Say>`,
      () =>
        `<Play ${this.#attributes('loop="2"', 'digits="1w2"')}>${this.pick(['/tone.wav', '/missing.wav', '/doc/1'])}</Play>`,
      () => `<Pause length="${this.pick(['1', '0', 'x'])}"/>`,
      () => this.#gather(depth),
      () => this.#record(depth),
      () => this.#dial(depth),
      () => this.#dial(depth),
      () => this.#conference(depth),
      () => this.#conference(depth),
      () => this.#enqueue(depth),
      () =>
        `<Dial ${this.#action(depth)} timeout="5" ${this.#attributes('hangupOnStar="true"', `record="true" recordingStatusCallback="${this.#callback()}"`)}><Queue ${this.#attributes('url="/screening"')}>${this.pick(LINES)}</Queue></Dial>`,
      () => this.#connect(depth),
      () => this.#start(),
      () =>
        this.pick([
          '<Stop><Stream name="s"/></Stop>',
          '<Stop><Recording/></Stop>',
          '<Stop><Transcription name="t"/></Stop>',
        ]),
      () => `<Redirect>${this.#next(depth)}</Redirect>`,
      () => `<Refer ${this.#action(depth)}><Sip>sip:carol@127.0.0.1:${this.#places.deadSip}</Sip></Refer>`,
      () => this.pick(['<Reject/>', '<Leave/>', '<Pay/>', '<Echo/>', '<Dance/>', '<Hangup/>']),
    ];
    return this.pick(kinds)();
  }

  #gather(depth: number): string {
    const more = this.#attributes(
      'input="dtmf speech"',
      'finishOnKey="*"',
      'actionOnEmptyResult="true"',
      `partialResultCallback="${this.#callback()}"`,
    );
    const prompt = this.pick(['', '<Say>press</Say>', '<Play>/tone.wav</Play>', '<Play>/missing.wav</Play>']);
    return `<Gather numDigits="1" timeout="1" ${this.#action(depth)} ${more}>${prompt}</Gather>`;
  }

  #record(depth: number): string {
    const more = this.#attributes(
      'playBeep="false"',
      'trim="do-not-trim"',
      `transcribe="true" transcribeCallback="${this.#callback()}"`,
      `recordingStatusCallback="${this.#callback()}" recordingStatusCallbackEvent="in-progress completed absent"`,
    );
    return `<Record maxLength="2" timeout="1" action="${this.#next(depth)}" ${more}/>`;
  }

  #dial(depth: number): string {
    const more = this.#attributes(
      'answerOnBridge="true"',
      'hangupOnStar="true"',
      'timeLimit="1"',
      'ringTone="us"',
      'sequential="true"',
      `referUrl="/doc/${depth}"`,
      `record="record-from-ringing-dual" recordingStatusCallback="${this.#callback()}"`,
    );
    const noun = () => {
      const of = this.#attributes(
        'url="/screening"',
        `statusCallback="${this.#callback()}" statusCallbackEvent="initiated ringing answered completed"`,
        'machineDetection="Enable" machineDetectionTimeout="3"',
      );
      return this.pick([
        `<Client ${of}>bob</Client>`,
        `<Client ${of}>carol</Client>`,
        `<Sip ${of}>sip:bob@chaos.sip.localhost</Sip>`,
        `<Sip ${of}>sip:nobody@127.0.0.1:${this.#places.deadSip}</Sip>`,
        `<Number ${of}>+4930123456</Number>`,
        `<Client ${of}>nobody</Client>`,
      ]);
    };
    const nouns = Array.from({ length: this.whole(1, 2) }, noun).join('');
    return `<Dial timeout="5" ${this.#action(depth)} ${more}>${nouns}</Dial>`;
  }

  #conference(depth: number): string {
    const more = this.#attributes(
      'startConferenceOnEnter="false"',
      'endConferenceOnExit="true"',
      'muted="true"',
      'beep="onExit"',
      'maxParticipants="3"',
      `waitUrl="${this.pick(['/wait', '', '/tone.wav', '/fails'])}"`,
      `record="record-from-start" recordingStatusCallback="${this.#callback()}"`,
      `statusCallback="${this.#callback()}" statusCallbackEvent="start end join leave mute hold modify speaker announcement"`,
      'participantLabel="same"',
      'coach="CA00000000000000000000000000000000"',
    );
    return `<Dial timeLimit="${this.pick(['1', '2', '60'])}" ${this.#action(depth)} ${this.#attributes('record="true"')}><Conference ${more}>${this.pick(ROOMS)}</Conference></Dial>`;
  }

  #enqueue(depth: number): string {
    const wait = this.pick(['waitUrl="/wait"', 'waitUrl="/wait"', 'waitUrl=""', '', 'waitUrl="/fails"']);
    return `<Enqueue ${this.#action(depth)} ${wait} ${this.#attributes('maxQueueSize="2"')}>${this.pick(LINES)}</Enqueue>`;
  }

  #connect(depth: number): string {
    const { streams } = this.#places;
    const noun = this.pick([
      `<Stream url="${streams}" statusCallback="${this.#callback()}"/>`,
      `<ConversationRelay url="${streams}" welcomeGreeting="hi"/>`,
      '<Stream url="ws://127.0.0.1:1/"/>',
      '<VirtualAgent/>',
    ]);
    return `<Connect ${this.#action(depth)}>${noun}</Connect>`;
  }

  #start(): string {
    const { streams, app } = this.#places;
    const noun = this.pick([
      `<Stream name="s" track="both_tracks" url="${streams}" statusCallback="${this.#callback()}"/>`,
      `<Recording recordingStatusCallback="${this.#callback()}"/>`,
      `<Transcription name="t" statusCallbackUrl="${app}/told"/>`,
      '<Siprec connectorName="none"/>',
    ]);
    return `<Start>${noun}</Start>`;
  }
}
