// What a script can do and expect of an application in virtual time; each verb that waits for somebody gets its outcome from the script.

import { describe, expect, test } from 'vitest';
import { linearToMuLaw } from '../../../src/media/g711.ts';
import { toneSamples } from '../../../src/media/tone.ts';
import { type Application, play } from './kit.ts';

const app = (verbs: string, more: Application['documents'] = {}): Application => ({
  documents: { '/voice': verbs, ...more },
});

describe('Gather', () => {
  const menu = app('<Gather numDigits="2" action="/choice"><Say>Enter two digits</Say></Gather><Say>nothing</Say>', {
    '/choice': ({ Digits = '', SpeechResult = '' }) => `<Say>You chose ${Digits}${SpeechResult}</Say>`,
  });

  test('keys, and what is said then', async () => {
    const { failure, asked, endMs } = await play(
      'expect-say "two digits"\npress 42\nexpect-say "chose 42"\nexpect-hangup',
      menu,
    );
    expect(failure).toBeUndefined();
    expect(asked[1]).toMatchObject({ path: '/choice', params: { Digits: '42', CallStatus: 'in-progress' } });
    expect(endMs).toBeGreaterThan(0);
  });

  test('expect-gather is met before and after the prompt was', async () => {
    expect((await play('expect-gather\nexpect-say digits\npress 1', menu)).failure).toBeUndefined();
    expect((await play('expect-say digits\nexpect-gather\npress 1', menu)).failure).toBeUndefined();
  });

  test('one Gather is no second one', async () => {
    const { failure } = await play('expect-gather\nexpect-gather', menu);
    expect(failure).toMatchObject({ line: { line: 2 }, reason: 'the call ended: the application hung up' });
  });

  test('no input: the time-out passes', async () => {
    const { failure, lines } = await play('no-input\nexpect-say nothing\nexpect-hangup', menu);
    expect(failure).toBeUndefined();
    expect(lines).toContain('Gather: no input');
  });

  test('no-input where there is input', async () => {
    const { failure } = await play('press 1\nno-input', menu);
    expect(failure).toMatchObject({ line: { line: 2 }, reason: 'the Gather ended with "1 digit"' });
  });

  test('press waits for somebody who listens, press-now does not', async () => {
    const documents = {
      ...menu.documents,
      '/voice': '<Say>A long welcome</Say><Gather numDigits="1" action="/choice"/>',
    };
    expect((await play('press 7\nexpect-say "chose 7"', { documents })).failure).toBeUndefined();
    const early = await play('expect-say welcome\npress-now 7\nexpect-say "chose 7"', { documents });
    expect(early.failure).toMatchObject({ line: { line: 3 } });
  });

  test('words', async () => {
    const speech = app(
      '<Gather input="speech dtmf" action="/choice" partialResultCallback="/partial"><Say>Speak</Say></Gather>',
      {
        ...menu.documents,
        '/partial': '',
        '/voice':
          '<Gather input="speech dtmf" action="/choice" partialResultCallback="/partial"><Say>Speak</Say></Gather>',
      },
    );
    const { failure, asked } = await play('speak "my balance"\nexpect-say "chose my balance"\nexpect-hangup', speech);
    expect(failure).toBeUndefined();
    expect(asked.find(({ path }) => path === '/partial')?.params.UnstableSpeechResult).toBe('my balance');
    expect(asked.find(({ path }) => path === '/choice')?.params).toMatchObject({
      SpeechResult: 'my balance',
      Confidence: '0.95',
    });
  });
});

describe('Dial', () => {
  const dial = app('<Dial timeout="20" action="/after"><Sip>sip:bob@pbx.test</Sip></Dial>', {
    '/after': ({ DialCallStatus = '' }) => `<Say>It was ${DialCallStatus}</Say>`,
  });
  const rows: readonly (readonly [string, string, number, object])[] = [
    ['answer for 20s', 'completed', 20, { DialCallDuration: '20', DialBridged: 'true', DialSipResponseCode: '200' }],
    ['answer', 'completed', 10, { DialCallDuration: '10' }],
    ['busy', 'busy', 0, { DialBridged: 'false', DialSipResponseCode: '486' }],
    ['failed', 'failed', 0, { DialSipResponseCode: '404' }],
    ['no-answer 5s', 'no-answer', 5, { DialSipResponseCode: '480' }],
    ['no-answer', 'no-answer', 25, {}],
    ['# nobody is there', 'no-answer', 25, {}],
  ];
  test.each(rows)('%s: %s', async (outcome, status, seconds, params) => {
    const { failure, asked, feed } = await play(
      `expect-dial sip:bob@pbx.test\n${outcome}\nexpect-say "was ${status}"\nexpect-hangup`,
      dial,
    );
    expect(failure).toBeUndefined();
    expect(asked[1]?.params).toMatchObject({ DialCallStatus: status, ...params });
    const said = feed.all.find((one) => one.kind === 'say');
    expect(Math.round((said?.atMs ?? 0) / 1_000)).toBe(seconds);
  });

  test('another party than expected', async () => {
    const { failure } = await play('expect-dial sip:carol', dial);
    expect(failure).toMatchObject({
      expected: 'expect-dial sip:carol',
      reason: 'the application went on with Dial sip:bob@pbx.test',
    });
  });

  test('status callbacks of the noun, in their order', async () => {
    const noun =
      '<Sip statusCallback="/told" statusCallbackEvent="initiated ringing answered completed">sip:bob@pbx.test</Sip>';
    const { failure, asked } = await play(
      'expect-dial\nanswer for 20s\nexpect-hangup within 2m',
      app(`<Dial>${noun}</Dial>`, { '/told': '' }),
    );
    expect(failure).toBeUndefined();
    const told = asked.filter(({ path }) => path === '/told').map(({ params }) => params);
    expect(told.map(({ CallStatus }) => CallStatus)).toEqual(['initiated', 'ringing', 'in-progress', 'completed']);
    expect(told[3]).toMatchObject({
      CallDuration: '20',
      SequenceNumber: '3',
      To: 'sip:bob@pbx.test',
      Direction: 'outbound-dial',
    });
  });

  test('the caller leaves while they talk: the application hears of it', async () => {
    const { failure, asked } = await play(
      'expect-dial\nanswer for 1h\nwait 30s\nhang-up\nexpect-status completed',
      dial,
    );
    expect(failure).toBeUndefined();
    expect(asked[1]).toMatchObject({ path: '/after', params: { CallStatus: 'completed', DialCallDuration: '30' } });
  });

  test('an outcome that a Dial cannot have, and one where nothing waits', async () => {
    const wrong = await play('expect-dial\nends', dial);
    expect(wrong.failure?.reason).toBe('the outcome of Dial is one of: answer, busy, no-answer, failed');
    const none = await play('answer', app('<Say>Hello</Say>'));
    expect(none.failure).toMatchObject({ expected: 'a Dial or the like' });
  });

  test('screening: keys are those of the called party', async () => {
    const screened = app('<Dial action="/after"><Number url="/screen">+4930</Number></Dial>', {
      ...dial.documents,
      '/voice': '<Dial action="/after"><Number url="/screen">+4930</Number></Dial>',
      '/screen': '<Gather numDigits="1" action="/take"><Say>Press one to take the call</Say></Gather><Hangup/>',
      '/take': ({ Digits }) => (Digits === '1' ? '' : '<Hangup/>'),
    });
    const taken = await play(
      'expect-dial +4930\nanswer\nexpect-say "take the call"\npress 1\nexpect-say "was completed"',
      screened,
    );
    expect(taken.failure).toBeUndefined();
    expect(taken.asked[1]?.params).toMatchObject({
      Direction: 'outbound-dial',
      To: '+4930',
      ParentCallSid: expect.stringMatching(/^CA/),
    });
    const declined = await play('expect-dial +4930\nanswer\npress 2\nexpect-say "was no-answer"', screened);
    expect(declined.failure).toBeUndefined();
  });
});

describe('Record', () => {
  const voicemail = app(
    '<Say>Speak after the tone</Say><Record action="/done" timeout="3" finishOnKey="#" maxLength="30"/>',
    {
      '/done': ({ RecordingDuration = '', Digits = '' }) => `<Say>Got ${RecordingDuration} seconds ${Digits}</Say>`,
    },
  );
  const rows: readonly (readonly [string, string])[] = [
    ['expect-record for 7s', 'Got 7 seconds'],
    ['leave-message 4s', 'Got 4 seconds'],
    ['expect-record for 2s\npress #', 'Got 2 seconds #'],
    ['expect-record\nspeak "please call me back"', 'Got 2 seconds'],
    ['expect-record for 40s', 'Got 30 seconds'],
    ['expect-record', 'Got 0 seconds'],
  ];
  test.each(rows)('%s', async (steps, said) => {
    const { failure, lines } = await play(`${steps}\nexpect-say "Got"\nexpect-hangup`, voicemail);
    expect(failure).toBeUndefined();
    expect(lines.find((line) => line.includes('"Got'))).toContain(said);
  });

  test('the caller hangs up in the message', async () => {
    const { asked } = await play('leave-message 5s\nhang-up', voicemail);
    expect(asked[1]?.params).toMatchObject({ CallStatus: 'completed', Digits: 'hangup' });
  });
});

describe('others', () => {
  test('a conference that ends, is full, or lasts', async () => {
    const room = app('<Dial action="/after"><Conference>daily</Conference></Dial>', {
      '/after': ({ DialCallStatus = '' }) => `<Say>It was ${DialCallStatus}</Say>`,
    });
    expect(
      (await play('expect-conference daily\nends after 2m\nexpect-say "was answered"', room)).failure,
    ).toBeUndefined();
    expect((await play('expect-conference daily\nbusy\nexpect-say "was failed"', room)).failure).toBeUndefined();
    expect(
      (await play('expect-conference daily\nwait 1h\nhang-up\nexpect-status completed', room)).failure,
    ).toBeUndefined();
    expect((await play('expect-conference dail', room)).failure?.reason).toContain('conference daily');
  });

  const queue = app('<Enqueue waitUrl="/wait" action="/after">support</Enqueue>', {
    '/wait': ({ QueueTime = '' }) =>
      Number(QueueTime) > 100 ? '<Leave/>' : '<Say>Please wait</Say><Pause length="10"/>',
    '/after': ({ QueueResult = '' }) => `<Say>It was ${QueueResult}</Say>`,
  });
  test.each([
    ['answer for 20s', 'bridged'],
    ['busy', 'queue-full'],
    ['failed', 'system-error'],
    ['ends', 'redirected'],
    ['# nobody comes', 'leave'],
  ])('a queue: %s', async (outcome, result) => {
    const { failure } = await play(
      `expect-enqueue support\nexpect-say "please wait"\n${outcome}\nexpect-say "was ${result}" within 5m`,
      queue,
    );
    expect(failure).toBeUndefined();
  });

  test('a caller who is taken out after a time: the wait document goes on until then', async () => {
    const script = 'expect-enqueue\nends after 25s\nexpect-say "please wait"\nexpect-say "was redirected" within 1m';
    const { failure, asked } = await play(script, queue);
    expect(failure).toBeUndefined();
    expect(asked.at(-1)?.params).toMatchObject({ QueueResult: 'redirected', QueueTime: '25' });
    expect(asked.filter(({ path }) => path === '/wait').length).toBeGreaterThan(1);
  });

  test('a caller who hangs up in the queue', async () => {
    const { asked } = await play('expect-enqueue\nwait 25s\nhang-up', queue);
    expect(asked.at(-1)?.params).toMatchObject({ QueueResult: 'hangup', QueueTime: '25', CallStatus: 'completed' });
  });

  test('a stream', async () => {
    const stream = app('<Connect action="/after"><Stream url="wss://agent.test/live"/></Connect>', {
      '/after': '<Say>The agent left</Say>',
    });
    expect(
      (await play('expect-connect wss://agent.test\nends after 1m\nexpect-say "agent left"', stream)).failure,
    ).toBeUndefined();
  });

  test('Reject', async () => {
    const { failure, feed } = await play('expect-reject busy\nexpect-status busy', app('<Reject reason="busy"/>'));
    expect(failure).toBeUndefined();
    expect(feed.all.some(({ kind }) => kind === 'answered')).toBe(false);
    expect((await play('expect-reject\nexpect-status no-answer', app('<Reject/>'))).failure).toBeUndefined();
  });

  test('Echo returns the tone of the caller', async () => {
    const echo = app('<Echo/>');
    expect((await play('expect-verb Echo\nsay-tone 1000\nexpect-tone 1000\nhang-up', echo)).failure).toBeUndefined();
    expect((await play('expect-verb Echo\nsay-tone 1000\nexpect-tone 800', echo)).failure?.reason).toBe(
      'not within 60 s',
    );
  });

  test('a file that is played: its tone, its length', async () => {
    const body = Buffer.from(Array.from(toneSamples([1_000], -10, 3_000), linearToMuLaw));
    const music = { ...app('<Play>/tone.ulaw</Play>'), media: { '/tone.ulaw': { contentType: 'audio/basic', body } } };
    const { failure, endMs } = await play('expect-tone 1000\nexpect-hangup', music);
    expect(failure).toBeUndefined();
    expect(endMs).toBe(3_000);
    expect((await play('expect-play tone.ulaw', music)).failure).toBeUndefined();
    expect((await play('expect-tone 700', music)).failure?.reason).toContain('the call ended');
    const missing = await play('expect-hangup', app('<Play>/tone.ulaw</Play>'));
    expect(missing.lines.some((line) => line.includes('11200'))).toBe(true);
  });

  test('markup is heard as words', async () => {
    const { failure } = await play(
      'expect-say "one & two"',
      app('<Say>one <break time="1s"/> &amp; <emphasis>two</emphasis></Say>'),
    );
    expect(failure).toBeUndefined();
  });

  test('an application that fails is heard to', async () => {
    const { failure, lines } = await play('expect-say "application error"\nexpect-hangup', { documents: {} });
    expect(failure).toBeUndefined();
    expect(lines.some((line) => line.includes('error 11200'))).toBe(true);
  });

  test('a call of four hours is ended', async () => {
    const { failure, endMs } = await play('expect-hangup within 4h', app('<Gather timeout="14400"/><Redirect/>'));
    expect(failure).toBeUndefined();
    expect(endMs).toBe(4 * 3_600_000);
  });

  test('an application that sends the call in circles is not asked for ever', async () => {
    const { failure, asked, feed } = await play('expect-hangup within 4h', app('<Pause length="1"/><Redirect/>'));
    expect(failure).toBeUndefined();
    expect(feed.end?.reason).toMatch(/^more than \d+ requests/);
    expect(asked.length).toBeLessThan(2_100);
  });

  test('what is shown of a difference is what came since the last thing that was met', async () => {
    const { failure } = await play('expect-say one\nexpect-say three', app('<Say>one</Say><Say>two</Say>'));
    expect(failure).toMatchObject({ line: { line: 2 }, expected: 'expect-say three' });
    expect(failure?.seen.map(({ kind }) => kind)).toEqual(expect.arrayContaining(['say', 'ended']));
    expect(failure?.seen.filter((one) => one.kind === 'say')).toMatchObject([{ text: 'two' }]);
  });

  test('within: the time of the call, not of the test', async () => {
    const slow = app('<Pause length="100"/><Say>done</Say>');
    expect((await play('expect-say done', slow)).failure?.reason).toBe('not within 60 s');
    expect((await play('expect-say done within 2m', slow)).failure).toBeUndefined();
  });

  test('from, to and param are in every request', async () => {
    const { asked } = await play(
      'from +4930\nto 700\nparam SipHeader_X-Queue sales\nexpect-hangup',
      app('<Redirect>/next</Redirect>', { '/next': '' }),
    );
    expect(asked).toHaveLength(2);
    for (const { params } of asked)
      expect(params).toMatchObject({
        From: '+4930',
        To: 'sip:700@office.test',
        'SipHeader_X-Queue': 'sales',
        Direction: 'inbound',
      });
    expect(asked[0]?.params.CallStatus).toBe('ringing');
  });
});
