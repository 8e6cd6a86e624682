// Start, Stop and Connect with Stream and ConversationRelay: their attribute tables, what is refused with which number, and where the
// document goes on (twiml.md 9, 10, 11).

import { describe, expect, test } from 'vitest';
import { connect } from '../../../../src/twiml/verbs/connect.ts';
import { start } from '../../../../src/twiml/verbs/start.ts';
import { stop } from '../../../../src/twiml/verbs/stop.ts';
import { FakeCallControl } from '../../../support/fake-call-control.ts';
import { parsedValue, parseVerb, runVerb } from '../kit.ts';

const URL = 'url="wss://agent.example.test/media"';

async function started(inside: string) {
  const { control, result, notices } = await runVerb(start, `<Start>${inside}</Start>`);
  return { stream: control.streams.started[0], control, result, notices };
}

describe('Start Stream: attributes', () => {
  test.each<[string, object, number[]]>([
    [
      URL,
      { url: 'wss://agent.example.test/media', name: undefined, track: 'inbound_track', statusCallback: undefined },
      [],
    ],
    ['url="  wss://h.test/a  "', { url: 'wss://h.test/a' }, []],
    ['url="/media"', { url: 'wss://app.example.test/media' }, []],
    ['url="ws://127.0.0.1:8080/media"', { url: 'ws://127.0.0.1:8080/media' }, []],
    ['url="wss://u:p@h.test/a#x"', { url: 'wss://u:p@h.test/a' }, []],
    [`${URL} name="tap"`, { name: 'tap' }, []],
    [`${URL} name="${'n'.repeat(300)}"`, { name: undefined }, [12200]],
    [`${URL} track="outbound_track"`, { track: 'outbound_track' }, []],
    [`${URL} track="both_tracks"`, { track: 'both_tracks' }, []],
    [`${URL} statusCallback="/s"`, { statusCallback: { url: 'https://app.example.test/s', method: 'POST' } }, []],
    [
      `${URL} statusCallback="https://x.test/s" statusCallbackMethod="GET"`,
      { statusCallback: { url: 'https://x.test/s', method: 'GET' } },
      [],
    ],
    [`${URL} statusCallback="mailto:x"`, { statusCallback: undefined }, [11100]],
    [`${URL} statusCallback="/s" statusCallbackMethod="PUT"`, { statusCallback: { method: 'POST' } }, [12200]],
    ['url="wss://h.test/a?token=1"', { url: 'wss://h.test/a' }, [12200]],
  ])('[twiml 9 stream-attributes] %s [twiml 9 query] [twiml 9 relative]', async (attributes, expected, codes) => {
    const xml = `<Start><Stream ${attributes}/></Start>`;
    expect(parsedValue(parseVerb(start, xml)).codes).toEqual(codes);
    expect((await started(`<Stream ${attributes}/>`)).stream).toMatchObject(expected);
  });

  test.each<[string, number]>([
    ['', 31923],
    ['url=""', 31923],
    ['url="wss://"', 31923],
    ['url="https://agent.example.test/media"', 31922],
    ['url="ftp://agent.example.test/media"', 31922],
    [`${URL} track="left"`, 31941],
    [`${URL} connectorName="dialogflow"`, 31940],
  ])('[twiml 9 stream-refused] %s: %i, nothing is started, the document goes on', async (attributes, code) => {
    const parsed = parsedValue(parseVerb(start, `<Start><Stream ${attributes}/></Start>`));
    expect(parsed.codes).toEqual([code]);
    const { control, result } = await started(`<Stream ${attributes}/>`);
    expect(control.streams.started).toEqual([]);
    expect(result.kind).toBe('next');
  });

  test('[twiml 9 parameters] become custom parameters; what is unusable is left out', async () => {
    const { stream } = await started(
      `<Stream ${URL}><Parameter name="a" value="1"/><Parameter name="b"/><Parameter value="x"/>` +
        `<Parameter name="c" value="${'v'.repeat(500)}"/><Parameter name="a" value="2"/></Stream>`,
    );
    expect([...stream!.parameters]).toEqual([
      ['a', '2'],
      ['b', ''],
    ]);
  });

  test('[twiml 16 point-16] Start does not answer, and what fails to start is told [twiml 1 start-stop] [twiml 10 start]', async () => {
    const control = new FakeCallControl();
    control.streams.failure = { errorCode: 12200, detail: 'too many' };
    const { notices, result } = await runVerb(
      start,
      `<Start><Stream ${URL}/><Stream ${URL} name="b"/></Start>`,
      control,
    );
    expect(control.done).toEqual([]);
    expect(control.streams.started).toHaveLength(2);
    expect(notices.map(({ code, level }) => [code, level])).toEqual([
      [12200, 'error'],
      [12200, 'error'],
    ]);
    expect(result).toMatchObject({ kind: 'next', waited: false });
  });

  test('[twiml 10 start-others] a noun that cannot be started, and none at all', () => {
    expect(parsedValue(parseVerb(start, '<Start/>')).codes).toEqual([12200]);
  });
});

describe('Stop Stream', () => {
  test('[twiml 9 stop] by name; a name that nothing has is warned about [twiml 1 start-stop] [twiml 10 stop]', async () => {
    const control = new FakeCallControl();
    await runVerb(start, `<Start><Stream ${URL} name="tap"/></Start>`, control);
    const known = await runVerb(stop, '<Stop><Stream name="tap"/></Stop>', control);
    expect(control.streams.stopped).toEqual(['tap']);
    expect(known.notices).toEqual([]);
    const unknown = await runVerb(stop, '<Stop><Stream name="other"/><Stream/></Stop>', control);
    expect(unknown.notices.map(({ code }) => code)).toEqual([12200, 12200]);
    expect(unknown.result.kind).toBe('next');
    expect(parsedValue(parseVerb(stop, '<Stop/>')).codes).toEqual([12200]);
  });
});

describe('Connect Stream', () => {
  test('[twiml 11 connect-next] answers, waits, and without action the next verb runs [twiml 9 connect-inbound]', async () => {
    const { control, result } = await runVerb(connect, `<Connect><Stream ${URL} name="x"/></Connect>`);
    expect(control.done).toEqual(['answer']);
    expect(control.streams.connected[0]).toMatchObject({ name: 'x', track: 'inbound_track' });
    expect(result).toMatchObject({ kind: 'next', waited: true, outcome: 'closed' });
  });

  test('[twiml 11 connect-action] the action gets how the stream ended', async () => {
    const control = new FakeCallControl();
    const failure = { errorCode: 31920, detail: 'no 101' };
    control.streams.end = { streamSid: 'MZ1', name: undefined, how: 'failed', failure };
    const xml = `<Connect action="/done" method="GET"><Stream ${URL}/></Connect>`;
    const { result } = await runVerb(connect, xml, control);
    expect(result).toMatchObject({
      kind: 'redirect',
      url: 'https://app.example.test/done',
      method: 'GET',
      purpose: 'action',
    });
    expect(result.kind === 'redirect' && Object.fromEntries(result.params)).toEqual({
      StreamSid: 'MZ1',
      StreamName: 'MZ1',
      StreamEvent: 'stream-error',
      StreamError: '31920: no 101',
    });
  });

  test('[twiml 11 connect-hangup] the caller hangs up: the action hears of it, its answer is ignored [twiml 4.2 connect-hangup]', async () => {
    const control = new FakeCallControl();
    const { connect: original } = control.streams;
    control.streams.connect = async (options) => {
      control.call.abort();
      return original.call(control.streams, options);
    };
    const { result, ignored } = await runVerb(connect, `<Connect action="/done"><Stream ${URL}/></Connect>`, control);
    expect(result.kind).toBe('end');
    expect(ignored).toEqual([
      {
        url: 'https://app.example.test/done',
        method: 'POST',
        params: expect.objectContaining({ CallStatus: 'completed', StreamEvent: 'stream-stopped' }),
      },
    ]);
  });

  test.each<[string, number]>([
    [`<Stream ${URL} track="both_tracks"/>`, 31941],
    ['<Stream/>', 31923],
    ['<ConversationRelay/>', 64101],
    ['<ConversationRelay url="http://x.test/"/>', 64101],
    ['<Room>r</Room>', 13750],
    ['<Conversation/>', 13750],
    ['<VirtualAgent connectorName="x"/>', 13750],
    ['<AiSession/>', 13750],
    ['<Assistant/>', 13750],
    ['<Autopilot>UA1</Autopilot>', 13750],
    ['<ConversationRelaySession/>', 13750],
    ['', 12200],
  ])('[twiml 11 connect-refused] %s: %i, not answered, the document goes on [twiml 11.1 url]', async (inside, code) => {
    const xml = `<Connect action="/done">${inside}</Connect>`;
    expect(parsedValue(parseVerb(connect, xml)).codes).toEqual([code]);
    const { control, result } = await runVerb(connect, xml);
    expect(control.done).toEqual([]);
    expect(result.kind).toBe('next');
  });

  test('[twiml 11 connect-one] the first noun counts', () => {
    const two = parsedValue(parseVerb(connect, `<Connect><Stream ${URL}/><Stream url="wss://b.test/"/></Connect>`));
    expect(two.codes).toEqual([12200]);
    expect(two.value.noun?.detail).toBe('Stream wss://agent.example.test/media');
  });
});

describe('Connect ConversationRelay: attributes', () => {
  const relayed = async (attributes: string, inside = '') => {
    const xml = `<Connect><ConversationRelay ${URL} ${attributes}>${inside}</ConversationRelay></Connect>`;
    const { codes } = parsedValue(parseVerb(connect, xml));
    const { control } = await runVerb(connect, xml);
    return { codes, relay: control.streams.relayed[0] };
  };

  test.each<[string, object, number[]]>([
    [
      '',
      {
        welcomeGreeting: undefined,
        welcomeGreetingInterruptible: 'any',
        ttsLanguage: 'en-US',
        transcriptionLanguage: 'en-US',
        interruptible: 'any',
        interruptAfterMs: 0,
        reportInputDuringAgentSpeech: 'none',
        preemptible: false,
        dtmfDetection: false,
        partialPrompts: false,
        hints: [],
      },
      [],
    ],
    ['language="de-DE"', { ttsLanguage: 'de-DE', transcriptionLanguage: 'de-DE' }, []],
    ['language="de-DE" ttsLanguage="fr-FR"', { ttsLanguage: 'fr-FR', transcriptionLanguage: 'de-DE' }, []],
    ['language="de DE!"', { ttsLanguage: 'en-US' }, [64101]],
    ['interruptible="true"', { interruptible: 'any' }, []],
    ['interruptible="false"', { interruptible: 'none' }, []],
    ['interruptible="dtmf"', { interruptible: 'dtmf' }, []],
    ['interruptible="sometimes"', { interruptible: 'any' }, [64101]],
    [
      'welcomeGreeting="Hi" welcomeGreetingInterruptible="none"',
      { welcomeGreeting: 'Hi', welcomeGreetingInterruptible: 'none' },
      [],
    ],
    ['interruptSensitivity="low"', { interruptAfterMs: 800 }, []],
    ['interruptSensitivity="medium"', { interruptAfterMs: 400 }, []],
    ['interruptSensitivity="deaf"', { interruptAfterMs: 0 }, [64101]],
    [
      'dtmfDetection="true" preemptible="true" partialPrompts="true"',
      { dtmfDetection: true, preemptible: true, partialPrompts: true },
      [],
    ],
    ['dtmfDetection="on"', { dtmfDetection: false }, [64101]],
    ['reportInputDuringAgentSpeech="speech"', { reportInputDuringAgentSpeech: 'speech' }, []],
    ['hints=" Hookswitch, SIP ,"', { hints: ['Hookswitch', 'SIP'] }, []],
    ['debug="speaker-events tokens-played"', { reportsSpeakers: true, reportsTokensPlayed: true }, []],
    [
      'ttsProvider="ElevenLabs" voice="x" transcriptionProvider="Deepgram" speechModel="nova-3-general"',
      { voice: 'x', speechModel: 'nova-3-general' },
      [],
    ],
  ])('[twiml 11.1 relay-attributes] %s', async (attributes, expected, codes) => {
    const { relay, codes: given } = await relayed(attributes);
    expect(relay).toMatchObject(expected);
    expect(given).toEqual(codes);
  });

  test('[twiml 11.1 languages] Language and Parameter children', async () => {
    const { relay, codes } = await relayed(
      '',
      '<Language code="sv-SE" voice="astrid" speechModel="m"/><Language voice="x"/><Parameter name="a" value="1"/>',
    );
    expect([...relay!.languages]).toEqual([['sv-SE', { voice: 'astrid', speechModel: 'm' }]]);
    expect([...relay!.parameters]).toEqual([['a', '1']]);
    expect(codes).toEqual([64101]);
  });

  test('[twiml 11.1 action] session, status, duration, handoff data and error go to the action', async () => {
    const control = new FakeCallControl();
    control.streams.relayEnd = {
      sessionId: 'VX1',
      status: 'failed',
      durationSeconds: 4,
      handoffData: '{}',
      failure: { errorCode: 64105, detail: 'gone' },
    };
    const { result } = await runVerb(connect, `<Connect action="/d"><ConversationRelay ${URL}/></Connect>`, control);
    expect(result.kind === 'redirect' && Object.fromEntries(result.params)).toEqual({
      SessionId: 'VX1',
      SessionStatus: 'failed',
      SessionDuration: '4',
      HandoffData: '{}',
      ErrorCode: '64105',
      ErrorMessage: 'gone',
    });
  });
});
