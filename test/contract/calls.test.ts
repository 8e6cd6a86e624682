// Calls through the vendor's library, unmodified (rest-api.md 9, 22).

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { CallRecord } from '../../src/base/records.ts';
import { type ApiWorld, apiWorld, json } from '../support/api-world.ts';
import { aCall } from '../support/store-records.ts';
import { anApplication } from '../support/voice-record-makers.ts';

let world: ApiWorld;
beforeAll(async () => {
  world = await apiWorld();
});
afterAll(() => world.stop());

const url = 'https://app.example.com/voice';
const from = '+4930123456';
const make = (over: object = {}) => world.client.calls.create({ to: 'sip:bob@x', from, url, ...over });

interface CallsPage {
  readonly instances: readonly { readonly sid: string }[];
  nextPage(): Promise<CallsPage> | undefined;
}

/** The library's exception, as far as clients look at it. */
const rejection = (code: number, status = 400) => ({
  name: 'Error',
  code,
  status,
  moreInfo: expect.stringContaining(String(code)),
});

describe('create (rest-api.md 9.1, 22.1)', () => {
  test('the body decodes to the exact strings; the 201 has no start [sip 2.6 to] [rest 5 price] [rest 5 empty-texts] [rest 22 check-1] [rest 9.1 created] [rest 9.1 to] [rest 9.1 sip-auth]', async () => {
    const to = 'sip:jörg+1@pbx.example.com;transport=tcp?X-A=1&X-B=a%20b%2B';
    const call = await make({
      to,
      from: 'Front Desk+1'.replace(' ', '_'),
      statusCallback: 'https://app.example.com/events?a=b+c',
      statusCallbackEvent: ['initiated', 'answered'],
      record: true,
      sipAuthUsername: 'u s',
      sipAuthPassword: 'p+w&=ü',
      sendDigits: 'ww12#',
      timeout: 30,
      timeLimit: 600,
      method: 'GET',
      fallbackUrl: 'https://app.example.com/fallback',
    });
    expect(world.calls.created.at(-1)).toEqual({
      accountSid: world.account.sid,
      to,
      from: 'Front_Desk+1',
      instructions: { url, method: 'GET' },
      fallbackUrl: 'https://app.example.com/fallback',
      fallbackMethod: 'POST',
      statusCallback: 'https://app.example.com/events?a=b+c',
      statusCallbackMethod: 'POST',
      statusCallbackEvents: ['initiated', 'answered'],
      timeoutSeconds: 30,
      timeLimitSeconds: 600,
      sendDigits: 'ww12#',
      byoc: null,
      sipAuth: { username: 'u s', password: 'p+w&=ü' },
      recording: { channels: 1, track: 'both', trim: true, source: 'OutboundAPI', callback: null },
    });
    expect(call).toMatchObject({
      status: 'queued',
      direction: 'outbound-api',
      startTime: null,
      endTime: null,
      duration: null,
      price: null,
      priceUnit: 'USD',
      callerName: null,
      trunkSid: null,
      to,
      accountSid: world.account.sid,
    });
    expect(call.dateCreated).toBeInstanceOf(Date);
    expect(call.subresourceUris).toMatchObject({
      notifications: expect.stringMatching(/\/Calls\/CA\w+\/Notifications\.json$/),
    });
  });

  test('defaults: POST, 60 s ring, 4 h, completed alone [sip 2.6 timeout] [sip 2.6 status-callback] [sip 2.6 methods] [rest 9.1 methods] [rest 9.1 events] [rest 9.1 timeout] [rest 9.1 time-limit] [rest 9.1 instructions]', async () => {
    await make();
    expect(world.calls.created.at(-1)).toMatchObject({ instructions: { url, method: 'POST' } });
    await make({ url: undefined, twiml: '<Response>\n<Hangup/></Response>' });
    expect(world.calls.created.at(-1)).toMatchObject({
      instructions: { twiml: '<Response>\n<Hangup/></Response>' },
      fallbackUrl: null,
      statusCallback: null,
      fallbackMethod: 'POST',
      statusCallbackMethod: 'POST',
      statusCallbackEvents: ['completed'],
      timeoutSeconds: 60,
      timeLimitSeconds: 14_400,
      sendDigits: null,
      sipAuth: null,
    });
  });

  test('events in one value with spaces are taken apart (rest-api.md 4) [rest 4 arrays] [rest 9.1 events]', async () => {
    await make({ statusCallback: url, statusCallbackEvent: ['initiated ringing', 'completed'] });
    expect(world.calls.created.at(-1)?.statusCallbackEvents).toEqual(['initiated', 'ringing', 'completed']);
  });

  test('Byoc is used where To is a number, and does nothing elsewhere [sip 2.6 byoc] [rest 9.1 byoc]', async () => {
    const byoc = `BY${'1'.repeat(32)}`;
    await make({ to: '+4930111', from: '+4930222', byoc });
    expect(world.calls.created.at(-1)?.byoc).toBe(byoc);
    await make({ byoc });
    expect(world.calls.created.at(-1)?.byoc).toBeNull();
  });

  test('two equal requests make two calls, whatever their Idempotency-Key says [rest 20 no-idempotency]', async () => {
    const headers = { 'idempotency-key': 'same' };
    const form = 'To=sip%3Abob%40x&From=desk&Url=https%3A%2F%2Fapp.example.com%2Fvoice';
    const both = [
      await world.fetch('Calls.json', { form, headers }),
      await world.fetch('Calls.json', { form, headers }),
    ];
    const sids = await Promise.all(both.map(async (answer) => (await json(answer)).sid));
    expect([both.map(({ status }) => status), new Set(sids).size]).toEqual([[201, 201], 2]);
  });

  test('CallerId is what is shown, in place of From [sip 2.6 caller-id] [rest 9.1 caller-id]', async () => {
    await make({ callerId: 'client:desk' });
    expect(world.calls.created.at(-1)?.from).toBe('client:desk');
  });

  test('an unknown event: 201, no callbacks, warning 21626; Url beats Twiml: warning 32019 [sip 2.6 url-wins] [rest 6 21626] [rest 9.1 events-unknown] [rest 9.1 url-wins] [rest 16 one-each]', async () => {
    const call = await make({ statusCallback: url, statusCallbackEvent: ['answred'], twiml: '<Response/>' });
    expect(world.calls.created.at(-1)).toMatchObject({ statusCallbackEvents: [], instructions: { url } });
    const warnings = await world.client.calls(call.sid).notifications.list();
    expect(warnings.map((warning) => [warning.errorCode, warning.log]).sort()).toEqual([
      ['21626', '1'],
      ['32019', '1'],
    ]);
  });

  test('an application answers in place of what the request says of the same things [rest 9.1 application-sid]', async () => {
    const application = await world.client.applications.create({
      voiceUrl: 'https://app.example.com/of-application',
      voiceMethod: 'GET',
      voiceFallbackUrl: 'https://app.example.com/fallback-of-application',
      statusCallback: 'https://app.example.com/status-of-application',
      statusCallbackMethod: 'GET',
    });
    const ignored = { method: 'PUT', fallbackUrl: 'nowhere', statusCallback: 'nowhere', twiml: 'x'.repeat(5_000) };
    const call = await make({ applicationSid: application.sid, statusCallbackEvent: ['ringing'], ...ignored });
    expect(world.calls.created.at(-1)).toMatchObject({
      applicationSid: application.sid,
      instructions: { url: 'https://app.example.com/of-application', method: 'GET' },
      fallbackUrl: 'https://app.example.com/fallback-of-application',
      fallbackMethod: 'POST',
      statusCallback: 'https://app.example.com/status-of-application',
      statusCallbackMethod: 'GET',
      statusCallbackEvents: ['completed'],
    });
    expect(await world.client.calls(call.sid).notifications.list()).toEqual([]);
    const empty = await world.client.applications.create({ friendlyName: 'no URL' });
    await expect(make({ applicationSid: empty.sid })).rejects.toMatchObject(rejection(21205));
    const foreign = anApplication(`AC${'9'.repeat(32)}`);
    await expect(make({ applicationSid: foreign.sid })).rejects.toMatchObject(rejection(21218));
  });

  test('client: rings for 60 s at most [rest 9.1 client-timeout]', async () => {
    await make({ to: 'client:bob', timeout: 300 });
    expect(world.calls.created.at(-1)?.timeoutSeconds).toBe(60);
    await make({ to: 'client:bob', timeout: 20 });
    expect(world.calls.created.at(-1)?.timeoutSeconds).toBe(20);
    await make({ timeout: 300 });
    expect(world.calls.created.at(-1)?.timeoutSeconds).toBe(300);
  });

  test('machine detection: its defaults, all of it, and what stands in its way [rest 9.1 machine-detection]', async () => {
    await make({ machineDetection: 'Enable' });
    expect(world.calls.created.at(-1)?.machineDetection).toEqual({
      mode: 'Enable',
      timeoutMs: 30_000,
      speechThresholdMs: 2_400,
      speechEndThresholdMs: 1_200,
      silenceTimeoutMs: 5_000,
      isAsync: false,
      callback: null,
    });
    await make({
      machineDetection: 'DetectMessageEnd',
      machineDetectionTimeout: 59,
      machineDetectionSpeechThreshold: 6_000,
      machineDetectionSpeechEndThreshold: 500,
      machineDetectionSilenceTimeout: 2_000,
      asyncAmd: 'true',
      asyncAmdStatusCallback: 'https://app.example.com/amd',
      asyncAmdStatusCallbackMethod: 'GET',
    });
    expect(world.calls.created.at(-1)?.machineDetection).toEqual({
      mode: 'DetectMessageEnd',
      timeoutMs: 59_000,
      speechThresholdMs: 6_000,
      speechEndThresholdMs: 500,
      silenceTimeoutMs: 2_000,
      isAsync: true,
      callback: { url: 'https://app.example.com/amd', method: 'GET' },
    });
    await make({ machineDetection: 'Enable', sendDigits: '1' });
    expect(world.calls.created.at(-1)?.machineDetection).toBeUndefined();
  });

  test.each<[string, object, string[]]>([
    [
      'AsyncAmd without a URL to tell [rest 9.1 async-amd] [rest 6 21262]',
      { machineDetection: 'Enable', asyncAmd: 'true' },
      ['21262'],
    ],
    ['a setting without MachineDetection [rest 6 21263]', { machineDetectionTimeout: 10 }, ['21263']],
    ['SendDigits beside it [rest 9.1 send-digits-amd]', { machineDetection: 'Enable', sendDigits: '1' }, ['21263']],
    ['a callback without AsyncAmd', { machineDetection: 'Enable', asyncAmdStatusCallback: url }, ['21263']],
    [
      'what has no effect here is accepted in silence [rest 9.1 stored]',
      { callReason: 'x', callToken: 'y', clientNotificationUrl: url },
      [],
    ],
  ])('%s', async (_, over, codes) => {
    const call = await make(over);
    const warnings = await world.client.calls(call.sid).notifications.list();
    expect(warnings.map((warning) => warning.errorCode)).toEqual(codes);
  });

  test('an unknown parameter is ignored [rest 4 unknown-parameters]', async () => {
    const form = new URLSearchParams({ To: 'sip:bob@x', From: from, Url: url, Colour: 'red' }).toString();
    const answer = await world.fetch('Calls.json', { form });
    expect(answer.status).toBe(201);
  });

  const long = 'x'.repeat(300);
  test.each<[string, object, number]>([
    ['no To [rest 6 21201]', { to: '' }, 21201],
    ['To is no address [rest 6 21211]', { to: 'bob' }, 21211],
    ['To with a line end [rest 6 21211]', { to: 'sip:bob@x\r\nX-A: 1' }, 21211],
    ['To of another transport [sip 2.1 transport] [rest 6 21211]', { to: 'sip:bob@x;transport=sctp' }, 21211],
    ['To too long [rest 6 21211] [rest 9.1 to-lengths]', { to: `sip:${long}@x` }, 21211],
    [
      'To headers too long [sip 2.1 header-length] [rest 6 21227] [rest 9.1 to-lengths]',
      { to: `sip:bob@x?X-A=${'1'.repeat(1_100)}` },
      21227,
    ],
    [
      'To header that is not allowed [sip 2.1 other-headers] [rest 6 21228] [rest 9.1 to-headers]',
      { to: 'sip:bob@x?Contact=1' },
      21228,
    ],
    [
      'To header name with a bad character [sip 2.1 header-characters] [rest 6 21228]',
      { to: 'sip:bob@x?X-A%0D=1' },
      21228,
    ],
    [
      'To header value with a line end [sip 2.1 header-characters] [rest 6 21229] [rest 9.1 to-headers]',
      { to: 'sip:bob@x?X-A=1%0D%0AVia:x' },
      21229,
    ],
    ['To before From [rest 6 21211] [rest 9.1 order]', { to: 'bob', from: '' }, 21211],
    ['no From [sip 2.6 from-required] [rest 6 21213]', { from: '' }, 21213],
    [
      'From is no number for a number [rest 6 21212] [rest 9.1 from-number]',
      { to: '+4930111', from: 'client:bob' },
      21212,
    ],
    ['From with spaces [rest 6 21212] [rest 9.1 from-sip]', { from: 'a b' }, 21212],
    ['no instructions [rest 6 21205] [rest 9.1 instructions]', { url: '' }, 21205],
    ['Url is relative [rest 6 21205] [rest 9.1 url-absolute]', { url: '/voice' }, 21205],
    ['Url of another scheme [rest 6 21205] [rest 9.1 url-absolute]', { url: 'ftp://x/voice' }, 21205],
    [
      'Twiml too long [sip 2.6 instructions] [twiml 4.1 inline-size] [rest 9.1 twiml-length] [twiml 14 rest]',
      { url: undefined, twiml: 'x'.repeat(4_001) },
      32018,
    ],
    [
      'an application that is not there [rest 9.1 application-sid] [rest 6 21218]',
      { applicationSid: `AP${'0'.repeat(32)}` },
      21218,
    ],
    ['instructions before methods [rest 6 21205] [rest 9.1 order]', { url: '', method: 'PUT' }, 21205],
    ['Method [sip 2.6 methods] [rest 6 21209]', { method: 'PUT' }, 21209],
    ['FallbackMethod [sip 2.6 methods] [rest 6 21209]', { fallbackMethod: 'DELETE' }, 21209],
    ['StatusCallbackMethod [rest 6 21209]', { statusCallbackMethod: 'x' }, 21209],
    ['StatusCallback [rest 6 21502]', { statusCallback: 'nowhere' }, 21502],
    ['methods before timeouts [rest 6 21209] [rest 9.1 order]', { method: 'PUT', timeout: 0 }, 21209],
    ['Timeout zero [rest 6 21208]', { timeout: 0 }, 21208],
    ['Timeout above 600 [sip 2.6 timeout] [rest 6 21208] [rest 9.1 timeout]', { timeout: 601 }, 21208],
    [
      'TimeLimit above 24 h [sip 1.7 call-length-24h] [rest 6 20001] [rest 9.1 time-limit]',
      { timeLimit: 90_000 },
      20001,
    ],
    ['SendDigits [rest 6 21206]', { sendDigits: '12x' }, 21206],
    [
      'SendDigits too long [sip 2.6 send-digits] [rest 6 21206] [rest 9.1 send-digits]',
      { sendDigits: '1'.repeat(33) },
      21206,
    ],
    [
      'SIP user name too long [sip 2.6 sip-auth-lengths] [rest 6 21221]',
      { sipAuthUsername: long, sipAuthPassword: 'p' },
      21221,
    ],
    [
      'SIP user name with a quote [sip 2.6 sip-auth-characters] [rest 6 21222]',
      { sipAuthUsername: 'a"b', sipAuthPassword: 'p' },
      21222,
    ],
    [
      'SIP password too long [sip 2.6 sip-auth-lengths] [rest 6 21223]',
      { sipAuthUsername: 'u', sipAuthPassword: long },
      21223,
    ],
    [
      'SIP password with NUL [sip 2.6 sip-auth-characters] [rest 6 21224]',
      { sipAuthUsername: 'u', sipAuthPassword: 'a\0b' },
      21224,
    ],
    [
      'SIP user name without password [sip 2.6 sip-auth-pair] [rest 6 21225] [rest 9.1 sip-auth]',
      { sipAuthUsername: 'u' },
      21225,
    ],
    ['machine detection that is none [rest 9.1 machine-detection] [rest 6 21234]', { machineDetection: 'Yes' }, 21234],
    ['its time-out too short [rest 6 21234]', { machineDetection: 'Enable', machineDetectionTimeout: 2 }, 21234],
    ['its time-out too long [rest 6 21234]', { machineDetection: 'Enable', machineDetectionTimeout: 60 }, 21234],
    [
      'its speech threshold [rest 6 21234]',
      { machineDetection: 'Enable', machineDetectionSpeechThreshold: 999 },
      21234,
    ],
    [
      'its end of speech [rest 6 21234]',
      { machineDetection: 'Enable', machineDetectionSpeechEndThreshold: 5_001 },
      21234,
    ],
    ['its silence [rest 6 21234]', { machineDetection: 'Enable', machineDetectionSilenceTimeout: 10_001 }, 21234],
    ['AsyncAmd that is no boolean [rest 6 21234]', { machineDetection: 'Enable', asyncAmd: 'later' }, 21234],
    [
      'its callback [rest 6 21502]',
      { machineDetection: 'Enable', asyncAmd: 'true', asyncAmdStatusCallback: 'x' },
      21502,
    ],
    ['its callback method [rest 6 21209]', { machineDetection: 'Enable', asyncAmdStatusCallbackMethod: 'PUT' }, 21209],
    ['trunk sid [sip 2.6 byoc] [rest 6 21300] [rest 9.1 byoc]', { to: '+4930111', byoc: 'BY1' }, 21300],
  ])('%s', async (_, over, code) => {
    const before = world.calls.created.length;
    await expect(make(over)).rejects.toMatchObject(rejection(code));
    expect(world.calls.created).toHaveLength(before);
  });

  test('what the call layer refuses is passed on with its status [rest 6 10004]', async () => {
    world.calls.refusal = { code: 10004, status: 429, message: 'Too many calls' };
    await expect(make()).rejects.toMatchObject(rejection(10004, 429));
    world.calls.refusal = undefined;
  });

  test('a number that the account does not own: 21210 [rest 6 21210] [rest 9.1 from-number] [rest 9.1 from-sip]', async () => {
    const strict = await apiWorld({ ownsNumber: (_, number) => number === '+4930111111' });
    const to = '+4930222222';
    await expect(strict.client.calls.create({ to, from, url })).rejects.toMatchObject(rejection(21210));
    await strict.client.calls.create({ to, from: '+4930111111', url });
    await strict.client.calls.create({ to: 'sip:bob@x', from, url });
    await strict.stop();
  });
});

describe('fetch, update, delete (rest-api.md 9.3, 8, 22.4)', () => {
  test('a live call is shown as it is now; numbers are formatted, times set [rest 5 formatted] [rest 9.2 times] [rest 9.2 answered-by]', async () => {
    const { sid } = await make({ to: '+14158675309', from: '+14155550100' });
    world.calls.set(sid, { status: 'in-progress', startTime: Date.UTC(2026, 1, 3, 4, 5, 6) });
    const call = await world.client.calls(sid).fetch();
    expect(call).toMatchObject({
      status: 'in-progress',
      toFormatted: '(415) 867-5309',
      endTime: null,
      duration: null,
      answeredBy: null,
    });
    expect(call.startTime.toISOString()).toBe('2026-02-03T04:05:06.000Z');
  });

  test('completed ends a live call, also a ringing one; on an ended one it changes nothing [sip 8.2 rest-update] [rest 9.3 completed] [rest 9.3 ended]', async () => {
    const { sid } = await make();
    world.calls.set(sid, { status: 'in-progress', startTime: 1, answerTime: 1 });
    const ended = await world.client.calls(sid).update({ status: 'completed' });
    expect(ended).toMatchObject({ status: 'completed', duration: '3' });
    expect((await world.client.calls(sid).update({ status: 'completed' })).status).toBe('completed');
    const ringing = await make();
    world.calls.set(ringing.sid, { status: 'ringing' });
    expect((await world.client.calls(ringing.sid).update({ status: 'completed' })).status).toBe('canceled');
  });

  test('canceled ends queued and ringing calls only [sip 8.2 rest-update] [rest 9.3 canceled]', async () => {
    const queued = await make();
    expect((await world.client.calls(queued.sid).update({ status: 'canceled' })).status).toBe('canceled');
    const answered = await make();
    world.calls.set(answered.sid, { status: 'in-progress' });
    expect((await world.client.calls(answered.sid).update({ status: 'canceled' })).status).toBe('in-progress');
  });

  test('Url and Twiml redirect a call in progress; Url wins; otherwise 21220 [rest 6 21220] [rest 9.3 url] [rest 9.3 twiml] [rest 9.3 ended]', async () => {
    const { sid } = await make();
    await expect(world.client.calls(sid).update({ url })).rejects.toMatchObject({
      ...rejection(21220),
      message: 'Call is not in-progress. Cannot redirect.',
    });
    world.calls.set(sid, { status: 'in-progress' });
    await world.client.calls(sid).update({ url, method: 'GET', twiml: '<Response/>', fallbackUrl: url });
    await world.client.calls(sid).update({ twiml: '<Response/>' });
    expect(world.calls.redirects.slice(-2)).toEqual([
      { url, method: 'GET', fallbackUrl: url, fallbackMethod: 'POST' },
      { twiml: '<Response/>' },
    ]);
    await world.client.calls(sid).update({ status: 'completed' });
    await expect(world.client.calls(sid).update({ twiml: '<Response/>' })).rejects.toMatchObject(rejection(21220));
  });

  test('a call that another gateway on the database has: 409, and nothing changes [rest 9.3 elsewhere]', async () => {
    const elsewhere = aCall(world.account.sid, { status: 'in-progress', endTime: null });
    world.store.calls.put(elsewhere);
    for (const change of [{ status: 'completed' as const }, { url }, { timeLimit: 5 }, {}])
      await expect(world.client.calls(elsewhere.sid).update(change)).rejects.toMatchObject(rejection(20409, 409));
    expect((await world.client.calls(elsewhere.sid).fetch()).status).toBe('in-progress');
    await world.client.calls(elsewhere.sid).remove();
  });

  test('an update without arguments gives the call; a wrong status and a bad Url are refused [sip 8.2 rest-update] [rest 4 empty-update] [rest 9.3 invalid]', async () => {
    const { sid } = await make();
    expect((await world.client.calls(sid).update()).sid).toBe(sid);
    await expect(world.client.calls(sid).update({ status: 'busy' as 'completed' })).rejects.toMatchObject(
      rejection(20001),
    );
    await expect(world.client.calls(sid).update({ url: 'nowhere' })).rejects.toMatchObject(rejection(21205));
    // The call layer here offers no such change: refused, not lost.
    await expect(world.client.calls(sid).update({ timeLimit: 10 })).rejects.toMatchObject(rejection(20001));
  });

  test('remove is true with 204 once ended, 20009 while live, 404 the second time [rest 6 status-204] [rest 6 20009] [rest 6 20404] [rest 6 not-found-text] [rest 6 status-409] [rest 8 call] [rest 22 check-4]', async () => {
    const { sid } = await make();
    await expect(world.client.calls(sid).remove()).rejects.toMatchObject(rejection(20009, 409));
    await world.client.calls(sid).update({ status: 'completed' });
    expect(await world.client.calls(sid).remove()).toBe(true);
    await expect(world.client.calls(sid).remove()).rejects.toMatchObject(rejection(20404, 404));
    await expect(world.client.calls(sid).fetch()).rejects.toMatchObject({
      ...rejection(20404, 404),
      message: `The requested resource /2010-04-01/Accounts/${world.account.sid}/Calls/${sid}.json was not found`,
    });
  });

  test('a call of another account is not there [rest 9.4 subaccounts]', async () => {
    const child = await world.client.api.v2010.accounts.create({});
    const other = aCall(child.sid);
    world.store.calls.put(other);
    await expect(world.client.calls(other.sid).fetch()).rejects.toMatchObject(rejection(20404, 404));
    expect((await world.client.calls.list()).map((call) => call.sid)).not.toContain(other.sid);
  });
});

describe('list (rest-api.md 7, 22.2)', () => {
  let list: ApiWorld;
  const day = (text: string) => Date.parse(text);
  const labels = new Map<string, string>();
  const put = (label: string, over: Partial<CallRecord>) => {
    const call = aCall(list.account.sid, over);
    labels.set(call.sid, label);
    list.store.calls.put(call);
  };
  beforeAll(async () => {
    list = await apiWorld();
    put('first', {
      startTime: day('2026-01-01T10:00:00.250Z'),
      endTime: day('2026-01-01T10:05:00Z'),
      to: 'sip:a@x;lr',
    });
    put('second', { startTime: day('2026-01-02T00:00:00Z'), endTime: day('2026-01-02T00:01:00Z'), status: 'busy' });
    put('third', {
      startTime: day('2026-01-02T23:59:59.900Z'),
      endTime: day('2026-01-03T00:01:00Z'),
      from: '+4930123',
    });
    put('fourth', {
      startTime: day('2026-01-03T12:00:00Z'),
      endTime: null,
      status: 'in-progress',
      parentCallSid: 'CA9',
    });
    put('fifth', { startTime: null, endTime: null, status: 'queued' });
  });
  afterAll(() => list.stop());
  const labelsOf = (calls: readonly { readonly sid: string }[]) => calls.map((call) => labels.get(call.sid));

  test('three pages of two: newest first, each call once [rest 7.1 walk-all] [rest 7.1 page-token] [rest 7.1 newest-first] [rest 22 check-2]', async () => {
    const before = list.http.requests.length;
    expect(labelsOf(await list.client.calls.list({ pageSize: 2 }))).toEqual([
      'fifth',
      'fourth',
      'third',
      'second',
      'first',
    ]);
    const [start, ...links] = list.http.requests.slice(before);
    expect(start?.params).toEqual({ PageSize: 2 });
    const uris = links.map((request) => new URL(request.uri).searchParams);
    expect(uris.map((query) => [query.get('PageSize'), query.get('Page')])).toEqual([
      ['2', '1'],
      ['2', '2'],
    ]);
    expect(uris[0]?.get('PageToken')).toMatch(/^PACA[0-9a-f]{32}$/);
  });

  test('limit 5 over pages of 2; limit 5000 is clamped to 1000, not refused [rest 7.1 clamp]', async () => {
    expect(await list.client.calls.list({ limit: 3, pageSize: 2 })).toHaveLength(3);
    expect(await list.client.calls.list({ limit: 5_000 })).toHaveLength(5);
    const page = await list.client.calls.page({ pageSize: 5_000 });
    expect(page.instances).toHaveLength(5);
  });

  test('a walk forward and back gives the same pages [rest 7.1 backwards] [rest 7.1 end]', async () => {
    const one = await list.client.calls.page({ pageSize: 2 });
    const two = await one.nextPage();
    const three = await two?.nextPage();
    expect(await three?.nextPage()).toBeUndefined();
    const back = await three?.previousPage();
    expect(labelsOf(back?.instances ?? [])).toEqual(labelsOf(two?.instances ?? []));
    const start = await back?.previousPage();
    expect(labelsOf(start?.instances ?? [])).toEqual(labelsOf(one.instances));
    expect(await start?.previousPage()).toBeUndefined();
  });

  const date = (text: string) => new Date(text);
  test.each<[string, object, string[]]>([
    ['status', { status: 'busy' }, ['second']],
    ['to without parameters', { to: 'sip:a@x' }, ['first']],
    ['from', { from: '+4930123' }, ['third']],
    ['parent', { parentCallSid: 'CA9' }, ['fourth']],
    ['startTime to the second shown', { startTime: date('2026-01-01T10:00:00Z') }, ['first']],
    ['startTimeAfter, inclusive', { startTimeAfter: date('2026-01-03T12:00:00Z') }, ['fourth']],
    ['startTimeBefore, inclusive', { startTimeBefore: date('2026-01-02T00:00:00Z') }, ['second', 'first']],
    [
      'both ends',
      { startTimeAfter: date('2026-01-02T00:00:00Z'), startTimeBefore: date('2026-01-03T00:00:00Z') },
      ['third', 'second'],
    ],
    ['endTimeAfter', { endTimeAfter: date('2026-01-03T00:00:00Z') }, ['third']],
    ['endTimeBefore', { endTimeBefore: date('2026-01-01T10:05:00Z') }, ['first']],
    ['nothing matches', { to: 'nobody' }, []],
  ])(
    'filter: %s [rest 7.3 calls] [rest 7.3 date-time] [rest 7.3 library-names] [rest 9.4 exact]',
    async (_, filter, expected) => {
      expect(labelsOf(await list.client.calls.list(filter))).toEqual(expected);
    },
  );

  test.each<[string, string[]]>([
    ['StartTime=2026-01-02', ['third', 'second']],
    ['StartTime%3C=2026-01-02', ['second', 'first']],
    ['StartTime<=2026-01-02', ['second', 'first']],
    ['StartTime%3E=2026-01-03', ['fourth']],
    ['StartTime>=2026-01-03', ['fourth']],
    ['StartTime=yesterday', []],
    ['Status=unheard-of', []],
    ['EndTime>=2026-01-01&EndTime<=2026-01-02', ['first']],
    ['Unknown=1&Status=busy', ['second']],
  ])(
    'a plain day is that whole UTC day, < up to its midnight, > from it on: %s [rest 7.3 day] [rest 7.3 operator] [rest 7.3 unknown-value]',
    async (query, expected) => {
      const body = await json<{ calls: { sid: string }[] }>(await list.fetch(`Calls.json?${query}`));
      expect(labelsOf(body.calls)).toEqual(expected);
    },
  );

  test('the envelope: relative links that keep the filters, indexes, no totals [sip 6 lists] [rest 7.1 envelope] [rest 7.1 links] [rest 7.1 start-end] [rest 7.1 no-totals] [rest 7.1 page-size] [rest 7.1 page-token]', async () => {
    const base = `/2010-04-01/Accounts/${list.account.sid}/Calls.json`;
    const { calls, ...envelope } = await json<{ calls: { sid: string }[]; next_page_uri: string }>(
      await list.fetch('Calls.json?StartTime%3E=2026-01-01&PageSize=2'),
    );
    expect(envelope).toEqual({
      page: 0,
      page_size: 2,
      start: 0,
      end: 1,
      uri: `${base}?StartTime%3E=2026-01-01&PageSize=2&Page=0`,
      first_page_uri: `${base}?StartTime%3E=2026-01-01&PageSize=2&Page=0`,
      previous_page_uri: null,
      next_page_uri: `${base}?StartTime%3E=2026-01-01&PageSize=2&Page=1&PageToken=PA${calls[1]?.sid}`,
    });
    const second = await (await list.fetch(envelope.next_page_uri)).json();
    expect(second).toMatchObject({ page: 1, start: 2, end: 3, next_page_uri: null });
    const empty = await (await list.fetch('Calls.json?Status=failed')).json();
    expect(empty).toMatchObject({ calls: [], start: 0, end: 0, page: 0, page_size: 50, next_page_uri: null });
  });

  test.each([
    ['PageToken=nonsense', 400, 21481],
    ['PageToken=PACA123', 400, 21481],
    ['Page=1&PageSize=2', 200, undefined],
    ['Page=-1&PageSize=abc', 200, undefined],
  ])(
    'paging parameters: %s [rest 7.1 bad-token] [rest 7.1 page-number] [rest 7.1 bad-paging] [rest 6 21481]',
    async (query, status, code) => {
      const answer = await list.fetch(`Calls.json?${query}`);
      expect(answer.status).toBe(status);
      expect((await json(answer)).code).toBe(code);
    },
  );

  test('a walk is stable while calls arrive [rest 7.1 stable]', async () => {
    const seen: (string | undefined)[] = [];
    await list.client.calls.each({ pageSize: 2, callback: (call) => void seen.push(labels.get(call.sid)) });
    const arriving: (string | undefined)[] = [];
    let page: CallsPage | undefined = await list.client.calls.page({ pageSize: 2 });
    while (page) {
      arriving.push(...labelsOf(page.instances));
      list.store.calls.put(aCall(list.account.sid));
      page = await page.nextPage();
    }
    expect(arriving).toEqual(['fifth', 'fourth', 'third', 'second', 'first']);
  });
});
