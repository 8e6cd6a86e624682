// Connect><Stream> over real sockets: the server's audio is heard by the phone, marks come back when they are played, clear empties the
// buffer, digits arrive, and every way out leads on in the document (twiml.md 9, 11).

import { describe, expect, test } from 'vitest';
import { linearToMuLaw } from '../../../src/media/g711.ts';
import { toneShare } from '../../../src/media/goertzel.ts';
import type { StreamConnection } from '../../support/stream-server.ts';
import { until } from '../../support/until.ts';
import { CLEAN_SHARE, DEADLINE_MS, heard, medianShare } from '../../support/world.ts';
import { calls, linear, nothingIsLeft, streamWorld } from './kit.ts';

/** A tone as base64 mu-law, for `media`. */
function toneOf(frequency: number, durationMs: number): string {
  const payload = Buffer.alloc(durationMs * 8);
  for (let index = 0; index < payload.length; index++) {
    payload[index] = linearToMuLaw(Math.round(9_000 * Math.sin((2 * Math.PI * frequency * index) / 8_000)));
  }
  return payload.toString('base64');
}

const media = (connection: StreamConnection, payload: string) =>
  connection.send({ event: 'media', streamSid: connection.streamSid, media: { payload } });
const mark = (connection: StreamConnection, name: string) =>
  connection.send({ event: 'mark', streamSid: connection.streamSid, mark: { name } });

const connected = (url: string, attributes = '') =>
  `<Connect ${attributes}><Stream url="${url}" name="agent"/></Connect><Say>after</Say><Hangup/>`;

describe('Connect Stream', () => {
  test('[twiml 9.2 media-mark] what the server sends is heard, and its mark comes when it has been played [twiml 9 blocking] [twiml 9.1 mark]', async () => {
    const { w, server } = await streamWorld();
    w.answers(connected(server.url(), 'action="/after"'));
    w.answers('<Hangup/>', '/after');
    const call = await calls(w);
    const connection = await server.connection();
    await connection.gets('start');
    media(connection, toneOf(700, 2_000));
    mark(connection, 'said');
    expect(medianShare(await heard(w, call), 700)).toBeGreaterThan(CLEAN_SHARE);
    expect(connection.of('mark')).toEqual([]);
    const echoed = await connection.gets('mark');
    expect(echoed).toMatchObject({ streamSid: connection.streamSid, mark: { name: 'said' } });
    // 2 s of audio are 100 frames that came in meanwhile, give or take what a busy machine does.
    const before = connection.messages
      .slice(0, connection.messages.indexOf(echoed))
      .filter((one) => one.event === 'media');
    expect(before.length).toBeGreaterThan(80);
    connection.close();
    const after = await w.asked('/after');
    expect(after.params).toMatchObject({
      StreamSid: connection.streamSid,
      StreamName: 'agent',
      StreamEvent: 'stream-stopped',
      CallStatus: 'in-progress',
    });
    await nothingIsLeft(w);
  });

  test('[twiml 9.2 clear] clear ends the audio at once and gives back every mark that waits, in order', async () => {
    const { w, server } = await streamWorld();
    w.answers(connected(server.url()));
    const call = await calls(w);
    const connection = await server.connection();
    await connection.gets('start');
    for (const name of ['one', 'two', 'three']) {
      media(connection, toneOf(700, 20_000));
      mark(connection, name);
    }
    await heard(w, call);
    connection.send({ event: 'clear', streamSid: connection.streamSid });
    await connection.gets('mark', 3);
    expect(connection.of('mark').map((one) => one.mark)).toEqual([{ name: 'one' }, { name: 'two' }, { name: 'three' }]);
    expect(medianShare(await heard(w, call), 700)).toBeLessThan(0.1);
    connection.close();
    await nothingIsLeft(w);
  });

  test('[twiml 9.1 dtmf] digits of the phone arrive as dtmf messages', async () => {
    const { w, server } = await streamWorld();
    w.answers(connected(server.url()));
    const call = await calls(w);
    const connection = await server.connection();
    await connection.gets('start');
    void call.play([{ kind: 'digits', digits: '4#' }], DEADLINE_MS);
    await connection.gets('dtmf', 2);
    expect(connection.of('dtmf').map((one) => one.dtmf)).toEqual([
      { track: 'inbound_track', digit: '4' },
      { track: 'inbound_track', digit: '#' },
    ]);
    expect(connection.of('dtmf')[0]).toMatchObject({
      streamSid: connection.streamSid,
      sequenceNumber: expect.stringMatching(/^\d+$/),
    });
    connection.close();
    await nothingIsLeft(w);
  });

  test('[twiml 9 echo] an agent that echoes: the phone hears itself, both directions at once', async () => {
    const { w, server } = await streamWorld();
    w.answers(connected(server.url()));
    const call = await calls(w);
    const connection = await server.connection();
    await connection.gets('start');
    let seen = 0;
    const echo = setInterval(() => {
      const frames = connection.of('media');
      for (; seen < frames.length; seen++) media(connection, frames[seen]!.media!.payload);
    }, 2);
    try {
      void call.play([{ kind: 'tone', frequencies: [1_200], levelDb: -10, durationMs: 6_000 }], DEADLINE_MS);
      await connection.gets('media', 60);
      expect(medianShare(await heard(w, call), 1_200)).toBeGreaterThan(CLEAN_SHARE);
      expect(toneShare(linear(connection.audio('inbound', 20)), 1_200)).toBeGreaterThan(CLEAN_SHARE);
    } finally {
      clearInterval(echo);
    }
    call.leg.hangUp();
    await connection.gets('stop');
    await nothingIsLeft(w);
  });

  test('[twiml 9.2 closing-redirect] REST redirects the call: the server gets stop, the new document runs', async () => {
    const { w, server } = await streamWorld();
    w.answers(connected(server.url(), 'action="/after"'));
    w.answers('<Hangup/>', '/after');
    w.answers('<Say>elsewhere</Say><Hangup/>', '/elsewhere');
    await calls(w);
    const connection = await server.connection();
    await connection.gets('start');
    const { CallSid } = (await w.asked('/voice')).params;
    expect((await w.rest(`/Calls/${CallSid}.json`, { Url: w.app.url('/elsewhere') })).status).toBe(200);
    await connection.gets('stop');
    expect(await connection.isClosed()).toMatchObject({ code: 1000 });
    await w.asked('/elsewhere');
    await nothingIsLeft(w);
  });

  test('[twiml 9.2 caller-hangs-up] stop, close, and the action hears of it [twiml 4.2 connect-hangup]', async () => {
    const { w, server } = await streamWorld();
    w.answers(connected(server.url(), 'action="/after"'));
    w.answers('<Hangup/>', '/after');
    const call = await calls(w);
    const connection = await server.connection();
    await connection.gets('start');
    call.leg.hangUp();
    await connection.gets('stop');
    expect((await w.asked('/after')).params).toMatchObject({ CallStatus: 'completed', StreamEvent: 'stream-stopped' });
    await nothingIsLeft(w);
  });

  test.each<[string, number, (server: { refusal: number | undefined }) => void]>([
    ['[twiml 9.2 31920] HTTP 404 in place of 101', 31920, (server) => (server.refusal = 404)],
  ])('%s: the error, and the document goes on', async (_title, code, setUp) => {
    const { w, server } = await streamWorld();
    setUp(server);
    w.app.on('/stream-status', { status: 204 });
    w.answers(
      `<Connect><Stream url="${server.url()}" statusCallback="/stream-status"/></Connect><Redirect>/next</Redirect>`,
    );
    w.answers('<Hangup/>', '/next');
    await calls(w);
    await w.asked('/next');
    const { params } = await w.asked('/stream-status');
    expect(params).toMatchObject({ StreamEvent: 'stream-error', StreamError: expect.stringContaining(String(code)) });
    const { CallSid } = (await w.asked('/voice')).params;
    await until(
      async () => {
        const { body } = await w.rest(`/Calls/${CallSid}/Notifications.json`);
        return (body.notifications as { error_code: string }[]).some((one) => one.error_code === String(code));
      },
      DEADLINE_MS,
      () => `notification ${code}`,
    );
    await nothingIsLeft(w);
  });

  test('[twiml 9.2 31951] what is no message of the protocol is warned about once and changes nothing', async () => {
    const { w, server } = await streamWorld();
    w.answers(connected(server.url()));
    const call = await calls(w);
    const connection = await server.connection();
    await connection.gets('start');
    connection.sendRaw('{"event":');
    connection.sendRaw('[]');
    connection.sendRaw(Buffer.from([1, 2, 3]));
    connection.send({ event: 'media', streamSid: connection.streamSid, media: { payload: '!!!' } });
    connection.send({ event: 'media', streamSid: 'MZ0', media: { payload: toneOf(900, 100) } });
    connection.send({ event: 'dance', streamSid: connection.streamSid });
    media(connection, toneOf(700, 2_000));
    expect(medianShare(await heard(w, call), 700)).toBeGreaterThan(CLEAN_SHARE);
    const { CallSid } = (await w.asked('/voice')).params;
    connection.close();
    await nothingIsLeft(w);
    const { body } = await w.rest(`/Calls/${CallSid}/Notifications.json`);
    const codes = (body.notifications as { error_code: string }[]).map((one) => one.error_code);
    expect(codes.filter((one) => one === '31951')).toHaveLength(1);
  });
});
