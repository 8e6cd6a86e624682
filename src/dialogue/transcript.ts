// A call under test as lines for people: when, who, what. Pure.
//
//     0:00.0   app  ◀ POST /voice                              200
//     0:00.0   app  ▶ "Press one to hear …"
//     0:00.0 caller ▶ press 1

import type { Observation } from './feed.ts';
import type { Failure } from './run-script.ts';

const TEXT_CHARS = 100;

/** One line per observation that says something. */
export function transcript(seen: readonly Observation[]): string[] {
  return seen.flatMap((observation) => {
    const line = lineOf(observation);
    return line === undefined ? [] : [`${clockTime(observation.atMs)}  ${line}`];
  });
}

/** What went wrong, and what was seen in place of what was expected. */
export function failureLines(failure: Failure): string[] {
  const { line, expected, reason, seen } = failure;
  const shown = transcript(seen.slice(-SEEN_LINES));
  return [
    `line ${line?.line ?? '?'}: ${line?.text ?? ''}`,
    `expected  ${expected}`,
    `but       ${reason}`,
    ...(shown.length > 0 ? ['seen      since what was met last:', ...shown.map((text) => `  ${text}`)] : []),
  ];
}

const SEEN_LINES = 20;

export function clockTime(ms: number): string {
  const minutes = Math.floor(ms / 60_000);
  const seconds = ((ms % 60_000) / 1_000).toFixed(1).padStart(4, '0');
  return seconds === '60.0' ? `${minutes + 1}:00.0`.padStart(8) : `${minutes}:${seconds}`.padStart(8);
}

function lineOf(observation: Observation): string | undefined {
  switch (observation.kind) {
    case 'exchange': {
      const { method, url, purpose, status, errorCode, params } = observation;
      const what = purpose === 'document' || purpose === 'action' ? '' : ` (${purpose})`;
      const told = params.map(([name, value]) => ` ${name}=${shortened(value, 40)}`).join('');
      const answer = status === 0 ? 'no answer' : String(status);
      const asked = method === '' ? url : `${method} ${url}`;
      return `   ◀──▶ ${asked}${what}${told} → ${answer}${errorCode === null ? '' : `, error ${errorCode}`}`;
    }
    case 'say':
      return `   ◀    "${shortened(observation.text, TEXT_CHARS)}"`;
    case 'play':
      return `   ◀    plays ${observation.url}`;
    case 'verb':
      return SPOKEN.has(observation.verb)
        ? undefined
        : `   ◀    ${`${observation.verb} ${observation.detail}`.trimEnd()}`;
    case 'verbEnded':
      return SPOKEN.has(observation.verb) ? undefined : `        ${observation.verb}: ${observation.outcome}`;
    case 'notice':
      return `      ! ${observation.level} ${observation.code} ${observation.message}`;
    case 'bridged':
      return '        connected';
    case 'answered':
      return '        answered';
    case 'did':
      return `    ▶   ${observation.text}`;
    case 'met':
      return `      ✓ ${observation.text}`;
    case 'ended':
      return `        ended (${observation.status}): ${observation.reason}`;
    case 'keyHeard':
      return undefined;
  }
}

/** What they play has lines of its own. */
const SPOKEN: ReadonlySet<string> = new Set(['Say', 'Play', 'Hangup']);

function shortened(text: string, chars: number): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length <= chars ? line : `${line.slice(0, chars - 1)}…`;
}
