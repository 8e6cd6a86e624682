// Recognition by a web service with the interface of OpenAI's `POST /v1/audio/transcriptions`, which many self-hosted servers speak too
// (whisper.cpp, faster-whisper, vLLM). One request for each utterance; where partial results are wanted, the audio so far is asked about
// once a second, one request at a time.
//
//   multipart: file=utterance.wav model=… language=en prompt=hints response_format=verbose_json  ──▶  { "text": …, "segments": […] }

import { FormData, fetch } from 'undici';
import type { Clock } from '../base/clock.ts';
import { Gate } from '../base/gate.ts';
import { limits } from '../base/limits.ts';
import { reasonOf } from '../base/reason.ts';
import type { RecognisedText, Recogniser, RecogniserFailure, Utterance, UtteranceOptions } from '../base/recogniser.ts';
import { err, ok, type Result } from '../base/result.ts';
import { linkedController } from '../base/signal.ts';
import { reasonOfRefusal } from './refusal.ts';
import { UtteranceAudio } from './utterance-audio.ts';

export interface HttpRecogniserSettings {
  /** Origin or full URL; `/v1/audio/transcriptions` is added where the path is empty. */
  readonly url: string;
  readonly apiKey: string | null;
  readonly model: string;
}

type Outcome = Result<RecognisedText, RecogniserFailure>;

export function createHttpRecogniser(settings: HttpRecogniserSettings, clock: Clock): Recogniser {
  const url = new URL(settings.url);
  if (url.pathname === '/') url.pathname = '/v1/audio/transcriptions';
  const service = new Service(url, settings, clock);
  return {
    name: `http ${url.host}`,
    isConfigured: true,
    begin: (options) => new HttpUtterance(service, options, clock),
    close() {},
  };
}

class HttpUtterance implements Utterance {
  readonly #service: Service;
  readonly #options: UtteranceOptions;
  readonly #clock: Clock;
  readonly #audio = new UtteranceAudio();
  readonly #controller = new AbortController();
  #isAsking = false;
  #isOver = false;
  #askedAt: number;
  #partial = '';

  constructor(service: Service, options: UtteranceOptions, clock: Clock) {
    this.#service = service;
    this.#options = options;
    this.#clock = clock;
    this.#askedAt = clock.now();
  }

  push(audio: Uint8Array): void {
    if (this.#isOver) return;
    this.#audio.push(audio);
    const isDue = this.#clock.now() - this.#askedAt >= limits.partialResultMs;
    if (this.#options.onPartial && isDue && !this.#isAsking) void this.#askPartial(this.#options.onPartial);
  }

  async #askPartial(onPartial: (text: string) => void): Promise<void> {
    this.#isAsking = true;
    this.#askedAt = this.#clock.now();
    const outcome = await this.#service.ask(this.#audio.wav(), this.#options, this.#controller.signal);
    this.#isAsking = false;
    if (this.#isOver || !outcome.ok || outcome.value.text === this.#partial) return;
    this.#partial = outcome.value.text;
    onPartial(this.#partial);
  }

  async finish(): Promise<Outcome> {
    this.#isOver = true;
    if (this.#audio.durationMs === 0) return ok({ text: '', confidence: null });
    return this.#service.ask(this.#audio.wav(), this.#options, this.#controller.signal);
  }

  abandon(): void {
    this.#isOver = true;
    this.#controller.abort();
  }
}

class Service {
  readonly #url: URL;
  readonly #settings: HttpRecogniserSettings;
  readonly #clock: Clock;
  readonly #gate = new Gate(limits.recogniserRequests, limits.recogniserQueue);

  constructor(url: URL, settings: HttpRecogniserSettings, clock: Clock) {
    this.#url = url;
    this.#settings = settings;
    this.#clock = clock;
  }

  /** Never rejects. */
  async ask(wav: Buffer, options: UtteranceOptions, signal: AbortSignal): Promise<Outcome> {
    const place = await this.#gate.enter(signal, { clock: this.#clock, ms: limits.recogniserQueueMs });
    if (place !== 'entered') return err({ code: place, detail: 'waiting for the recogniser' });
    const { controller, dispose } = linkedController(signal);
    let isLate = false;
    const timer = this.#clock.after(limits.recogniserTimeoutMs, () => {
      isLate = true;
      controller.abort();
    });
    try {
      return await this.#post(wav, options, controller.signal);
    } catch (cause) {
      if (isLate) return err({ code: 'timeout', detail: `no text after ${limits.recogniserTimeoutMs} ms` });
      if (signal.aborted) return err({ code: 'aborted', detail: 'no longer wanted' });
      return err({ code: 'failed', detail: `recogniser: ${reasonOf(cause)}` });
    } finally {
      timer.cancel();
      dispose();
      this.#gate.leave();
    }
  }

  async #post(wav: Buffer, options: UtteranceOptions, signal: AbortSignal): Promise<Outcome> {
    const form = new FormData();
    form.set('file', new File([new Uint8Array(wav)], 'utterance.wav', { type: 'audio/wav' }));
    form.set('model', this.#settings.model);
    form.set('response_format', 'verbose_json');
    // ISO 639-1: these services know no regions.
    const [language = ''] = options.language.toLowerCase().split('-');
    if (/^[a-z]{2,3}$/.test(language)) form.set('language', language);
    if (options.hints.length > 0) form.set('prompt', options.hints.join(', ').slice(0, limits.recogniserPromptChars));
    const { apiKey } = this.#settings;
    // fetch, not request: undici's request never ends a FormData body.
    const response = await fetch(this.#url, {
      method: 'POST',
      signal,
      redirect: 'error',
      headers: { accept: 'application/json', ...(apiKey ? { authorization: `Bearer ${apiKey}` } : {}) },
      body: form,
    });
    const body = await readBounded(response.body);
    if (body === undefined) return err({ code: 'failed', detail: 'recogniser sent too much' });
    if (response.status !== 200) {
      return err({ code: 'failed', detail: `recogniser answered ${response.status}${reasonOfRefusal(body)}` });
    }
    return textOf(body.toString('utf8'));
  }
}

async function readBounded(body: AsyncIterable<Uint8Array> | null): Promise<Buffer | undefined> {
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const chunk of body ?? []) {
    sizeBytes += chunk.length;
    // Leaving the loop destroys the stream.
    if (sizeBytes > limits.recogniserAnswerBytes) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

interface Answer {
  readonly text?: unknown;
  readonly segments?: unknown;
}

function textOf(body: string): Outcome {
  let answer: Answer | null;
  try {
    answer = JSON.parse(body) as Answer | null;
  } catch {
    return err({ code: 'failed', detail: 'recogniser answered without JSON' });
  }
  const text = answer?.text;
  if (typeof text !== 'string') return err({ code: 'failed', detail: 'recogniser answered without a text' });
  return ok({ text: text.trim().slice(0, limits.recognisedTextChars), confidence: confidenceOf(answer?.segments) });
}

/** verbose_json tells the mean logarithm of the probabilities of each segment. */
function confidenceOf(segments: unknown): number | null {
  if (!Array.isArray(segments)) return null;
  const logs = segments.flatMap((segment: { avg_logprob?: unknown } | null) =>
    typeof segment?.avg_logprob === 'number' ? [segment.avg_logprob] : [],
  );
  if (logs.length === 0) return null;
  return Math.min(1, Math.exp(logs.reduce((sum, value) => sum + value, 0) / logs.length));
}
