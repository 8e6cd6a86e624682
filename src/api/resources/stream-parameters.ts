// The custom parameters of streams and recording sessions in a form (rest-api.md 4).

import { limits } from '../../base/limits.ts';
import { type ApiFault, fault } from '../errors.ts';
import { type Form, hasControl } from '../form.ts';

const PARAMETER = /^Parameter([1-9]\d?)\.(Name|Value)$/;

/** `Parameter1.Name=a&Parameter1.Value=b` up to 99; each text below 500 characters (twiml.md 9). */
export function readParameters(form: Form): ReadonlyMap<string, string> | ApiFault {
  const pairs = new Map<number, { name?: string; value?: string }>();
  for (const key of form.keys()) {
    const match = PARAMETER.exec(key);
    if (!match) continue;
    const given = form.get(key)?.at(-1) ?? '';
    if (given.length >= limits.streamParameterChars || hasControl(given))
      return fault(20001, `${key} is too long or holds a character that is not allowed`);
    const index = Number(match[1]);
    const pair = pairs.get(index) ?? {};
    pairs.set(index, match[2] === 'Name' ? { ...pair, name: given } : { ...pair, value: given });
  }
  const parameters = new Map<string, string>();
  for (const [, { name, value = '' }] of [...pairs].sort(([a], [b]) => a - b)) {
    if (name === undefined || name === '') return fault(20001, 'a parameter has a value and no name');
    parameters.set(name, value);
  }
  return parameters;
}
