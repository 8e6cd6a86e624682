// The world of a scenario test: a real gateway in this process on loopback, a fake web application, phones. Waits are for events with
// a deadline. When a test fails, the ladders of its calls and the warnings of the log are printed.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFailed, onTestFinished } from 'vitest';
import { stringify } from 'yaml';
import { realClock } from '../../src/base/clock.ts';
import { cryptoRandom } from '../../src/base/ids.ts';
import { createLog, silentLog } from '../../src/base/log.ts';
import { type Config, loadConfig } from '../../src/config.ts';
import { Phone, type PhoneCall } from '../../src/demo/phone.ts';
import { createGateway, type Gateway } from '../../src/gateway.ts';
import type { TransportName } from '../../src/sip/transport/transport.ts';
import { FakeApp } from './fake-app.ts';

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
  /** Added to the office domain. */
  readonly domain?: Readonly<Record<string, unknown>>;
}

export interface World {
  readonly gateway: Gateway;
  readonly config: Config;
  readonly app: FakeApp;
  /** Makes the application answer `path` (default /voice) with TwiML verbs. */
  answers(verbs: string, path?: string): void;
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

export interface PhoneSetup {
  readonly registered?: boolean;
  readonly transport?: 'udp' | 'tcp' | 'tls';
  readonly secureMedia?: boolean;
  readonly password?: string;
}

let nextMediaPort = 20_000;

/** Builds a world for the running test and takes it down behind it. */
export async function world(options: WorldOptions = {}): Promise<World> {
  const folder = mkdtempSync(join(tmpdir(), 'hookswitch-test-'));
  const app = await FakeApp.start();
  const warnings: string[] = [];
  const log = createLog({ level: 'warn', folders: {}, pretty: false }, { write: (line) => void warnings.push(line) });
  const config = settingsOf(folder, app.origin, options);
  let gateway = await start(config, log);
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
    answers: (verbs, path = '/voice') => app.on(path, () => twiml(verbs)),
    uri: (user, transport = 'udp') =>
      `sip:${user}@127.0.0.1:${port(transport)}${transport === 'udp' ? '' : `;transport=${transport}`}`,
    port,
    async phone(user, setup = {}) {
      const phone = await startPhone(user, port(setup.transport ?? 'udp'), setup);
      phones.push(phone);
      if (setup.registered !== false) {
        const status = await phone.register();
        if (status !== 200) throw new Error(`${user} could not register: ${status}`);
      }
      return phone;
    },
    isIdle: () => untilIdle(gateway),
    async restart() {
      await gateway.stop();
      gateway = await start(
        { ...config, sipListen: gateway.info.listeners.filter((one) => one.transport === 'udp') },
        log,
      );
    },
  };
}

/** A document with these verbs. */
export const twiml = (verbs: string) => ({
  headers: { 'Content-Type': 'text/xml' },
  body: `<?xml version="1.0" encoding="UTF-8"?><Response>${verbs}</Response>`,
});

function settingsOf(folder: string, appOrigin: string, options: WorldOptions): Config {
  const firstMediaPort = nextMediaPort;
  nextMediaPort = nextMediaPort > 27_000 ? 20_000 : nextMediaPort + 400;
  const document = {
    sipListen: '127.0.0.1:0',
    sipsListen: '127.0.0.1:0',
    httpListen: '127.0.0.1:0',
    mediaPorts: `${firstMediaPort}-${firstMediaPort + 199}`,
    dataDir: join(folder, 'data'),
    certDir: join(folder, 'certs'),
    accountSid: ACCOUNT_SID,
    authToken: AUTH_TOKEN,
    defaultDomain: 'office.sip.localhost',
    speech: 'none',
    ...options.settings,
    credentialLists: [{ name: 'users', users: USERS.map((username) => ({ username, password: PASSWORD })) }],
    domains: [
      {
        name: 'office.sip.localhost',
        voiceUrl: `${appOrigin}/voice`,
        voiceStatusCallbackUrl: `${appOrigin}/status`,
        sipRegistration: true,
        credentialLists: ['users'],
        registrationCredentialLists: ['users'],
        ...options.domain,
      },
    ],
  };
  const file = join(folder, 'hookswitch.yaml');
  writeFileSync(file, stringify(document));
  const config = loadConfig(file, {});
  if (!config.ok) throw new Error(JSON.stringify(config.error));
  return config.value;
}

async function start(config: Config, log: Parameters<typeof createGateway>[1]['log']): Promise<Gateway> {
  const gateway = await createGateway(config, { log });
  if (!gateway.ok) throw new Error(gateway.error);
  return gateway.value;
}

async function startPhone(user: string, port: number, setup: PhoneSetup): Promise<Phone> {
  const transport = setup.transport ?? 'udp';
  const mediaPorts = { first: nextMediaPort + 200, last: nextMediaPort + 399 };
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
