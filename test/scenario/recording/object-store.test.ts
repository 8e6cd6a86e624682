// Recordings in a real S3 server (OpenStack Swift): they move there, are read from there in any form, are deleted there, and wait here
// while it is gone.

import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect } from 'vitest';
import { decodeMp3 } from '../../../src/media/mp3.ts';
import { S3Server, s3Missing } from '../../support/s3-server.ts';
import { testUnless } from '../../support/skip.ts';
import { until } from '../../support/until.ts';
import { DEADLINE_MS, dials, expectEvent, type World, world } from '../../support/world.ts';
import { authorization, bestShare, channelsOf, download, finished, tone } from './kit.ts';

const missing = s3Missing();
const test = testUnless(missing);

let s3: S3Server;
beforeAll(async () => {
  if (missing === undefined) s3 = await S3Server.start();
});
afterAll(async () => {
  if (missing === undefined) await s3.dispose();
});

const filesOf = (w: World): string[] =>
  existsSync(join(w.folder, 'data/recordings'))
    ? readdirSync(join(w.folder, 'data/recordings'), { recursive: true, encoding: 'utf8' }).filter((name) =>
        name.includes('.'),
      )
    : [];

/** A second and a half of a tone, left as a message. */
async function message(w: World, frequency: number, nth = 1) {
  w.answers('<Record action="/recorded" playBeep="false" finishOnKey="#" trim="do-not-trim"/>');
  w.answers('<Hangup/>', '/recorded');
  const alice = await w.phone('alice');
  const call = dials(alice, w.uri('1000'));
  await expectEvent(alice, call, 'answered');
  void call.play([...tone(frequency), { kind: 'digits', digits: '#' }], DEADLINE_MS);
  const { params } = await w.asked('/recorded', nth);
  const sid = params.RecordingUrl!.slice(-34);
  await finished(w, sid);
  return { sid, url: params.RecordingUrl! };
}

const moved = (w: World, sid: string, ending = '.wav') =>
  until(
    async () => {
      const names = [...(await s3.objects()).keys()];
      return names.find((name) => name.endsWith(`${sid}${ending}`) && !filesOf(w).some((file) => file.includes(sid)));
    },
    DEADLINE_MS,
    () => `${sid}${ending} is in the store, and nowhere else; here: ${filesOf(w)}`,
  );

const goneFrom = (sid: string) =>
  until(
    async () => ![...(await s3.objects()).keys()].some((name) => name.includes(sid)),
    DEADLINE_MS,
    () => `${sid} is gone from the store`,
  );

const part = async (url: string, range: string) => {
  const answer = await fetch(url, { headers: { authorization, range } });
  return { status: answer.status, bytes: Buffer.from(await answer.arrayBuffer()) };
};

test.each([
  ['plain', false],
  ['encrypted', true],
] as const)(
  'a message (%s) moves to the store, is read whole, in parts and as MP3, and is deleted there',
  async (_, recordingEncryption) => {
    const w = await world({ settings: { ...s3.settings, s3Prefix: '/tests/', recordingEncryption } });
    const { sid, url } = await message(w, 850);
    const name = await moved(w, sid);
    expect(name).toMatch(new RegExp(`^tests/recordings/\\d{4}/\\d{2}/${sid}.wav$`));
    expect((await s3.object(name)).includes('RIFF')).toBe(!recordingEncryption);

    const whole = await download(`${url}.wav`);
    expect(whole.readUInt32LE(40)).toBe(whole.length - 44);
    expect(bestShare(channelsOf(whole)[0]!, 850)).toBeGreaterThan(0.9);
    expect(await part(`${url}.wav`, 'bytes=10-20000')).toEqual({ status: 206, bytes: whole.subarray(10, 20_001) });
    expect(await part(`${url}.wav`, 'bytes=-100')).toEqual({ status: 206, bytes: whole.subarray(-100) });
    expect((await part(`${url}.wav`, `bytes=${whole.length}-`)).status).toBe(416);

    const mp3 = await decodeMp3(await download(`${url}.mp3`));
    expect(mp3.ok && bestShare(mp3.value, 850)).toBeGreaterThan(0.9);
    await moved(w, sid, '.mp3');
    const again = await download(`${url}.mp3`);
    expect(await part(`${url}.mp3`, 'bytes=5-99')).toEqual({ status: 206, bytes: again.subarray(5, 100) });

    expect((await fetch(url, { method: 'DELETE', headers: { authorization } })).status).toBe(204);
    expect((await fetch(`${url}.wav`, { headers: { authorization } })).status).toBe(404);
    await goneFrom(sid);
    await until(
      () => filesOf(w).length === 0,
      DEADLINE_MS,
      () => `nothing is left here: ${filesOf(w)}`,
    );
    await w.isIdle();
    expect(w.log.filter((line) => line.includes('"folder":"recording"'))).toEqual([]);
  },
);
