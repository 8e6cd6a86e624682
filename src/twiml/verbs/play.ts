// Play: an audio file by URL, or DTMF digits (twiml.md 5.2). Fetching and decoding are behind CallControl; a file that cannot be
// had is reported there and the call goes on with the next verb (twiml.md 16, 4).

import { withoutSecrets } from '../../webhook/webhook.ts';
import { AttributeReader, resolveUrl } from '../attributes.ts';
import type { AudioSource } from '../call-control.ts';
import { endOfCall, nextVerb, type Verb } from '../verb.ts';
import { textOf } from '../xml.ts';
import { readLoop } from './say.ts';

export interface Play {
  readonly url: string | undefined;
  readonly digits: string | undefined;
  readonly loop: number;
}

/** `w` is half a second of silence, `W` a whole one. */
export const DIGITS_FORM = /^[0-9A-D#*wW]+$/;

export const play: Verb<Play> = {
  name: 'Play',
  parse(element, context) {
    const read = new AttributeReader(element, context);
    const loop = readLoop(read, 13410);
    const digits = context.isNested ? refuseDigits(read) : readDigits(read);
    const reference = textOf(element);
    const url = reference === '' ? undefined : resolveUrl(reference, context.documentUrl);
    if (reference !== '' && url === undefined) read.warn(11100, 'Play does not hold a valid URL');
    else if (reference === '' && read.text('digits') === undefined) read.warn(11100, 'Play has no URL');
    return read.finish({ url, digits, loop });
  },
  describe(verb) {
    const parts = [];
    if (verb.digits !== undefined) parts.push(`${verb.digits.replace(/w/gi, '').length} digits`);
    if (verb.url !== undefined) parts.push(withoutSecrets(verb.url));
    return parts.join(', ');
  },
  sources: playSources,
  async run(verb, { control }, signal) {
    await control.answer(signal);
    if (signal.aborted) return endOfCall('aborted');
    const sources = playSources(verb);
    if (sources.length === 0) return nextVerb('nothing to play', false);
    const outcome = await control.play(sources, signal);
    return outcome === 'aborted' ? endOfCall(outcome) : nextVerb(outcome, outcome === 'finished');
  },
};

export function playSources({ digits, url, loop }: Play): readonly AudioSource[] {
  const sources: AudioSource[] = [];
  if (digits !== undefined) sources.push({ kind: 'digits', digits });
  if (url !== undefined) sources.push({ kind: 'url', url, loop });
  return sources;
}

function readDigits(read: AttributeReader): string | undefined {
  const digits = read.text('digits');
  if (digits === undefined || DIGITS_FORM.test(digits)) return digits;
  read.warn(13430, 'digits of Play holds characters other than 0-9 A-D # * w W');
  return undefined;
}

function refuseDigits(read: AttributeReader): undefined {
  if (read.text('digits') !== undefined) read.warn(13320, 'digits of Play is not allowed inside Gather');
  return undefined;
}
