// Start><Stream> over real sockets: a phone's audio on its way to an application's server, beside the document (twiml.md 9).

import twilio from 'twilio';
import { describe, expect, test } from 'vitest';
import { toneShare } from '../../../src/media/goertzel.ts';
import { ACCOUNT_SID, AUTH_TOKEN, CLEAN_SHARE, DEADLINE_MS } from '../../support/world.ts';
import { calls, linear, nothingIsLeft, streamWorld } from './kit.ts';

const tone = (frequency: number, durationMs = 3_000) =>
  [{ kind: 'tone', frequencies: [frequency], levelDb: -10, durationMs }] as const;

describe('Start Stream', () => {
  // holds: [twiml 9 parameters] [twiml 9 status-callback] [twiml 9.1 media]
  test('[twiml 9.1 messages] connected, start, media with the tone of the phone, stop at the end of the call [twiml 3.1 iso-dates]', async () => {
    const { w, server } = await streamWorld();
    w.app.on('/stream-status', { status: 204 });
    w.answers(
      `<Start><Stream url="${server.url()}" name="tap" statusCallback="${w.app.origin}/stream-status">` +
        '<Parameter name="FirstName" value="Jane &amp; co"/></Stream></Start><Say>hi</Say><Pause length="60"/>',
    );
    const call = await calls(w);
    const connection = await server.connection();
    void call.play(tone(1_000), DEADLINE_MS);
    await connection.gets('media', 60);
    expect(connection.messages[0]).toEqual({ event: 'connected', protocol: 'Call', version: '1.0.0' });
    const callSid = w.app.requestsTo('/voice')[0]!.params.CallSid;
    const { streamSid } = connection;
    expect(streamSid).toMatch(/^MZ[0-9a-f]{32}$/);
    expect(connection.messages[1]).toEqual({
      event: 'start',
      sequenceNumber: '1',
      streamSid,
      start: {
        accountSid: ACCOUNT_SID,
        callSid,
        streamSid,
        tracks: ['inbound'],
        mediaFormat: { encoding: 'audio/x-mulaw', sampleRate: 8000, channels: 1 },
        customParameters: { FirstName: 'Jane & co' },
      },
    });
    const media = connection.of('media');
    expect(media[0]).toMatchObject({ sequenceNumber: '2', streamSid, media: { track: 'inbound', chunk: '1' } });
    expect(media.map((one) => one.media?.chunk)).toEqual(media.map((_, index) => String(index + 1)));
    expect(media.every((one) => Buffer.from(one.media?.payload ?? '', 'base64').length === 160)).toBe(true);
    const stamps = media.map((one) => Number(one.media?.timestamp));
    expect(stamps.every((stamp, index) => index === 0 || stamp > stamps[index - 1]!)).toBe(true);
    expect(toneShare(linear(connection.audio('inbound', 20)), 1_000)).toBeGreaterThan(CLEAN_SHARE);
    call.leg.hangUp();
    await connection.gets('stop');
    expect(connection.of('stop')[0]).toMatchObject({ streamSid, stop: { accountSid: ACCOUNT_SID, callSid } });
    expect(await connection.isClosed()).toMatchObject({ code: 1000 });
    await w.asked('/stream-status', 2);
    const [started, stopped] = w.app.requestsTo('/stream-status').map(({ params }) => params);
    expect(started).toEqual({
      AccountSid: ACCOUNT_SID,
      CallSid: callSid,
      StreamSid: streamSid,
      StreamName: 'tap',
      StreamEvent: 'stream-started',
      Timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
    });
    expect(stopped).toMatchObject({ StreamEvent: 'stream-stopped', StreamSid: streamSid });
    await nothingIsLeft(w);
  });

  test('[twiml 2.6 socket-signature] the handshake is signed with its URL alone, and has no Origin [twiml 9.1 no-origin]', async () => {
    const { w, server } = await streamWorld();
    w.answers(`<Start><Stream url="${server.url('/in/put')}"/></Start><Say>hi</Say><Pause length="60"/>`);
    const call = await calls(w);
    const { request } = await server.connection();
    const signature = String(request.headers['x-twilio-signature']);
    expect(twilio.validateRequest(AUTH_TOKEN, signature, server.url('/in/put'), {})).toBe(true);
    expect(request.headers.origin).toBeUndefined();
    expect(request.headers['sec-websocket-extensions']).toBeUndefined();
    call.leg.hangUp();
    await nothingIsLeft(w);
  });

  test('[rest 9.5 stream-live] REST forks a call that runs, both tracks, beside the document, and stops it by name', async () => {
    const { w, server } = await streamWorld();
    w.answers('<Play digits="wwww"/><Pause length="60"/>');
    const call = await calls(w);
    const { CallSid } = (await w.asked('/voice')).params;
    const form = {
      Url: server.url(),
      Name: 'rest',
      Track: 'both_tracks',
      'Parameter1.Name': 'k',
      'Parameter1.Value': 'v',
    };
    const made = await w.rest(`/Calls/${CallSid}/Streams.json`, form);
    expect(made).toMatchObject({ status: 200, body: { call_sid: CallSid, name: 'rest', status: 'in-progress' } });
    const connection = await server.connection();
    expect(await connection.gets('start')).toMatchObject({
      streamSid: made.body.sid,
      start: { tracks: ['inbound', 'outbound'], customParameters: { k: 'v' } },
    });
    void call.play(tone(1_000), DEADLINE_MS);
    await connection.gets('media', 80);
    expect(toneShare(linear(connection.audio('inbound', 20)), 1_000)).toBeGreaterThan(CLEAN_SHARE);
    expect(connection.audio('outbound', 5).length).toBe(800);
    const more = { Url: server.url(), Track: 'both_tracks' };
    expect((await w.rest(`/Calls/${CallSid}/Streams.json`, more)).status).toBe(200);
    expect((await w.rest(`/Calls/${CallSid}/Streams.json`, more)).body).toMatchObject({ code: 20001 });
    expect((await w.rest(`/Calls/${CallSid}/Streams.json`, form)).body).toMatchObject({ code: 20001 });
    const stopped = await w.rest(`/Calls/${CallSid}/Streams/rest.json`, { Status: 'stopped' });
    expect(stopped).toMatchObject({ status: 200, body: { sid: made.body.sid, status: 'stopped' } });
    await connection.gets('stop');
    expect(await connection.isClosed()).toMatchObject({ code: 1000 });
    call.leg.hangUp();
    await nothingIsLeft(w);
    expect((await w.rest(`/Calls/${CallSid}/Streams.json`, form)).body).toMatchObject({ code: 21220 });
  });

  test('[twiml 9.2 call-goes-on] a server that closes, one that is not there, and Stop by name: the call goes on', async () => {
    const { w, server } = await streamWorld();
    w.app.on('/stream-status', { status: 204 });
    w.answers(
      `<Start><Stream url="${server.url()}" name="a" statusCallback="/stream-status"/>` +
        '<Stream url="ws://127.0.0.1:9/none" name="b" statusCallback="/stream-status"/></Start>' +
        '<Gather numDigits="1" timeout="30" action="/then"/>',
    );
    w.answers(
      `<Start><Stream url="${server.url()}" name="c"/></Start><Play digits="ww"/><Redirect>/last</Redirect>`,
      '/then',
    );
    w.answers('<Stop><Stream name="c"/></Stop><Play digits="ww"/><Hangup/>', '/last');
    const call = await calls(w);
    const first = await server.connection();
    await first.gets('media', 5);
    first.close();
    await w.asked('/stream-status', 3);
    const events = w.app.requestsTo('/stream-status').map(({ params }) => `${params.StreamName} ${params.StreamEvent}`);
    expect(events.toSorted()).toEqual(['a stream-started', 'a stream-stopped', 'b stream-error']);
    void call.play([{ kind: 'digits', digits: '1' }], DEADLINE_MS);
    const second = await server.connection(2);
    await second.gets('stop');
    await call.waitFor(DEADLINE_MS, 'ended');
    await nothingIsLeft(w);
  });
});
