// The log: pino behind an interface of our own, so that folders pass a Log and tests can hand in a silent one.
// One line per event, JSON, with the ids of the call. `HOOKSWITCH_LOG=info,sip=trace` sets levels per folder.

import pino from 'pino';
import { realClock } from './clock.ts';
import { lineOutput } from './log-output.ts';
import { remembered } from './remembered.ts';

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'silent';
export type LogFields = Readonly<Record<string, unknown>>;

export interface Log {
  /** A logger that adds `fields` to each line. A `folder` field picks the level set for that folder. */
  child(fields: LogFields): Log;
  /** True when a message at this level would be written: guards costly arguments. */
  enabled(level: LogLevel): boolean;
  trace(fields: LogFields, message: string): void;
  debug(fields: LogFields, message: string): void;
  info(fields: LogFields, message: string): void;
  warn(fields: LogFields, message: string): void;
  error(fields: LogFields, message: string): void;
}

export interface LogSettings {
  readonly level: LogLevel;
  /** Level per folder: `{ sip: 'trace' }`. */
  readonly folders: Readonly<Record<string, LogLevel>>;
  /** Human-readable lines in place of JSON. */
  readonly pretty: boolean;
}

/** Never written, wherever a caller puts them: the last guard behind the rule of design.md 9. */
const SECRETS: ReadonlySet<string> = new Set(['password', 'authToken', 'secret', 'authorization']);
const HIDDEN = '[hidden]';
const NONE: LogFields = {};

const LEVELS: Readonly<Record<LogLevel, number>> = { trace: 0, debug: 1, info: 2, warn: 3, error: 4, silent: 5 };

export function createLog(settings: LogSettings, destination?: { write(line: string): void }): Log {
  const options: pino.LoggerOptions = {
    level: 'trace',
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
  };
  if (settings.pretty) {
    const root = pino({
      ...options,
      formatters: {},
      transport: {
        target: 'pino-pretty',
        options: { colorize: true, translateTime: 'SYS:HH:MM:ss.l', ignore: 'pid,hostname' },
      },
    });
    return new FolderLog({ root, output: undefined }, settings, settings.level, {});
  }
  const output = destination ?? lineOutput();
  return new FolderLog({ root: pino(options, output), output }, settings, settings.level, {});
}

interface Outputs {
  readonly root: pino.Logger;
  /** Where lines go that are plain data; undefined: pino makes all of them. */
  readonly output: { write(line: string): void } | undefined;
}

/** What pino would write, for the lines of calls: plain data, of which its way makes several times the work. */
const lineOf = (level: LogLevel, bound: string, members: string, message: string): string =>
  `{"level":"${level}","time":"${timeNow()}"${bound}${members},"msg":${JSON.stringify(message)}}\n`;

/**
 * Members of a line behind others, in one pass: each call writes several lines. Without what is bound already, and without secrets.
 * Undefined: errors, and what no JSON can say, are for pino.
 */
function membersOf(fields: LogFields, bound: LogFields): string | undefined {
  let text = '';
  for (const key in fields) {
    if (key in bound) continue;
    const value = fields[key];
    if (typeof value === 'bigint' || (typeof value === 'object' && value !== null && !isData(value))) return undefined;
    // Functions and the like have no JSON.
    const json = jsonOf(SECRETS.has(key) ? HIDDEN : isPlain(value) ? withoutSecretsBelow(value) : value);
    if (json !== undefined) text += memberOf(key) + json;
  }
  return text;
}

/** `,"name":` of the names that lines have; they are ours, and few. */
const memberOf = remembered(512, (name) => `,${JSON.stringify(name)}:`);

let lastSecond = Number.NaN;
let lastDate = '';
/** As Date.toISOString() writes it. */
function timeNow(): string {
  const now = Math.floor(realClock.wall());
  const second = Math.floor(now / 1_000);
  if (second !== lastSecond) {
    lastSecond = second;
    // Up to the point before the milliseconds.
    lastDate = new Date(second * 1_000).toISOString().slice(0, -4);
  }
  const ms = now - second * 1_000;
  return `${lastDate}${ms < 10 ? '00' : ms < 100 ? '0' : ''}${ms}Z`;
}

/** What a string in JSON must not hold as it stands. All that is not ASCII is left to the library too: one range is searched faster. */
const ESCAPED = /[^ !#-[\]-~]/;

/** JSON, without the library for what most members are. */
function jsonOf(value: unknown): string | undefined {
  if (typeof value === 'string' && !ESCAPED.test(value)) return `"${value}"`;
  if (typeof value === 'number' && Number.isFinite(value)) return String(value);
  return JSON.stringify(value);
}

/** Arrays of plain values and objects of them, not deeper. */
function isData(value: object): boolean {
  if (value instanceof Error) return false;
  for (const part of Object.values(value)) {
    if (typeof part === 'bigint' || (typeof part === 'object' && part !== null)) return false;
  }
  return true;
}

/**
 * A logger of one level. `bindings` are kept here: pino would write a field of a child's child, or of a line, a second time. Its logger
 * is made with the first line that needs it; each call has loggers of its own, most of which never write one.
 */
class FolderLog implements Log {
  readonly #outputs: Outputs;
  readonly #settings: LogSettings;
  readonly #level: LogLevel;
  readonly #bindings: LogFields;
  #logger: pino.Logger | undefined;
  /** Null: not made yet; undefined: for pino. */
  #bound: string | undefined | null = null;

  constructor(outputs: Outputs, settings: LogSettings, level: LogLevel, bindings: LogFields) {
    this.#outputs = outputs;
    this.#settings = settings;
    this.#level = level;
    this.#bindings = bindings;
  }

  child(fields: LogFields): Log {
    const { folder } = fields;
    const settings = this.#settings;
    const level = typeof folder === 'string' ? (settings.folders[folder] ?? settings.level) : this.#level;
    return new FolderLog(this.#outputs, settings, level, { ...this.#bindings, ...fields });
  }

  enabled(name: LogLevel): boolean {
    return LEVELS[name] >= LEVELS[this.#level] && this.#level !== 'silent';
  }

  trace(fields: LogFields, message: string): void {
    this.#write('trace', fields, message);
  }
  debug(fields: LogFields, message: string): void {
    this.#write('debug', fields, message);
  }
  info(fields: LogFields, message: string): void {
    this.#write('info', fields, message);
  }
  warn(fields: LogFields, message: string): void {
    this.#write('warn', fields, message);
  }
  error(fields: LogFields, message: string): void {
    this.#write('error', fields, message);
  }

  #write(name: 'trace' | 'debug' | 'info' | 'warn' | 'error', fields: LogFields, message: string): void {
    if (!this.enabled(name)) return;
    const bindings = this.#bindings;
    const { root, output } = this.#outputs;
    if (output) {
      if (this.#bound === null) this.#bound = membersOf(bindings, NONE);
      const members = this.#bound === undefined ? undefined : membersOf(fields, bindings);
      if (members !== undefined) return output.write(lineOf(name, this.#bound!, members, message));
    }
    this.#logger ??= root.child(withoutSecrets(bindings));
    this.#logger[name](withoutSecrets(without(fields, bindings)), message);
  }
}

/** The fields with secrets crossed out, also those one level down; the same object when there are none, as nearly always. */
function withoutSecrets(fields: LogFields): LogFields {
  let shown: Record<string, unknown> | undefined;
  for (const key of Object.keys(fields)) {
    const value = fields[key];
    const safe = SECRETS.has(key) ? HIDDEN : isPlain(value) ? withoutSecretsBelow(value) : value;
    if (safe === value) continue;
    shown ??= { ...fields };
    shown[key] = safe;
  }
  return shown ?? fields;
}

function withoutSecretsBelow(value: LogFields): LogFields {
  const found = Object.keys(value).filter((key) => SECRETS.has(key));
  return found.length === 0 ? value : { ...value, ...Object.fromEntries(found.map((key) => [key, HIDDEN])) };
}

const isPlain = (value: unknown): value is LogFields =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Error);

function without(fields: LogFields, bindings: LogFields): LogFields {
  if (!Object.keys(fields).some((key) => key in bindings)) return fields;
  return Object.fromEntries(Object.entries(fields).filter(([key]) => !(key in bindings)));
}

const nothing = () => {};
export const silentLog: Log = {
  child: () => silentLog,
  enabled: () => false,
  trace: nothing,
  debug: nothing,
  info: nothing,
  warn: nothing,
  error: nothing,
};
