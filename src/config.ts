// hookswitch.yaml + environment → one checked, frozen Config. The only file that reads process.env. All mistakes are reported at
// once: key, value, what is allowed (design.md 4).

import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { parse as parseYaml, YAMLParseError } from 'yaml';
import { err, ok, type Result } from './base/result.ts';
import { type Declared, declaredSchema } from './config-declared.ts';
import { type Listen, type LogSetting, type Setting, settings } from './settings.ts';
import { redact } from './trace/redact.ts';

export interface Config {
  readonly sipListen: readonly Listen[];
  readonly sipsListen: readonly Listen[];
  readonly sipsLegacyListen: readonly Listen[];
  /** Empty = `sipsClientCa` counts for all TLS listeners. */
  readonly sipsClientListen: readonly Listen[];
  /** PEM file; null = no client certificates. */
  readonly sipsClientCa: string | null;
  readonly httpListen: Listen;
  readonly httpsListen: Listen | null;
  readonly publicUrl: string | null;
  readonly publicAddress: string | null;
  readonly localNetworks: readonly string[] | null;
  readonly mediaPorts: { readonly first: number; readonly last: number };
  readonly mediaWorkers: number;
  readonly mediaEngine: 'auto' | 'workers' | 'native';
  readonly kernelRelay: 'off' | 'auto' | 'on';
  /** 0 to 63; null: not marked. */
  readonly dscpMedia: number | null;
  readonly dscpSignalling: number | null;
  readonly dataDir: string;
  readonly certDir: string;
  /** Further names in our own certificate. */
  readonly certNames: readonly string[];
  readonly accountSid: string | null;
  readonly authToken: string | null;
  readonly databaseUrl: string | null;
  readonly secretKey: string | null;
  readonly realm: string;
  readonly domainSuffix: string;
  /** Undefined = the demo domain while it exists. */
  readonly defaultDomain: string | null;
  readonly nodeId: string | null;
  readonly log: LogSetting;
  readonly demo: boolean | null;
  readonly demoApplicationUrl: string | null;
  readonly maxCalls: number;
  readonly overloadControl: boolean;
  readonly overloadTargetMs: number;
  /** Per account, over REST; null = no bound. */
  readonly callsPerSecond: number | null;
  /** Told of every notification; null = nobody. */
  readonly debuggerWebhook: string | null;
  readonly webhookAllowPrivate: boolean;
  readonly recordingEncryption: boolean;
  readonly recordingAuth: boolean;
  /** Null = recordings stay in the data directory. */
  readonly s3Bucket: string | null;
  /** Null = Amazon's of the region. */
  readonly s3Endpoint: string | null;
  readonly s3Region: string;
  readonly s3AccessKeyId: string | null;
  readonly s3SecretAccessKey: string | null;
  readonly s3Prefix: string | null;
  /** Null = where there is an endpoint. */
  readonly s3PathStyle: boolean | null;
  /** PEM file; null = the authorities of Node.js. */
  readonly s3Ca: string | null;
  readonly streamAllowInsecure: boolean;
  readonly speech: 'auto' | 'espeak' | 'wasm' | 'http' | 'none';
  readonly speechModel: string;
  readonly speechVoice: string;
  readonly tlsVerify: boolean;
  readonly speechUrl: string | null;
  readonly speechKey: string | null;
  readonly recogniserUrl: string | null;
  readonly recogniserKey: string | null;
  readonly recogniserModel: string;
  /** Days to keep; 0 = for ever. */
  readonly callDays: number;
  readonly recordingDays: number;
  readonly logDays: number;
  /** False: nothing of a call is kept for ladders, captures and replays. */
  readonly callTrace: boolean;
  /** 0 = no captures on disk. */
  readonly captureDays: number;
  readonly captureMegabytes: number;
  readonly captureRtp: boolean;
  /** Account sids, or `all`. */
  readonly captureDecrypted: readonly string[];
  readonly captureSecrets: boolean;
  readonly hepServer: { readonly host: string; readonly port: number } | null;
  readonly hepCaptureId: number;
  readonly hepPassword: string | null;
  /** Digits, without the test number 933. */
  readonly emergencyNumbers: readonly string[];
  /** Name of a declared trunk. */
  readonly emergencyTrunk: string | null;
  /** Session timer that we ask for; 0 = none. */
  readonly sessionTimerSeconds: number;
  /** Which caller ids an account may show to numbers. */
  readonly callerIds: 'any' | 'owned';
  /** `auto`: every number is believed. */
  readonly callerIdVerification: 'call' | 'auto';
  readonly iceServers: readonly string[];
  readonly turnSecret: string | null;
  /** SIP status of `<Reject>` without `reason="busy"`. */
  readonly rejectStatus: number;
  /** Seconds that SIGTERM waits for running calls. */
  readonly drainSeconds: number;
  readonly declared: Declared;
  /** $PATH, for finding programs such as espeak-ng. */
  readonly path: string | null;
  /** Path of the settings file that was read, for the reload watch. */
  readonly file: string | null;
}

/** One mistake in the settings. */
export interface ConfigProblem {
  readonly key: string;
  readonly value: string;
  readonly allowed: string;
}

/** Reads and checks the settings. `file` must exist when given; the default file may be missing. */
export function loadConfig(
  file: string | undefined,
  environment: NodeJS.ProcessEnv = process.env,
): Result<Config, readonly ConfigProblem[]> {
  const problems: ConfigProblem[] = [];
  const document = readDocument(file, problems);
  const values: Record<string, unknown> = {};
  for (const setting of Object.values(settings) as Setting[]) {
    const raw = environment[setting.env] ?? document.values[setting.key];
    const given =
      raw === undefined || raw === null ? setting.default : Array.isArray(raw) ? raw.join(',') : String(raw);
    try {
      values[setting.key] = setting.parse(given);
    } catch {
      const key = environment[setting.env] === undefined ? setting.key : setting.env;
      problems.push({ key, value: setting.secret ? '[hidden]' : given, allowed: setting.allowed });
    }
  }
  const declared = declaredSchema.safeParse(document.declared);
  if (!declared.success) {
    for (const issue of declared.error.issues) {
      // One line for each key that nobody knows, by its whole name.
      const unknown = issue.code === 'unrecognized_keys' ? issue.keys : undefined;
      for (const path of unknown?.map((key) => [...issue.path, key]) ?? [issue.path]) {
        const allowed = unknown ? 'a known key; hookswitch.example.yaml shows them all' : issue.message;
        problems.push({ key: path.join('.'), value: valueAt(document.declared, path), allowed });
      }
    }
  }
  if (problems.length > 0 || !declared.success) return err(problems);
  const config = values as unknown as Config;
  return ok(
    Object.freeze({
      ...config,
      dataDir: resolve(config.dataDir),
      certDir: resolve(config.certDir),
      mediaWorkers: config.mediaWorkers ?? Math.max(1, Math.min(4, availableParallelism() - 1)),
      declared: declared.data,
      path: environment.PATH ?? null,
      file: document.file,
    }),
  );
}

const DECLARED_KEYS = [
  'domains',
  'credentialLists',
  'ipAccessControlLists',
  'trunks',
  'applications',
  'numbers',
  'accountLimits',
  'siprecConnectors',
];

function readDocument(
  file: string | undefined,
  problems: ConfigProblem[],
): { values: Record<string, unknown>; declared: Record<string, unknown>; file: string | null } {
  const path = file ?? 'hookswitch.yaml';
  const empty = { values: {}, declared: {}, file: null };
  let source: string;
  try {
    source = readFileSync(path, 'utf8');
  } catch (fault) {
    if (file !== undefined)
      problems.push({ key: '--config', value: path, allowed: `a readable file (${(fault as Error).message})` });
    return empty;
  }
  try {
    const parsed: unknown = parseYaml(source, { maxAliasCount: 100 }) ?? {};
    if (typeof parsed !== 'object' || Array.isArray(parsed))
      throw new YAMLParseError([0, 0], 'UNEXPECTED_TOKEN', 'must be a map of settings');
    const values: Record<string, unknown> = {};
    const declared: Record<string, unknown> = {};
    const known = new Set(Object.values(settings).map((setting) => setting.key as string));
    for (const [key, value] of Object.entries(parsed as Record<string, unknown>)) {
      if (DECLARED_KEYS.includes(key)) declared[key] = value;
      else if (known.has(key)) values[key] = value;
      else problems.push({ key, value: String(value), allowed: 'a known setting; see the table in README.md' });
    }
    return { values, declared, file: resolve(path) };
  } catch (fault) {
    problems.push({ key: path, value: '', allowed: `YAML: ${(fault as Error).message}` });
    return empty;
  }
}

function valueAt(root: unknown, path: readonly PropertyKey[]): string {
  let value = root;
  for (const key of path) value = (value as Record<PropertyKey, unknown> | undefined)?.[key];
  // A mistake may stand beside a secret, or in its name.
  const hidden = (key: string, part: unknown): unknown => (/pass?wor|secret|token/i.test(key) ? '[hidden]' : part);
  return path.some((key) => hidden(String(key), undefined) !== undefined)
    ? '[hidden]'
    : (JSON.stringify(value, hidden)?.slice(0, 120) ?? 'missing');
}

const isSecret = (key: string): boolean =>
  Object.values<Setting>(settings).some((setting) => setting.key === key && setting.secret === true);

/** The settings as text, secrets hidden: `--print-config`. */
export function printConfig(config: Config): string {
  const hidden = (key: string, value: unknown): unknown => {
    if ((isSecret(key) || /password/i.test(key)) && value !== null) return '[hidden]';
    return typeof value === 'string' ? redact(value) : value;
  };
  return JSON.stringify(config, hidden, 2);
}

export type { Declared };
