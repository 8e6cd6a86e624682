// The world of a scenario test: a real gateway in this process on loopback, a fake web application, phones. Waits are for events with
// a deadline. When a test fails, the ladders of its calls and the warnings of the log are printed.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFailed, onTestFinished } from 'vitest';
import { stringify } from 'yaml';
import { realClock } from '../../src/base/clock.ts';
import { cryptoRandom } from '../../src/base/ids.ts';
import { createLog, type LogLevel, silentLog } from '../../src/base/log.ts';
import { type Config, loadConfig } from '../../src/config.ts';
import { Phone, type PhoneCall } from '../../src/demo/phone.ts';
import { createGateway, type Gateway } from '../../src/gateway.ts';
import { toneShare } from '../../src/media/goertzel.ts';
import { readWav } from '../../src/media/wav.ts';
import type { AudioCodec } from '../../src/sdp/plan.ts';
import type { TransportName } from '../../src/sip/transport/transport.ts';
import { type AppRequest, FakeApp } from './fake-app.ts';
import { SkewedClock } from './media.ts';
import { mediaRange } from './ports.ts';
import { until } from './until.ts';

export const ACCOUNT_SID = `AC${'0'.repeat(31)}1`;
export const AUTH_TOKEN = 'an auth token of the tests'.replaceAll(' ', '-');
export const PASSWORD = 'Correct-Horse-9';
/** Users of the office domain. */
export const USERS = ['alice', 'bob', 'carol'] as const;

/** How long a scenario waits for anything. */
export const DEADLINE_MS = 8_000;

export interface WorldOptions {
  /** Added to the settings of the gateway, by key of hookswitch.yaml. */
  readonly settings?: Readonly<Record<string, unknown>>;
  /** Added to the office domain; a function is given the application's origin. */
  readonly domain?: Readonly<Record<string, unknown>> | ((origin: string) => Readonly<Record<string, unknown>>);
  /** Listens for TLS too; certificates are made. */
  readonly tls?: boolean;
  /** Level of the log that `log` collects; default `warn`. */
  readonly logLevel?: LogLevel;
  /** Speed of the gateway's signalling clock, for waits of whole seconds; default 1. */
  readonly clockRate?: number;
}

export interface World {
  readonly gateway: Gateway;
  readonly config: Config;
  readonly app: FakeApp;
  /** Lines of the gateway's log. */
  readonly log: readonly string[];
  /** A folder that goes with the world. */
  readonly folder: string;
  /** Makes the application answer `path` (default /voice) with TwiML verbs. */
  answers(verbs: string, path?: string): void;
  /** The `nth` request (from 1) that the application got on `path`, once it is there. */
  asked(path: string, nth?: number): Promise<AppRequest>;
  /** A REST request with the root account's credentials. */
  rest(path: string, form?: Readonly<Record<string, string>>): Promise<RestAnswer>;
  /** A phone of one of USERS; registered unless told otherwise. */
  phone(user: string, options?: PhoneSetup): Promise<Phone>;
  /** `sip:user@address:port` of the gateway: how a phone dials. */
  uri(user: string, transport?: TransportName): string;
  port(transport: TransportName): number;
  /** Resolves when no call, dialog, endpoint or webhook is left; fails with the counts after a deadline. */
  isIdle(): Promise<void>;
  /** Stops the gateway and starts it again with the same folders and settings. */
  restart(): Promise<void>;
}

export interface RestAnswer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

export interface PhoneSetup {
  readonly registered?: boolean;
  readonly transport?: 'udp' | 'tcp' | 'tls';
  readonly secureMedia?: boolean;
  readonly password?: string;
  readonly codecs?: readonly AudioCodec[];
  /** Two for each of its calls; those of an ended call rest for ten seconds. Default 40. */
  readonly mediaPorts?: number;
}

/** Builds a world for the running test and takes it down behind it. */
export async function world(options: WorldOptions = {}): Promise<World> {
  const folder = mkdtempSync(join(tmpdir(), 'hookswitch-test-'));
  const app = await FakeApp.start();
  app.on('/status', { status: 204 });
  const warnings: string[] = [];
  const log = createLog(
    { level: options.logLevel ?? 'warn', folders: {}, pretty: false },
    { write: (line) => void warnings.push(line) },
  );
  const config = settingsOf(folder, app.origin, options);
  const parts = { log, clock: new SkewedClock(realClock) };
  // A start takes the time that it takes.
  const begin = async (settings: Config) => {
    parts.clock.setRate(1);
    const started = await start(settings, parts);
    parts.clock.setRate(options.clockRate ?? 1);
    return started;
  };
  let gateway = await begin(config);
  const phones: Phone[] = [];
  const stop = async () => {
    for (const phone of phones.splice(0)) await phone.stop();
    await gateway.stop();
  };
  onTestFailed(() => {
    for (const id of callIds(warnings)) console.error(gateway.ladder(id) ?? '');
    console.error(warnings.slice(-30).join(''));
    console.error(JSON.stringify(gateway.counts()));
  });
  onTestFinished(async () => {
    await stop();
    await app.stop();
    rmSync(folder, { recursive: true, force: true });
  });
  const port = (transport: TransportName) =>
    gateway.info.listeners.find((listener) => listener.transport === transport)!.port;
  return {
    get gateway() {
      return gateway;
    },
    config,
    app,
    log: warnings,
    folder,
    asked: (path, nth = 1) =>
      until(
        () => app.requestsTo(path)[nth - 1],
        DEADLINE_MS,
        () => `request ${nth} to ${path}; got ${app.requests.map((one) => one.path).join(' ')}`,
      ),
    rest: (path, form) => askRest(gateway, path, form),
    answers: (verbs, path = '/voice') => app.on(path, () => twiml(verbs)),
    uri: (user, transport = 'udp') =>
      `sip:${user}@127.0.0.1:${port(transport)}${transport === 'udp' ? '' : `;transport=${transport}`}`,
    port,
    async phone(user, setup = {}) {
      const phone = await startPhone(user, port(setup.transport ?? 'udp'), setup);
      phones.push(phone);
      if (setup.registered !== false) {
        // 503: the store of a busy machine took too long for a clock that runs fast; phones come again.
        let status = await phone.register();
        for (let again = 0; status === 503 && again < 5; again++) status = await phone.register();
        if (status !== 200) throw new Error(`${user} could not register: ${status}`);
      }
      return phone;
    },
    isIdle: () => untilIdle(gateway),
    async restart() {
      await gateway.stop();
      gateway = await begin({
        ...config,
        sipListen: gateway.info.listeners.filter((one) => one.transport === 'udp'),
      });
    },
  };
}

/** A document with these verbs. */
export const twiml = (verbs: string) => ({
  headers: { 'Content-Type': 'text/xml' },
  body: `<?xml version="1.0" encoding="UTF-8"?><Response>${verbs}</Response>`,
});

function settingsOf(folder: string, appOrigin: string, options: WorldOptions): Config {
  const media = mediaRange(200);
  const document = {
    sipListen: '127.0.0.1:0',
    sipsListen: options.tls ? '127.0.0.1:0' : '',
    httpListen: '127.0.0.1:0',
    mediaPorts: `${media.first}-${media.last}`,
    dataDir: join(folder, 'data'),
    certDir: join(folder, 'certs'),
    accountSid: ACCOUNT_SID,
    authToken: AUTH_TOKEN,
    defaultDomain: 'office.sip.localhost',
    speech: 'none',
    // On a clock that runs fast every wait looks long: a busy machine would be taken for an overload.
    ...((options.clockRate ?? 1) > 1 ? { overloadControl: false } : {}),
    ...options.settings,
    credentialLists: [
      { name: 'users', users: USERS.map((username) => ({ username, password: PASSWORD })) },
      ...((options.settings?.credentialLists as readonly object[] | undefined) ?? []),
    ],
    domains: [
      {
        name: 'office.sip.localhost',
        voiceUrl: `${appOrigin}/voice`,
        voiceStatusCallbackUrl: `${appOrigin}/status`,
        sipRegistration: true,
        credentialLists: ['users'],
        registrationCredentialLists: ['users'],
        ...(typeof options.domain === 'function' ? options.domain(appOrigin) : options.domain),
      },
    ],
  };
  const file = join(folder, 'hookswitch.yaml');
  writeFileSync(file, stringify(document));
  const config = loadConfig(file, {});
  if (!config.ok) throw new Error(JSON.stringify(config.error));
  return config.value;
}

async function start(config: Config, parts: Parameters<typeof createGateway>[1]): Promise<Gateway> {
  const gateway = await createGateway(config, parts);
  if (!gateway.ok) throw new Error(gateway.error);
  return gateway.value;
}

async function askRest(
  gateway: Gateway,
  path: string,
  form: Readonly<Record<string, string>> | undefined,
): Promise<RestAnswer> {
  const authorization = `Basic ${Buffer.from(`${ACCOUNT_SID}:${AUTH_TOKEN}`).toString('base64')}`;
  const response = await fetch(`${gateway.info.apiUrl}/2010-04-01/Accounts/${ACCOUNT_SID}${path}`, {
    headers: { Authorization: authorization },
    ...(form === undefined ? {} : { method: 'POST', body: new URLSearchParams(form) }),
  });
  return { status: response.status, body: (await response.json()) as RestAnswer['body'] };
}

async function startPhone(user: string, port: number, setup: PhoneSetup): Promise<Phone> {
  const transport = setup.transport ?? 'udp';
  const mediaPorts = mediaRange(setup.mediaPorts ?? 40);
  const phone = await Phone.start({
    address: '127.0.0.1',
    port: 0,
    user,
    password: setup.password ?? PASSWORD,
    domain: 'office.sip.localhost',
    proxy: { transport, address: '127.0.0.1', port, serverName: '127.0.0.1' },
    mediaPorts,
    tls: null,
    trustedRoot: null,
    secureMedia: setup.secureMedia ?? false,
    ...(setup.codecs ? { codecs: setup.codecs } : {}),
    clock: realClock,
    random: cryptoRandom,
    log: silentLog,
  });
  if (!phone.ok) throw new Error(phone.error);
  return phone.value;
}

const callIds = (lines: readonly string[]): string[] => [
  ...new Set(lines.flatMap((line) => line.match(/CA[0-9a-f]{32}/g) ?? [])),
];

async function untilIdle(gateway: Gateway): Promise<void> {
  const end = realClock.now() + DEADLINE_MS;
  for (;;) {
    const counts = gateway.counts() as {
      calls: number;
      voiceSessions: number;
      statusCallbacks: number;
      userAgent: { sessions: number };
      media: { endpoints: number; bridges: number; plays: number };
      webhooks: { inFlight: number; queued: number };
    };
    const { endpoints, bridges, plays } = counts.media;
    const { inFlight, queued } = counts.webhooks;
    const left =
      counts.calls +
      counts.voiceSessions +
      counts.statusCallbacks +
      counts.userAgent.sessions +
      endpoints +
      bridges +
      plays +
      inFlight +
      queued;
    if (left === 0) return;
    if (realClock.now() > end) throw new Error(`not idle: ${JSON.stringify(counts)}`);
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
}

/** Waits for an event of a call and fails with its ladder when it does not come. */
export async function expectEvent<T extends Parameters<PhoneCall['waitFor']>[1]>(
  phone: Phone,
  call: PhoneCall,
  type: T,
) {
  const event = await call.waitFor(DEADLINE_MS, type);
  if (!event)
    throw new Error(
      `no ${type} came; got ${call.events.map((one) => one.type).join(', ')}\n${phone.ladder(call.callId)}`,
    );
  return event;
}

/** Calls, or fails the test. */
export function dials(phone: Phone, uri: string, headers: Readonly<Record<string, string>> = {}): PhoneCall {
  const dialled = phone.dial(
    uri,
    Object.entries(headers).map(([name, value]) => ({ name, value })),
  );
  if (!dialled.ok) throw new Error(dialled.error);
  return dialled.value;
}

/** The calls that come to a phone, in order. Make it before anybody calls. */
export class Inbox {
  readonly calls: PhoneCall[] = [];
  readonly #name: string;
  #taken = 0;

  constructor(phone: Phone, name = 'the phone') {
    this.#name = name;
    phone.onCall((call) => this.calls.push(call));
  }

  /** The next call, with what is done with it at once. */
  async next(react: 'leave' | 'ring' | 'answer' = 'ring'): Promise<PhoneCall> {
    const index = this.#taken++;
    const call = await until(
      () => this.calls[index],
      DEADLINE_MS,
      () => `call ${index + 1} to ${this.#name}`,
    );
    if (react !== 'leave') call.leg.ring();
    if (react === 'answer') expect(await call.leg.answer()).toEqual({ ok: true, detail: '' });
    return call;
  }
}

/** Number of bridges that stand in the media engine. */
export async function bridges(w: World, count: number): Promise<void> {
  const now = () => (w.gateway.counts() as { media: { bridges: number } }).media.bridges;
  await until(
    () => now() === count,
    DEADLINE_MS,
    () => `${now()} bridges, not ${count}`,
  );
}

/** Alice, on a call that the application joined with bob. */
export async function bridged(
  w: World,
  dialVerb = '<Dial action="/after"><Client>bob</Client></Dial>',
  setup: { readonly alice?: PhoneSetup; readonly bob?: PhoneSetup } = {},
) {
  w.answers(dialVerb);
  w.answers('<Hangup/>', '/after');
  const alice = await w.phone('alice', setup.alice);
  const bob = await w.phone('bob', setup.bob);
  const inbox = new Inbox(bob, 'bob');
  const caller = dials(alice, w.uri('1000', setup.alice?.transport));
  const callee = await inbox.next('answer');
  await expectEvent(alice, caller, 'answered');
  await bridges(w, 1);
  return { alice, bob, caller, callee };
}

/** Packets that a measurement takes: 0.8 s. */
const MEASURED_PACKETS = 40;

/** A share that only a clean tone reaches. */
export const CLEAN_SHARE = 0.95;
const MEASUREMENTS = 3;

/**
 * Lets `speaker` play `frequency` and gives its share of what `listener` hears: the last half of 0.8 s, so that what was heard before
 * does not count. Measures again, three times at most, while it is not clean: on a busy machine packets leave late.
 */
export async function shareHeard(w: World, listener: PhoneCall, speaker: PhoneCall, frequency: number) {
  let share = 0;
  for (let count = 0; count < MEASUREMENTS && share < CLEAN_SHARE; count++) {
    void speaker.play([{ kind: 'tone', frequencies: [frequency], levelDb: -10, durationMs: 1_500 }], DEADLINE_MS);
    share = medianShare(await heard(w, listener), frequency);
  }
  return share;
}

/** 100 ms: tones 20 Hz apart are told apart. */
const WINDOW_SAMPLES = 800;

/** Median over windows of 100 ms, so that a packet that a busy machine sent late does not count. */
export function medianShare(samples: Int16Array, frequency: number): number {
  const shares: number[] = [];
  for (let at = 0; at + WINDOW_SAMPLES <= samples.length; at += WINDOW_SAMPLES) {
    shares.push(toneShare(samples.subarray(at, at + WINDOW_SAMPLES), frequency));
  }
  return shares.sort((a, b) => a - b)[shares.length >> 1] ?? 0;
}

let recordings = 0;

/** What `listener` hears, about 0.4 s of it. */
export async function heard(w: World, listener: PhoneCall): Promise<Int16Array> {
  const file = join(w.folder, `heard-${++recordings}.wav`);
  listener.record(file);
  await hearsPackets(listener, MEASURED_PACKETS);
  await listener.stopRecord();
  const wav = readWav(readFileSync(file));
  if (!wav.ok) throw new Error(wav.error.detail);
  return wav.value.samples.subarray(wav.value.samples.length >> 1);
}

/** Resolves when `count` more RTP packets have come. */
export async function hearsPackets(call: PhoneCall, count: number): Promise<void> {
  const received = () => call.statistics()?.packetsReceived ?? 0;
  const before = received();
  await until(
    () => received() >= before + count,
    DEADLINE_MS,
    () => `${received() - before} packets came, not ${count}`,
  );
}
