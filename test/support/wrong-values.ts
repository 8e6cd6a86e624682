// Kinds of parameters of REST, and what each may not be (rest-api.md 6).

import { limits } from '../../src/base/limits.ts';

interface Range {
  readonly min: number;
  readonly max: number;
}
export type Parameter =
  | { readonly kind: 'text'; readonly name: string; readonly code: number; readonly max: number }
  | { readonly kind: 'number'; readonly name: string; readonly code: number; readonly range: Range }
  | { readonly kind: 'url' | 'method' | 'flag' | 'word' | 'sid'; readonly name: string; readonly code: number };

/** What each kind may not be. An empty value clears or means absent; that is in the files of the resources. */
export function wrong(parameter: Parameter): readonly string[] {
  switch (parameter.kind) {
    case 'text':
      return ['x'.repeat(parameter.max + 1), 'a\0b', 'a\r\nX-A: 1', '\x1b[2J', 'a\x7f'];
    case 'url':
      return [
        'nowhere',
        '/voice',
        '//host/voice',
        'ftp://h.example/',
        'javascript:alert(1)',
        'http://',
        'http://a b/',
        'http://h.example/\r\nX-A: 1',
        'http://h.example/\0',
        `http://h.example/${'x'.repeat(limits.restUrlChars)}`,
      ];
    case 'method':
      return ['PUT', 'G', 'GET POST', 'GET\r\n', 'null'];
    case 'flag':
      return ['maybe', '1', 'yes', 'true ', 'true\0'];
    case 'number':
      return [
        String(parameter.range.min - 1),
        String(parameter.range.max + 1),
        '1.5',
        '1e1',
        '0x10',
        'ten',
        ' 10',
        '10\0',
        '9'.repeat(400),
        'NaN',
        '-0',
      ];
    case 'word':
      return ['unheard-of', 'x'.repeat(5_000), 'a\0', '__proto__', 'constructor'];
    case 'sid':
      return ['1', 'XX', `ZZ${'0'.repeat(32)}`, `CA${'G'.repeat(32)}`, "' OR 1=1 --", `${'0'.repeat(500)}`];
  }
}

export const text = (name: string, code: number, max: number): Parameter => ({ kind: 'text', name, code, max });
export const number = (name: string, code: number, min: number, max: number): Parameter => ({
  kind: 'number',
  name,
  code,
  range: { min, max },
});
export const of = (kind: 'url' | 'method' | 'flag' | 'word' | 'sid', code: number, names: string): Parameter[] =>
  names.split(' ').map((name) => ({ kind, name, code }));

export const encoded = (form: Readonly<Record<string, string>>): string => new URLSearchParams(form).toString();
