// Wrong values of every parameter of every resource: nothing is made or changed, and the answer has the code that clients know
// (rest-api.md 6). One row per parameter; what a kind of parameter may not be stands in `wrong`.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { limits } from '../../src/base/limits.ts';
import { err } from '../../src/base/result.ts';
import type { TranscriptionsApi } from '../../src/base/transcriptions-api.ts';
import { type ApiWorld, apiWorld, json } from '../support/api-world.ts';
import { aCall } from '../support/store-records.ts';
import { storedQueues } from '../support/stored-queues.ts';
import { encoded, number, of, type Parameter, text, wrong } from '../support/wrong-values.ts';

let world: ApiWorld;
/** Calls that somebody began to transcribe. */
const begun: string[] = [];
beforeAll(async () => {
  const transcriptions: TranscriptionsApi = {
    create(request) {
      begun.push(request.callSid);
      return err({ code: 21220, status: 400, message: 'not really' });
    },
    stop: () => undefined,
  };
  world = await apiWorld({ queues: storedQueues(() => world.store), transcriptions });
});
afterAll(() => world.stop());

interface Resource {
  readonly name: string;
  /** Below the account, without `.json`; from `/` on as it is. */
  readonly path: string;
  /** Key of the list. */
  readonly key: string;
  /** A form that makes one. */
  readonly form: (count: number) => Readonly<Record<string, string>>;
  readonly parameters: readonly Parameter[];
  /** Parameters of a create that an update does not read. */
  readonly onlyNew?: readonly string[];
}

const voiceOf = (code: number, methodCode: number) => [
  ...of('url', code, 'VoiceUrl VoiceFallbackUrl StatusCallback'),
  ...of('method', methodCode, 'VoiceMethod VoiceFallbackMethod StatusCallbackMethod'),
];
const url = 'https://app.example.com/voice';

const resources: readonly Resource[] = [
  {
    name: 'Applications [rest 6 21402] [rest 6 21403]',
    path: 'Applications',
    key: 'applications',
    form: (count) => ({ FriendlyName: `a${count}`, VoiceUrl: url }),
    parameters: [
      text('FriendlyName', 20002, 64),
      ...voiceOf(21402, 21403),
      ...of('url', 21402, 'SmsUrl SmsFallbackUrl SmsStatusCallback MessageStatusCallback'),
      ...of('method', 21403, 'SmsMethod SmsFallbackMethod'),
      ...of('flag', 20001, 'VoiceCallerIdLookup PublicApplicationConnectEnabled'),
    ],
  },
  {
    name: 'Keys [rest 6 20002]',
    path: 'Keys',
    key: 'keys',
    form: (count) => ({ FriendlyName: `k${count}` }),
    parameters: [text('FriendlyName', 20002, 64)],
  },
  {
    name: 'Accounts [rest 6 20002]',
    path: '/2010-04-01/Accounts',
    key: 'accounts',
    form: (count) => ({ FriendlyName: `s${count}` }),
    parameters: [text('FriendlyName', 20002, 64)],
  },
  {
    name: 'IncomingPhoneNumbers [rest 6 21402] [rest 6 21403] [rest 6 21421] [rest 6 21420]',
    path: 'IncomingPhoneNumbers',
    key: 'incoming_phone_numbers',
    form: (count) => ({ PhoneNumber: `+49301${String(count).padStart(6, '0')}`, VoiceUrl: url }),
    parameters: [
      ...of('word', 21421, 'PhoneNumber'),
      text('FriendlyName', 20002, 64),
      ...voiceOf(21402, 21403),
      ...of('flag', 20001, 'VoiceCallerIdLookup'),
      ...of('word', 20001, 'VoiceReceiveMode EmergencyStatus'),
      ...of('sid', 21420, 'VoiceApplicationSid'),
    ],
    onlyNew: ['PhoneNumber'],
  },
  {
    name: 'SIP/Domains [rest 6 21231] [rest 6 21232]',
    path: 'SIP/Domains',
    key: 'domains',
    form: (count) => ({ DomainName: `values${count}.sip.localhost` }),
    parameters: [
      text('DomainName', 21232, 253),
      text('FriendlyName', 21231, 64),
      ...of('url', 21231, 'VoiceUrl VoiceFallbackUrl VoiceStatusCallbackUrl'),
      ...of('method', 21231, 'VoiceMethod VoiceFallbackMethod VoiceStatusCallbackMethod'),
      ...of('flag', 21231, 'SipRegistration Secure EmergencyCallingEnabled DtmfInband'),
      ...of('sid', 21231, 'EmergencyCallerSid'),
      ...of('sid', 21300, 'ByocTrunkSid'),
      ...of('word', 21231, 'MediaEncryption MusicOnHold EmergencyAddress'),
    ],
  },
  {
    name: 'SIP/CredentialLists [rest 6 21240]',
    path: 'SIP/CredentialLists',
    key: 'credential_lists',
    form: (count) => ({ FriendlyName: `l${count}` }),
    parameters: [text('FriendlyName', 21240, 64)],
  },
  {
    name: 'SIP/IpAccessControlLists [rest 6 21235]',
    path: 'SIP/IpAccessControlLists',
    key: 'ip_access_control_lists',
    form: (count) => ({ FriendlyName: `l${count}` }),
    parameters: [text('FriendlyName', 21235, 255)],
  },
  {
    name: 'Queues [rest 6 20002]',
    path: 'Queues',
    key: 'queues',
    form: (count) => ({ FriendlyName: `q${count}` }),
    parameters: [text('FriendlyName', 20002, 64), number('MaxSize', 20001, 1, 5_000)],
  },
  {
    name: 'v1 ByocTrunks [rest 6 20001]',
    path: '/v1/ByocTrunks',
    key: 'byoc_trunks',
    form: (count) => ({ FriendlyName: `t${count}` }),
    parameters: [
      text('FriendlyName', 20001, 255),
      ...of('url', 20001, 'VoiceUrl VoiceFallbackUrl StatusCallbackUrl'),
      ...of('method', 20001, 'VoiceMethod VoiceFallbackMethod StatusCallbackMethod'),
      ...of('flag', 20001, 'CnamLookupEnabled'),
      ...of('sid', 20001, 'ConnectionPolicySid FromDomainSid'),
    ],
  },
  {
    name: 'v1 ConnectionPolicies [rest 6 20001]',
    path: '/v1/ConnectionPolicies',
    key: 'connection_policies',
    form: (count) => ({ FriendlyName: `p${count}` }),
    parameters: [text('FriendlyName', 20001, 255)],
  },
  {
    name: 'v1 IpRecords [rest 6 20001]',
    path: '/v1/IpRecords',
    key: 'ip_records',
    form: () => ({ IpAddress: '192.0.2.1' }),
    parameters: [
      text('FriendlyName', 20001, 255),
      ...of('word', 20001, 'IpAddress'),
      number('CidrPrefixLength', 20001, 1, 32),
    ],
    onlyNew: ['IpAddress', 'CidrPrefixLength'],
  },
];

const address = (path: string, sid?: string): string => {
  const whole = sid === undefined ? path : `${path}/${sid}`;
  return whole.startsWith('/v1/') ? whole : `${whole}.json`;
};

async function expectRefused(path: string, form: string, code: number): Promise<void> {
  const answer = await world.fetch(path, { form });
  const body = await json(answer);
  expect([form.slice(0, 200), answer.status, body.code]).toEqual([form.slice(0, 200), 400, code]);
  // A value of the client's comes back printable, and not whole.
  expect(String(body.message)).toMatch(/^[^\x00-\x1f\x7f]{1,400}$/);
}

describe.each(resources)('$name', ({ path, key, form, parameters, onlyNew = [] }) => {
  let counter = 0;
  const all = async () => (await json<Record<string, object[]>>(await world.fetch(address(path))))[key]!;
  const make = async (): Promise<Readonly<Record<string, unknown>>> => {
    const answer = await world.fetch(address(path), { form: encoded(form(++counter)) });
    expect(answer.status).toBe(201);
    return json(answer);
  };

  test('made, read, changed, listed, removed: 201, 200, 200, 200, 204 without a body; then it is not there [rest 6 status-200] [rest 6 status-201] [rest 6 status-204] [rest 8 second-delete]', async () => {
    const { sid } = await make();
    const at = address(path, String(sid));
    expect((await world.fetch(at)).status).toBe(200);
    expect((await world.fetch(at, { form: encoded(onlyNew.length > 0 ? {} : form(++counter)) })).status).toBe(200);
    expect(await all()).toEqual(expect.arrayContaining([expect.objectContaining({ sid })]));
    // Accounts are closed, not removed.
    if (key === 'accounts') return;
    const removed = await world.fetch(at, { method: 'DELETE' });
    expect([removed.status, await removed.text()]).toEqual([204, '']);
    for (const method of ['DELETE', 'GET', 'POST']) {
      const answer = await world.fetch(at, { method });
      expect([method, answer.status, (await json(answer)).code]).toEqual([method, 404, 20404]);
    }
  });

  test.each(parameters.map((parameter) => [parameter.name, parameter] as const))(
    'a new one with a wrong %s is not made [rest 6 status-400] [rest 6 printable]',
    async (name, parameter) => {
      const before = await all();
      for (const value of wrong(parameter))
        await expectRefused(address(path), encoded({ ...form(++counter), [name]: value }), parameter.code);
      expect(await all()).toEqual(before);
    },
  );

  test('a wrong value changes nothing of one that is there', async () => {
    const at = address(path, String((await make()).sid));
    const made = await json(await world.fetch(at));
    for (const parameter of parameters.filter(({ name }) => !onlyNew.includes(name)))
      for (const value of wrong(parameter))
        await expectRefused(at, encoded({ [parameter.name]: value }), parameter.code);
    expect(await json(await world.fetch(at))).toEqual(made);
  });

  test('of a repeated name the last value counts, right or wrong [rest 4 repeated]', async () => {
    const [parameter] = parameters;
    if (!parameter) throw new Error('no parameter');
    const right = form(++counter);
    const bad = encodeURIComponent(wrong(parameter)[0]!);
    await expectRefused(address(path), `${encoded(right)}&${parameter.name}=${bad}`, parameter.code);
    const good = { [parameter.name]: right[parameter.name] ?? 'fine' };
    const answer = await world.fetch(address(path), {
      form: `${parameter.name}=${bad}&${encoded({ ...right, ...good })}`,
    });
    expect(answer.status).toBe(201);
  });
});

describe('Calls', () => {
  const right = { To: 'sip:bob@x.example', From: 'desk', Url: url };
  const parameters: readonly Parameter[] = [
    ...of('url', 21205, 'Url FallbackUrl'),
    ...of('method', 21209, 'Method FallbackMethod StatusCallbackMethod'),
    ...of('url', 21502, 'StatusCallback'),
    number('Timeout', 21208, 1, 600),
    number('TimeLimit', 20001, 1, 86_400),
    ...of('word', 21206, 'SendDigits'),
    ...of('flag', 20001, 'Record'),
    ...of('sid', 21218, 'ApplicationSid'),
    ...of('word', 21234, 'MachineDetection'),
    number('MachineDetectionTimeout', 21234, 3, 59),
    number('MachineDetectionSpeechThreshold', 21234, 1_000, 6_000),
    number('MachineDetectionSpeechEndThreshold', 21234, 500, 5_000),
    number('MachineDetectionSilenceTimeout', 21234, 2_000, 10_000),
    ...of('flag', 21234, 'AsyncAmd'),
    ...of('url', 21502, 'AsyncAmdStatusCallback'),
    ...of('method', 21209, 'AsyncAmdStatusCallbackMethod'),
  ];
  const recording: readonly Parameter[] = [
    ...of('word', 20001, 'RecordingChannels RecordingTrack Trim RecordingStatusCallbackEvent'),
    ...of('url', 21502, 'RecordingStatusCallback'),
    ...of('method', 21209, 'RecordingStatusCallbackMethod'),
  ];

  // holds: [rest 9.1 url-absolute] [rest 9.1 methods] [rest 9.1 machine-detection]
  // holds: [rest 6 21205] [rest 6 21206] [rest 6 21208] [rest 6 21209] [rest 6 21218] [rest 6 21234] [rest 6 21502]
  test.each(
    [
      ...parameters.map((parameter) => [parameter, right] as const),
      ...recording.map((parameter) => [parameter, { ...right, Record: 'true' }] as const),
    ].map(([parameter, form]) => [parameter.name, parameter, form] as const),
  )('a call with a wrong %s is not made', async (name, parameter, form) => {
    const before = world.calls.created.length;
    for (const value of wrong(parameter))
      await expectRefused('Calls.json', encoded({ ...form, [name]: value }), parameter.code);
    expect(world.calls.created).toHaveLength(before);
  });

  test('an update with a wrong value changes nothing [rest 6 21220] [rest 9.3 invalid] [rest 9.3 ended] [rest 9.1 twiml-length]', async () => {
    const { sid } = await json(await world.fetch('Calls.json', { form: encoded(right) }));
    const at = `Calls/${String(sid)}.json`;
    world.calls.set(String(sid), { status: 'in-progress' });
    const before = await json(await world.fetch(at));
    const changes: readonly Parameter[] = [
      ...of('word', 20001, 'Status'),
      ...of('url', 21205, 'Url FallbackUrl'),
      ...of('method', 21209, 'Method FallbackMethod StatusCallbackMethod'),
      ...of('url', 21502, 'StatusCallback'),
      number('TimeLimit', 20001, 1, 86_400),
    ];
    for (const parameter of changes)
      for (const value of wrong(parameter))
        await expectRefused(at, encoded({ [parameter.name]: value }), parameter.code);
    await expectRefused(at, `Twiml=${'x'.repeat(4_001)}`, 32018);
    expect(await json(await world.fetch(at))).toEqual(before);
    expect(world.calls.redirects).toEqual([]);
    const ended = aCall(world.account.sid, { status: 'completed' });
    world.store.calls.put(ended);
    for (const form of [{ Url: url }, { Twiml: '<Response/>' }])
      await expectRefused(`Calls/${ended.sid}.json`, encoded(form), 21220);
  });
});

describe('what begins below a live call [rest 9.5 transcriptions]', () => {
  const parameters: readonly Parameter[] = [
    text('Name', 20001, limits.streamNameChars),
    ...of('word', 20001, 'Track'),
    ...of('url', 21502, 'StatusCallbackUrl'),
    ...of('method', 21209, 'StatusCallbackMethod'),
    ...of('flag', 20001, 'PartialResults ProfanityFilter EnableAutomaticPunctuation'),
    text('InboundTrackLabel', 20001, limits.streamNameChars),
    text('OutboundTrackLabel', 20001, limits.streamNameChars),
    text('LanguageCode', 20001, limits.streamNameChars),
    text('TranscriptionEngine', 20001, limits.streamNameChars),
    text('SpeechModel', 20001, limits.streamNameChars),
    text('Hints', 20001, limits.recognisedTextChars),
  ];
  test.each(parameters.map((parameter) => [parameter.name, parameter] as const))(
    'a transcription with a wrong %s is not begun',
    async (name, parameter) => {
      const { sid } = await json(
        await world.fetch('Calls.json', { form: encoded({ To: 'client:a', From: 'b', Url: url }) }),
      );
      const at = `Calls/${String(sid)}/Transcriptions.json`;
      for (const value of wrong(parameter)) await expectRefused(at, encoded({ [name]: value }), parameter.code);
      expect(begun).toEqual([]);
    },
  );
});

test('of many creates at once a limit holds, for each kind that has one [rest 6 21301] [rest 6 20422] [rest 6 21230] [rest 6 21253]', async () => {
  const quotas = { applications: 3, keys: 3, domains: 3, subAccounts: 3, phoneNumbers: 3, connectionPolicies: 3 };
  const small = await apiWorld({ config: { quotas } });
  const limited: [path: string, code: number, form: (index: number) => string][] = [
    ['Applications.json', 21301, () => ''],
    ['Keys.json', 20422, () => ''],
    ['SIP/Domains.json', 21230, (index) => `DomainName=d${index}.sip.localhost`],
    ['/2010-04-01/Accounts.json', 20422, () => ''],
    ['/v1/ConnectionPolicies', 21253, () => ''],
    ['IncomingPhoneNumbers.json', 20422, (index) => `PhoneNumber=%2B4930100${index}`],
  ];
  for (const [path, code, form] of limited) {
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, index) => small.fetch(path, { form: form(index) })),
    );
    const codes = await Promise.all(answers.map(async (answer) => (await json(answer)).code ?? answer.status));
    expect([path, ...codes.map(String).sort()]).toEqual([
      path,
      ...[...Array<number>(3).fill(201), ...Array<number>(5).fill(code)].map(String).sort(),
    ]);
  }
  await small.stop();
});
