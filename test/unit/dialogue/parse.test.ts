import { describe, expect, test } from 'vitest';
import { limits } from '../../../src/base/limits.ts';
import { parseScript } from '../../../src/dialogue/parse.ts';
import { type Step, stepLine } from '../../../src/dialogue/script.ts';

function stepsOf(text: string): readonly Step[] {
  const script = parseScript(text);
  if (!script.ok) throw new Error(JSON.stringify(script.error));
  return script.value.lines.map(({ step }) => step);
}

function mistakeOf(text: string) {
  const script = parseScript(text);
  if (script.ok) throw new Error(`${text} was taken`);
  return script.error;
}

const expected = (expectation: object, withinMs?: number) => ({ kind: 'expect', expectation, withinMs });

describe('steps', () => {
  const rows: readonly (readonly [string, object])[] = [
    ['press 2#', { kind: 'press', keys: '2#', now: false }],
    ['press #', { kind: 'press', keys: '#', now: false }],
    ['press-now 1w*', { kind: 'press', keys: '1w*', now: true }],
    ['speak "two \\"please\\""', { kind: 'speak', text: 'two "please"' }],
    ['say-tone 1000', { kind: 'sound', hz: 1_000, forMs: 2_000 }],
    ['say-tone 440Hz for 500ms', { kind: 'sound', hz: 440, forMs: 500 }],
    ['wait 1.5m', { kind: 'wait', forMs: 90_000 }],
    ['wait 3', { kind: 'wait', forMs: 3_000 }],
    ['no-input', { kind: 'silent' }],
    ['leave-message 7s', { kind: 'message', forMs: 7_000 }],
    ['hang-up', { kind: 'hang-up' }],
    ['answer', { kind: 'outcome', outcome: { kind: 'answer', forMs: undefined } }],
    ['answer for 20s', { kind: 'outcome', outcome: { kind: 'answer', forMs: 20_000 } }],
    ['busy', { kind: 'outcome', outcome: { kind: 'busy' } }],
    ['no-answer 5s', { kind: 'outcome', outcome: { kind: 'no-answer', afterMs: 5_000 } }],
    ['no-answer after 5s', { kind: 'outcome', outcome: { kind: 'no-answer', afterMs: 5_000 } }],
    ['failed', { kind: 'outcome', outcome: { kind: 'failed' } }],
    ['ends after 1h', { kind: 'outcome', outcome: { kind: 'ends', afterMs: 3_600_000 } }],
    ['expect-say balance', expected({ kind: 'say', pattern: { kind: 'text', text: 'balance' } })],
    ['expect-say "a b" within 11m', expected({ kind: 'say', pattern: { kind: 'text', text: 'a b' } }, 660_000)],
    [
      'expect-say /a\\/b c/i',
      expected({ kind: 'say', pattern: { kind: 'expression', source: 'a\\/b c', flags: 'i' } }),
    ],
    ['expect-play music.mp3', expected({ kind: 'play', part: 'music.mp3' })],
    ['expect-tone 1000', expected({ kind: 'tone', hz: 1_000 })],
    ['expect-gather', expected({ kind: 'verb', verb: 'Gather', part: undefined })],
    ['expect-gather within 5s', expected({ kind: 'verb', verb: 'Gather', part: undefined }, 5_000)],
    ['expect-dial sip:bob@pbx', expected({ kind: 'verb', verb: 'Dial', part: 'sip:bob@pbx' })],
    ['expect-dial +4930123', expected({ kind: 'verb', verb: 'Dial', part: '+4930123' })],
    ['expect-conference', expected({ kind: 'verb', verb: 'Dial', part: 'conference ' })],
    ['expect-conference "my room"', expected({ kind: 'verb', verb: 'Dial', part: 'conference my room' })],
    ['expect-enqueue support', expected({ kind: 'verb', verb: 'Enqueue', part: 'support' })],
    ['expect-verb Pause', expected({ kind: 'verb', verb: 'Pause', part: undefined })],
    ['expect-record for 7s', expected({ kind: 'record', forMs: 7_000 })],
    ['expect-record', expected({ kind: 'record', forMs: undefined })],
    ['expect-reject busy', expected({ kind: 'verb', verb: 'Reject', part: 'busy' })],
    ['expect-hangup', expected({ kind: 'hangup' })],
    ['expect-status no-answer', expected({ kind: 'status', status: 'no-answer' })],
  ];
  test.each(rows)('%s', (line, step) => {
    expect(stepsOf(line)).toEqual([step]);
    expect(stepsOf(stepLine(step as Step))).toEqual([step]);
  });
});

test('settings, comments, empty lines, CRLF and a byte order mark', () => {
  const text =
    '\uFEFF# a test\r\nfrom +4930\r\n\r\n  to 700\r\nparam SipHeader_X-Queue "two words"\r\n  # more\r\npress 1\r\n';
  expect(parseScript(text)).toMatchObject({
    ok: true,
    value: {
      from: '+4930',
      to: '700',
      params: [['SipHeader_X-Queue', 'two words']],
      lines: [{ line: 7, text: 'press 1' }],
    },
  });
});

describe('mistakes', () => {
  const rows: readonly (readonly [string, number, RegExp])[] = [
    ['dance', 1, /^"dance" is no step; there is: press, /],
    ['"press" 1', 1, /is no step/],
    ['press', 6, /^the keys is missing$|keys/],
    ['press 1x', 7, /^keys are 0-9/],
    ['press 1 2', 9, /^"2" is too much here$/],
    ['wait', 5, /is missing/],
    ['wait 5 h', 8, /too much/],
    ['wait 5h', 6, /at most 4h/],
    ['wait soon', 6, /^the time is a time such as/],
    ['expect-say', 11, /is missing/],
    ['expect-say ""', 12, /empty/],
    ['expect-say "open', 12, /not closed/],
    ['expect-say "bad \\x"', 17, /unknown escape/],
    ['expect-say "a"b', 15, /space is missing/],
    ['expect-say a"b"', 13, /quote inside a word/],
    ['expect-say /open', 12, /not closed with/],
    ['expect-say /(/', 12, /not a regular expression/],
    ['expect-say /a/g', 12, /flags g and y/],
    ['expect-say a within', 20, /is missing/],
    ['expect-tone 5', 13, /50 to 3900/],
    ['expect-status done', 15, /one of: completed, busy/],
    ['expect-reject later', 15, /busy or rejected/],
    ['expect-verb dial', 13, /written as in TwiML/],
    ['param 1 x', 7, /letters/],
    ['', 1, /has no step/],
    ['# only a comment', 1, /has no step/],
  ];
  test.each(rows)('%s', (line, column, message) => {
    const [mistake] = mistakeOf(line);
    expect(mistake).toMatchObject({ line: 1, column });
    expect(mistake?.message).toMatch(message);
  });

  test('all of a script at once, each with its line', () => {
    expect(mistakeOf('press 1\ndance\nwait soon\n').map(({ line }) => line)).toEqual([2, 3]);
  });

  test('settings stand before the first step', () => {
    expect(mistakeOf('press 1\nto 700')).toMatchObject([{ line: 2, column: 1 }]);
  });

  test('a script that is too long in lines or in one line', () => {
    expect(mistakeOf('press 1\n'.repeat(limits.scriptLines))).toMatchObject([{ line: limits.scriptLines + 1 }]);
    expect(mistakeOf(`speak "${'a'.repeat(limits.scriptLineChars)}"`)).toMatchObject([
      { column: limits.scriptLineChars + 1 },
    ]);
  });
});
