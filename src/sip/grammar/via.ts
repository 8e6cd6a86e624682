// RFC 3261 20.42: one Via value.
//
//   SIP / 2.0 / UDP  host : port ; branch=z9hG4bK… ; received=… ; rport     blanks are allowed around every separator

import { strict as assert } from 'node:assert';
import { err, ok, type Result } from '../../base/result.ts';
import { charClass, isToken, parseDecimal, type SyntaxProblem, skipBlanks, spanOf } from './chars.ts';
import { isHost, scanHostPort, serializeHost } from './host.ts';
import { type Params, scanParams, serializeParams, serializeParamValue } from './params.ts';

export interface Via {
  /** Lower case: `udp`, `tcp`, `tls`, `ws`, `wss`, or an unknown token. */
  readonly transport: string;
  /** sent-by host, lower case, IPv6 without brackets. */
  readonly host: string;
  readonly port: number | undefined;
  readonly branch: string | undefined;
  /** `received` (RFC 3261 18.2.1), without brackets. */
  readonly received: string | undefined;
  /** RFC 3581: undefined = absent, null = present without value. */
  readonly rport: number | null | undefined;
  /** All parameters but branch, received and rport. */
  readonly params: ReadonlyMap<string, string | undefined>;
}

const SLASH = 0x2f;
const COLON = 0x3a;
const NO_PARAMS: Via['params'] = new Map();

const problem = (detail: string, offset: number) => err<SyntaxProblem>({ detail, offset });

export interface ScannedVia {
  readonly via: Via;
  /** Index behind the value: the end of the text, or a comma. */
  readonly end: number;
}

/** Parses one Via value that fills `text`. */
export function parseVia(text: string): Result<Via, SyntaxProblem> {
  const scanned = scanVia(text, 0);
  if (!scanned.ok) return scanned;
  return scanned.value.end === text.length
    ? ok(scanned.value.via)
    : problem('more than one Via value', scanned.value.end);
}

/** Parses the values of one Via header line, in order. */
export function parseViaList(text: string): Result<Via[], SyntaxProblem> {
  const values: Via[] = [];
  for (let position = 0; ; ) {
    const scanned = scanVia(text, position);
    if (!scanned.ok) return scanned;
    values.push(scanned.value.via);
    if (scanned.value.end === text.length) return ok(values);
    position = scanned.value.end + 1;
  }
}

/** Scans the first Via value from `from`; what stands behind its comma is not looked at. */
export function scanVia(text: string, from: number): Result<ScannedVia, SyntaxProblem> {
  const start = skipBlanks(text, from);
  const transportStart = scanProtocol(text, start);
  if (transportStart < 0) return problem('Via does not begin with SIP/2.0/', start);
  const transportEnd = spanOf(charClass.token, text, transportStart);
  const hostStart = skipBlanks(text, transportEnd);
  if (transportEnd === transportStart || hostStart === transportEnd) {
    return problem('Via has no transport and sent-by', transportEnd);
  }
  const hostPort = scanHostPort(text, hostStart);
  if (typeof hostPort === 'string') return problem(hostPort, hostStart);
  let { port } = hostPort;
  let position = hostPort.end;
  const colon = skipBlanks(text, position);
  if (port === undefined && text.charCodeAt(colon) === COLON) {
    const portStart = skipBlanks(text, colon + 1);
    position = spanOf(charClass.digit, text, portStart);
    port = parseDecimal(text, portStart, position, 65_535);
    if (port < 0) return problem('port is not a number from 0 to 65535', portStart);
  }
  const scanned = scanParams(text, position);
  if (!scanned.ok) return scanned;
  const transport = text.slice(transportStart, transportEnd).toLowerCase();
  const via = viaOf(transport, hostPort.host, port, scanned.value.params);
  return via ? ok({ via, end: scanned.value.end }) : problem('received or rport is not valid', position);
}

/** Reads `SIP / 2.0 /`; returns where the transport starts, or -1. */
function scanProtocol(text: string, from: number): number {
  if (text.startsWith('SIP/2.0/', from)) return skipBlanks(text, from + 8);
  if (text.slice(from, from + 3).toUpperCase() !== 'SIP') return -1;
  let position = skipBlanks(text, from + 3);
  if (text.charCodeAt(position) !== SLASH) return -1;
  position = skipBlanks(text, position + 1);
  if (!text.startsWith('2.0', position)) return -1;
  position = skipBlanks(text, position + 3);
  return text.charCodeAt(position) === SLASH ? skipBlanks(text, position + 1) : -1;
}

function viaOf(transport: string, host: string, port: number | undefined, all: Params) {
  const branch = all.get('branch');
  const rportText = all.get('rport');
  const receivedText = all.get('received');
  let rport: number | null | undefined;
  if (all.has('rport')) {
    rport = rportText === undefined ? null : parseDecimal(rportText, 0, rportText.length, 65_535);
    if (rport !== null && rport < 0) return undefined;
  }
  // RFC 5118 4.5: IPv6 in `received` is written with and without brackets.
  const received = receivedText?.replace(/^\[(.*)\]$/, '$1').toLowerCase();
  if (received !== undefined && !isHost(received)) return undefined;
  const own = Number(all.has('branch')) + Number(all.has('rport')) + Number(all.has('received'));
  const params = all.size === own ? NO_PARAMS : othersOf(all);
  return { transport, host, port, branch, received, rport, params } satisfies Via;
}

function othersOf(all: Params): Via['params'] {
  const others = new Map(all);
  for (const name of ['branch', 'rport', 'received']) others.delete(name);
  return others;
}

/** Prints one value: parameters in the order branch, received, rport, the rest. */
export function serializeVia(via: Via): string {
  assert(isToken(via.transport) && isHost(via.host), 'transport and host of a Via');
  let text = `SIP/2.0/${via.transport.toUpperCase()} ${serializeHost(via.host)}`;
  if (via.port !== undefined) text += `:${via.port}`;
  if (via.branch !== undefined) text += `;branch=${serializeParamValue(via.branch)}`;
  // RFC 5118 4.5: `received` is printed without brackets, as RFC 3261's grammar has it (IPv6address).
  if (via.received !== undefined) text += `;received=${via.received}`;
  if (via.rport !== undefined) text += via.rport === null ? ';rport' : `;rport=${via.rport}`;
  return text + serializeParams(via.params);
}

/** Index of the comma behind the first value of a Via header line, or the length of the text. */
export function firstViaEnd(text: string): number {
  const scanned = scanVia(text, 0);
  return scanned.ok ? scanned.value.end : text.length;
}
