// The log: pino behind an interface of our own, so that folders pass a Log and tests can hand in a silent one.
// One line per event, JSON, with the ids of the call. `HOOKSWITCH_LOG=info,sip=trace` sets levels per folder.

import pino from 'pino';

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
const REDACTED = ['password', 'authToken', 'secret', 'authorization', '*.password', '*.authToken', '*.authorization'];

export function createLog(settings: LogSettings, destination?: { write(line: string): void }): Log {
  const options: pino.LoggerOptions = {
    level: 'trace',
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: { paths: REDACTED, censor: '[hidden]' },
    formatters: { level: (label) => ({ level: label }) },
  };
  const root = settings.pretty
    ? pino({
        ...options,
        formatters: {},
        transport: {
          target: 'pino-pretty',
          options: { colorize: true, translateTime: 'SYS:HH:MM:ss.l', ignore: 'pid,hostname' },
        },
      })
    : destination
      ? pino(options, destination)
      : pino(options);
  return wrap(root, settings, settings.level, {});
}

/** `bindings` are kept here too: pino would write a field of a child's child, or of a line, a second time. */
function wrap(root: pino.Logger, settings: LogSettings, level: LogLevel, bindings: LogFields): Log {
  const logger = root.child(bindings, { level });
  const write = (name: 'trace' | 'debug' | 'info' | 'warn' | 'error') => (fields: LogFields, message: string) => {
    if (logger.isLevelEnabled(name)) logger[name](without(fields, bindings), message);
  };
  return {
    child(fields) {
      const { folder } = fields;
      const childLevel = typeof folder === 'string' ? (settings.folders[folder] ?? settings.level) : level;
      return wrap(root, settings, childLevel, { ...bindings, ...fields });
    },
    enabled: (name) => logger.isLevelEnabled(name),
    trace: write('trace'),
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
  };
}

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
