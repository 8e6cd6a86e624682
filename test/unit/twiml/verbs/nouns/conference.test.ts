// The attribute table of Conference (twiml.md 7.1), a case for each row; and what Dial makes of it.

import { describe, expect, test } from 'vitest';
import { conferenceEvents } from '../../../../../src/base/conferences-api.ts';
import { dial } from '../../../../../src/twiml/verbs/dial.ts';
import { FakeCallControl } from '../../../../support/fake-call-control.ts';
import { parsedValue, parseVerb, runVerb } from '../../kit.ts';

const parse = (noun: string, dialAttributes = '') => {
  const { value, codes } = parsedValue(parseVerb(dial, `<Dial ${dialAttributes}>${noun}</Dial>`));
  return { conference: value.conference, codes, value };
};

const TUNE = { url: undefined, method: 'GET' };
const URL = 'https://app.example.test';

const attributes: [attribute: string, expected: Record<string, unknown>, codes: number[]][] = [
  [
    '',
    {
      room: 'Room 1',
      muted: false,
      beep: 'true',
      startOnEnter: true,
      endOnExit: false,
      label: undefined,
      jitterMs: 60,
      wait: TUNE,
      maxParticipants: 250,
      record: undefined,
      coach: undefined,
      region: undefined,
      statusCallback: undefined,
    },
    [],
  ],
  ['muted="true"', { muted: true }, []],
  ['muted="yes"', { muted: false }, [13230]],
  ['beep="false"', { beep: 'false' }, []],
  ['beep="onEnter"', { beep: 'onEnter' }, []],
  ['beep="onExit"', { beep: 'onExit' }, []],
  ['beep="onenter"', { beep: 'true' }, [13235]],
  ['startConferenceOnEnter="false"', { startOnEnter: false }, []],
  ['startConferenceOnEnter="no"', { startOnEnter: true }, [13232]],
  ['endConferenceOnExit="true"', { endOnExit: true }, []],
  ['endConferenceOnExit="1"', { endOnExit: false }, [13231]],
  ['participantLabel="front desk"', { label: 'front desk' }, []],
  [`participantLabel="${'x'.repeat(128)}"`, { label: 'x'.repeat(128) }, []],
  [`participantLabel="${'x'.repeat(129)}"`, { label: undefined }, [16024]],
  ['participantLabel="a/b"', { label: undefined }, [16024]],
  [`participantLabel="CA${'0'.repeat(32)}"`, { label: undefined }, [16024]],
  ['participantLabel=""', { label: undefined }, []],
  ['jitterBufferSize="small"', { jitterMs: 20 }, []],
  ['jitterBufferSize="medium"', { jitterMs: 40 }, []],
  ['jitterBufferSize="large"', { jitterMs: 60 }, []],
  ['jitterBufferSize="off"', { jitterMs: 0 }, []],
  ['jitterBufferSize="huge"', { jitterMs: 60 }, [12200]],
  ['waitUrl="/wait"', { wait: { url: `${URL}/wait`, method: 'POST' } }, []],
  ['waitUrl="/wait" waitMethod="GET"', { wait: { url: `${URL}/wait`, method: 'GET' } }, []],
  ['waitUrl=""', { wait: { url: '', method: 'POST' } }, []],
  ['waitUrl="ftp://x/"', { wait: { url: undefined } }, [13233]],
  ['waitUrl="/wait" waitMethod="PUT"', { wait: { method: 'POST' } }, [13234]],
  ['maxParticipants="1"', { maxParticipants: 1 }, []],
  ['maxParticipants="0"', { maxParticipants: 250 }, [12200]],
  ['maxParticipants="251"', { maxParticipants: 250 }, [12200]],
  [
    'record="record-from-start"',
    { record: { trim: true, statusCallback: undefined, eventCallbackUrl: undefined } },
    [],
  ],
  ['record="do-not-record"', { record: undefined }, []],
  ['record="always"', { record: undefined }, [13217]],
  ['record="record-from-start" trim="do-not-trim"', { record: { trim: false } }, []],
  ['record="record-from-start" trim="both"', { record: { trim: true } }, [13239]],
  [
    'record="record-from-start" recordingStatusCallback="/r" recordingStatusCallbackMethod="GET" recordingStatusCallbackEvent="in-progress absent"',
    { record: { statusCallback: { url: `${URL}/r`, method: 'GET', events: ['in-progress', 'absent'] } } },
    [],
  ],
  ['recordingStatusCallback="mailto:x" recordingStatusCallbackEvent="never"', { record: undefined }, [13256, 13621]],
  ['record="record-from-start" eventCallbackUrl="/e"', { record: { eventCallbackUrl: `${URL}/e` } }, []],
  ['region="ie1"', { region: 'ie1' }, []],
  ['region="moon"', { region: 'us1' }, [12200]],
  [`coach="CA${'1'.repeat(32)}"`, { coach: `CA${'1'.repeat(32)}` }, []],
  ['statusCallback="/s"', { statusCallback: { url: `${URL}/s`, method: 'POST', events: ['start', 'end'] } }, []],
  [
    `statusCallback="/s" statusCallbackMethod="GET" statusCallbackEvent="${conferenceEvents.join(' ')}"`,
    { statusCallback: { url: `${URL}/s`, method: 'GET', events: conferenceEvents } },
    [],
  ],
  ['statusCallback="/s" statusCallbackEvent="join dance"', { statusCallback: { events: ['join'] } }, [12200]],
  ['statusCallback="gopher://x"', { statusCallback: undefined }, [11100]],
  ['recordingConfigurationId="x"', {}, []],
];

describe('twiml.md 7.1 Conference: attributes', () => {
  // holds: [twiml 7.1 muted] [twiml 7.1 beep] [twiml 7.1 start-on-enter] [twiml 7.1 end-on-exit] [twiml 7.1 label] [twiml 7.1 jitter-buffer]
  // holds: [twiml 7.1 wait-url] [twiml 7.1 wait-method] [twiml 7.1 max-participants] [twiml 7.1 record] [twiml 7.1 region] [twiml 7.1 trim]
  // holds: [twiml 7.1 coach] [twiml 7.1 status-callback] [twiml 7.1 recording-callback] [twiml 7.1 event-callback-url]
  test.each(attributes)('%s', (attribute, expected, codes) => {
    const parsed = parse(`<Conference ${attribute}>Room 1</Conference>`);
    expect(parsed.conference).toMatchObject(expected);
    expect(parsed.codes.sort()).toEqual(codes);
  });
});

describe('names and company', () => {
  const names: [text: string, room: string | undefined, codes: number[]][] = [
    ['  sales &amp; support  ', 'sales & support', []],
    ['x'.repeat(128), 'x'.repeat(128), []],
    ['x'.repeat(129), undefined, [13237]],
    ['', undefined, [13237]],
    ['a&#13;b', undefined, [13237]],
  ];
  test.each(names)('13237: the name %s [twiml 7.1 name]', (text, room, codes) => {
    const parsed = parse(`<Conference>${text}</Conference>`);
    expect([parsed.conference?.room, parsed.codes]).toEqual([room, codes]);
  });

  test.each([
    ['<Number>100</Number><Conference>a</Conference>'],
    ['<Conference>a</Conference><Client>bob</Client>'],
    ['<Conference>a</Conference><Conference>b</Conference>'],
  ])('13000: %s: only the conference [twiml 6.2 not-mixable]', (nouns) => {
    const parsed = parse(nouns);
    expect([parsed.conference?.room, parsed.codes, parsed.value.options.targets]).toEqual(['a', [13000], []]);
  });
});

describe('running it', () => {
  const ROOM = '<Conference>Room 1</Conference>';

  test('answers, joins, and tells the action: answered, without a child [twiml 7.1 action] [twiml 3.4 answered]', async () => {
    const { control, result } = await runVerb(dial, `<Dial action="/done" answerOnBridge="true">${ROOM}</Dial>`);
    expect(control.done).toEqual(['answer', 'join Room 1']);
    expect(result).toMatchObject({ kind: 'redirect', url: `${URL}/done`, outcome: 'answered', waited: true });
    expect(result.kind === 'redirect' && Object.fromEntries(result.params)).toEqual({
      DialCallStatus: 'answered',
      DialBridged: 'true',
    });
  });

  test('without an action the next verb runs', async () => {
    const { result } = await runVerb(dial, `<Dial>${ROOM}</Dial>`);
    expect(result).toMatchObject({ kind: 'next', outcome: 'answered' });
  });

  test.each([[13240], [16025], [16020], [13236]])(
    '%i: said, and the action or next verb runs [twiml 7.1 not-joined] [twiml 14 conference] [twiml 16 point-28]',
    async (code) => {
      const control = new FakeCallControl();
      control.conferenceOutcomes = [{ how: 'notJoined', code, detail: 'no' }];
      const { result, notices } = await runVerb(dial, `<Dial action="/done">${ROOM}</Dial>`, control);
      expect(notices).toMatchObject([{ level: 'error', code }]);
      expect(result.kind === 'redirect' && Object.fromEntries(result.params)).toEqual({
        DialCallStatus: 'failed',
        DialBridged: 'false',
      });
    },
  );

  test('the caller hangs up: the action is asked, its answer ignored [twiml 4.2 conference-hangup]', async () => {
    const control = new FakeCallControl();
    control.during = (action) => action.startsWith('join') && control.call.abort();
    const { result, ignored } = await runVerb(dial, `<Dial action="/done">${ROOM}</Dial>`, control);
    expect(result.kind).toBe('end');
    expect(ignored).toEqual([
      {
        url: `${URL}/done`,
        method: 'POST',
        params: { DialCallStatus: 'answered', DialBridged: 'true', CallStatus: 'completed' },
      },
    ]);
  });

  test('no usable name: nobody is dialled', async () => {
    const { control, result } = await runVerb(dial, '<Dial><Conference> </Conference></Dial>');
    expect(control.joins).toEqual([]);
    expect(result).toMatchObject({ kind: 'next', outcome: 'failed' });
  });
});
