// Recordings in a real S3 server (OpenStack Swift): they move there, are read from there in any form, are deleted there, and wait here
// while it is gone.

import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, vi } from 'vitest';
import { realClock } from '../../../src/base/clock.ts';
import { loadConfig } from '../../../src/config.ts';
import { recordingStore } from '../../../src/gateway-recording-files.ts';
import { decodeMp3 } from '../../../src/media/mp3.ts';
import { S3_ACCESS_KEY, S3_SECRET_KEY, S3Server, s3Missing } from '../../support/s3-server.ts';
import { testUnless } from '../../support/skip.ts';
import { until } from '../../support/until.ts';
import { DEADLINE_MS, dials, expectEvent, type World, world } from '../../support/world.ts';
import { run } from '../cli/kit.ts';
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
  w.answers('<Record action="/recorded" timeout="60" playBeep="false" finishOnKey="#" trim="do-not-trim"/>');
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

/** The whole file, after some ranges of it have been compared. */
async function readInParts(url: string): Promise<Buffer> {
  const whole = await download(url);
  expect(await part(url, 'bytes=10-3000')).toEqual({ status: 206, bytes: whole.subarray(10, 3_001) });
  expect(await part(url, 'bytes=-100')).toEqual({ status: 206, bytes: whole.subarray(-100) });
  expect((await part(url, `bytes=${whole.length}-`)).status).toBe(416);
  return whole;
}

test('an encrypted message moves to the store, is read whole, in parts and as MP3, and is deleted there', async () => {
  const w = await world({ settings: { ...s3.settings, s3Prefix: '/tests/', recordingEncryption: true } });
  const { sid, url } = await message(w, 850);
  const name = await moved(w, sid);
  expect(name).toMatch(new RegExp(`^tests/recordings/\\d{4}/\\d{2}/${sid}.wav$`));
  expect((await s3.object(name)).subarray(0, 7).toString()).toBe('HSSEAL1');

  const whole = await readInParts(`${url}.wav`);
  expect(whole.readUInt32LE(40)).toBe(whole.length - 44);
  expect(bestShare(channelsOf(whole)[0]!, 850)).toBeGreaterThan(0.9);
  const mp3 = await decodeMp3(await download(`${url}.mp3`));
  expect(mp3.ok && bestShare(mp3.value, 850)).toBeGreaterThan(0.9);
  await moved(w, sid, '.mp3');
  await readInParts(`${url}.mp3`);

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
});

/** Lines of the log with this text. */
const said = (w: World, text: string) => w.log.filter((line) => line.includes(text)).length;

test('the store is gone: recordings wait here, over a restart too, and deletions with them; when it is back all is done', async () => {
  const w = await world({ settings: s3.settings, clockRate: 10 });
  const first = await message(w, 850);
  const name = await moved(w, first.sid);
  expect(await readInParts(`${first.url}.wav`)).toEqual(await s3.object(name));
  await s3.halt();
  try {
    const second = await message(w, 620, 2);
    await until(
      () => said(w, 'stay in the data directory') === 1,
      DEADLINE_MS,
      () => `a warning: ${w.log}`,
    );
    expect(bestShare(channelsOf(await download(`${second.url}.wav`))[0]!, 620)).toBeGreaterThan(0.9);
    expect((await fetch(`${first.url}.wav`, { headers: { authorization } })).status).toBe(500);
    expect((await fetch(first.url, { method: 'DELETE', headers: { authorization } })).status).toBe(204);
    expect(
      filesOf(w)
        .map((name) => name.slice(8))
        .sort(),
    ).toEqual([`${first.sid}.gone`, `${second.sid}.wav`].sort());

    // What a process leaves that dies while it cuts a recording or makes an MP3.
    const month = join(w.folder, 'data/recordings', filesOf(w)[0]!.slice(0, 8));
    const dead = `RE${'d'.repeat(32)}`;
    for (const ending of ['wav.part', 'mp3.part', 'source', 'mono.source'])
      writeFileSync(join(month, `${dead}.${ending}`), '');
    await w.restart();
    await until(
      () => said(w, 'stay in the data directory') === 2,
      DEADLINE_MS,
      () => `a warning: ${w.log}`,
    );
    expect(
      filesOf(w)
        .map((name) => name.slice(8))
        .sort(),
    ).toEqual([`${first.sid}.gone`, `${second.sid}.wav`].sort());
    await s3.run();
    await moved(w, second.sid);
    await goneFrom(first.sid);
    await until(
      () => filesOf(w).length === 0,
      DEADLINE_MS,
      () => `nothing is left here: ${filesOf(w)}`,
    );
    const { recordings } = (await w.rest('/Recordings.json')).body as { recordings: { sid: string; status: string }[] };
    expect(recordings.find(({ sid }) => sid === second.sid)?.status).toBe('completed');
    await w.isIdle();
    expect(said(w, 'stay in the data directory')).toBe(2);
  } finally {
    if (!s3.isRunning) await s3.run();
  }
});

test('wrong credentials: the log and doctor say so, calls are recorded all the same', async () => {
  const w = await world({ settings: { ...s3.settings, s3SecretAccessKey: 'another-secret-0123' } });
  await until(
    () => said(w, 'the credentials are wrong') === 1,
    DEADLINE_MS,
    () => `a warning: ${w.log}`,
  );
  const { sid, url } = await message(w, 850);
  expect(bestShare(channelsOf(await download(`${url}.wav`))[0]!, 850)).toBeGreaterThan(0.9);
  expect(filesOf(w).map((name) => name.slice(8))).toEqual([`${sid}.wav`]);
  expect(w.log.join('')).not.toContain('another-secret-0123');
  expect(said(w, 'stay in the data directory')).toBe(1);

  const { exitCode, stdout } = await run(['doctor'], {
    environment: {
      HOOKSWITCH_S3_BUCKET: 'call-recordings',
      HOOKSWITCH_S3_ENDPOINT: s3.endpoint,
      HOOKSWITCH_S3_ACCESS_KEY_ID: 'gateway:recordings',
      HOOKSWITCH_S3_SECRET_ACCESS_KEY: 'another-secret-0123',
    },
  });
  expect(exitCode).toBe(1);
  expect(stdout).toMatch(/^WARNING recordings: bucket call-recordings at \S+: the credentials are wrong/m);
});

/** What a gateway with these settings finds when it tries its store. */
async function tried(over: Readonly<Record<string, string>>) {
  const names: Readonly<Record<string, unknown>> = { ...s3.settings, ...over };
  const environment = Object.fromEntries(
    Object.entries(names).map(([key, value]) => [
      `HOOKSWITCH_${key.replace(/([A-Z])/g, '_$1').toUpperCase()}`,
      String(value),
    ]),
  );
  const config = loadConfig(undefined, environment);
  if (!config.ok) throw new Error(JSON.stringify(config.error));
  const store = await recordingStore(config.value, realClock);
  if (!store.ok) return store.error;
  const probed = await store.value?.probe(new AbortController().signal);
  store.value?.close();
  return probed?.ok ? 'works' : `${probed?.error.code}: ${probed?.error.detail}`;
}

test('the store is tried: over TLS with its authority, and what else may be wrong has a sentence', async () => {
  expect(await tried({})).toBe('works');
  expect(await tried({ s3Endpoint: s3.secureEndpoint, s3Ca: s3.certificateFile })).toBe('works');
  expect(await tried({ s3Endpoint: s3.secureEndpoint })).toMatch(
    /^unavailable: .* its certificate is not trusted \(s3Ca\)/,
  );
  expect(await tried({ s3Bucket: 'another-bucket' })).toMatch(/^refused: .* there is no such bucket \(s3Bucket\)/);
  expect(await tried({ s3AccessKeyId: 'gateway:nobody' })).toMatch(/^refused: .* the credentials are wrong/);
  expect(await tried({ s3Region: 'eu-west-1' })).toMatch(/^refused: .* the bucket is in another region \(s3Region\)/);
  expect(await tried({ s3Endpoint: 'http://127.0.0.1:1' })).toMatch(/^unavailable: .* nobody listens there/);
  expect(await tried({ s3SecretAccessKey: '' })).toBe(
    's3AccessKeyId and s3SecretAccessKey belong together: set both or neither',
  );
  // Without keys the client library looks where it always does.
  onTestFinished(() => void vi.unstubAllEnvs());
  vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true');
  vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', '/nowhere');
  vi.stubEnv('AWS_CONFIG_FILE', '/nowhere');
  const without = { s3AccessKeyId: '', s3SecretAccessKey: '' };
  expect(await tried(without)).toMatch(/^refused: .* there are no credentials/);
  vi.stubEnv('AWS_ACCESS_KEY_ID', S3_ACCESS_KEY);
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', S3_SECRET_KEY);
  expect(await tried(without)).toBe('works');
  expect(await tried({ s3Ca: '/nowhere.pem' })).toMatch(/^s3Ca \/nowhere.pem is no PEM certificate that can be read: /);
  expect([...(await s3.objects()).keys()]).not.toContain('hookswitch-check');
});
