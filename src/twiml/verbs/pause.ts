// Pause: waits. It does not answer: as first verb it postpones the pick-up (twiml.md 4.3, 5.3).

import { limits } from '../../base/limits.ts';
import { AttributeReader } from '../attributes.ts';
import type { AudioSource } from '../call-control.ts';
import { endOfCall, nextVerb, type Verb } from '../verb.ts';

export interface Pause {
  readonly durationMs: number;
}

export const pause: Verb<Pause> = {
  name: 'Pause',
  parse(element, context) {
    const read = new AttributeReader(element, context);
    const max = limits.callTimeLimitMs / 1000;
    return read.finish({ durationMs: read.integer('length', { min: 1, max, fallback: 1, code: 13910 }) * 1000 });
  },
  describe: (verb) => `${verb.durationMs / 1000} s`,
  async run(verb, { control }, signal) {
    await control.pause(verb.durationMs, signal);
    return signal.aborted ? endOfCall('aborted') : nextVerb('finished', true);
  },
};

export const pauseSources = (verb: Pause): readonly AudioSource[] => [{ kind: 'silence', durationMs: verb.durationMs }];
