// The body of a media URL → samples. First by Content-Type, then by what the bytes look like: web servers often send
// application/octet-stream, or the wrong one of the many names of a type (twiml.md 5.2).

import { setImmediate as breathe } from 'node:timers/promises';
import { limits } from '../base/limits.ts';
import { err, ok, type Result } from '../base/result.ts';
import { aLawToLinear } from './g711.ts';
import { decodeMp3, isMp3 } from './mp3.ts';
import { joinSamples } from './resample.ts';
import { SAMPLE_RATE } from './tone.ts';
import { type AudioFailure, convertWav, isWav, parseWav, readMuLaw } from './wav.ts';

type Format = 'wav' | 'mp3' | 'muLaw' | 'aLaw';

const FORMATS: Readonly<Record<string, Format>> = {
  'audio/mpeg': 'mp3',
  'audio/mp3': 'mp3',
  'audio/x-mp3': 'mp3',
  'audio/x-mpeg': 'mp3',
  'audio/wav': 'wav',
  'audio/wave': 'wav',
  'audio/x-wav': 'wav',
  'audio/vnd.wave': 'wav',
  'audio/basic': 'muLaw',
  'audio/ulaw': 'muLaw',
  'audio/x-ulaw': 'muLaw',
  'audio/x-mulaw': 'muLaw',
  'audio/mulaw': 'muLaw',
  'audio/pcmu': 'muLaw',
  'audio/alaw': 'aLaw',
  'audio/x-alaw': 'aLaw',
  'audio/pcma': 'aLaw',
};

/** What kind of file it is; the bytes win over a type that contradicts a clear signature. */
function formatOf(bytes: Uint8Array, contentType: string | null): Format | undefined {
  const type = (contentType ?? '').split(';')[0]!.trim().toLowerCase();
  const named = FORMATS[type];
  if (isWav(bytes)) return 'wav';
  if (named && named !== 'wav') return named;
  return isMp3(bytes) ? 'mp3' : named;
}

/**
 * Decodes a media file to mono samples at 8,000 Hz: WAVE, MP3, raw or .au µ-law, raw A-law. `contentType` as in the HTTP header,
 * null where there is none. `unsupported` covers types that we do not take (twiml.md: 12300/13420).
 */
export async function decodeAudio(
  bytes: Uint8Array,
  contentType: string | null,
): Promise<Result<Int16Array, AudioFailure>> {
  if (bytes.length === 0) return err({ code: 'empty', detail: 'no bytes' });
  switch (formatOf(bytes, contentType)) {
    case 'wav':
      return decodeWav(bytes);
    case 'mp3':
      return decodeMp3(bytes);
    case 'muLaw':
      return ok(readMuLaw(bytes));
    case 'aLaw':
      return ok(Int16Array.from(bytes.subarray(0, limits.mediaDecodedSeconds * SAMPLE_RATE), (o) => aLawToLinear[o]!));
    case undefined:
      return err({ code: 'unsupported', detail: `content type ${contentType ?? 'unknown'}` });
  }
}

async function decodeWav(bytes: Uint8Array): Promise<Result<Int16Array, AudioFailure>> {
  const layout = parseWav(bytes);
  if (!layout.ok) return layout;
  if (layout.value.frames === 0) return err({ code: 'empty', detail: 'no samples' });
  const parts: Int16Array[] = [];
  for (const part of convertWav(bytes, layout.value)) {
    parts.push(part);
    await breathe();
  }
  return ok(joinSamples(parts));
}
