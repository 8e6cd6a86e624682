// Why a speech service refused, in its own words: OpenAI-style services answer with {"error": {"message": …}}, others with {"error": …}
// or {"detail": …}. The words go into log and notifications, so they are short and printable.

import { limits } from '../base/limits.ts';

/** `: its reason`, or nothing where the body names none. Never throws. */
export function reasonOfRefusal(body: Uint8Array): string {
  let answer: unknown;
  try {
    answer = JSON.parse(Buffer.from(body).toString('utf8'));
  } catch {
    return '';
  }
  const error = member(answer, 'error');
  const reason = [member(error, 'message'), error, member(answer, 'detail'), member(answer, 'message')].find(
    (one) => typeof one === 'string',
  );
  if (typeof reason !== 'string') return '';
  const words = reason.replace(/[^\x21-\x7e\u00a1-\uffff]+/g, ' ').trim();
  return words === '' ? '' : `: ${words.slice(0, limits.engineReasonChars)}`;
}

function member(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null
    ? Object.entries(value).find(([key]) => key === name)?.[1]
    : undefined;
}
