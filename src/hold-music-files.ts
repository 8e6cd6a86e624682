// Part of the composition root: music on hold from a URL (through the media cache of the webhook client) or a file of this machine,
// decoded once and shared with the media threads.

import { readFile, stat } from 'node:fs/promises';
import type { Clock } from './base/clock.ts';
import { limits } from './base/limits.ts';
import type { HoldMusicServices } from './call/hold-music.ts';
import { decodeAudio } from './media/audio-file.ts';
import type { WebhookClient } from './webhook/webhook.ts';

type File = { readonly body: Uint8Array; readonly contentType: string | null };
type Failure = { readonly errorCode: number; readonly detail: string };
type Loaded = Awaited<ReturnType<HoldMusicServices['load']>>;

const SAMPLE_RATE = 8_000;

export function createHoldMusicFiles(parts: {
  readonly webhook: Pick<WebhookClient, 'fetchMedia'>;
  readonly clock: Clock;
}): HoldMusicServices['load'] {
  const cache = new Map<string, { readonly at: number; readonly loaded: Promise<Loaded> }>();
  return (source, callSid) => {
    const known = cache.get(source);
    if (known && parts.clock.now() - known.at < limits.holdMusicCachedMs) return known.loaded;
    if (cache.size >= limits.holdMusicCached) cache.delete(cache.keys().next().value ?? '');
    const loaded = load(source, callSid, parts.webhook);
    cache.set(source, { at: parts.clock.now(), loaded });
    // What failed is tried again at the next hold.
    void loaded.then((outcome) => !('samples' in outcome) && cache.delete(source));
    return loaded;
  };
}

async function load(source: string, callSid: string, webhook: Pick<WebhookClient, 'fetchMedia'>): Promise<Loaded> {
  const file = /^https?:/i.test(source) ? await fetched(source, callSid, webhook) : await read(source);
  if ('errorCode' in file) return file;
  const decoded = await decodeAudio(file.body, file.contentType);
  if (!decoded.ok) return { errorCode: 13420, detail: decoded.error.detail };
  return { samples: shared(decoded.value) };
}

async function fetched(
  url: string,
  callSid: string,
  webhook: Pick<WebhookClient, 'fetchMedia'>,
): Promise<File | Failure> {
  const file = await webhook.fetchMedia(url, callSid);
  return file.ok ? file.value : { errorCode: file.error.errorCode, detail: file.error.detail };
}

async function read(path: string): Promise<File | Failure> {
  try {
    if ((await stat(path)).size > limits.mediaFileBytes) return { errorCode: 13420, detail: `${path} is too large` };
    return { body: await readFile(path), contentType: null };
  } catch (fault) {
    return { errorCode: 11200, detail: `${path} cannot be read (${(fault as NodeJS.ErrnoException).code ?? 'error'})` };
  }
}

/** In shared memory, so that a hold costs no copy. */
function shared(samples: Int16Array): Int16Array {
  const count = Math.min(samples.length, limits.holdMusicSeconds * SAMPLE_RATE);
  const copy = new Int16Array(new SharedArrayBuffer(count * 2));
  copy.set(samples.subarray(0, count));
  return copy;
}
