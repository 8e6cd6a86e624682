// Connect><ConversationRelay> over real sockets: text to speech that the phone hears, keys and speech of the caller as messages, and
// what interrupts what (twiml.md 11.1).

import { describe, expect, onTestFinished, test } from 'vitest';
import { rootMeanSquare } from '../../../src/media/goertzel.ts';
import { FakeApp } from '../../support/fake-app.ts';
import type { StreamConnection } from '../../support/stream-server.ts';
import { until } from '../../support/until.ts';
import { DEADLINE_MS, heard, type World } from '../../support/world.ts';
import { calls, nothingIsLeft, streamWorld } from './kit.ts';

const relay = (url: string, attributes = '', inside = '') =>
  `<Connect action="/after"><ConversationRelay url="${url}" ${attributes}>${inside}</ConversationRelay></Connect>`;

async function notifications(w: World): Promise<string[]> {
  const { CallSid } = (await w.asked('/voice')).params;
  const { body } = await w.rest(`/Calls/${CallSid}/Notifications.json`);
  return (body.notifications as { error_code: string }[]).map((one) => one.error_code);
}

/** The phone hears something other than silence. */
async function hearsSomething(w: World, call: Parameters<typeof heard>[1]): Promise<void> {
  await until(
    async () => rootMeanSquare(await heard(w, call)) > 300,
    DEADLINE_MS,
    () => 'silence',
  );
}

const LONG = 'This is a long sentence that the agent says to the caller and that takes some time. '.repeat(25);

async function begun(connection: StreamConnection): Promise<StreamConnection> {
  await connection.gets('setup');
  return connection;
}

describe('ConversationRelay', () => {
  // holds: [twiml 11.1 dtmf] [twiml 11.1 end] [twiml 11.1 action]
  test('[twiml 11.1 setup] setup names session, call and parameters; without a recogniser the error comes once', async () => {
    const { w, server } = await streamWorld();
    w.answers(relay(server.url(), 'dtmfDetection="true"', '<Parameter name="plan" value="gold"/>'));
    w.answers('<Hangup/>', '/after');
    const call = await calls(w);
    const connection = await begun(await server.connection());
    const { params } = await w.asked('/voice');
    expect(connection.messages[0]).toEqual({
      type: 'setup',
      sessionId: expect.stringMatching(/^VX[0-9a-f]{32}$/),
      accountSid: params.AccountSid,
      callSid: params.CallSid,
      parentCallSid: '',
      from: params.From,
      to: params.To,
      forwardedFrom: '',
      callType: 'SIP',
      callerName: expect.any(String),
      direction: 'inbound',
      callStatus: 'IN-PROGRESS',
      customParameters: { plan: 'gold' },
    });
    await connection.gets('error');
    void call.play([{ kind: 'digits', digits: '7' }], DEADLINE_MS);
    expect(await connection.gets('dtmf')).toEqual({ type: 'dtmf', digit: '7' });
    connection.send({ type: 'end', handoffData: '{"to":"desk"}' });
    const after = await w.asked('/after');
    expect(after.params).toMatchObject({
      SessionId: connection.messages[0]!.sessionId,
      SessionStatus: 'ended',
      SessionDuration: expect.stringMatching(/^\d+$/),
      HandoffData: '{"to":"desk"}',
      CallStatus: 'in-progress',
    });
    expect(connection.of('error')).toHaveLength(1);
    await nothingIsLeft(w);
    expect((await notifications(w)).filter((code) => code === '13343')).toHaveLength(1);
  });

  test('[twiml 11.1 text] tokens are spoken sentence by sentence and reported as they are played [twiml 11.1 debug]', async () => {
    const { w, server } = await streamWorld();
    w.answers(relay(server.url(), 'debug="tokens-played speaker-events"'));
    w.answers('<Hangup/>', '/after');
    const call = await calls(w);
    const connection = await begun(await server.connection());
    for (const token of ['Hel', 'lo there', '. How ', 'are you', '?'])
      connection.send({ type: 'text', token, last: false });
    connection.send({ type: 'text', token: '', last: true });
    await hearsSomething(w, call);
    await until(
      () => connection.of('info').filter(({ name }) => name === 'tokensPlayed').length === 2,
      DEADLINE_MS,
      () => JSON.stringify(connection.of('info')),
    );
    const played = connection.of('info').filter(({ name }) => name === 'tokensPlayed');
    expect(played.map(({ value }) => value)).toEqual(['Hello there. ', 'How are you?']);
    const speaking = connection.of('info').filter(({ name }) => name === 'agentSpeaking');
    expect(speaking[0]).toMatchObject({ value: 'on' });
    connection.send({ type: 'end' });
    await w.asked('/after');
    await nothingIsLeft(w);
  });

  test('[twiml 11.1 interrupt] a key cuts the talk off: interrupt, then the digit', async () => {
    const { w, server } = await streamWorld();
    w.answers(relay(server.url(), 'dtmfDetection="true" debug="speaker-events tokens-played"'));
    w.answers('<Hangup/>', '/after');
    const call = await calls(w);
    const connection = await begun(await server.connection());
    connection.send({ type: 'text', token: LONG, last: false });
    await until(
      () => connection.of('info').some(({ name, value }) => name === 'agentSpeaking' && value === 'on'),
      DEADLINE_MS,
      () => 'the agent to speak',
    );
    void call.play([{ kind: 'digits', digits: '1' }], DEADLINE_MS);
    const interrupt = await connection.gets('interrupt');
    expect(interrupt).toMatchObject({ durationUntilInterruptMs: expect.any(Number) });
    expect(LONG.startsWith(String(interrupt.utteranceUntilInterrupt))).toBe(true);
    await connection.gets('dtmf');
    const order = connection.messages.map(({ type }) => type);
    expect(order.indexOf('interrupt')).toBeLessThan(order.indexOf('dtmf'));
    connection.close();
    const after = await w.asked('/after');
    expect(after.params).toMatchObject({ SessionStatus: 'failed', ErrorCode: '64105' });
    await nothingIsLeft(w);
  });

  test('[twiml 11.1 prompt] what the caller says comes as a prompt', async () => {
    const recogniser = await FakeApp.start();
    onTestFinished(() => recogniser.stop());
    recogniser.on('/v1/audio/transcriptions', {
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ text: 'What time is it?' }),
    });
    const { w, server } = await streamWorld({ settings: { recogniserUrl: recogniser.origin } });
    w.answers(relay(server.url(), 'language="en-GB"'));
    w.answers('<Hangup/>', '/after');
    const call = await calls(w);
    const connection = await begun(await server.connection());
    void call.play(
      [
        { kind: 'tone', frequencies: [440, 620], levelDb: -10, durationMs: 900 },
        { kind: 'silence', durationMs: 3_000 },
      ],
      DEADLINE_MS,
    );
    expect(await connection.gets('prompt')).toEqual({
      type: 'prompt',
      voicePrompt: 'What time is it?',
      lang: 'en-GB',
      last: true,
    });
    expect(connection.of('error')).toEqual([]);
    call.leg.hangUp();
    expect((await w.asked('/after')).params).toMatchObject({ SessionStatus: 'completed', CallStatus: 'completed' });
    await nothingIsLeft(w);
  });

  test('[twiml 11.1 64107] invalid messages are refused one by one, noted once, and harm nothing', async () => {
    const { w, server } = await streamWorld();
    w.answers(relay(server.url()));
    w.answers('<Hangup/>', '/after');
    await calls(w);
    const connection = await begun(await server.connection());
    await connection.gets('error');
    connection.sendRaw('{');
    connection.send({ type: 'text' });
    connection.send({ type: 'play', source: 'file:///etc/passwd' });
    connection.send({ type: 'sendDigits', digits: 'hello' });
    connection.send({ type: 'language' });
    connection.send({ type: 'sing' });
    await connection.gets('error', 7);
    connection.send({ type: 'end' });
    expect((await w.asked('/after')).params).toMatchObject({ SessionStatus: 'ended' });
    await nothingIsLeft(w);
    expect((await notifications(w)).filter((code) => code === '64107')).toHaveLength(1);
  });

  test('[twiml 11.1 64102] no server: the error, and the action hears that the session failed', async () => {
    const { w, server } = await streamWorld();
    server.refusal = 403;
    w.answers(relay(server.url()));
    w.answers('<Hangup/>', '/after');
    await calls(w);
    expect((await w.asked('/after')).params).toMatchObject({ SessionStatus: 'failed', ErrorCode: '64102' });
    await nothingIsLeft(w);
    expect(await notifications(w)).toContain('64102');
  });
});
