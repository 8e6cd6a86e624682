// Start><Siprec> over real sockets: the call of a phone at a recording server, which hears both tracks, told apart by their labels
// (twiml.md 10.2, RFC 7866, RFC 7865).

import { describe, expect, onTestFinished, test } from 'vitest';
import { muLawToLinear } from '../../../src/media/g711.ts';
import { METADATA, partsOf, RawRecorder, SDP, takeAll } from '../../support/siprec.ts';
import { until } from '../../support/until.ts';
import {
  ACCOUNT_SID,
  bridges,
  CLEAN_SHARE,
  DEADLINE_MS,
  dials,
  expectEvent,
  Inbox,
  medianShare,
  type World,
  type WorldOptions,
  world,
} from '../../support/world.ts';

type Connector = Readonly<Record<string, unknown>>;

async function recorder(): Promise<RawRecorder> {
  const made = await RawRecorder.open();
  onTestFinished(() => made.close());
  return made;
}

async function siprecWorld(connector: Connector = {}, options: WorldOptions = {}) {
  const srs = await recorder();
  const siprecConnectors = [{ name: 'archive', uri: srs.uri, ...connector }];
  const w = await world({ ...options, settings: { siprecConnectors, ...options.settings } });
  w.app.on('/siprec', { status: 204 });
  return { w, srs };
}

const tone = (frequency: number) =>
  [{ kind: 'tone', frequencies: [frequency], levelDb: -10, durationMs: 4_000 }] as const;

/** Audio of the last packets of a stream. */
function audioOf(packets: readonly Buffer[], count = 40): Int16Array {
  return Int16Array.from(
    Buffer.concat(packets.slice(-count).map((packet) => packet.subarray(12))),
    (code) => muLawToLinear[code]!,
  );
}

/** Waits until a stream carries the tone and hardly anything else. */
const carries = (packets: readonly Buffer[], frequency: number) =>
  until(
    () => packets.length >= 40 && medianShare(audioOf(packets), frequency) > CLEAN_SHARE,
    DEADLINE_MS,
    () => `${packets.length} packets, share of ${frequency} Hz ${medianShare(audioOf(packets), frequency)}`,
  );

async function aliceCalls(w: World) {
  const alice = await w.phone('alice');
  const call = dials(alice, w.uri('1000'));
  await expectEvent(alice, call, 'answered');
  return call;
}

const eventsOf = (w: World) => w.app.requestsTo('/siprec').map(({ params }) => params.SiprecEvent);

async function nothingIsLeft(w: World): Promise<void> {
  await w.isIdle();
  const counts = () => w.gateway.counts() as { siprec: { live: number; calls: number }; media: { taps: number } };
  await until(
    () => counts().siprec.live + counts().siprec.calls + counts().media.taps === 0,
    DEADLINE_MS,
    () => JSON.stringify(counts()),
  );
}

const START = (more = '') => `<Start><Siprec connectorName="archive" name="one" statusCallback="/siprec"${more}>`;

test('[twiml 10.2 both-tracks] a call that is joined with another: each track at its label, BYE and callbacks at the end', async () => {
  const { w, srs } = await siprecWorld();
  w.answers(`${START()}<Parameter name="case" value="a &amp; 7"/></Siprec></Start><Dial><Client>bob</Client></Dial>`);
  const alice = await w.phone('alice');
  const bob = await w.phone('bob');
  const inbox = new Inbox(bob, 'bob');
  const caller = dials(alice, w.uri('1000'));
  const callee = await inbox.next('answer');
  await expectEvent(alice, caller, 'answered');
  await bridges(w, 1);
  const invite = await srs.received('INVITE');
  const callSid = (await w.asked('/voice')).params.CallSid!;
  expect(invite.headers.get('require')).toBe('siprec');
  expect(invite.headers.get('contact')).toMatch(/^<sip:[^>]+>;\+sip\.src$/);
  expect(invite.headers.get('x-twilio-callsid')).toBe(callSid);
  const parts = partsOf(invite);
  const sdp = parts.get(SDP)!;
  expect(sdp.match(/^m=audio \d+ RTP\/AVP 0 8\r$/gm)).toHaveLength(2);
  expect(sdp.match(/^a=sendonly\r$/gm)).toHaveLength(2);
  expect([...sdp.matchAll(/^a=label:(\d)\r$/gm)].map(([, label]) => label)).toEqual(['1', '2']);
  expect(sdp).not.toContain('telephone-event');
  const metadata = parts.get(METADATA)!;
  expect(metadata).toContain('<datamode>complete</datamode>');
  expect(metadata).toContain('name="case">a &amp; 7</parameter>');
  expect(metadata).toContain(`>${callSid}</callSid>`);
  expect(metadata).toMatch(/aor="sip:alice@/);
  void caller.play(tone(1_000), DEADLINE_MS);
  void callee.play(tone(500), DEADLINE_MS);
  await carries(srs.rtp[0]!, 1_000);
  await carries(srs.rtp[1]!, 500);
  // RFC 7866 9.1: whom the call is joined with is told when it is.
  const update = await srs.received('UPDATE');
  expect(update.headers.get('content-disposition')).toBe('recording-session');
  expect(update.headers.get('content-type')).toBe(METADATA);
  expect(update.body.toString()).toContain('aor="client:bob"');
  caller.leg.hangUp();
  const bye = await srs.received('BYE');
  expect(bye.callId).toBe(invite.callId);
  await w.asked('/siprec', 2);
  const [started, stopped] = w.app.requestsTo('/siprec').map(({ params }) => params);
  expect(started).toEqual({
    AccountSid: ACCOUNT_SID,
    CallSid: callSid,
    SiprecSid: expect.stringMatching(/^SR[0-9a-f]{32}$/),
    SiprecName: 'one',
    SiprecEvent: 'siprec-started',
    Timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
  });
  expect(stopped).toMatchObject({ SiprecEvent: 'siprec-stopped', SiprecSid: started!.SiprecSid });
  await nothingIsLeft(w);
});

test('[twiml 10.2 stop] Stop ends it by its name, and the document goes on', async () => {
  const { w, srs } = await siprecWorld();
  w.answers(`${START()}</Siprec></Start><Play digits="w"/><Pause length="1"/><Redirect>/next</Redirect>`);
  w.answers('<Stop><Siprec name="one"/></Stop><Pause length="60"/>', '/next');
  const call = await aliceCalls(w);
  await srs.received('INVITE');
  await srs.received('BYE');
  await w.asked('/siprec', 2);
  expect(eventsOf(w)).toEqual(['siprec-started', 'siprec-stopped']);
  call.leg.hangUp();
  await nothingIsLeft(w);
});

test('[twiml 10.2 track] one track alone, in PCMA where the server wants it', async () => {
  const { w, srs } = await siprecWorld();
  srs.onInvite = () => ({ status: 200, sdp: (offer, ports) => takeAll(offer, ports).replace(/(m=.*) 0\r/, '$1 8\r') });
  w.answers(`${START(' track="outbound_track"')}</Siprec></Start><Play digits="wwww"/><Pause length="60"/>`);
  const call = await aliceCalls(w);
  const sdp = partsOf(await srs.received('INVITE')).get(SDP)!;
  expect(sdp.match(/^m=/gm)).toHaveLength(1);
  expect(sdp).toContain('a=label:2');
  await until(
    () => srs.rtp[0]!.length > 10,
    DEADLINE_MS,
    () => `${srs.rtp[0]!.length} packets`,
  );
  expect(new Set(srs.rtp[0]!.map((packet) => packet[1]! & 0x7f))).toEqual(new Set([8]));
  expect(srs.rtp[1]).toEqual([]);
  call.leg.hangUp();
  await nothingIsLeft(w);
});

describe('servers that do what they like', () => {
  test('a server that asks for the metadata gets it; one that holds the session is sent nothing; BYE of the server ends it', async () => {
    const { w, srs } = await siprecWorld();
    w.answers(`${START()}</Siprec></Start><Play digits="w"/><Pause length="60"/>`);
    const call = await aliceCalls(w);
    await srs.received('ACK');
    expect((await srs.request('UPDATE', 'application/rs-metadata-request')).status).toBe(200);
    const update = await srs.received('UPDATE');
    expect(update.body.toString()).toContain('<datamode>complete</datamode>');
    await until(
      () => srs.rtp.every((packets) => packets.length > 5),
      DEADLINE_MS,
      () => 'RTP on both streams',
    );
    const offer = takeAll(partsOf(await srs.received('INVITE')).get(SDP)!, srs.ports);
    const held = await srs.request('INVITE', SDP, offer.replaceAll('a=recvonly', 'a=inactive'));
    expect(held.status).toBe(200);
    expect(held.body.toString().match(/^a=inactive\r$/gm)).toHaveLength(2);
    expect(held.body.toString().match(/^a=label:[12]\r$/gm)).toHaveLength(2);
    const late = srs.rtp.map((packets) => packets.length);
    const resumed = await srs.request('INVITE', SDP, offer.replace('o=srs 1 1', 'o=srs 1 2'));
    expect(resumed.body.toString().match(/^a=sendonly\r$/gm)).toHaveLength(2);
    await until(
      () => srs.rtp.every((packets, index) => packets.length > late[index]! + 10),
      DEADLINE_MS,
      () => 'RTP again on both streams',
    );
    const broken = await srs.request('INVITE', SDP, 'v=0\r\nm=nonsense\r\n');
    expect(broken.status).toBe(400);
    expect((await srs.request('BYE')).status).toBe(200);
    await w.asked('/siprec', 2);
    expect(eventsOf(w)).toEqual(['siprec-started', 'siprec-stopped']);
    expect(call.events.some(({ type }) => type === 'ended')).toBe(false);
    call.leg.hangUp();
    await nothingIsLeft(w);
  });

  test('an offer without SDP in a re-INVITE is answered with ours', async () => {
    const { w, srs } = await siprecWorld();
    w.answers(`${START()}</Siprec></Start><Play digits="w"/><Pause length="60"/>`);
    const call = await aliceCalls(w);
    await srs.received('ACK');
    const asked = await srs.request('INVITE');
    expect(asked.status).toBe(200);
    expect(asked.body.toString().match(/^a=sendonly\r$/gm)).toHaveLength(2);
    call.leg.hangUp();
    await nothingIsLeft(w);
  });

  test.each([
    [488, '31920', /488/],
    [503, '31920', /503/],
    [401, '31920', /401/],
    [302, '31920', /302/],
  ])('%i: siprec-error with its code, and the call goes on', async (status, code, detail) => {
    const { w, srs } = await siprecWorld();
    srs.onInvite = () => ({ status });
    w.answers(`${START()}</Siprec></Start><Play digits="w"/><Pause length="60"/>`);
    const call = await aliceCalls(w);
    const failed = await w.asked('/siprec');
    expect(failed.params).toMatchObject({ SiprecEvent: 'siprec-error', SiprecErrorCode: code });
    expect(failed.params.SiprecError).toMatch(detail);
    expect(call.events.some(({ type }) => type === 'ended')).toBe(false);
    call.leg.hangUp();
    await nothingIsLeft(w);
  });

  test.each([
    [
      'refuses both streams',
      (offer: string, ports: readonly number[]) =>
        takeAll(
          offer,
          ports.map(() => 0),
        ),
    ],
    ['answers with nonsense', () => 'v=0\r\nm=audio\r\n'],
    [
      'answers one section of two',
      (offer: string, ports: readonly number[]) => takeAll(offer, ports).replace(/m=audio (?!.*m=audio)[\s\S]*$/, ''),
    ],
    [
      'has no codec of ours',
      (offer: string, ports: readonly number[]) => takeAll(offer, ports).replace(/ 0\r/g, ' 9\r'),
    ],
  ])('a 200 that %s: BYE, siprec-error', async (_name, sdp) => {
    const { w, srs } = await siprecWorld();
    srs.onInvite = () => ({ status: 200, sdp });
    w.answers(`${START()}</Siprec></Start><Play digits="w"/><Pause length="60"/>`);
    const call = await aliceCalls(w);
    await srs.received('BYE');
    const failed = await w.asked('/siprec');
    expect(failed.params).toMatchObject({ SiprecEvent: 'siprec-error', SiprecErrorCode: '31920' });
    call.leg.hangUp();
    await nothingIsLeft(w);
  });

  test('one stream refused: the other is recorded', async () => {
    const { w, srs } = await siprecWorld();
    srs.onInvite = () => ({ status: 200, sdp: (offer, ports) => takeAll(offer, [ports[0]!, 0]) });
    w.answers(`${START()}</Siprec></Start><Play digits="w"/><Pause length="60"/>`);
    const call = await aliceCalls(w);
    await until(
      () => srs.rtp[0]!.length > 10,
      DEADLINE_MS,
      () => 'RTP',
    );
    expect(srs.rtp[1]).toEqual([]);
    call.leg.hangUp();
    await nothingIsLeft(w);
  });

  test('a server that never answers is given up, and the next of the list takes the session', async () => {
    const second = await recorder();
    const { w, srs } = await siprecWorld({}, { clockRate: 8 });
    srs.onInvite = () => undefined;
    const both = [{ name: 'archive', uri: [srs.uri, second.uri] }];
    await w.gateway.applySettings({
      ...w.config,
      declared: { ...w.config.declared, siprecConnectors: connectors(both) },
    });
    w.answers(`${START()}</Siprec></Start><Play digits="w"/><Pause length="600"/>`);
    const call = await aliceCalls(w);
    await second.received('ACK');
    expect((await w.asked('/siprec')).params.SiprecEvent).toBe('siprec-started');
    await until(
      () => second.rtp.every((packets) => packets.length > 5),
      DEADLINE_MS,
      () => 'RTP',
    );
    call.leg.hangUp();
    await second.received('BYE');
    await nothingIsLeft(w);
  });

  test('nobody is there: unreachable or silent servers end in siprec-error', async () => {
    const { w, srs } = await siprecWorld({}, { clockRate: 20 });
    srs.onInvite = () => undefined;
    w.answers(`${START()}</Siprec></Start><Play digits="w"/><Pause length="600"/>`);
    const call = await aliceCalls(w);
    const failed = await w.asked('/siprec');
    expect(failed.params).toMatchObject({ SiprecEvent: 'siprec-error', SiprecErrorCode: '31901' });
    call.leg.hangUp();
    await nothingIsLeft(w);
  });

  test('the call ends while the server rings: CANCEL, and no callback', async () => {
    const { w, srs } = await siprecWorld();
    srs.onInvite = () => ({ status: 180, sdp: () => '' });
    w.answers(`${START()}</Siprec></Start><Play digits="w"/><Pause length="60"/>`);
    const call = await aliceCalls(w);
    await srs.received('INVITE');
    call.leg.hangUp();
    await srs.received('CANCEL');
    await w.asked('/status');
    expect(eventsOf(w)).toEqual([]);
  });
});

const connectors = (all: readonly { name: string; uri: string[] }[]) =>
  all.map((one) => ({ ...one, secureMedia: false, tlsVerify: true }));

test('digest: the server challenges, the credentials of the connector answer', async () => {
  const { w, srs } = await siprecWorld({ username: 'gw', password: 'S3cret-of-srs' });
  srs.onInvite = (_nth, request) =>
    request.headers.get('authorization') === undefined
      ? { status: 401, headers: [{ name: 'WWW-Authenticate', value: 'Digest realm="srs", nonce="n1", algorithm=MD5' }] }
      : { status: 200 };
  w.answers(`${START()}</Siprec></Start><Play digits="w"/><Pause length="60"/>`);
  const call = await aliceCalls(w);
  expect((await srs.received('INVITE', 2)).headers.get('authorization')).toContain('username="gw"');
  expect((await w.asked('/siprec')).params.SiprecEvent).toBe('siprec-started');
  call.leg.hangUp();
  await nothingIsLeft(w);
});

test('SRTP where the connector says so: keys of each stream, and nothing in clear', async () => {
  const { w, srs } = await siprecWorld({ secureMedia: true });
  const keys = ['AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA', 'BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB'];
  srs.onInvite = () => ({
    status: 200,
    sdp: (offer, ports) => {
      let index = 0;
      return takeAll(offer, ports).replace(
        /a=recvonly/g,
        () => `a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:${keys[index++]}\r\na=recvonly`,
      );
    },
  });
  w.answers(`${START()}</Siprec></Start><Play digits="w"/><Pause length="60"/>`);
  const call = await aliceCalls(w);
  const sdp = partsOf(await srs.received('INVITE')).get(SDP)!;
  expect(sdp.match(/^m=audio \d+ RTP\/SAVP 0 8\r$/gm)).toHaveLength(2);
  const offered = [...sdp.matchAll(/inline:(\S{40})/g)].map(([, key]) => key);
  expect(new Set(offered).size).toBe(2);
  await until(
    () => srs.rtp.every((packets) => packets.length > 5),
    DEADLINE_MS,
    () => 'SRTP',
  );
  // 10 octets of tag behind each packet.
  for (const packets of srs.rtp) expect(new Set(packets.map(({ length }) => length))).toEqual(new Set([12 + 160 + 10]));
  call.leg.hangUp();
  await nothingIsLeft(w);
});

describe('over REST', () => {
  test('[rest 9.5 siprec-live] records a call that runs, beside the document, and stops it by name', async () => {
    const { w, srs } = await siprecWorld();
    w.answers('<Play digits="w"/><Pause length="60"/>');
    const alice = await w.phone('alice');
    const call = dials(alice, w.uri('1000'));
    await expectEvent(alice, call, 'answered');
    const { CallSid } = (await w.asked('/voice')).params;
    const path = `/Calls/${CallSid}/Siprec`;
    const form = { ConnectorName: 'archive', Name: 'rest', StatusCallback: `${w.app.origin}/siprec` };
    const made = await w.rest(`${path}.json`, form);
    expect(made).toMatchObject({ status: 200, body: { call_sid: CallSid, name: 'rest', status: 'in-progress' } });
    await until(
      () => srs.rtp.every((packets) => packets.length > 5),
      DEADLINE_MS,
      () => 'RTP',
    );
    expect((await w.rest(`${path}.json`, form)).body).toMatchObject({ code: 20001 });
    expect((await w.rest(`${path}.json`, { ConnectorName: 'nobody' })).body).toMatchObject({ code: 20001 });
    // Two of the four forked tracks are taken; a stream of both tracks takes the others.
    const second = await w.rest(`${path}.json`, { ConnectorName: 'archive', Name: 'second' });
    expect(second.status).toBe(200);
    const third = await w.rest(`${path}.json`, { ConnectorName: 'archive', Name: 'third' });
    expect(third.body.message).toContain('4 forked tracks');
    const stopped = await w.rest(`${path}/rest.json`, { Status: 'stopped' });
    expect(stopped).toMatchObject({ status: 200, body: { sid: made.body.sid, status: 'stopped' } });
    await srs.received('BYE');
    expect((await w.rest(`${path}/${made.body.sid}.json`, { Status: 'stopped' })).status).toBe(200);
    expect((await w.rest(`${path}/nothing.json`, { Status: 'stopped' })).status).toBe(404);
    call.leg.hangUp();
    await nothingIsLeft(w);
    expect((await w.rest(`${path}.json`, form)).body).toMatchObject({ code: 21220 });
  });
});

test.each([
  ['connectorName="nobody"', 31940],
  ['connectorName="archive" track="sideways"', 31941],
])('[twiml 10.2 connector] %s is reported as %i, and the document goes on', async (attributes, code) => {
  const { w, srs } = await siprecWorld();
  w.answers(`<Start><Siprec ${attributes}/></Start><Redirect>/next</Redirect>`);
  w.answers('<Hangup/>', '/next');
  const alice = await w.phone('alice');
  dials(alice, w.uri('1000'));
  const { CallSid } = (await w.asked('/next')).params;
  await nothingIsLeft(w);
  const listed = await until(
    async () => {
      const { body } = await w.rest(`/Calls/${CallSid}/Notifications.json`);
      const codes = (body.notifications as { error_code: string }[]).map(({ error_code }) => error_code);
      return codes.length > 0 ? codes : undefined;
    },
    DEADLINE_MS,
    () => 'a notification',
  );
  expect(listed).toContain(String(code));
  expect(srs.requests).toEqual([]);
});
