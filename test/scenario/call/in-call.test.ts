// Signalling inside a call that breaks others: digits by INFO, crossing holds, a media port that changes, codecs and packet times that
// are accepted, and what must leave a call as it is.

import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { describe, expect, onTestFinished, test } from 'vitest';
import { realClock, sleep } from '../../../src/base/clock.ts';
import type { PhoneCall } from '../../../src/demo/phone.ts';
import { encode } from '../../../src/media/g711.ts';
import { toneShare } from '../../../src/media/goertzel.ts';
import { toneSamples } from '../../../src/media/tone.ts';
import { readWav } from '../../../src/media/wav.ts';
import { rtpPacket } from '../../support/media.ts';
import { openWorld, plainSdp, RawPhone } from '../../support/raw-phone.ts';
import { until } from '../../support/until.ts';
import {
  bridged,
  bridges,
  DEADLINE_MS,
  dials,
  expectEvent,
  heard,
  hearsPackets,
  Inbox,
  shareHeard,
  type World,
  world,
} from '../../support/world.ts';

/** A UDP socket for RTP, and what came to it. */
async function rtpSocket(): Promise<{ socket: Socket; port: number; received: Buffer[] }> {
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const received: Buffer[] = [];
  socket.on('message', (packet) => received.push(packet));
  onTestFinished(() => {
    socket.close();
  });
  return { socket, port: socket.address().port, received };
}

const mediaPortOf = (body: Buffer): number => Number(/m=audio (\d+)/.exec(body.toString())![1]);

/** A raw caller that the application joined with bob. */
async function rawBridged(sdpOf: (port: number) => string = plainSdp) {
  const w = await world(openWorld);
  w.answers('<Dial action="/after"><Client>bob</Client></Dial>');
  w.answers('<Hangup/>', '/after');
  const inbox = new Inbox(await w.phone('bob'), 'bob');
  const raw = await RawPhone.open(w.port('udp'));
  onTestFinished(() => raw.close());
  const media = await rtpSocket();
  const invite = raw.send('INVITE', { sdp: sdpOf(media.port) });
  const callee = await inbox.next('answer');
  const answer = await raw.final('INVITE');
  raw.acknowledge(invite, answer);
  await bridges(w, 1);
  const end = async () => {
    raw.send('BYE');
    expect((await raw.final('BYE')).status).toBe(200);
    await w.isIdle();
  };
  return { w, raw, callee, media, gatewayPort: mediaPortOf(answer.body), answer: answer.body.toString(), end };
}

const digitsOf = (call: PhoneCall): string =>
  call.events.map((event) => (event.type === 'digit' ? event.digit : '')).join('');

describe('digits by SIP INFO', () => {
  test('[sip 10 dtmf-info-relay] both body types reach the other side of a bridge as RFC 4733, once each', async () => {
    const { raw, callee, end } = await rawBridged();
    for (const [contentType, body] of [
      ['application/dtmf-relay', 'Signal=5\r\nDuration=160\r\n'],
      ['application/dtmf', '#'],
      ['application/dtmf-relay', 'Signal=10\r\nDuration=100\r\n'],
    ] as const) {
      raw.send('INFO', { contentType, body });
      expect((await raw.final('INFO')).status).toBe(200);
    }
    await until(
      () => digitsOf(callee) === '5#*',
      DEADLINE_MS,
      () => `bob heard ${digitsOf(callee)}`,
    );
    await end();
  });

  test('[sip 10 dtmf-info-relay] an INFO that is no digit is answered and changes nothing', async () => {
    const { raw, callee, end } = await rawBridged();
    for (const [contentType, body] of [
      ['application/dtmf-relay', 'Signal=hf\r\n'],
      ['application/media_control+xml', '<media_control/>'],
      ['application/dtmf', ''],
    ] as const) {
      raw.send('INFO', { contentType, body });
      expect((await raw.final('INFO')).status).toBe(200);
    }
    await hearsPackets(callee, 0);
    expect(digitsOf(callee)).toBe('');
    await end();
  });

  test('[sip 0 dtmf-inband] on a domain that asks for it, tones are digits for Gather', async () => {
    const w = await world({ ...openWorld, domain: { ...openWorld.domain, dtmfInband: true } });
    w.answers('<Gather action="/digits" numDigits="2" timeout="8"/>');
    w.answers('<Hangup/>', '/digits');
    const raw = await RawPhone.open(w.port('udp'));
    onTestFinished(() => raw.close());
    const media = await rtpSocket();
    const invite = raw.send('INVITE', {
      sdp: plainSdp(media.port)
        .replace(' 101', '')
        .replace(/a=rtpmap:101.*\r\n/, ''),
    });
    const answer = await raw.final('INVITE');
    raw.acknowledge(invite, answer);
    const silence = new Array<number>(800).fill(0);
    const samples = [
      ...toneSamples([697, 1_209], -9, 100),
      ...silence,
      ...toneSamples([941, 1_477], -9, 100),
      ...silence,
    ];
    await sendAudio(media.socket, mediaPortOf(answer.body), Int16Array.from(samples), 20);
    expect((await w.asked('/digits')).params).toMatchObject({ Digits: '1', FinishedOnKey: '#' });
    raw.accept(await raw.request('BYE'));
    await w.isIdle();
  });
});

/** Sends samples as PCMU in packets of `packetMs`, in real time; ends with the test. */
async function sendAudio(socket: Socket, port: number, samples: Int16Array, packetMs: number): Promise<void> {
  const size = packetMs * 8;
  const start = performance.now();
  let isOver = false;
  socket.once('close', () => {
    isOver = true;
  });
  for (let at = 0, sequence = 1; at + size <= samples.length && !isOver; at += size, sequence++) {
    const payload = new Uint8Array(size);
    encode('PCMU', samples.subarray(at, at + size), payload);
    socket.send(rtpPacket({ sequence, timestamp: 1_000 + at, payload, marker: sequence === 1 }), port, '127.0.0.1');
    await sleep(realClock, start + (at + size) / 8 - performance.now());
  }
}

/** What a sender that shares its thread with the whole gateway reaches: a tone with gaps. */
const HEARD = 0.8;

describe('what is accepted of a peer', () => {
  test.each([10, 30, 60])('[sip 1.6 ptime] packets of %i ms are heard whole; ours have 20 ms', async (packetMs) => {
    const { w, callee, media, gatewayPort, answer, end } = await rawBridged(
      (port) => `${plainSdp(port)}a=ptime:${packetMs}\r\n`,
    );
    expect(answer).toContain('a=ptime:20');
    const sent = sendAudio(media.socket, gatewayPort, toneSamples([700], -10, 2_400), packetMs);
    await until(
      () => (callee.statistics()?.packetsReceived ?? 0) > 3,
      DEADLINE_MS,
      () => 'no packets',
    );
    callee.record(`${w.folder}/heard.wav`);
    await sent;
    await callee.stopRecord();
    const wav = readWav(readFileSync(`${w.folder}/heard.wav`));
    expect(wav.ok && toneShare(wav.value.samples.subarray(4_000, 12_000), 700)).toBeGreaterThan(HEARD);
    callee.play([{ kind: 'tone', frequencies: [440], levelDb: -10, durationMs: 400 }], DEADLINE_MS);
    await until(
      () => media.received.filter((packet) => packet.length === 172).length > 10,
      DEADLINE_MS,
      () => 'no packets of 20 ms',
    );
    await end();
  });

  test('[sip 1.6 comfort-noise] payload type 13 offered and sent is silence and no error', async () => {
    const { w, callee, media, gatewayPort, answer, end } = await rawBridged((port) =>
      plainSdp(port).replace('AVP 0 101', 'AVP 0 13 101'),
    );
    expect(/m=audio \d+ RTP\/AVP 0 101/.test(answer)).toBe(true);
    for (let sequence = 1; sequence <= 10; sequence++)
      media.socket.send(
        rtpPacket({ payloadType: 13, sequence, timestamp: sequence * 160, payload: Uint8Array.of(60) }),
        gatewayPort,
        '127.0.0.1',
      );
    void sendAudio(media.socket, gatewayPort, toneSamples([700], -10, 2_000), 20);
    await hearsPackets(callee, 10);
    expect(toneShare(await heard(w, callee), 700)).toBeGreaterThan(HEARD);
    expect(w.log.filter((line) => line.includes('"level":50'))).toEqual([]);
    await end();
  });

  test('[sip 1.6 rtcp-mux] is accepted when offered', async () => {
    const { answer, end } = await rawBridged((port) => `${plainSdp(port)}a=rtcp-mux\r\n`);
    expect(answer).toContain('a=rtcp-mux');
    await end();
  });

  test('[sip 1.6 ice] candidates and ICE credentials in an offer are ignored: none in the answer, media by c= and m=', async () => {
    const ice =
      'a=ice-ufrag:F7gI\r\na=ice-pwd:x9cml/YzichV2+XlhiMu8g\r\na=candidate:1 1 UDP 2130706431 192.0.2.9 40000 typ host\r\n';
    const { w, callee, media, answer, end } = await rawBridged((port) => plainSdp(port) + ice);
    expect(answer).not.toMatch(/ice|candidate/);
    void callee.play([{ kind: 'tone', frequencies: [440], levelDb: -10, durationMs: 600 }], DEADLINE_MS);
    await until(
      () => media.received.length > 10,
      DEADLINE_MS,
      () => `${media.received.length} packets at the address of m=`,
    );
    expect(w.log.filter((line) => line.includes('"level":50'))).toEqual([]);
    await end();
  });
});

describe('re-INVITE', () => {
  test('[sip 1.6 media-port] a new media port is used from the answer on, in both directions', async () => {
    const { w, raw, callee, media, end } = await rawBridged();
    const tone = () =>
      void callee.play([{ kind: 'tone', frequencies: [440], levelDb: -10, durationMs: 3_000 }], DEADLINE_MS);
    tone();
    await until(
      () => media.received.length > 5,
      DEADLINE_MS,
      () => 'nothing at the first port',
    );
    const moved = await rtpSocket();
    const reinvite = raw.send('INVITE', { sdp: plainSdp(moved.port).replace('raw 1 1', 'raw 1 2') });
    const answer = await raw.final('INVITE');
    expect(answer.status).toBe(200);
    raw.acknowledge(reinvite, answer);
    const before = media.received.length;
    await until(
      () => moved.received.length > 10,
      DEADLINE_MS,
      () => 'nothing at the new port',
    );
    expect(media.received.length).toBeLessThan(before + 3);
    void sendAudio(moved.socket, mediaPortOf(answer.body), toneSamples([700], -10, 2_000), 20);
    await hearsPackets(callee, 10);
    expect(toneShare(await heard(w, callee), 700)).toBeGreaterThan(HEARD);
    await end();
  });

  test('[sip 1.6 crossing-holds] both sides hold at once, then both resume: nobody is left on hold', async () => {
    const w = await world();
    const { caller, callee } = await bridged(w);
    expect(await Promise.all([caller.offer('sendonly'), callee.offer('sendonly')])).toEqual([true, true]);
    expect(await Promise.all([caller.offer('sendrecv'), callee.offer('sendrecv')])).toEqual([true, true]);
    await settledDirections(caller, callee);
    expect(await shareHeard(w, callee, caller, 1_000)).toBeGreaterThan(0.95);
    expect(await shareHeard(w, caller, callee, 440)).toBeGreaterThan(0.95);
    caller.leg.hangUp();
    await w.isIdle();
  });

  test('[sip 1.6 refused-reinvite] an offer that cannot be taken gets 488, and the call goes on as it was (RFC 3261 14.2)', async () => {
    const { w, raw, callee, media, gatewayPort, end } = await rawBridged();
    raw.send('INVITE', { sdp: plainSdp(media.port).replace('RTP/AVP 0 101', 'RTP/SAVP 0 101') });
    const refused = await raw.final('INVITE');
    expect([refused.status, refused.reason]).toEqual([488, 'Secure media not accepted']);
    void sendAudio(media.socket, gatewayPort, toneSamples([700], -10, 2_000), 20);
    await hearsPackets(callee, 10);
    expect(toneShare(await heard(w, callee), 700)).toBeGreaterThan(HEARD);
    await end();
  });
});

/** Waits until neither side is told to hold. */
const settledDirections = (a: PhoneCall, b: PhoneCall): Promise<boolean> =>
  until(
    () => a.leg.remoteDirection === 'sendrecv' && b.leg.remoteDirection === 'sendrecv',
    15_000,
    () => `${a.leg.remoteDirection} and ${b.leg.remoteDirection}`,
  );

describe('[sip 10 music-on-hold] on the wire', () => {
  const held = async (
    musicOnHold: string,
    domain: (origin: string, w?: World) => Record<string, unknown> = () => ({}),
  ) => {
    const w = await world({ domain: (origin) => ({ musicOnHold, ...domain(origin) }) });
    const { caller, callee } = await bridged(w);
    expect(await caller.offer('inactive')).toBe(true);
    await until(
      () => callee.leg.remoteDirection === 'sendonly',
      DEADLINE_MS,
      () => callee.leg.remoteDirection,
    );
    return { w, caller, callee };
  };
  const loudness = (samples: Int16Array) => samples.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0);

  test('none: silence; built-in: a tune; after the resume the other side again', async () => {
    for (const [setting, isLoud] of [
      ['none', false],
      ['built-in', true],
    ] as const) {
      const { w, caller, callee } = await held(setting);
      expect(loudness(await heard(w, callee)) > 500).toBe(isLoud);
      expect(await caller.offer('sendrecv')).toBe(true);
      await settledDirections(caller, callee);
      expect(await shareHeard(w, callee, caller, 1_000)).toBeGreaterThan(0.95);
      caller.leg.hangUp();
      await w.isIdle();
    }
  });

  test('a URL: its samples, and the built-in tune with a warning where there are none', async () => {
    for (const path of ['/tune.wav', '/none.wav']) {
      const w = await world({ domain: (origin) => ({ musicOnHold: `${origin}${path}` }) });
      w.app.on('/tune.wav', { headers: { 'Content-Type': 'audio/wav' }, body: wavOf(toneSamples([620], -10, 1_000)) });
      w.app.on('/none.wav', { status: 404 });
      const { caller, callee } = await bridged(w);
      expect(await caller.offer('inactive')).toBe(true);
      await until(
        async () => loudness(await heard(w, callee)) > 500,
        DEADLINE_MS,
        () => 'silence',
      );
      const share = toneShare(await heard(w, callee), 620);
      if (path === '/tune.wav') expect(share).toBeGreaterThan(0.95);
      else expect([share < 0.5, w.log.some((line) => line.includes('music on hold'))]).toEqual([true, true]);
      caller.leg.hangUp();
      await w.isIdle();
    }
  });
});

/** Mono, 16 bit, 8,000 Hz. */
function wavOf(samples: Int16Array): Buffer {
  const header = Buffer.alloc(44);
  const size = samples.length * 2;
  header.write('RIFF', 0);
  header.writeUInt32LE(36 + size, 4);
  header.write('WAVEfmt ', 8);
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(1, 20);
  header.writeUInt16LE(1, 22);
  header.writeUInt32LE(8_000, 24);
  header.writeUInt32LE(16_000, 28);
  header.writeUInt16LE(2, 32);
  header.writeUInt16LE(16, 34);
  header.write('data', 36);
  header.writeUInt32LE(size, 40);
  return Buffer.concat([header, Buffer.from(samples.buffer, samples.byteOffset, size)]);
}

describe('[sip 1.6 early-media] of a callee that has not answered', () => {
  test.each([true, false])(
    'answerOnBridge %s: the caller hears it, in a 183 or in the call that is answered already',
    async (answerOnBridge) => {
      const w = await world();
      w.answers(`<Dial answerOnBridge="${answerOnBridge}"><Client>bob</Client></Dial>`);
      const alice = await w.phone('alice');
      const inbox = new Inbox(await w.phone('bob'), 'bob');
      const caller = dials(alice, w.uri('1000'));
      const callee = await inbox.next('leave');
      if (!answerOnBridge) await expectEvent(alice, caller, 'answered');
      expect(callee.leg.earlyMedia()).toBe(true);
      await bridges(w, 1);
      expect(await shareHeard(w, caller, callee, 440)).toBeGreaterThan(0.95);
      expect(caller.events.some((event) => event.type === 'answered')).toBe(!answerOnBridge);
      callee.leg.refuse(486);
      // The document is over: an unanswered caller is answered and gets BYE (sip-interface.md 1.4).
      await expectEvent(alice, caller, 'ended');
      await w.isIdle();
    },
  );
});
