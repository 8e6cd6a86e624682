// Enqueue and its noun in Dial, Queue (twiml.md 7.2, 7.3): attributes, what is asked of the call, what the action hears.

import { describe, expect, test } from 'vitest';
import { limits } from '../../../../src/base/limits.ts';
import type { EnqueueOutcome } from '../../../../src/twiml/queue-control.ts';
import { dial } from '../../../../src/twiml/verbs/dial.ts';
import { enqueue } from '../../../../src/twiml/verbs/enqueue.ts';
import { FakeCallControl } from '../../../support/fake-call-control.ts';
import { parsedValue, parseVerb, runVerb } from '../kit.ts';

const HOST = 'https://app.example.test';
const LONGEST = 'q'.repeat(limits.queueNameChars);
const plain = { name: 'support', waitUrl: undefined, waitMethod: 'GET', maxSize: undefined };

// The attribute table of twiml.md 7.2: document, what is asked for (undefined: refused), codes of the warnings.
const attributes: [id: string, xml: string, options: object | undefined, codes: number[]][] = [
  ['name', '<Enqueue> support </Enqueue>', plain, []],
  ['name', `<Enqueue>${LONGEST}</Enqueue>`, { ...plain, name: LONGEST }, []],
  ['name', `<Enqueue>${LONGEST}q</Enqueue>`, undefined, [12200]],
  ['name', '<Enqueue/>', undefined, [12200]],
  ['name', '<Enqueue>a&#10;b</Enqueue>', undefined, [12200]],
  [
    'wait-url',
    '<Enqueue waitUrl="wait">support</Enqueue>',
    { ...plain, waitUrl: `${HOST}/dir/wait`, waitMethod: 'POST' },
    [],
  ],
  ['wait-url', '<Enqueue waitUrl=" ">support</Enqueue>', { ...plain, waitUrl: '', waitMethod: 'POST' }, []],
  ['wait-url', '<Enqueue waitUrl="ftp://x/">support</Enqueue>', { ...plain, waitMethod: 'POST' }, [11100]],
  [
    'wait-url-method',
    '<Enqueue waitUrl="/w" waitUrlMethod="get">support</Enqueue>',
    { ...plain, waitUrl: `${HOST}/w`, waitMethod: 'GET' },
    [],
  ],
  [
    'wait-url-method',
    '<Enqueue waitUrl="/w" waitUrlMethod="PUT">support</Enqueue>',
    { ...plain, waitUrl: `${HOST}/w`, waitMethod: 'POST' },
    [12200],
  ],
  ['max-queue-size', '<Enqueue maxQueueSize="5">support</Enqueue>', { ...plain, maxSize: 5 }, []],
  [
    'max-queue-size',
    '<Enqueue maxQueueSize="0">support</Enqueue>',
    { ...plain, maxSize: limits.queueSizeDefault },
    [12200],
  ],
  [
    'max-queue-size',
    '<Enqueue maxQueueSize="9999">support</Enqueue>',
    { ...plain, maxSize: limits.queueSizeMax },
    [12200],
  ],
  [
    'max-queue-size',
    '<Enqueue maxQueueSize="x">support</Enqueue>',
    { ...plain, maxSize: limits.queueSizeDefault },
    [12200],
  ],
  ['workflow-sid', '<Enqueue workflowSid="WW1">support</Enqueue>', undefined, [13750]],
  ['workflow-sid', '<Enqueue workflowSid="WW1"><Task priority="1">{"a":1}</Task></Enqueue>', undefined, [13750]],
];

describe('Enqueue', () => {
  // holds: [twiml 7.2 name] [twiml 7.2 wait-url] [twiml 7.2 wait-url-method] [twiml 7.2 max-queue-size] [twiml 7.2 workflow-sid]
  test.each(attributes)('[twiml 7.2 %s] %s', (_id, xml, options, codes) => {
    const parsed = parsedValue(parseVerb(enqueue, xml));
    expect([parsed.value.options, parsed.codes]).toEqual([options, codes]);
  });

  test.each([
    ['<Enqueue action="after" method="GET">q</Enqueue>', `${HOST}/dir/after`, 'GET', []],
    ['<Enqueue>q</Enqueue>', undefined, 'POST', []],
    ['<Enqueue action="/a" method="PUT">q</Enqueue>', `${HOST}/a`, 'POST', [12200]],
  ] as const)('[twiml 7.2 action] %s', (xml, action, method, codes) => {
    const parsed = parsedValue(parseVerb(enqueue, xml));
    expect([parsed.value.action, parsed.value.method, parsed.codes]).toEqual([action, method, codes]);
  });

  test('an action that is no URL fails the document', () => {
    expect(parseVerb(enqueue, '<Enqueue action="ftp://x/">q</Enqueue>')).toMatchObject({
      ok: false,
      error: { code: 11100 },
    });
  });

  test('[twiml 7.2 answer] answers a ringing call, waits, goes on with the next verb', async () => {
    const { result, control } = await runVerb(enqueue, '<Enqueue>support</Enqueue>');
    expect(control.done).toEqual(['answer', 'enqueue support']);
    expect(result).toEqual({ kind: 'next', outcome: 'bridged', waited: true });
  });

  test('[twiml 7.2 action-params] QueueResult always, QueueSid and QueueTime where it was really queued [twiml 3.3 enqueue]', async () => {
    const xml = '<Enqueue action="/after">support</Enqueue>';
    const { result } = await runVerb(enqueue, xml);
    expect(result).toMatchObject({ kind: 'redirect', url: `${HOST}/after`, purpose: 'action', waited: true });
    expect(result.kind === 'redirect' && Object.fromEntries(result.params)).toEqual({
      QueueResult: 'bridged',
      QueueSid: `QU${'5'.repeat(32)}`,
      QueueTime: '12',
    });
    const control = new FakeCallControl();
    control.enqueueOutcomes = [{ result: 'queue-full', queue: undefined, transferred: false }];
    const full = await runVerb(enqueue, xml, control);
    expect(full.result).toMatchObject({ waited: false, outcome: 'queue-full' });
    expect(full.result.kind === 'redirect' && Object.fromEntries(full.result.params)).toEqual({
      QueueResult: 'queue-full',
    });
  });

  test('[twiml 7.2 refused] what cannot be queued: the action hears `error`, nothing was waited for', async () => {
    const { result, control } = await runVerb(enqueue, '<Enqueue action="/after" workflowSid="WW1"/>');
    expect(control.enqueued).toEqual([]);
    expect(result).toMatchObject({ kind: 'redirect', outcome: 'error', waited: false });
  });

  const queued = (part: Partial<EnqueueOutcome>): EnqueueOutcome => ({
    result: 'bridged',
    queue: { sid: `QU${'5'.repeat(32)}`, seconds: 3 },
    transferred: false,
    ...part,
  });

  test('[twiml 4.2 enqueue-hangup] the caller hung up: the action is still asked, its answer ignored', async () => {
    const control = new FakeCallControl();
    control.enqueueOutcomes = [queued({ result: 'hangup' })];
    control.during = (action) => action.startsWith('enqueue') && control.call.abort();
    const { result, ignored } = await runVerb(enqueue, '<Enqueue action="/after">support</Enqueue>', control);
    expect(result.kind).toBe('end');
    expect(ignored).toEqual([
      {
        url: `${HOST}/after`,
        method: 'POST',
        params: { QueueResult: 'hangup', QueueSid: `QU${'5'.repeat(32)}`, QueueTime: '3', CallStatus: 'completed' },
      },
    ]);
    const without = new FakeCallControl();
    without.during = control.during;
    without.during = (action) => action.startsWith('enqueue') && without.call.abort();
    expect((await runVerb(enqueue, '<Enqueue>support</Enqueue>', without)).ignored).toEqual([]);
  });

  test('the document of a transfer took over: nothing more, no action', async () => {
    const control = new FakeCallControl();
    control.enqueueOutcomes = [queued({ transferred: true })];
    const { result, ignored } = await runVerb(enqueue, '<Enqueue action="/after">support</Enqueue>', control);
    expect([result.kind, ignored]).toEqual(['end', []]);
  });
});

const nouns: [id: string, xml: string, noun: object | undefined, codes: number[]][] = [
  ['name', '<Dial><Queue>support</Queue></Dial>', { name: 'support', document: undefined }, []],
  ['name', '<Dial><Queue/></Dial>', undefined, [13215]],
  ['name', `<Dial><Queue>${LONGEST}q</Queue></Dial>`, undefined, [13215]],
  [
    'url',
    '<Dial><Queue url="before" method="GET">support</Queue></Dial>',
    { name: 'support', document: { url: `${HOST}/dir/before`, method: 'GET' } },
    [],
  ],
  ['url', '<Dial><Queue url="ftp://x/">support</Queue></Dial>', { name: 'support', document: undefined }, [11100]],
  [
    'method',
    '<Dial><Queue url="/before" method="PUT">support</Queue></Dial>',
    { name: 'support', document: { url: `${HOST}/before`, method: 'POST' } },
    [12200],
  ],
  [
    'reservation-sid',
    '<Dial><Queue reservationSid="WR1">support</Queue></Dial>',
    { name: 'support', document: undefined },
    [13750],
  ],
  [
    'alone',
    '<Dial><Number>+4930123456</Number><Queue>support</Queue></Dial>',
    { name: 'support', document: undefined },
    [13215],
  ],
];

describe('Queue inside Dial', () => {
  // holds: [twiml 7.3 name] [twiml 7.3 url] [twiml 7.3 method] [twiml 7.3 reservation-sid] [twiml 7.3 alone]
  // holds: [twiml 6.2 not-mixable]
  test.each(nouns)('[twiml 7.3 %s] %s', (_id, xml, noun, codes) => {
    const parsed = parsedValue(parseVerb(dial, xml));
    expect([parsed.value.queue, parsed.value.options.targets, parsed.codes]).toEqual([noun, [], codes]);
  });

  test('is asked of the call with what Dial says; parameters of the queue reach the action [twiml 3.3 dial-queue]', async () => {
    const control = new FakeCallControl();
    control.dialOutcomes = [
      {
        status: 'completed',
        callSid: `CA${'2'.repeat(32)}`,
        durationSeconds: 17,
        bridged: true,
        sip: undefined,
        callerHungUp: false,
        params: new Map([['QueueSid', 'QU1']]),
      },
    ];
    const xml = '<Dial action="/after" timeout="9" hangupOnStar="true"><Queue>support</Queue></Dial>';
    const { result } = await runVerb(dial, xml, control);
    expect(control.done).toEqual(['answer', 'dequeue support']);
    expect(control.dequeued[0]!.options).toMatchObject({ timeoutSeconds: 9, hangupOnStar: true });
    expect(result.kind === 'redirect' && Object.fromEntries(result.params)).toEqual({
      DialCallStatus: 'completed',
      DialCallSid: `CA${'2'.repeat(32)}`,
      DialCallDuration: '17',
      DialBridged: 'true',
      QueueSid: 'QU1',
    });
  });

  test('a name that cannot be: the action hears `failed`', async () => {
    const { result, control } = await runVerb(dial, '<Dial action="/after"><Queue/></Dial>');
    expect(control.done).toEqual(['answer']);
    expect(result).toMatchObject({ kind: 'redirect', outcome: 'failed' });
  });
});
