// How the text of a setting is read: one small parser per kind of value. Each throws RangeError on what is not allowed; config.ts turns
// that into a problem with key, value and what is allowed.

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

export const fail = (): never => {
  throw new RangeError('not allowed');
};

/** An IPv6 address, or an IPv4 address of four decimal parts: no `1.2`, no `0x7f.1`. */
export const isAddress = (text: string): boolean =>
  ipaddr.IPv4.isValidFourPartDecimal(text) || ipaddr.IPv6.isValid(text);

export function parseListen(text: string): Listen {
  const match = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text.trim());
  const address = match?.[1] ?? match?.[2] ?? '';
  const port = Number(match?.[3]);
  if (!match || !isAddress(address) || port > 65_535) fail();
  return { address, port };
}

export const list =
  <T>(parse: (text: string) => T) =>
  (text: string): T[] =>
    text
      .split(',')
      .map((part) => part.trim())
      .filter((part) => part !== '')
      .map(parse);
export const optional =
  <T>(parse: (text: string) => T) =>
  (text: string): T | null =>
    text.trim() === '' ? null : parse(text.trim());
export const text = (value: string): string => value.trim();
export const whole =
  (least: number, most: number) =>
  (value: string): number => {
    const number = Number(value);
    return Number.isInteger(number) && number >= least && number <= most ? number : fail();
  };
export const decimal =
  (least: number, most: number) =>
  (value: string): number =>
    /^\d+(\.\d+)?$/.test(value) && Number(value) >= least && Number(value) <= most ? Number(value) : fail();
/** RFC 2474 4.2.2 (class selectors), RFC 2597 6 (assured forwarding), RFC 3246 2.7 (ef): the value of six bits. */
export function dscp(value: string): number {
  const [, kind, first, second] = /^(cs|af)([0-7])([1-3]?)$/i.exec(value) ?? [];
  if (/^ef$/i.test(value)) return 46;
  if (kind === undefined) return whole(0, 63)(value);
  if (kind.toLowerCase() === 'cs') return second === '' ? 8 * Number(first) : fail();
  return second !== '' && Number(first) >= 1 && Number(first) <= 4 ? 8 * Number(first) + 2 * Number(second) : fail();
}
export const matching =
  (pattern: RegExp) =>
  (value: string): string =>
    pattern.test(value.trim()) ? value.trim() : fail();
export const boolean = (value: string): boolean =>
  /^(true|yes|1|on)$/i.test(value) ? true : /^(false|no|0|off)$/i.test(value) ? false : fail();

export function parsePorts(value: string): { first: number; last: number } {
  const match = /^(\d+)-(\d+)$/.exec(value.trim());
  const first = Number(match?.[1]);
  const last = Number(match?.[2]);
  return match && first >= 1024 && last <= 65_535 && last - first >= 3 ? { first, last } : fail();
}

/** Host name or address, and port. */
export function parseHostPort(value: string): { host: string; port: number } {
  const match = /^(?:\[([^\]]+)\]|([^:\s]+)):(\d{1,5})$/.exec(value);
  const port = Number(match?.[3]);
  return match && port >= 1 && port <= 65_535 ? { host: match[1] ?? match[2] ?? '', port } : fail();
}

export function parseLog(value: string): LogSetting {
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

export const host = matching(/^(?=.{1,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/i);
export const cidr = (value: string): string => {
  if (!isAddress(value.split('/')[0]!)) fail();
  ipaddr.parseCIDR(value);
  return value;
};
