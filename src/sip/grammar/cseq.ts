// RFC 3261 20.16: the CSeq value.

import { err, ok, type Result } from '../../base/result.ts';
import { charClass, isToken, parseDecimal, type SyntaxProblem, skipBlanks, spanOf } from './chars.ts';
import type { CSeq } from './message.ts';

// 8.1.1.5: the sequence number must be below 2^31.
const MAX_SEQUENCE = 2 ** 31 - 1;

export function parseCSeq(text: string): Result<CSeq, SyntaxProblem> {
  const start = skipBlanks(text, 0);
  const end = spanOf(charClass.digit, text, start);
  const sequence = parseDecimal(text, start, end, MAX_SEQUENCE);
  if (sequence < 0) return err({ detail: 'sequence number is not a number below 2^31', offset: start });
  const methodStart = skipBlanks(text, end);
  const method = text.slice(methodStart).trimEnd();
  if (methodStart === end || !isToken(method)) return err({ detail: 'method is missing', offset: methodStart });
  return ok({ sequence, method });
}

export const serializeCSeq = (cseq: CSeq): string => `${cseq.sequence} ${cseq.method}`;
