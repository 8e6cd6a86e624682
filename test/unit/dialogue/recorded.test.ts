// The inputs of a recorded call as a script: what came of each verb, told by its action request, or by the verb where there was none.

import { describe, expect, test } from 'vitest';
import type { CallEvent } from '../../../src/base/events.ts';
import type { WebhookExchange } from '../../../src/base/voice-records.ts';
import { readRecording } from '../../../src/dialogue/recorded.ts';
import { stepLine } from '../../../src/dialogue/script.ts';

const CALL = `CA${'1'.repeat(32)}`;

type Ran = readonly [verb: string, detail: string, startMs: number, endMs: number | undefined, outcome: string];

function events(
  ran: readonly Ran[],
  ended: { readonly atMs: number; readonly reason: string },
  bridgedAt?: number,
): CallEvent[] {
  const at = (atMs: number) => ({ callSid: CALL, atMs, wall: 1_000 + atMs });
  const created: CallEvent = {
    ...at(0),
    type: 'created',
    accountSid: 'AC1',
    direction: 'inbound',
    from: 'sip:a@b',
    to: 'sip:1@b',
    parentCallSid: null,
    domainSid: null,
    sipCallId: 'x@y',
  };
  const list: CallEvent[] = [created];
  for (const [verb, detail, startMs, endMs, outcome] of ran) {
    list.push({ ...at(startMs), type: 'verbStarted', verb, detail });
    if (endMs !== undefined) list.push({ ...at(endMs), type: 'verbEnded', verb, outcome });
  }
  if (bridgedAt !== undefined) list.push({ ...at(bridgedAt), type: 'bridged', otherCallSid: 'CA2' });
  const { atMs, reason } = ended;
  list.push({
    ...at(atMs),
    type: 'ended',
    status: 'completed',
    sipResponseCode: 200,
    durationSeconds: 1,
    answered: true,
    reason,
  });
  return list.sort((a, b) => a.atMs - b.atMs);
}

const exchange = (purpose: string, parameters: Readonly<Record<string, string>>): WebhookExchange => ({
  sid: 'WX1',
  accountSid: 'AC1',
  callSid: CALL,
  purpose,
  method: 'POST',
  url: 'http://app.test/',
  parameters,
  responseCode: 200,
  durationMs: 1,
  contentType: 'text/xml',
  responseHeaders: {},
  responseBody: '',
  errorCode: null,
  dateCreated: 0,
});

const FIRST = exchange('document', {
  CallSid: CALL,
  From: '+49',
  To: '700',
  CallStatus: 'ringing',
  'SipHeader_X-A': 'b',
});
const action = (parameters: Readonly<Record<string, string>>) => exchange('action', parameters);
const APPLICATION = 'the application hung up';
const CALLER = 'the peer hung up';

const scriptOf = (
  ran: readonly Ran[],
  told: readonly WebhookExchange[],
  reason = APPLICATION,
  atMs = 60_000,
  bridgedAt?: number,
) =>
  readRecording({
    callSid: CALL,
    accountSid: 'AC1',
    events: events(ran, { atMs, reason }, bridgedAt),
    exchanges: [FIRST, ...told],
  });
const stepsOf = (...args: Parameters<typeof scriptOf>) =>
  scriptOf(...args).script.lines.map(({ step }) => stepLine(step));

test('who called whom, and the parameters that are not of this call alone', () => {
  expect(scriptOf([], []).script).toMatchObject({ from: '+49', to: '700', params: [['SipHeader_X-A', 'b']] });
});

describe('what came of verbs', () => {
  const rows: readonly (readonly [string, Ran, Readonly<Record<string, string>> | undefined, readonly string[]])[] = [
    [
      'keys',
      ['Gather', '', 0, 5_000, '2 digits'],
      { Digits: '42', FinishedOnKey: '#', msg: 'Gather End' },
      ['press 42#'],
    ],
    [
      'words',
      ['Gather', '', 0, 5_000, 'speech'],
      { SpeechResult: 'my "balance"', msg: 'Gather End' },
      ['speak "my \\"balance\\""'],
    ],
    ['nothing', ['Gather', '', 0, 5_000, 'no input'], undefined, ['no-input']],
    [
      'nothing, which is told',
      ['Gather', '', 0, 5_000, 'no input'],
      { Digits: '', FinishedOnKey: '', msg: 'Gather End' },
      ['no-input'],
    ],
    [
      'answered',
      ['Dial', '+4930', 0, 30_000, 'completed'],
      { DialCallStatus: 'completed', DialCallDuration: '20' },
      ['answer for 20s'],
    ],
    ['answered without action', ['Dial', '+4930', 0, 30_000, 'completed'], undefined, ['answer for 30s']],
    ['busy', ['Dial', '+4930', 0, 1_000, 'busy'], { DialCallStatus: 'busy' }, ['busy']],
    ['nobody', ['Dial', '+4930', 0, 25_000, 'no-answer'], { DialCallStatus: 'no-answer' }, ['no-answer after 25s']],
    ['failed', ['Dial', '+4930', 0, 25, 'failed'], undefined, ['failed']],
    ['a room', ['Dial', 'conference a', 0, 25_000, 'answered'], { DialCallStatus: 'answered' }, ['ends after 25s']],
    [
      'a message',
      ['Record', '', 0, 9_000, 'silence, 7 s'],
      { RecordingDuration: '7', Digits: '' },
      ['leave-message 7s'],
    ],
    [
      'a message and a key',
      ['Record', '', 0, 9_000, 'finishKey, 7 s'],
      { RecordingDuration: '7', Digits: '#' },
      ['leave-message 7s', 'press #'],
    ],
    [
      'a queue',
      ['Enqueue', 'q', 0, 50_000, 'bridged'],
      { QueueResult: 'bridged', QueueTime: '30' },
      ['wait 30s', 'answer for 20s'],
    ],
    ['a full queue', ['Enqueue', 'q', 0, 50, 'queue-full'], { QueueResult: 'queue-full' }, ['busy']],
    ['a queue that was left', ['Enqueue', 'q', 0, 50_000, 'leave'], { QueueResult: 'leave' }, []],
    ['a stream', ['Connect', 'Stream', 0, 50_000, 'closed'], undefined, ['ends after 50s']],
    ['what only talks', ['Say', '', 0, 5_000, 'finished'], undefined, []],
  ];
  test.each(rows)('%s', (_name, ran, told, steps) => {
    expect(stepsOf([ran], told ? [action(told)] : [])).toEqual(steps);
  });

  test('several in their order', () => {
    const ran: readonly Ran[] = [
      ['Gather', '', 0, 5_000, 'no input'],
      ['Gather', '', 5_000, 8_000, '1 digit'],
      ['Dial', '+49', 8_000, 20_000, 'busy'],
      ['Gather', '', 20_000, 22_000, '1 digit'],
    ];
    const told = [action({ Digits: '1' }), action({ DialCallStatus: 'busy' }), action({ Digits: '2' })];
    expect(stepsOf(ran, told)).toEqual(['no-input', 'press 1', 'busy', 'press 2']);
  });
});

describe('how it ended', () => {
  test('the caller leaves as long after the last input as it did', () => {
    const ran: readonly Ran[] = [
      ['Gather', '', 0, 5_000, '1 digit'],
      ['Say', '', 5_000, undefined, ''],
    ];
    expect(stepsOf(ran, [action({ Digits: '1' })], CALLER, 7_500)).toEqual(['press 1', 'wait 2.5s', 'hang-up']);
  });

  test('in a conversation', () => {
    const ran: readonly Ran[] = [['Dial', '+49', 0, 30_000, 'caller hung up']];
    expect(
      stepsOf(ran, [action({ DialCallStatus: 'completed', DialCallDuration: '20' })], CALLER, 30_000, 10_000)[0],
    ).toMatch(/^answer for /);
    expect(stepsOf(ran, [], CALLER, 30_000)).toEqual(['wait 30s', 'hang-up']);
  });

  test('a call that lives, or is forgotten, has no end', () => {
    expect(readRecording({ callSid: CALL, accountSid: 'AC1', events: [], exchanges: [FIRST] }).endMs).toBeUndefined();
  });
});
