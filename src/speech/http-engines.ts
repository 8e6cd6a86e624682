// Speech from a web service with the interface of OpenAI's `POST /v1/audio/speech`, which many self-hosted servers speak too.
//
//   { "model": …, "voice": …, "input": text, "response_format": "wav" }  ──▶  audio/wav

import { request as httpRequest } from 'undici';
import type { Clock } from '../base/clock.ts';
import { Gate } from '../base/gate.ts';
import { limits } from '../base/limits.ts';
import { reasonOf } from '../base/reason.ts';
import { err, ok, type Result } from '../base/result.ts';
import { linkedController } from '../base/signal.ts';
import type { AudioDecoder, SpeechEngine, SpeechFailure, SpeechRequest } from './engine.ts';
import { decodeSpeech } from './espeak.ts';
import { reasonOfRefusal } from './refusal.ts';
import { plainText, stripSsml } from './text.ts';

export interface HttpSpeechSettings {
  /** Origin or full URL; `/v1/audio/speech` is added where the path is empty. */
  readonly url: string;
  readonly apiKey: string | null;
  readonly model: string;
  /** Voice for all that `voices` does not name. */
  readonly voice: string;
  /** TwiML voice → voice of the service. */
  readonly voices: Readonly<Record<string, string>>;
}

export interface HttpSpeechOptions {
  readonly clock: Clock;
  readonly decode: AudioDecoder;
}

export function createHttpSpeech(settings: HttpSpeechSettings, options: HttpSpeechOptions): SpeechEngine {
  const gate = new Gate(limits.speechProcesses, limits.speechQueue);
  const url = new URL(settings.url);
  if (url.pathname === '/') url.pathname = '/v1/audio/speech';
  return {
    name: `http ${url.host}`,
    async synthesize(request, signal) {
      const input = request.ssml ? stripSsml(request.text) : plainText(request.text);
      if (input === '') return err({ code: 'empty', detail: 'no text' });
      const place = await gate.enter(signal, { clock: options.clock, ms: limits.speechQueueMs });
      if (place !== 'entered') return err({ code: place, detail: 'waiting for the speech service' });
      const { controller, dispose } = linkedController(signal);
      let isLate = false;
      const timer = options.clock.after(limits.speechTimeoutMs, () => {
        isLate = true;
        controller.abort();
      });
      try {
        return await ask(url, settings, options.decode, { ...request, text: input }, controller.signal);
      } catch (cause) {
        if (isLate) return err({ code: 'timeout', detail: `no speech after ${limits.speechTimeoutMs} ms` });
        if (signal.aborted) return err({ code: 'aborted', detail: 'no longer needed' });
        return err({ code: 'failed', detail: `speech service: ${reasonOf(cause)}` });
      } finally {
        timer.cancel();
        dispose();
        gate.leave();
      }
    },
    close() {},
  };
}

async function ask(
  url: URL,
  settings: HttpSpeechSettings,
  decode: AudioDecoder,
  request: SpeechRequest,
  signal: AbortSignal,
): Promise<Result<Int16Array, SpeechFailure>> {
  const named = Object.hasOwn(settings.voices, request.voice) ? settings.voices[request.voice] : undefined;
  const response = await httpRequest(url, {
    method: 'POST',
    signal,
    headers: {
      'content-type': 'application/json',
      accept: 'audio/wav, audio/mpeg',
      ...(settings.apiKey ? { authorization: `Bearer ${settings.apiKey}` } : {}),
    },
    body: JSON.stringify({
      model: settings.model,
      voice: named ?? settings.voice,
      input: request.text,
      response_format: 'wav',
    }),
  });
  const body = await readBounded(response.body);
  if (!body.ok) return body;
  if (response.statusCode !== 200) {
    return err({
      code: 'failed',
      detail: `speech service answered ${response.statusCode}${reasonOfRefusal(body.value)}`,
    });
  }
  const contentType = response.headers['content-type'];
  return decodeSpeech(decode, body.value, typeof contentType === 'string' ? contentType : null);
}

async function readBounded(body: AsyncIterable<Uint8Array>): Promise<Result<Uint8Array, SpeechFailure>> {
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const chunk of body) {
    sizeBytes += chunk.length;
    // Leaving the loop destroys the stream.
    if (sizeBytes > limits.speechBytes) return err({ code: 'failed', detail: 'speech service sent too much' });
    chunks.push(chunk);
  }
  return ok(Buffer.concat(chunks));
}
