// One ConversationRelay session: text over WebSocket on the application's side, speech on the call's (twiml.md 11.1).
//
//   caller ─▶ tap, speech detector ─▶ recogniser ─▶ prompt ──▶ application
//   caller ◀─ play ◀─ speech engine ◀─ sentences ◀─ text ───── application
//
// The caller who speaks or presses a key while the agent talks interrupts it, where the talk may be interrupted.

import type { Timer } from '../../base/clock.ts';
import type { Unsubscribe } from '../../base/emitter.ts';
import { newSid } from '../../base/ids.ts';
import { limits } from '../../base/limits.ts';
import type { RecogniserFailure } from '../../base/recogniser.ts';
import type { EndpointId, PlayId } from '../../media/engine.ts';
import type { TapId } from '../../media/engine-audio.ts';
import type { StreamCall } from '../call.ts';
import type { AudioRoutes } from '../media-stream.ts';
import type { StreamFailure } from '../options.ts';
import type { StreamServices } from '../services.ts';
import type { Socket } from '../socket.ts';
import {
  dtmfMessage,
  errorMessage,
  infoMessage,
  interruptMessage,
  promptMessage,
  type RelayMessage,
  readRelayMessage,
  type SetupFacts,
  setupMessage,
} from './messages.ts';
import { type InputKinds, includes, type RelayEnd, type RelayOptions } from './options.ts';
import { Sentences } from './sentences.ts';
import { SpeechIn } from './speech-in.ts';
import { SpeechOut } from './speech-out.ts';
import type { RelayVoice, VoiceFailure } from './voice.ts';

export type CallFacts = Omit<SetupFacts, 'sessionId' | 'customParameters' | 'accountSid' | 'callSid'>;

type Text = Extract<RelayMessage, { type: 'text' }>;
type Play = Extract<RelayMessage, { type: 'play' }>;
type Finish = Pick<RelayEnd, 'status' | 'handoffData' | 'failure'>;

const COMPLETED: Finish = { status: 'completed', handoffData: undefined, failure: undefined };

export class RelaySession {
  readonly sessionId: string;
  readonly #options: RelayOptions;
  readonly #facts: CallFacts;
  readonly #call: StreamCall;
  readonly #services: StreamServices;
  readonly #routes: AudioRoutes;
  readonly #voice: RelayVoice;
  readonly #sentences = new Sentences();
  readonly #out: SpeechOut;
  readonly #in: SpeechIn;
  #ttsLanguage: string;
  #transcriptionLanguage: string;
  #socket: Socket | undefined;
  #endpoint: EndpointId | undefined;
  #tap: TapId | undefined;
  #play: PlayId | undefined;
  #unsubscribe: Unsubscribe = () => {};
  #flush: Timer | undefined;
  #interruption: Timer | undefined;
  /** The talk whose tokens come; undefined between `last` and the next token. */
  #talk: Text | undefined;
  /** The talk was interrupted while its tokens came: what still comes of it is not spoken. */
  #isTalkDropped = false;
  #isMessageComplained = false;
  #isVoiceComplained = false;
  #isOver = false;
  #finish: (end: Finish) => void = () => {};

  constructor(
    options: RelayOptions,
    facts: CallFacts,
    call: StreamCall,
    services: StreamServices,
    routes: AudioRoutes,
    voice: RelayVoice,
  ) {
    this.sessionId = newSid('VX', services.random);
    this.#options = options;
    this.#facts = facts;
    this.#call = call;
    this.#services = services;
    this.#routes = routes;
    this.#voice = voice;
    this.#ttsLanguage = options.ttsLanguage;
    this.#transcriptionLanguage = options.transcriptionLanguage;
    this.#out = this.#makeOut();
    this.#in = this.#makeIn();
  }

  /** Resolves when it is over. `signal`: the call ended or goes elsewhere. Never rejects. */
  async run(signal: AbortSignal): Promise<RelayEnd> {
    const startedAt = this.#services.clock.now();
    const end = await this.#run(signal);
    const durationSeconds = Math.round((this.#services.clock.now() - startedAt) / 1000);
    return { sessionId: this.sessionId, durationSeconds, ...end };
  }

  async #run(signal: AbortSignal): Promise<Finish> {
    const finished = new Promise<Finish>((resolve) => {
      this.#finish = (end) => {
        this.#isOver = true;
        resolve(end);
      };
    });
    const { url } = this.#options;
    const headers = { 'X-Twilio-Signature': this.#services.sign(this.#call.accountSid, url) };
    const listener = {
      onMessage: (text: string | undefined) => this.#receive(text),
      onClosed: (failure: StreamFailure | undefined) => this.#closed(failure),
      onDropped: () => {},
    };
    const opened = await this.#services.open(url, headers, listener, signal);
    if (!opened.ok) return signal.aborted ? COMPLETED : this.#fail(64102, `no connection: ${opened.error.detail}`);
    this.#socket = opened.value;
    const onAbort = () => this.#finish(COMPLETED);
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
    else this.#begin();
    const end = await finished;
    signal.removeEventListener('abort', onAbort);
    this.#release();
    return end;
  }

  #begin(): void {
    const { customParameters, ...facts } = {
      ...this.#facts,
      customParameters: Object.fromEntries(this.#options.parameters),
    };
    const { accountSid, callSid } = this.#call;
    this.#send(setupMessage({ sessionId: this.sessionId, accountSid, callSid, ...facts, customParameters }));
    this.#endpoint = this.#call.endpoint();
    if (this.#endpoint === undefined) return this.#finish(COMPLETED);
    const { engine } = this.#services;
    this.#play = engine.openStream(this.#endpoint);
    this.#routes.ownPlay(this.#play, (mark) => this.#out.reached(mark));
    this.#listen(this.#endpoint);
    this.#unsubscribe = this.#call.onDigit((digit) => this.#onDigit(digit));
    const { welcomeGreeting, welcomeGreetingInterruptible } = this.#options;
    if (welcomeGreeting !== undefined) this.#speak(welcomeGreeting, { interruptible: welcomeGreetingInterruptible });
  }

  #listen(endpoint: EndpointId): void {
    const { engine } = this.#services;
    if (!this.#voice.recogniser.isConfigured) {
      // Said once: keys go on working.
      const detail = 'no speech recogniser is configured: only keys are reported';
      this.#call.notify('error', 13343, `ConversationRelay: ${detail}`, this.#options.url);
      this.#send(errorMessage(detail));
      return;
    }
    this.#tap = engine.tap(endpoint, ['inbound']);
    this.#routes.ownTap(this.#tap, (_track, payload) => this.#in.push(payload));
    this.#routes.ownSpeech(endpoint, (isSpeaking) => this.#onCallerSpeaks(isSpeaking));
    engine.watchSpeech(endpoint, true);
  }

  // --- the caller

  #onDigit(digit: string): void {
    if (!this.#options.dtmfDetection || !this.#isInputWanted('dtmf')) return;
    this.#send(dtmfMessage(digit));
    this.#isTalkDropped = false;
  }

  #onCallerSpeaks(isSpeaking: boolean): void {
    if (this.#options.reportsSpeakers) this.#send(infoMessage('clientSpeaking', isSpeaking ? 'on' : 'off'));
    this.#interruption?.cancel();
    this.#in.speaking(isSpeaking);
    if (!isSpeaking || !this.#out.isSpeaking) return;
    const { interruptAfterMs } = this.#options;
    if (interruptAfterMs === 0) this.#isInputWanted('speech');
    else this.#interruption = this.#services.clock.after(interruptAfterMs, () => this.#isInputWanted('speech'));
  }

  /** Interrupts the agent where it talks and may be interrupted; whether the input is to be reported. */
  #isInputWanted(input: 'dtmf' | 'speech'): boolean {
    const talk = this.#out.current;
    if (!talk) return true;
    if (includes(talk.interruptible, input)) {
      this.#interrupt();
      return true;
    }
    return includes(this.#options.reportInputDuringAgentSpeech, input);
  }

  #interrupt(): void {
    const { utterance, durationMs } = this.#out.cut();
    this.#sentences.flush();
    this.#flush?.cancel();
    this.#isTalkDropped = this.#talk !== undefined;
    this.#send(interruptMessage(utterance, durationMs));
  }

  #onText(text: string, language: string, isLast: boolean): void {
    // Said into a talk that it could not interrupt.
    if (this.#out.isSpeaking && !includes(this.#options.reportInputDuringAgentSpeech, 'speech')) return;
    this.#send(promptMessage(text, language, isLast));
    if (isLast) this.#isTalkDropped = false;
  }

  #onRecogniserFailed(failure: RecogniserFailure): void {
    if (failure.code === 'aborted') return;
    this.#send(errorMessage(`speech could not be recognised: ${failure.code}`));
    this.#complainOfVoice({ errorCode: 13340, detail: `speech recognition: ${failure.detail}` });
  }

  // --- the application

  #receive(text: string | undefined): void {
    const read = text === undefined ? undefined : readRelayMessage(text);
    if (!read?.ok) return this.#refuse(read?.error ?? 'a binary message came');
    const message = read.value;
    switch (message.type) {
      case 'text':
        return this.#onToken(message);
      case 'play':
        return this.#onPlay(message);
      case 'sendDigits':
        if (this.#endpoint !== undefined) this.#services.engine.insertDigits(this.#endpoint, message.digits);
        return;
      case 'language':
        this.#ttsLanguage = message.ttsLanguage ?? this.#ttsLanguage;
        this.#transcriptionLanguage = message.transcriptionLanguage ?? this.#transcriptionLanguage;
        return;
      case 'end':
        return this.#finish({ status: 'ended', handoffData: message.handoffData, failure: undefined });
    }
  }

  #onToken(message: Text): void {
    if (this.#talk === undefined) this.#preempt();
    this.#talk = message.last ? undefined : message;
    if (this.#isTalkDropped) {
      if (message.last) this.#isTalkDropped = false;
      return;
    }
    if (this.#sentences.length + message.token.length > limits.relayTextChars) {
      return this.#refuse('too much text waits to be spoken');
    }
    this.#flush?.cancel();
    for (const sentence of this.#sentences.push(message.token)) this.#speak(sentence, message);
    if (message.last) return this.#speakRest(message);
    if (this.#sentences.looksWhole) {
      this.#flush = this.#services.clock.after(limits.relaySentenceWaitMs, () => this.#speakRest(message));
    }
  }

  #speakRest(message: Text): void {
    const rest = this.#sentences.flush();
    if (rest !== undefined) this.#speak(rest, message);
  }

  #onPlay(message: Play): void {
    this.#preempt();
    const { source, loop } = message;
    const item = {
      text: '',
      loop,
      interruptible: this.#interruptible(message.interruptible),
      preemptible: message.preemptible ?? this.#options.preemptible,
      make: (signal: AbortSignal) => this.#voice.load(source, this.#call.callSid, signal),
    };
    if (!this.#out.add(item)) this.#refuse('too much waits to be played');
  }

  /** A new talk: one that plays and may be preempted gives way. */
  #preempt(): void {
    if (this.#out.current?.preemptible) this.#out.cut();
  }

  #speak(
    text: string,
    how: {
      readonly lang?: string | undefined;
      readonly interruptible?: boolean | InputKinds | undefined;
      readonly preemptible?: boolean | undefined;
    },
  ): void {
    const language = how.lang ?? this.#ttsLanguage;
    const voice = this.#options.languages.get(language)?.voice;
    const ownVoice = language === this.#options.ttsLanguage ? this.#options.voice : undefined;
    const item = {
      text,
      loop: 1,
      interruptible: this.#interruptible(how.interruptible),
      preemptible: how.preemptible ?? this.#options.preemptible,
      make: (signal: AbortSignal) =>
        this.#voice.speak(text, { language, voice: voice ?? ownVoice, onPassedOver: this.#onPassedOver }, signal),
    };
    if (!this.#out.add(item)) this.#refuse('too much text waits to be spoken');
  }

  #interruptible(asked: boolean | InputKinds | undefined): InputKinds {
    if (asked === undefined) return this.#options.interruptible;
    if (typeof asked !== 'boolean') return asked;
    // `true` allows what the session allows; where that is nothing, anything.
    if (!asked) return 'none';
    return this.#options.interruptible === 'none' ? 'any' : this.#options.interruptible;
  }

  /** The message is not obeyed; the application hears of each, the account once. */
  #refuse(detail: string): void {
    this.#send(errorMessage(`Invalid message: ${detail}`));
    if (this.#isMessageComplained) return;
    this.#isMessageComplained = true;
    this.#call.notify('error', 64107, `ConversationRelay: invalid message: ${detail}`, this.#options.url);
  }

  // --- parts

  #makeOut(): SpeechOut {
    const { engine, clock } = this.#services;
    const withPlay = (act: (play: PlayId) => void) => {
      if (this.#play !== undefined) act(this.#play);
    };
    return new SpeechOut({
      clock,
      feed: (audio) => withPlay((play) => engine.feedStream(play, audio)),
      mark: (name) => withPlay((play) => engine.markStream(play, name)),
      clear: () => withPlay((play) => engine.clearStream(play)),
      onFailed: (failure) => this.#complainOfVoice(failure),
      onPlayed: (text) => {
        if (this.#options.reportsTokensPlayed) this.#send(infoMessage('tokensPlayed', text));
      },
      onSpeaking: (isSpeaking) => {
        if (this.#options.reportsSpeakers) this.#send(infoMessage('agentSpeaking', isSpeaking ? 'on' : 'off'));
      },
    });
  }

  #makeIn(): SpeechIn {
    const { speechModel, hints, languages, partialPrompts } = this.#options;
    return new SpeechIn({
      clock: this.#services.clock,
      recogniser: this.#voice.recogniser,
      how: () => {
        const language = this.#transcriptionLanguage;
        return { language, model: languages.get(language)?.speechModel ?? speechModel, hints };
      },
      wantsPartials: partialPrompts,
      onText: (text, language, isLast) => this.#onText(text, language, isLast),
      onFailed: (failure) => this.#onRecogniserFailed(failure),
    });
  }

  readonly #onPassedOver = (reason: string): void =>
    this.#complainOfVoice({ errorCode: 13520, detail: `another engine speaks, or a tone: ${reason}` });

  #complainOfVoice({ errorCode, detail }: VoiceFailure): void {
    if (this.#isVoiceComplained) return;
    this.#isVoiceComplained = true;
    this.#call.notify('warning', errorCode, `ConversationRelay: ${detail}`, this.#options.url);
  }

  #send(text: string): void {
    this.#socket?.send(text, false);
  }

  // --- the end

  #closed(failure: StreamFailure | undefined): void {
    // After `end`, or once the call goes elsewhere, closing is what is left to do.
    if (this.#isOver) return;
    const how = failure?.detail ?? 'closed by the server';
    this.#finish(this.#fail(64105, `the connection ended: ${how}`));
  }

  #fail(errorCode: number, detail: string): Finish {
    if (this.#call.signal.aborted) return COMPLETED;
    this.#call.notify('error', errorCode, `ConversationRelay: ${detail}`, this.#options.url);
    return { status: 'failed', handoffData: undefined, failure: { errorCode, detail } };
  }

  #release(): void {
    const { engine } = this.#services;
    this.#flush?.cancel();
    this.#interruption?.cancel();
    this.#unsubscribe();
    this.#in.close();
    this.#out.cut();
    if (this.#endpoint !== undefined && this.#tap !== undefined) engine.watchSpeech(this.#endpoint, false);
    if (this.#tap !== undefined) engine.closeTap(this.#tap);
    if (this.#play !== undefined) engine.stopPlay(this.#play);
    this.#routes.forget(this.#tap, this.#play, this.#endpoint);
    this.#socket?.close();
  }
}
