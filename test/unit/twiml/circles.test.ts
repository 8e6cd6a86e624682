// twiml.md 4.2 point 7: a document that leads to itself. Whatever stands in it, its rounds are bounded where nothing in them takes time,
// and unbounded where something does.

import { describe, expect, test } from 'vitest';
import { limits } from '../../../src/base/limits.ts';
import { FakeCallControl, noInput } from '../../support/fake-call-control.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';
import { BASE, runSession } from './kit.ts';

/** Verbs that go back to their document, and that are over in no time in the fake call. */
const circles: readonly (readonly [what: string, verbs: string])[] = [
  ['Say', '<Say>.</Say><Redirect/>'],
  ['Play of a file without sound', '<Play>/empty.wav</Play><Redirect/>'],
  ['Pause', '<Pause/><Redirect/>'],
  ['Gather without input', '<Gather/><Redirect/>'],
  ['Gather that asks for its action without input', '<Gather actionOnEmptyResult="true"/>'],
  ['Record', '<Record/>'],
  ['Dial', `<Dial action="${BASE}">+4930123456</Dial>`],
  ['Dial of nobody', `<Dial action="${BASE}"/>`],
  ['Dial of a conference', `<Dial action="${BASE}"><Conference>room</Conference></Dial>`],
  ['Dial of a queue', `<Dial action="${BASE}"><Queue>line</Queue></Dial>`],
  ['Enqueue that is left at once', `<Enqueue action="${BASE}">line</Enqueue>`],
  ['Enqueue without a name', `<Enqueue action="${BASE}"/>`],
  ['Connect with a stream', `<Connect action="${BASE}"><Stream url="wss://agent.example.test/"/></Connect>`],
  [
    'Connect with ConversationRelay',
    `<Connect action="${BASE}"><ConversationRelay url="wss://a.example.test/"/></Connect>`,
  ],
  ['Connect with nothing', `<Connect action="${BASE}"/><Redirect/>`],
  ['Refer', `<Refer action="${BASE}"><Sip>sip:bob@pbx.example.test</Sip></Refer>`],
  ['Refer to nobody', `<Refer action="${BASE}"/>`],
  ['Start', '<Start><Stream url="wss://agent.example.test/"/></Start><Redirect/>'],
  ['a verb that is unknown', '<Dance/><Redirect/>'],
];

const page = (verbs: string) => ({ [BASE.replace(/\?.*$/, '')]: `<Response>${verbs}</Response>` });

describe('what is over at once', () => {
  test.each(circles)('%s: 100 rounds, then the call ends [twiml 4.2 loop-guard]', async (_what, verbs) => {
    const { webhook, codes, control } = await runSession(page(verbs));
    expect(webhook.sent).toHaveLength(limits.documentsWithoutWait);
    expect(codes.at(-1)).toBe(11215);
    expect(control.done.at(-1)).toBe('hangUp');
  });
});

/** Rounds after which the caller hangs up. */
const ROUNDS = limits.documentsWithoutWait * 3;

/** A call whose waits take time. */
function slowCall(tookMs: number) {
  const clock = new VirtualClock();
  const control = new FakeCallControl();
  control.during = (action) => {
    if (!/^(play|pause|collect|dial|enqueue|refer)/.test(action)) return;
    clock.advance(tookMs);
    if (control.done.filter((one) => one === action).length === ROUNDS) control.call.abort();
  };
  return { clock, control };
}

const lasting = circles.filter(([what]) => /^(Say|Play|Pause|Gather|Dial$|Enqueue that|Refer$)/.test(what));

describe('what takes time', () => {
  test.each(lasting)('%s: as long as the caller stays [twiml 4.2 loop-guard]', async (_what, verbs) => {
    const { webhook, codes } = await runSession(page(verbs), slowCall(limits.verbWaitMs));
    expect(webhook.sent.length).toBeGreaterThanOrEqual(ROUNDS);
    expect(codes).not.toContain(11215);
  });

  test.each([
    ['a stream server that is not there', '<Connect action="BASE"><Stream url="wss://agent.example.test/"/></Connect>'],
    ['a phone that refuses every REFER', '<Refer action="BASE"><Sip>sip:bob@pbx.example.test</Sip></Refer>'],
    ['a file that is not there', '<Play>/gone.wav</Play><Redirect/>'],
    ['a recording that cannot be written', '<Record playBeep="false"/>'],
  ])('%s: a failure is none, however long it took [twiml 4.2 loop-guard]', async (_what, verbs) => {
    const { clock, control } = slowCall(1_000);
    const failure = { errorCode: 31902, detail: 'refused' };
    control.streams.end = { streamSid: '', name: undefined, how: 'failed', failure };
    control.playOutcomes = new Array(ROUNDS).fill('failed');
    control.referOutcomes = new Array(ROUNDS).fill({
      status: 'failed',
      sipResponseCode: 603,
      notifyResponseCode: undefined,
      isPossible: true,
    });
    const failed = { reason: 'failed' as const, finishedOnKey: '', recording: undefined };
    control.recordings.outcomes = new Array(ROUNDS).fill(failed);
    control.recordings.during = () => clock.advance(1_000);
    const { webhook, codes } = await runSession(page(verbs.replace('BASE', BASE)), { clock, control });
    expect(webhook.sent).toHaveLength(limits.documentsWithoutWait);
    expect(codes.at(-1)).toBe(11215);
  });
});

test('a fake call that is asked without end throws, and the session ends with it', async () => {
  const { clock, control } = slowCall(1_000);
  const during = control.during;
  control.during = (action) => {
    if (action === 'collect') clock.advance(1_000);
    else during(action);
  };
  control.collected = new Array(10).fill(noInput);
  const { codes } = await runSession(page('<Gather/><Redirect/>'), { clock, control });
  expect(codes).toEqual([12400]);
});
