// OutgoingCallerIds and Tokens through the vendor's library (rest-api.md 13, 15).

import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ValidationRequest } from '../../src/base/caller-ids-api.ts';
import { err, ok } from '../../src/base/result.ts';
import { createIceServers } from '../../src/ice-servers.ts';
import { type ApiWorld, apiWorld, json } from '../support/api-world.ts';
import { VirtualClock } from '../support/virtual-clock.ts';
import { aCallerId } from '../support/voice-record-makers.ts';

let world: ApiWorld;
const asked: ValidationRequest[] = [];
const CALL = `CA${'7'.repeat(32)}`;

beforeAll(async () => {
  world = await apiWorld({
    callerIds: {
      async validate(request) {
        asked.push(request);
        if (request.phoneNumber === '+19005550100') return err({ code: 21215, status: 400, message: 'not allowed' });
        return ok({ callSid: CALL, validationCode: '123456' });
      },
    },
  });
});
afterAll(() => world.stop());

describe('validation requests', () => {
  test('the answer is 200 with the code to key in [rest 13 validation]', async () => {
    const made = await world.client.validationRequests.create({
      phoneNumber: '+14158675309',
      callDelay: 10,
      extension: '12#',
      statusCallback: 'https://app.example.com/verified',
      statusCallbackMethod: 'GET',
    });
    expect(made.toJSON()).toEqual({
      accountSid: world.account.sid,
      callSid: CALL,
      friendlyName: '(415) 867-5309',
      phoneNumber: '+14158675309',
      validationCode: '123456',
    });
    expect(asked.at(-1)).toEqual({
      accountSid: world.account.sid,
      phoneNumber: '+14158675309',
      friendlyName: '(415) 867-5309',
      extension: '12#',
      delayMs: 10_000,
      callback: { url: 'https://app.example.com/verified', method: 'GET' },
    });
    expect((await world.fetch('OutgoingCallerIds.json', { form: 'PhoneNumber=%2B4930999' })).status).toBe(200);
  });

  test('a number that is verified already is 21450 [rest 6 21450]', async () => {
    const known = aCallerId(world.account.sid, { phoneNumber: '+4930777' });
    await world.store.outgoingCallerIds.insert(known);
    const create = world.client.validationRequests.create({ phoneNumber: known.phoneNumber });
    await expect(create).rejects.toMatchObject({ status: 400, code: 21450 });
  });

  test.each<[string, object, number]>([
    ['no E.164 number [rest 6 21217]', { phoneNumber: '030123' }, 21217],
    ['a SIP address', { phoneNumber: 'sip:bob@x' }, 21217],
    ['a name over 64 characters', { friendlyName: 'x'.repeat(65) }, 20002],
    ['a delay over 60 s', { callDelay: 61 }, 20001],
    ['an extension that is none', { extension: 'abc' }, 20001],
    ['a callback that is no URL', { statusCallback: 'x' }, 21502],
    ['a callback method', { statusCallbackMethod: 'PUT' }, 21209],
    ['a number that may not be dialled', { phoneNumber: '+19005550100' }, 21215],
  ])('refused: %s', async (_, over, code) => {
    const create = world.client.validationRequests.create({ phoneNumber: '+4930123', ...over });
    await expect(create).rejects.toMatchObject({ status: 400, code });
  });

  test('more than allowed is 20422 [rest 6 20422]', async () => {
    const small = await apiWorld({ config: { quotas: { callerIds: 0 } } });
    const create = small.client.validationRequests.create({ phoneNumber: '+4930123' });
    await expect(create).rejects.toMatchObject({ code: 20422 });
    await small.stop();
  });
});

describe('verified caller ids', () => {
  test('list with filters, fetch, rename, remove [rest 13 caller-ids] [rest 7.3 caller-ids]', async () => {
    const one = aCallerId(world.account.sid, { phoneNumber: '+4930111', friendlyName: 'One' });
    const two = aCallerId(world.account.sid, { phoneNumber: '+4930222', friendlyName: 'Two' });
    for (const callerId of [one, two]) await world.store.outgoingCallerIds.insert(callerId);
    const { outgoingCallerIds } = world.client;
    const sids = async (filter: object) => (await outgoingCallerIds.list(filter)).map(({ sid }) => sid);
    expect(await sids({ phoneNumber: '+4930111' })).toEqual([one.sid]);
    expect(await sids({ friendlyName: 'Two' })).toEqual([two.sid]);
    expect(await sids({})).toEqual(expect.arrayContaining([one.sid, two.sid]));
    expect((await outgoingCallerIds(one.sid).fetch()).phoneNumber).toBe('+4930111');
    expect((await outgoingCallerIds(one.sid).update({ friendlyName: 'Uno' })).friendlyName).toBe('Uno');
    await expect(outgoingCallerIds(one.sid).update({ friendlyName: 'x'.repeat(65) })).rejects.toMatchObject({
      code: 20002,
    });
    expect(await outgoingCallerIds(one.sid).remove()).toBe(true);
    await expect(outgoingCallerIds(one.sid).fetch()).rejects.toMatchObject({ status: 404, code: 20404 });
    const foreign = `PN${'0'.repeat(32)}`;
    await expect(outgoingCallerIds(foreign).remove()).rejects.toMatchObject({ status: 404 });
  });
});

describe('Tokens', () => {
  test('without servers: an empty list, and a day to live [rest 15 tokens]', async () => {
    const token = await world.client.tokens.create();
    expect(token).toMatchObject({ accountSid: world.account.sid, ttl: '86400', iceServers: [] });
    expect(token.dateCreated).toBeInstanceOf(Date);
  });

  test('the configured servers; TURN with credentials that end by themselves [rest 15 ice-servers]', async () => {
    const clock = new VirtualClock();
    const iceServers = ['stun:stun.example.com:3478', 'turn:turn.example.com:3478?transport=udp'];
    const settings = { iceServers, turnSecret: 'shared' };
    const random = (size: number) => Buffer.alloc(size, 1);
    const other = await apiWorld({ iceServers: createIceServers(() => settings, { clock, random }) });
    const token = await other.client.tokens.create({ ttl: 60 });
    const username = `${Math.floor(clock.wall() / 1_000) + 60}:${other.account.sid}`;
    expect(token).toMatchObject({ ttl: '60', username });
    const [stun, turn] = token.iceServers as unknown as Record<string, string>[];
    expect(stun).toEqual({ url: iceServers[0], urls: iceServers[0] });
    expect(turn).toEqual({ url: iceServers[1], urls: iceServers[1], username, credential: token.password });
    expect(token.password).toBe(createHmac('sha1', 'shared').update(username).digest('base64'));
    await other.stop();
  });

  test.each(['0', '86401', 'soon'])('Ttl=%s is 20001', async (ttl) => {
    const answer = await world.fetch('Tokens.json', { form: `Ttl=${ttl}` });
    expect([answer.status, (await json(answer)).code]).toEqual([400, 20001]);
  });
});
