// The table of settings: environment name, key in hookswitch.yaml, default, meaning, and how the text is read. README shows the same
// table (a test compares them). Parsers throw RangeError; config.ts turns that into a problem with key, value and what is allowed.

import ipaddr from 'ipaddr.js';
import type { LogLevel } from './base/log.ts';

export interface Listen {
  readonly address: string;
  readonly port: number;
}

export interface LogSetting {
  readonly level: LogLevel;
  readonly folders: Readonly<Record<string, LogLevel>>;
}

export interface Setting {
  readonly env: string;
  /** Key in hookswitch.yaml. */
  readonly key: string;
  readonly default: string;
  readonly meaning: string;
  readonly allowed: string;
  readonly secret?: boolean;
  readonly parse: (text: string) => unknown;
}

const fail = (): never => {
  throw new RangeError('not allowed');
};

/** An IPv6 address, or an IPv4 address of four decimal parts: no `1.2`, no `0x7f.1`. */
export const isAddress = (text: string): boolean =>
  ipaddr.IPv4.isValidFourPartDecimal(text) || ipaddr.IPv6.isValid(text);

function parseListen(text: string): Listen {
  const match = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text.trim());
  const address = match?.[1] ?? match?.[2] ?? '';
  const port = Number(match?.[3]);
  if (!match || !isAddress(address) || port > 65_535) fail();
  return { address, port };
}

const list =
  <T>(parse: (text: string) => T) =>
  (text: string): T[] =>
    text
      .split(',')
      .map((part) => part.trim())
      .filter((part) => part !== '')
      .map(parse);
const optional =
  <T>(parse: (text: string) => T) =>
  (text: string): T | null =>
    text.trim() === '' ? null : parse(text.trim());
const text = (value: string): string => value.trim();
const whole =
  (least: number, most: number) =>
  (value: string): number => {
    const number = Number(value);
    return Number.isInteger(number) && number >= least && number <= most ? number : fail();
  };
const matching =
  (pattern: RegExp) =>
  (value: string): string =>
    pattern.test(value.trim()) ? value.trim() : fail();
const boolean = (value: string): boolean =>
  /^(true|yes|1|on)$/i.test(value) ? true : /^(false|no|0|off)$/i.test(value) ? false : fail();

function parsePorts(value: string): { first: number; last: number } {
  const match = /^(\d+)-(\d+)$/.exec(value.trim());
  const first = Number(match?.[1]);
  const last = Number(match?.[2]);
  return match && first >= 1024 && last <= 65_535 && last - first >= 3 ? { first, last } : fail();
}

/** Host name or address, and port. */
function parseHostPort(value: string): { host: string; port: number } {
  const match = /^(?:\[([^\]]+)\]|([^:\s]+)):(\d{1,5})$/.exec(value);
  const port = Number(match?.[3]);
  return match && port >= 1 && port <= 65_535 ? { host: match[1] ?? match[2] ?? '', port } : fail();
}

function parseLog(value: string): LogSetting {
  const levels = new Set(['trace', 'debug', 'info', 'warn', 'error', 'silent']);
  let level: LogLevel = 'info';
  const folders: Record<string, LogLevel> = {};
  for (const part of value.split(',').map((one) => one.trim())) {
    const [name, folderLevel] = part.split('=');
    const wanted = folderLevel ?? name ?? '';
    if (!levels.has(wanted)) fail();
    if (folderLevel === undefined) level = wanted as LogLevel;
    else folders[name ?? ''] = wanted as LogLevel;
  }
  return { level, folders };
}

const host = matching(/^(?=.{1,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/i);
const cidr = (value: string): string => {
  if (!isAddress(value.split('/')[0]!)) fail();
  ipaddr.parseCIDR(value);
  return value;
};

/** One row per setting; README shows the same table (a test compares). Order is that of the page. */
export const settings = {
  sipListen: {
    env: 'HOOKSWITCH_SIP_LISTEN',
    key: 'sipListen',
    default: '[::]:5060,0.0.0.0:5060',
    meaning: 'SIP over UDP and TCP, comma list',
    allowed: 'address:port, IPv6 in brackets',
    parse: list(parseListen),
  },
  sipsListen: {
    env: 'HOOKSWITCH_SIPS_LISTEN',
    key: 'sipsListen',
    default: '[::]:5061,0.0.0.0:5061',
    meaning: 'SIP over TLS, comma list; empty = none',
    allowed: 'address:port, IPv6 in brackets',
    parse: list(parseListen),
  },
  sipsLegacyListen: {
    env: 'HOOKSWITCH_SIPS_LEGACY_LISTEN',
    key: 'sipsLegacyListen',
    default: '',
    meaning: 'SIP over TLS that also takes 1.0 and 1.1 (insecure, for old phones), comma list; empty = none',
    allowed: 'address:port, IPv6 in brackets',
    parse: list(parseListen),
  },
  sipsClientCa: {
    env: 'HOOKSWITCH_SIPS_CLIENT_CA',
    key: 'sipsClientCa',
    default: '',
    meaning: 'TLS peers must show a client certificate of this authority (PEM file); empty = none is asked for',
    allowed: 'file',
    parse: optional(text),
  },
  httpListen: {
    env: 'HOOKSWITCH_HTTP_LISTEN',
    key: 'httpListen',
    default: '127.0.0.1:7080',
    meaning: 'REST API, health, debug counts',
    allowed: 'address:port',
    parse: parseListen,
  },
  httpsListen: {
    env: 'HOOKSWITCH_HTTPS_LISTEN',
    key: 'httpsListen',
    default: '',
    meaning: 'the same over TLS; empty = none',
    allowed: 'address:port',
    parse: optional(parseListen),
  },
  publicUrl: {
    env: 'HOOKSWITCH_PUBLIC_URL',
    key: 'publicUrl',
    default: '',
    meaning: 'origin written into absolute URLs',
    allowed: 'http(s)://host[:port]',
    parse: optional(matching(/^https?:\/\/[^/\s]+$/)),
  },
  publicAddress: {
    env: 'HOOKSWITCH_PUBLIC_ADDRESS',
    key: 'publicAddress',
    default: '',
    meaning: 'address in Via, Contact and SDP towards peers outside the local networks',
    allowed: 'IP address',
    parse: optional((value) => (isAddress(value) ? value : fail())),
  },
  localNetworks: {
    env: 'HOOKSWITCH_LOCAL_NETWORKS',
    key: 'localNetworks',
    default: '',
    meaning: 'peers inside get the local address; empty = loopback and the private ranges on an interface',
    allowed: 'comma list of CIDR',
    parse: optional(list(cidr)),
  },
  mediaPorts: {
    env: 'HOOKSWITCH_MEDIA_PORTS',
    key: 'mediaPorts',
    default: '10000-20000',
    meaning: 'UDP range for RTP and RTCP',
    allowed: 'first-last, 1024 to 65535',
    parse: parsePorts,
  },
  mediaWorkers: {
    env: 'HOOKSWITCH_MEDIA_WORKERS',
    key: 'mediaWorkers',
    default: '',
    meaning: 'media threads; empty = cores − 1, at least 1, at most 4',
    allowed: '1 to 64',
    parse: optional(whole(1, 64)),
  },
  dataDir: {
    env: 'HOOKSWITCH_DATA_DIR',
    key: 'dataDir',
    default: './data',
    meaning: 'database and secret.key',
    allowed: 'folder',
    parse: text,
  },
  certDir: {
    env: 'HOOKSWITCH_CERT_DIR',
    key: 'certDir',
    default: './certs',
    meaning: 'certificates',
    allowed: 'folder',
    parse: text,
  },
  certNames: {
    env: 'HOOKSWITCH_CERT_NAMES',
    key: 'certNames',
    default: '',
    meaning: 'further names in our own certificate, for devices that take no wildcard, comma list',
    allowed: 'host names, with or without *. in front',
    parse: list((value) => `${value.startsWith('*.') ? '*.' : ''}${host(value.replace(/^\*\./, '')).toLowerCase()}`),
  },
  accountSid: {
    env: 'HOOKSWITCH_ACCOUNT_SID',
    key: 'accountSid',
    default: '',
    meaning: 'root account; made on first start when empty',
    allowed: 'AC and 32 hex digits',
    parse: optional(matching(/^AC[0-9a-f]{32}$/)),
  },
  authToken: {
    env: 'HOOKSWITCH_AUTH_TOKEN',
    key: 'authToken',
    default: '',
    meaning: 'its auth token; made on first start when empty',
    allowed: '16 to 128 characters',
    secret: true,
    parse: optional(matching(/^\S{16,128}$/)),
  },
  secretKey: {
    env: 'HOOKSWITCH_SECRET_KEY',
    key: 'secretKey',
    default: '',
    meaning: 'encrypts stored secrets; empty = DATA_DIR/secret.key',
    allowed: '64 hex digits',
    secret: true,
    parse: optional(matching(/^[0-9a-f]{64}$/i)),
  },
  realm: {
    env: 'HOOKSWITCH_REALM',
    key: 'realm',
    default: 'sip.hookswitch.local',
    meaning: 'digest realm of new domains',
    allowed: 'text without quotes',
    parse: matching(/^[^"\\\r\n]{1,128}$/),
  },
  domainSuffix: {
    env: 'HOOKSWITCH_DOMAIN_SUFFIX',
    key: 'domainSuffix',
    default: 'sip.localhost',
    meaning: 'suffix of new SIP domains',
    allowed: 'host name',
    parse: (value: string) => host(value).toLowerCase(),
  },
  defaultDomain: {
    env: 'HOOKSWITCH_DEFAULT_DOMAIN',
    key: 'defaultDomain',
    default: '',
    meaning: 'domain of calls to our bare address; empty = the demo domain while it exists',
    allowed: 'full domain name',
    parse: optional((value) => host(value).toLowerCase()),
  },
  nodeId: {
    env: 'HOOKSWITCH_NODE_ID',
    key: 'nodeId',
    default: '',
    meaning: 'part of Contact users; empty = random',
    allowed: 'letters and digits',
    parse: optional(matching(/^[A-Za-z0-9]{1,32}$/)),
  },
  log: {
    env: 'HOOKSWITCH_LOG',
    key: 'log',
    default: 'info',
    meaning: 'level, or `info,sip=trace` per folder',
    allowed: 'trace debug info warn error silent',
    parse: parseLog,
  },
  demo: {
    env: 'HOOKSWITCH_DEMO',
    key: 'demo',
    default: '',
    meaning: 'demo domain with alice and bob; empty = while nothing else is declared',
    allowed: 'true or false',
    parse: optional(boolean),
  },
  demoApplicationUrl: {
    env: 'HOOKSWITCH_DEMO_APPLICATION_URL',
    key: 'demoApplicationUrl',
    default: '',
    meaning: 'example application of the demo running on its own; empty = the embedded one',
    allowed: 'http(s)://host[:port]',
    parse: optional(matching(/^https?:\/\/[^/\s]+$/)),
  },
  maxCalls: {
    env: 'HOOKSWITCH_MAX_CALLS',
    key: 'maxCalls',
    default: '4000',
    meaning: 'legs at once; beyond it 503',
    allowed: '1 to 10000',
    parse: whole(1, 10_000),
  },
  webhookAllowPrivate: {
    env: 'HOOKSWITCH_WEBHOOK_ALLOW_PRIVATE',
    key: 'webhookAllowPrivate',
    default: 'true',
    meaning: 'webhook and media URLs may point to private addresses',
    allowed: 'true or false',
    parse: boolean,
  },
  speech: {
    env: 'HOOKSWITCH_SPEECH',
    key: 'speech',
    default: 'auto',
    meaning: 'speech engine: espeak-ng where installed, else its WASM build',
    allowed: 'auto espeak wasm http none',
    parse: matching(/^(auto|espeak|wasm|http|none)$/),
  },
  speechUrl: {
    env: 'HOOKSWITCH_SPEECH_URL',
    key: 'speechUrl',
    default: '',
    meaning: 'OpenAI-style speech endpoint for `http`',
    allowed: 'http(s) URL',
    parse: optional(matching(/^https?:\/\/\S+$/)),
  },
  speechKey: {
    env: 'HOOKSWITCH_SPEECH_KEY',
    key: 'speechKey',
    default: '',
    meaning: 'its key',
    allowed: 'text',
    secret: true,
    parse: optional(text),
  },
  speechModel: {
    env: 'HOOKSWITCH_SPEECH_MODEL',
    key: 'speechModel',
    default: 'tts-1',
    meaning: 'its model',
    allowed: 'text',
    parse: text,
  },
  speechVoice: {
    env: 'HOOKSWITCH_SPEECH_VOICE',
    key: 'speechVoice',
    default: 'alloy',
    meaning: 'its voice',
    allowed: 'text',
    parse: text,
  },
  tlsVerify: {
    env: 'HOOKSWITCH_TLS_VERIFY',
    key: 'tlsVerify',
    default: 'true',
    meaning: 'refuse TLS peers that we call when their certificate does not verify',
    allowed: 'true or false',
    parse: boolean,
  },
  captureDays: {
    env: 'HOOKSWITCH_CAPTURE_DAYS',
    key: 'captureDays',
    default: '7',
    meaning: 'days that captures of ended calls stay in DATA_DIR/captures; 0 = in memory only, the latest calls',
    allowed: '0 to 3650',
    parse: whole(0, 3_650),
  },
  captureMegabytes: {
    env: 'HOOKSWITCH_CAPTURE_MEGABYTES',
    key: 'captureMegabytes',
    default: '256',
    meaning: 'the most that they may take on disk; the oldest go first',
    allowed: '1 to 1000000',
    parse: whole(1, 1_000_000),
  },
  captureRtp: {
    env: 'HOOKSWITCH_CAPTURE_RTP',
    key: 'captureRtp',
    default: 'false',
    meaning: 'captures hold the audio too; a declared domain may say otherwise',
    allowed: 'true or false',
    parse: boolean,
  },
  captureDecrypted: {
    env: 'HOOKSWITCH_CAPTURE_DECRYPTED',
    key: 'captureDecrypted',
    default: '',
    meaning: 'accounts whose captures show TLS and SRTP in clear; empty = none: captures of TLS calls are empty',
    allowed: 'comma list of account sids, or `all`',
    parse: list((value) => (value === 'all' || /^AC[0-9a-f]{32}$/.test(value) ? value : fail())),
  },
  captureSecrets: {
    env: 'HOOKSWITCH_CAPTURE_SECRETS',
    key: 'captureSecrets',
    default: 'false',
    meaning: 'captures and HEP show digits and credentials; otherwise each of their bytes is an `x`',
    allowed: 'true or false',
    parse: boolean,
  },
  hepServer: {
    env: 'HOOKSWITCH_HEP_SERVER',
    key: 'hepServer',
    default: '',
    meaning: 'capture server that is sent every SIP message (HEP v3 over UDP)',
    allowed: 'host:port, IPv6 in brackets',
    parse: optional(parseHostPort),
  },
  hepCaptureId: {
    env: 'HOOKSWITCH_HEP_CAPTURE_ID',
    key: 'hepCaptureId',
    default: '2001',
    meaning: 'number of this node in HEP',
    allowed: '0 to 4294967295',
    parse: whole(0, 4_294_967_295),
  },
  hepPassword: {
    env: 'HOOKSWITCH_HEP_PASSWORD',
    key: 'hepPassword',
    default: '',
    meaning: 'password of the capture server',
    allowed: 'text',
    secret: true,
    parse: optional(text),
  },
  emergencyNumbers: {
    env: 'HOOKSWITCH_EMERGENCY_NUMBERS',
    key: 'emergencyNumbers',
    default: '911,112',
    meaning: 'numbers that are emergency calls, beside the test number 933',
    allowed: 'comma list of digits',
    parse: list(matching(/^\d{2,8}$/)),
  },
  emergencyTrunk: {
    env: 'HOOKSWITCH_EMERGENCY_TRUNK',
    key: 'emergencyTrunk',
    default: '',
    meaning: 'name of the declared trunk that emergency calls leave by',
    allowed: 'a name under `trunks`',
    parse: optional(text),
  },
  sessionTimerSeconds: {
    env: 'HOOKSWITCH_SESSION_TIMER_SECONDS',
    key: 'sessionTimerSeconds',
    default: '0',
    meaning: 'session timer that we ask for (RFC 4028); 0 = none. A peer that asks is honoured all the same',
    allowed: '0, or 90 to 86400',
    parse: (value: string) => (whole(0, 86_400)(value) === 0 ? 0 : whole(90, 86_400)(value)),
  },
  drainSeconds: {
    env: 'HOOKSWITCH_DRAIN_SECONDS',
    key: 'drainSeconds',
    default: '30',
    meaning: 'how long SIGTERM waits for running calls',
    allowed: '0 to 86400',
    parse: whole(0, 86_400),
  },
} as const satisfies Record<string, Setting>;

/** The table of settings as README shows it, in Markdown. */
export function settingsTable(): string {
  const rows = (Object.values(settings) as Setting[]).map(({ env, key, default: value, allowed, meaning }) => {
    const shown = value === '' ? '' : `\`${value}\``;
    return `| \`${env}\` | \`${key}\` | ${shown} | ${meaning} | ${allowed} |`;
  });
  return [
    '| Environment | hookswitch.yaml | Default | Meaning | Allowed |',
    '| --- | --- | --- | --- | --- |',
    ...rows,
  ].join('\n');
}
