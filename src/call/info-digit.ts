// A key that a phone tells by SIP INFO. Two body types are in use, neither is a standard; both are read by what phones send. Pure.
//
//   application/dtmf-relay   Signal=5␍␊Duration=160          application/dtmf   5

/** RFC 4733 numbers that some phones write in place of the key. */
const NUMBERED: Readonly<Record<string, string>> = { 10: '*', 11: '#', 12: 'A', 13: 'B', 14: 'C', 15: 'D' };
const KEY = /^(1[0-5]|[0-9A-D*#])$/i;
const USUAL_MS = 100;
const LONGEST_MS = 10_000;

/** Undefined where the body is of another type or names no key (flash is none). */
export function infoDigit(
  contentType: string,
  body: Buffer,
): { readonly digit: string; readonly durationMs: number } | undefined {
  const text = body.toString('latin1');
  const key =
    contentType === 'application/dtmf-relay'
      ? /^[ \t]*Signal[ \t]*=[ \t]*(\S{1,2})[ \t]*$/im.exec(text)?.[1]
      : contentType === 'application/dtmf'
        ? text.trim()
        : undefined;
  if (key === undefined || !KEY.test(key)) return undefined;
  const duration = /^[ \t]*Duration[ \t]*=[ \t]*(\d{1,5})/im.exec(text)?.[1];
  const durationMs = duration === undefined ? USUAL_MS : Math.min(Number(duration), LONGEST_MS);
  return { digit: NUMBERED[key] ?? key.toUpperCase(), durationMs };
}
