import { describe, expect, test } from 'vitest';
import { limits } from '../../../src/base/limits.ts';
import { bridgedOutcome, FakeCallControl } from '../../support/fake-call-control.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';
import { BASE, FakeWebhook, runSession } from './kit.ts';

const HOST = 'https://app.example.test';
const START = `${HOST}/dir/voice`;
const FALLBACK = { url: `${HOST}/fallback`, method: 'POST' as const };
const ERROR_PLAY = 'play say:An application error has occurred. Goodbye.';

const response = (xml: string) => `<Response>${xml}</Response>`;

// twiml.md 4.3: first effective verb of a ringing call and what the call sees, up to the end.
const firstVerbs: [document: string, done: string[]][] = [
  ['<Say>a</Say>', ['answer', 'play say:a', 'hangUp']],
  ['<Play>/a.wav</Play>', ['answer', `play url:${HOST}/a.wav`, 'hangUp']],
  ['<Gather/>', ['answer', 'collect', 'hangUp']],
  ['<Dial>100</Dial>', ['answer', 'dial 1', 'hangUp']],
  ['<Dial><Conference>a</Conference></Dial>', ['answer', 'join a', 'hangUp']],
  ['<Dial><Queue>a</Queue></Dial>', ['answer', 'dequeue a', 'hangUp']],
  ['<Record action="/empty"/>', ['answer', 'hangUp']],
  ['<Refer><Sip>sip:a@h</Sip></Refer>', ['answer', 'refer sip:a@h', 'hangUp']],
  ['<Enqueue>a</Enqueue>', ['answer', 'enqueue a', 'hangUp']],
  ['<Connect><Stream url="wss://h/"/></Connect>', ['answer', 'hangUp']],
  ['<Echo/>', ['answer', 'echo']],
  ['<Start><Stream url="wss://h/"/></Start><Reject/>', ['reject rejected']],
  ['<Pause length="2"/><Say>a</Say>', ['pause 2000', 'answer', 'play say:a', 'hangUp']],
  ['<Pause/><Reject/>', ['pause 1000', 'reject rejected']],
  ['<Redirect>/busy</Redirect>', ['reject busy']],
  ['<Reject/>', ['reject rejected']],
  ['<Say>a</Say><Reject/>', ['answer', 'play say:a', 'hangUp']],
  ['<Hangup/><Say>never</Say>', ['answer', 'hangUp']],
  ['', ['answer', 'hangUp']],
];

// holds: [twiml 4.1 empty-response] [twiml 4.3 answer] [twiml 4.3 redirect] [twiml 4.3 pause] [twiml 4.3 hangup]
// holds: [twiml 4.3 others]
// holds: [twiml 5.9 hangup]
// holds: [twiml 16 point-16] [twiml 16 point-17]
describe('twiml.md 4.3 answering by the first verb [twiml 1 empty-document] [twiml 1 only-reject]', () => {
  // holds: [sip 1.4 doing-verbs-answer]
  test.each(firstVerbs)('%s', async (document, done) => {
    const pages = {
      [START]: response(document),
      [`${HOST}/busy`]: response('<Reject reason="busy"/>'),
      [`${HOST}/empty`]: response(''),
    };
    expect((await runSession(pages)).control.done).toEqual(done);
  });

  test('Dial answerOnBridge does not answer; the end of the document does [twiml 4.3 answer-on-bridge]', async () => {
    const { control } = await runSession({ [START]: response('<Dial answerOnBridge="true">100</Dial>') });
    expect(control.done).toEqual(['dial 1', 'answer', 'hangUp']);
  });
});

describe('twiml.md 4.2 flow', () => {
  test('verbs run one by one; the end hangs up [twiml 1 blocking] [twiml 1 end-of-document] [twiml 4.2 in-order] [twiml 4.2 end]', async () => {
    const { control } = await runSession({ [START]: response('<Say>a</Say><Pause/><Say>b</Say>') });
    expect(control.done).toEqual(['answer', 'play say:a', 'pause 1000', 'play say:b', 'hangUp']);
  });

  test('the first request carries the standard parameters [twiml 2.4 2xx]', async () => {
    const { webhook } = await runSession({ [START]: response('') });
    expect(webhook.sent).toEqual([
      { url: BASE, method: 'POST', purpose: 'document', params: expect.objectContaining({ CallStatus: 'ringing' }) },
    ]);
  });

  // holds: [twiml 3.1 call-status] [twiml 3.3 redirect] [twiml 4.2 replaced]
  // holds: [twiml 5.7 last]
  test('a taken action replaces the document; Digits are sent once, not to the next document [twiml 1 action-replaces]', async () => {
    const control = new FakeCallControl();
    control.collected = [{ digits: '42', finishedOnKey: '#', reason: 'finishKey' }];
    const { webhook } = await runSession(
      {
        [START]: response('<Gather action="menu"/><Say>never</Say>'),
        [`${HOST}/dir/menu`]: response('<Redirect>bye</Redirect><Say>never</Say>'),
        [`${HOST}/dir/bye`]: response('<Hangup/>'),
      },
      { control },
    );
    expect(control.done).toEqual(['answer', 'collect', 'hangUp']);
    expect(webhook.sent.map(({ url, purpose, params }) => [url, purpose, params.Digits, params.CallStatus])).toEqual([
      [BASE, 'document', undefined, 'ringing'],
      [`${HOST}/dir/menu`, 'action', '42', 'in-progress'],
      [`${HOST}/dir/bye`, 'document', undefined, 'in-progress'],
    ]);
  });

  test('Gather without action and empty Redirect ask for the same document again [twiml 2.7 empty-redirect] [twiml 5.4 same-document] [twiml 5.7 url]', async () => {
    const control = new FakeCallControl();
    control.collected = [{ digits: '1', finishedOnKey: '', reason: 'numDigits' }];
    const pages = { [START]: [response('<Gather numDigits="1"/>'), response('<Redirect/>'), response('<Hangup/>')] };
    const { webhook } = await runSession(pages, { control });
    expect(webhook.sent.map(({ url, params }) => [url, params.Digits])).toEqual([
      [BASE, undefined],
      [BASE, '1'],
      [BASE, undefined],
    ]);
  });

  // Verb, and whether it asks for its own document again when it is over.
  const withoutAction: [verb: string, asksAgain: boolean][] = [
    ['<Gather numDigits="1"/>', true],
    ['<Record/>', true],
    ['<Dial>100</Dial>', false],
    ['<Refer><Sip>sip:a@h</Sip></Refer>', false],
    ['<Enqueue>a</Enqueue>', false],
    ['<Connect><Stream url="wss://h/"/></Connect>', false],
  ];
  test.each(withoutAction)('%s: a verb without action [twiml 1 action-default]', async (verb, asksAgain) => {
    const control = new FakeCallControl();
    control.collected = [{ digits: '1', finishedOnKey: '', reason: 'numDigits' }];
    const pages = { [START]: [response(`${verb}<Say>next</Say>`), response('')] };
    const { webhook } = await runSession(pages, { control });
    expect(webhook.sent.map(({ url }) => url)).toEqual(asksAgain ? [BASE, BASE] : [BASE]);
    expect(control.done.includes('play say:next')).toBe(!asksAgain);
  });

  test('twiml.md 16, 1: relative URLs are resolved with the final URL [twiml 2.7 relative] [twiml 16 point-1]', async () => {
    const { webhook } = await runSession({
      [START]: { body: response('<Redirect>next</Redirect>'), finalUrl: 'https://other.test/a/b' },
      'https://other.test/a/next': response(''),
    });
    expect(webhook.sent[1]!.url).toBe('https://other.test/a/next');
  });

  test('Start alone: the call ends [twiml 10 nothing-follows]', async () => {
    const { control } = await runSession({ [START]: response('<Start><Stream url="wss://h.test/"/></Start>') });
    expect(control.streams.started).toHaveLength(1);
    expect(control.done).toEqual(['answer', 'hangUp']);
  });

  test('no input: the verbs behind Gather run', async () => {
    const { control } = await runSession({ [START]: response('<Gather/><Say>b</Say>') });
    expect(control.done).toEqual(['answer', 'collect', 'play say:b', 'hangUp']);
  });

  test('point 5: caller hang-up ends the session; remaining verbs never run, nothing is requested [twiml 4.2 hangup] [twiml 4.2 no-request-hangup]', async () => {
    const control = new FakeCallControl();
    control.during = (action) => action.startsWith('play') && control.call.abort();
    const { webhook } = await runSession({ [START]: response('<Say>a</Say><Redirect>/x</Redirect>') }, { control });
    expect(control.done).toEqual(['answer', 'play say:a']);
    expect(webhook.sent).toHaveLength(1);
  });

  test('point 5: the Dial action after caller hang-up is requested, its answer ignored [twiml 4.2 dial-hangup]', async () => {
    const control = new FakeCallControl();
    control.dialOutcomes = [{ ...bridgedOutcome, callerHungUp: true }];
    control.during = (action) => action === 'dial 1' && control.call.abort();
    const pages = { [START]: response('<Dial action="/done">100</Dial>'), [`${HOST}/done`]: response('<Say>no</Say>') };
    const { webhook } = await runSession(pages, { control });
    expect(webhook.sent[1]).toMatchObject({
      url: `${HOST}/done`,
      purpose: 'action',
      params: { CallStatus: 'completed' },
    });
    expect(control.done).toEqual(['answer', 'dial 1']);
  });

  test('hang-up while the document is fetched: nothing runs [twiml 4.2 hangup-while-fetching]', async () => {
    const control = new FakeCallControl();
    const webhook = new FakeWebhook({ [START]: response('<Say>a</Say>') });
    webhook.during = () => control.call.abort();
    await runSession({}, { control, webhook });
    expect(control.done).toEqual([]);
  });

  test('point 6: a replaced document leaves the call alone [twiml 4.2 rest-update]', async () => {
    const control = new FakeCallControl();
    const replaced = new AbortController();
    control.during = () => replaced.abort();
    await runSession({ [START]: response('<Pause/><Say>b</Say>') }, { control, signal: replaced.signal });
    expect(control.done).toEqual(['pause 1000']);
  });
});

describe('twiml.md 2.5, 2.7: other starts', () => {
  test('inline TwiML', async () => {
    const start = { kind: 'twiml', twiml: response('<Say>a</Say>') } as const;
    const { control, webhook } = await runSession({}, { start });
    expect(control.done).toEqual(['answer', 'play say:a', 'hangUp']);
    expect(webhook.sent).toEqual([]);
  });

  test('inline TwiML with a base', async () => {
    const start = { kind: 'twiml', twiml: response('<Redirect>x</Redirect>'), baseUrl: BASE } as const;
    expect((await runSession({ [`${HOST}/dir/x`]: response('') }, { start })).webhook.sent).toHaveLength(1);
  });

  test('inline TwiML, relative URL: 11100 [twiml 2.7 inline-relative] [rest 9.3 twiml]', async () => {
    const start = { kind: 'twiml', twiml: response('<Redirect>x</Redirect>') } as const;
    const { codes, control } = await runSession({}, { start });
    expect(codes).toEqual([11100]);
    expect(control.done).toEqual(['answer', ERROR_PLAY, 'hangUp']);
  });

  test('an audio answer is played once, then the call is hung up [twiml 2.5 audio]', async () => {
    const { control } = await runSession({ [START]: { contentType: 'audio/mpeg' } });
    expect(control.done).toEqual(['answer', `play url:${BASE}`, 'hangUp']);
  });

  test('a text/plain answer is spoken [twiml 2.5 plain]', async () => {
    const { control } = await runSession({ [START]: { contentType: 'text/plain', body: 'Hi' } });
    expect(control.done).toEqual(['answer', 'play say:Hi', 'hangUp']);
  });

  test('twiml.md 16, 3: an empty body is an empty document, with 11770 [twiml 2.4 empty] [twiml 16 point-3]', async () => {
    const { control, codes, webhook } = await runSession({ [START]: '' }, { fallback: FALLBACK });
    expect(codes).toEqual([11770]);
    expect(control.done).toEqual(['answer', 'hangUp']);
    expect(webhook.sent).toHaveLength(1);
  });
});

// twiml.md 2.4: how the first document fails, and the code that the fallback is told.
const failures: [name: string, page: ConstructorParameters<typeof FakeWebhook>[0][string], code: number][] = [
  ['time-out', { error: 11203 }, 11203],
  ['refused', { error: 11202 }, 11202],
  ['HTTP 500', { error: 11217 }, 11217],
  ['too large', { error: 11750 }, 11750],
  ['redirect loop', { error: 11215 }, 11215],
  ['broken XML', '<Response><Say>', 12100],
  ['wrong root', '<html/>', 12102],
  ['wrong version', '<Response version="9"/>', 12101],
  ['wrong content type', { contentType: 'application/json', body: '{}' }, 12300],
  ['no content type', { contentType: '', body: '<Response/>' }, 12300],
  ['verb that cannot run', response('<Redirect>mailto:x</Redirect>'), 11100],
];

describe('twiml.md 2.4 failure and fallback', () => {
  test.each(failures)(
    '%s: fallback with ErrorCode and ErrorUrl, and the call goes on [twiml 2.4 unparseable] [twiml 2.4 fallback] [twiml 3.3 fallback] [twiml 5.7 unusable] [twiml 14 retrieval]',
    async (_name, page, code) => {
      const pages = { [START]: page, [FALLBACK.url]: response('<Say>sorry</Say>') };
      const { control, webhook, codes } = await runSession(pages, { fallback: FALLBACK });
      expect(webhook.sent).toHaveLength(2);
      expect(webhook.sent[1]).toMatchObject({ url: FALLBACK.url, purpose: 'fallback' });
      expect(webhook.sent[1]!.params).toMatchObject({
        ErrorCode: String(code),
        ErrorUrl: BASE,
        CallSid: control.callSid,
      });
      expect(control.done).toEqual(['answer', 'play say:sorry', 'hangUp']);
      expect(codes).toEqual([code]);
    },
  );

  test.each(failures)(
    '%s without fallback: announcement, then hang up [sip 8.4 application-codes] [twiml 2.4 no-fallback] [twiml 16 point-31]',
    async (_name, page, code) => {
      const { control, codes } = await runSession({ [START]: page });
      expect(control.done).toEqual(['answer', ERROR_PLAY, 'hangUp']);
      expect(codes).toEqual([code]);
    },
  );

  test.each(failures)(
    'fallback fails too (%s): announcement, no second fallback [sip 1.4 fallback-fails-too] [twiml 2.4 no-fallback]',
    async (_name, page, code) => {
      const { control, webhook, codes } = await runSession(
        { [START]: { error: 11200 }, [FALLBACK.url]: page },
        { fallback: FALLBACK },
      );
      expect(control.done).toEqual(['answer', ERROR_PLAY, 'hangUp']);
      expect(webhook.sent).toHaveLength(2);
      expect(codes).toEqual([11200, code]);
    },
  );

  test('each failing document gets the fallback anew [twiml 2.4 fallback-any-document]', async () => {
    const { webhook } = await runSession(
      {
        [START]: { error: 11200 },
        [FALLBACK.url]: [response('<Redirect>/gone</Redirect>'), response('<Say>b</Say>')],
        [`${HOST}/gone`]: { error: 11202 },
      },
      { fallback: FALLBACK },
    );
    expect(webhook.sent.map(({ params }) => params.ErrorCode)).toEqual([undefined, '11200', undefined, '11202']);
  });

  test('ErrorUrl and notifications hold neither credentials nor fragment [twiml 2.4 secrets]', async () => {
    const start = { kind: 'url', url: 'https://u:secret@h.test/a#ct=100', method: 'POST' } as const;
    const { webhook, events } = await runSession({}, { start, fallback: FALLBACK });
    expect(webhook.sent[1]!.params.ErrorUrl).toBe('https://h.test/a');
    expect(JSON.stringify(events)).not.toContain('secret');
  });

  test('twiml.md 16, 2: the current document after a fallback is the fallback [twiml 16 point-2]', async () => {
    const { webhook } = await runSession(
      { [START]: { error: 11200 }, [FALLBACK.url]: [response('<Redirect/>'), response('')] },
      { fallback: FALLBACK },
    );
    expect(webhook.sent[2]).toMatchObject({ url: FALLBACK.url, purpose: 'document' });
  });

  test('a fault of our own ends the call and nothing else [twiml 4.2 own-fault] [twiml 14 internal]', async () => {
    const control = new FakeCallControl();
    control.during = (action) => {
      if (action.startsWith('play')) throw new TypeError('bug');
    };
    const { codes } = await runSession({ [START]: response('<Say>a</Say>') }, { control });
    expect(codes).toEqual([12400]);
    expect(control.done).toEqual(['answer', 'play say:a', 'hangUp']);
  });
});

describe('twiml.md 4.2 point 7: documents without wait', () => {
  const loop = { [START]: response('<Redirect/>') };

  test('without fallback: hang up after 100 [twiml 4.2 loop-guard] [twiml 16 point-19]', async () => {
    const { webhook, control, codes } = await runSession(loop);
    expect(webhook.sent).toHaveLength(limits.documentsWithoutWait);
    expect(codes).toEqual([11215]);
    expect(control.done).toEqual(['answer', 'hangUp']);
  });

  test('the fallback gets one chance [twiml 4.2 loop-guard]', async () => {
    const pages = { ...loop, [FALLBACK.url]: response(`<Redirect>${START}</Redirect>`) };
    const { webhook, control, codes } = await runSession(pages, { fallback: FALLBACK });
    expect(webhook.sent).toHaveLength(limits.documentsWithoutWait + 1);
    expect(codes).toEqual([11215, 11215]);
    expect(control.done).toEqual(['answer', 'hangUp']);
  });

  test('a verb that takes time resets the count [twiml 4.2 loop-guard]', async () => {
    const rounds = [...new Array(90).fill(response('<Redirect/>')), response('<Pause/><Redirect/>')];
    const pages = { [START]: [...rounds, ...rounds, response('<Hangup/>')] };
    const clock = new VirtualClock();
    const control = new FakeCallControl();
    control.during = (action) => {
      if (action.startsWith('pause')) clock.advance(1_000);
    };
    const { webhook, codes } = await runSession(pages, { clock, control });
    expect(webhook.sent).toHaveLength(183);
    expect(codes).toEqual([]);
  });

  test('a verb that fails at once does not [twiml 4.2 loop-guard]', async () => {
    const control = new FakeCallControl();
    control.playOutcomes = new Array(200).fill('failed');
    const { webhook } = await runSession({ [START]: response('<Play>/a</Play><Redirect/>') }, { control });
    expect(webhook.sent).toHaveLength(limits.documentsWithoutWait);
  });
});

describe('verbs that are not run', () => {
  test('[twiml 7.4 leave-only-waiting] Leave outside of a wait document is skipped with 12200', async () => {
    const { control, codes } = await runSession({ [START]: response('<Leave/><Say>b</Say>') });
    expect(control.done).toEqual(['answer', 'play say:b', 'hangUp']);
    expect(codes).toEqual([12200]);
  });

  // holds: [twiml 12 refused] [twiml 12 no-digits] [twiml 14 fields] [twiml 16 point-30]
  test.each(['Pay', 'Prompt', 'Sms', 'Queue'])('%s is skipped with a warning [twiml 1 not-run]', async (name) => {
    const { control, events } = await runSession({ [START]: response(`<${name}/><Say>b</Say>`) });
    expect(control.done).toEqual(['answer', 'play say:b', 'hangUp']);
    expect(events[0]).toEqual({
      type: 'notification',
      level: 'warning',
      errorCode: 13750,
      message: `${name} is not supported yet and was skipped`,
      requestUrl: BASE,
    });
  });

  test('an unknown verb is skipped with 12200 [twiml 4.1 schema] [twiml 4.1 warnings-only]', async () => {
    const { control, codes } = await runSession({ [START]: response('<Speak/><Say>b</Say>') });
    expect(codes).toEqual([12200]);
    expect(control.done).toContain('play say:b');
  });
});

describe('twiml.md 15 restricted documents: screening', () => {
  const screening = (xml: string, options = {}) => {
    const control = new FakeCallControl();
    control.answered = true;
    control.screening = true;
    return runSession({ [START]: response(xml) }, { control, endMeans: 'return', ...options });
  };

  test('the end of the document leaves the call up: the legs are bridged [twiml 4.2 end-of-screening]', async () => {
    expect((await screening('<Say>a call for you</Say>')).control.done).toEqual(['play say:a call for you']);
  });

  test('Hangup drops the callee [twiml 5.9 in-screening]', async () => {
    expect((await screening('<Hangup/>')).control.done).toEqual(['hangUp']);
  });

  test('13201: Dial fails the document [sip 2.1 screening-no-dial] [twiml 6.2 nested] [twiml 14 dial] [twiml 15 restricted-screening]', async () => {
    const { control, codes } = await screening('<Dial>100</Dial>');
    expect(codes).toEqual([13201]);
    expect(control.done).toEqual([ERROR_PLAY, 'hangUp']);
  });

  test('other verbs are skipped [twiml 6.3 url-verbs] [twiml 15 restricted-screening]', async () => {
    const { control, codes } = await screening('<Reject/><Record/><Say>a</Say>');
    expect(codes).toEqual([12200, 12200]);
    expect(control.done).toEqual(['play say:a']);
  });
});

describe('design.md 5.2, 9: events', () => {
  test('each verb starts and ends; digits are counted, not shown [twiml 5.4 digits-private]', async () => {
    const control = new FakeCallControl();
    control.collected = [{ digits: '4711', finishedOnKey: '#', reason: 'finishKey' }];
    const pages = { [START]: response('<Gather action="/x"><Say>PIN?</Say></Gather>'), [`${HOST}/x`]: response('') };
    const { events } = await runSession(pages, { control });
    expect(events).toEqual([
      { type: 'verbStarted', verb: 'Gather', detail: 'digits, timeout 5 s' },
      { type: 'verbEnded', verb: 'Gather', outcome: '4 digits' },
    ]);
    expect(JSON.stringify(events)).not.toContain('4711');
  });

  test('what is misplaced is told before the first verb runs, what a verb is given when it does [twiml 4.1 schema-first]', async () => {
    const { events } = await runSession({ [START]: response('<Pause/><Pause length="x"/><Speak/>') });
    const told = events.map((event) => (event.type === 'notification' ? event.errorCode : event.type));
    expect(told).toEqual([12200, 'verbStarted', 'verbEnded', 13910, 'verbStarted', 'verbEnded']);
  });

  test('warnings of a verb come before it starts', async () => {
    const { events } = await runSession({ [START]: response('<Pause length="x"/>') });
    expect(events.map(({ type }) => type)).toEqual(['notification', 'verbStarted', 'verbEnded']);
  });
});
