// What a process leaves that is killed while it records, and a disk that becomes full (design.md 7): real ones both.

import { mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { realClock } from '../../../src/base/clock.ts';
import { cryptoRandom } from '../../../src/base/ids.ts';
import { silentLog } from '../../../src/base/log.ts';
import { Phone } from '../../../src/demo/phone.ts';
import { decodeMp3 } from '../../../src/media/mp3.ts';
import { FakeApp } from '../../support/fake-app.ts';
import { GatewayProcess } from '../../support/gateway-process.ts';
import { freePorts } from '../../support/ports.ts';
import { testUnless } from '../../support/skip.ts';
import { mountSmallDisk, smallDiskMissing } from '../../support/small-disk.ts';
import { until } from '../../support/until.ts';
import { DEADLINE_MS, dials, expectEvent, twiml, world } from '../../support/world.ts';
import { bestShare, channelsOf, download, tone } from './kit.ts';

/** A phone without account at a gateway process. */
async function stranger(gateway: GatewayProcess): Promise<Phone> {
  const first = await freePorts(4);
  const phone = await Phone.start({
    address: '127.0.0.1',
    port: 0,
    user: 'alice',
    password: undefined,
    domain: 'office.example',
    proxy: { transport: 'udp', address: '127.0.0.1', port: gateway.ports.sip, serverName: '127.0.0.1' },
    mediaPorts: { first, last: first + 3 },
    tls: null,
    trustedRoot: null,
    secureMedia: false,
    clock: realClock,
    random: cryptoRandom,
    log: silentLog,
  });
  if (!phone.ok) throw new Error(phone.error);
  onTestFinished(() => phone.value.stop());
  return phone.value;
}

const wavFiles = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.wav'))
    .map((name) => join(folder, name));

/** Two seconds of a message are on the disk. */
const SOME_BYTES = 2 * 16_000;

test.each([
  ['plain', false],
  ['encrypted', true],
] as const)(
  'kill -9 while it records (%s): the message is whole up to its last second [rest 10 repair]',
  async (_, isEncrypted) => {
    const app = await FakeApp.start();
    app.on('/voice', twiml('<Record timeout="0" playBeep="false"/>'));
    app.on('/status', { status: 204 });
    const gateway = await GatewayProcess.start({
      domains: [{ name: 'office.example', voiceUrl: app.url('/voice'), ipAccessControlLists: ['loopback'] }],
      settings: { recordingEncryption: isEncrypted, defaultDomain: 'office.example' },
    });
    onTestFinished(async () => {
      await gateway.dispose();
      await app.stop();
    });
    const phone = await stranger(gateway);
    const call = dials(phone, `sip:1000@${gateway.sipAddress}`);
    await expectEvent(phone, call, 'answered');
    void call.play(tone(850, 20_000), 30_000);
    const folder = join(gateway.dataDir, 'recordings');
    const file = await until(
      () => {
        mkdirSync(folder, { recursive: true });
        return wavFiles(folder).find((path) => statSync(path).size > SOME_BYTES);
      },
      DEADLINE_MS,
      () => 'two seconds are on the disk',
    );
    await gateway.kill9();
    await gateway.restart();

    const authorization = `Basic ${Buffer.from(`${gateway.accountSid}:${gateway.authToken}`).toString('base64')}`;
    const get = (path: string) =>
      fetch(`${gateway.httpOrigin}/2010-04-01/Accounts/${gateway.accountSid}/${path}`, { headers: { authorization } });
    const { recordings } = (await (await get('Recordings.json')).json()) as { recordings: Record<string, unknown>[] };
    expect(recordings).toHaveLength(1);
    const [record] = recordings;
    expect(record).toMatchObject({ status: 'completed', source: 'RecordVerb', channels: 1 });
    expect(Number(record!.duration)).toBeGreaterThanOrEqual(2);
    const wav = Buffer.from(await (await get(`Recordings/${record!.sid}`)).arrayBuffer());
    expect(wav.readUInt32LE(40)).toBe(wav.length - 44);
    expect(bestShare(channelsOf(wav)[0]!, 850)).toBeGreaterThan(0.9);
    expect(readFileSync(file).includes('RIFF')).toBe(!isEncrypted);
    const mp3 = await decodeMp3(Buffer.from(await (await get(`Recordings/${record!.sid}.mp3`)).arrayBuffer()));
    expect(mp3.ok).toBe(true);
  },
);

testUnless(smallDiskMissing())(
  'the disk becomes full: the recording ends as failed, what was written stays, the call goes on [rest 10 disk-full]',
  async () => {
    const w = await world();
    const folder = join(w.folder, 'data/recordings');
    mkdirSync(folder, { recursive: true });
    mountSmallDisk(folder, '64k');
    w.answers('<Record timeout="0" playBeep="false" action="/after" recordingStatusCallback="/recorded"/>');
    w.answers('<Gather timeout="60"/>', '/after');
    w.app.on('/recorded', { status: 204 });
    const alice = await w.phone('alice');
    const call = dials(alice, w.uri('1000'));
    await expectEvent(alice, call, 'answered');
    void call.play(tone(850, 12_000), 30_000);
    const { params } = await w.asked('/recorded');
    expect(params).toMatchObject({ RecordingStatus: 'failed', ErrorCode: '90916' });
    expect(Number(params.RecordingDuration)).toBeGreaterThanOrEqual(1);
    const after = await w.asked('/after');
    expect(after.params.CallStatus).toBe('in-progress');
    expect(bestShare(channelsOf(await download(params.RecordingUrl!))[0]!, 850)).toBeGreaterThan(0.9);
    expect(w.log.join('')).toContain('"errorCode":90916');
    call.leg.hangUp();
    await w.isIdle();
  },
);
