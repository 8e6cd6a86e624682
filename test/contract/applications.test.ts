// Applications through the vendor's library (rest-api.md 8, 13).

import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ApiWorld, apiWorld } from '../support/api-world.ts';
import { anApplication } from '../support/voice-record-makers.ts';

let world: ApiWorld;
beforeAll(async () => {
  world = await apiWorld();
});
afterAll(() => world.stop());

const url = 'https://app.example.com/voice';

test('create keeps what was given, POST by default; SMS fields are only kept [rest 13 application-fields]', async () => {
  const made = await world.client.applications.create({
    friendlyName: 'Phone menu',
    voiceUrl: url,
    voiceFallbackUrl: 'https://app.example.com/fallback',
    voiceFallbackMethod: 'GET',
    statusCallback: 'https://app.example.com/status',
    voiceCallerIdLookup: true,
    smsUrl: 'https://app.example.com/sms',
    smsMethod: 'GET',
    messageStatusCallback: 'https://app.example.com/messages',
    publicApplicationConnectEnabled: true,
  });
  expect(made).toMatchObject({
    sid: expect.stringMatching(/^AP[0-9a-f]{32}$/),
    accountSid: world.account.sid,
    friendlyName: 'Phone menu',
    voiceUrl: url,
    voiceMethod: 'POST',
    voiceFallbackMethod: 'GET',
    statusCallbackMethod: 'POST',
    voiceCallerIdLookup: true,
    smsUrl: 'https://app.example.com/sms',
    smsMethod: 'GET',
    smsFallbackUrl: null,
    messageStatusCallback: 'https://app.example.com/messages',
    publicApplicationConnectEnabled: true,
  });
  expect((await world.client.applications(made.sid).fetch()).toJSON()).toEqual(made.toJSON());
});

test('update: what is absent stays, an empty text clears [rest 13 application-update]', async () => {
  const { sid } = await world.client.applications.create({ friendlyName: 'a', voiceUrl: url, smsUrl: url });
  const application = world.client.applications(sid);
  expect(await application.update({ voiceMethod: 'GET' })).toMatchObject({ voiceUrl: url, voiceMethod: 'GET' });
  expect(await application.update({ voiceUrl: '', smsUrl: '', friendlyName: 'b' })).toMatchObject({
    voiceUrl: null,
    smsUrl: null,
    friendlyName: 'b',
  });
});

test('list: FriendlyName is an exact match; only of the account [rest 7.3 applications-friendly-name]', async () => {
  const made = await world.client.applications.create({ friendlyName: 'Only one' });
  const names = async (friendlyName: string) =>
    (await world.client.applications.list({ friendlyName })).map((application) => application.sid);
  expect(await names('Only one')).toEqual([made.sid]);
  expect(await names('Only')).toEqual([]);
  const foreign = anApplication(`AC${'9'.repeat(32)}`);
  await expect(world.client.applications(foreign.sid).fetch()).rejects.toMatchObject({ status: 404 });
});

test('delete is 204, then 404 [rest 8 second-delete] [rest 8 application]', async () => {
  const { sid } = await world.client.applications.create();
  expect(await world.client.applications(sid).remove()).toBe(true);
  await expect(world.client.applications(sid).remove()).rejects.toMatchObject({ status: 404, code: 20404 });
  await expect(world.client.applications(sid).update({ voiceUrl: url })).rejects.toMatchObject({ status: 404 });
});

test.each<[string, object, number]>([
  ['a name over 64 characters [rest 13 application-name]', { friendlyName: 'x'.repeat(65) }, 20002],
  ['a URL that is none', { voiceUrl: 'voice' }, 21402],
  ['another method', { voiceMethod: 'PUT' }, 21403],
  ['a fallback without VoiceUrl [rest 6 21405]', { voiceFallbackUrl: url }, 21405],
  ['a status callback that is no URL', { statusCallback: 'ftp://x' }, 21402],
  ['a flag that is none', { voiceCallerIdLookup: 'maybe' }, 20001],
])('refused: %s', async (_, given, code) => {
  await expect(world.client.applications.create(given)).rejects.toMatchObject({ status: 400, code });
});

test('more than allowed is 21301 [rest 6 21301]', async () => {
  const small = await apiWorld({ config: { quotas: { applications: 1 } } });
  await small.client.applications.create();
  await expect(small.client.applications.create()).rejects.toMatchObject({ status: 400, code: 21301 });
  await small.stop();
});
