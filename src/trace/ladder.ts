// Draws a call as a ladder: SIP of all its legs, webhooks, verbs and media changes on one time line (house style 2.9). Pure.
//
//   t(ms)  alice               gateway             bob                 web app
//       0  INVITE ────────────────▶│                   │                   │
//       2  │◀──────────── 100 ─────│                   │                   │
//       3                          │─────────────── POST /voice ──────────▶│

import type { CallEvent } from '../base/events.ts';
import type { Message } from '../sip/grammar/message.ts';
import { parseMessage } from '../sip/grammar/parse.ts';
import { isSipUri } from '../sip/grammar/uri.ts';
import { redact } from './redact.ts';
import type { TracedFamily, TraceEntry } from './trace.ts';

const COLUMN_WIDTH = 24;
const TIME_WIDTH = 8;
const WEB = 'web app';

interface Row {
  readonly atMs: number;
  readonly from: number;
  readonly to: number;
  readonly label: string;
}

/** The ladder as text, one line per step. Secrets are left out. */
export function drawLadder(family: TracedFamily): string {
  const columns = columnsOf(family);
  const names = columns.map((column) => column.name);
  const gateway = names.indexOf('gateway');
  const start = family.entries[0]?.atMs ?? 0;
  const lines = [
    `${'t(ms)'.padStart(TIME_WIDTH - 2)}  ${names.map((name) => name.slice(0, COLUMN_WIDTH - 2).padEnd(COLUMN_WIDTH)).join('')}`.trimEnd(),
  ];
  for (const entry of family.entries) {
    const row = rowOf(entry, columns, gateway);
    if (row) lines.push(drawRow({ ...row, atMs: Math.round(entry.atMs - start) }, columns.length));
  }
  if (family.dropped > 0) lines.push(`(${family.dropped} entries in the middle were dropped)`);
  return lines.join('\n');
}

interface Column {
  readonly name: string;
  /** Call-IDs whose peer this column is. */
  readonly callIds: ReadonlySet<string>;
}

/** The parent's peer, the gateway, the children's peers, the web application if it was asked. */
function columnsOf(family: TracedFamily): Column[] {
  const peers = new Map<string, string>();
  for (const entry of family.entries) {
    if (entry.kind !== 'sip' || peers.has(entry.callId)) continue;
    peers.set(entry.callId, peerName(entry));
  }
  const root = family.callSids[0];
  const isCaller = (callId: string): boolean => {
    const owner = family.owners.get(callId);
    const first = family.entries.find((entry) => entry.kind === 'sip' && entry.callId === callId);
    return owner === undefined || owner === root ? first?.kind === 'sip' && first.direction === 'in' : false;
  };
  const column = (callId: string): Column => ({ name: peers.get(callId) ?? callId, callIds: new Set([callId]) });
  const callIds = [...peers.keys()];
  const hasWeb = family.entries.some((entry) => entry.kind === 'event' && entry.event.type === 'webhookRequest');
  return [
    ...callIds.filter(isCaller).map(column),
    { name: 'gateway', callIds: new Set() },
    ...callIds.filter((callId) => !isCaller(callId)).map(column),
    ...(hasWeb ? [{ name: WEB, callIds: new Set<string>() }] : []),
  ];
}

function peerName(entry: Extract<TraceEntry, { kind: 'sip' }>): string {
  const parsed = parseMessage(entry.bytes);
  const place = `${entry.flow.remoteAddress}:${entry.flow.remotePort}`;
  if (!parsed.ok) return place;
  const party = entry.direction === 'in' ? parsed.value.from : parsed.value.to;
  return isSipUri(party.uri) && party.uri.user ? `${party.uri.user} ${place}` : place;
}

function rowOf(entry: TraceEntry, columns: readonly Column[], gateway: number): Omit<Row, 'atMs'> | undefined {
  if (entry.kind === 'sip') {
    const peer = columns.findIndex((column) => column.callIds.has(entry.callId));
    const parsed = parseMessage(entry.bytes);
    const label = parsed.ok ? messageLabel(parsed.value) : 'unreadable message';
    return entry.direction === 'in' ? { from: peer, to: gateway, label } : { from: gateway, to: peer, label };
  }
  const web = columns.findIndex((column) => column.name === WEB);
  const { event } = entry;
  if (event.type === 'webhookRequest')
    return { from: gateway, to: web, label: redact(`${event.method} ${pathOf(event.url)}`) };
  if (event.type === 'webhookResponse') {
    const label =
      event.errorCode === null ? String(event.status) : `${event.status || 'no answer'} (error ${event.errorCode})`;
    return { from: web, to: gateway, label };
  }
  const note = noteOf(event);
  return note === undefined ? undefined : { from: gateway, to: gateway, label: redact(note) };
}

function messageLabel(message: Message): string {
  const hasSdp = message.body.length > 0 && /sdp/i.test(message.headers.get('Content-Type') ?? '');
  const sdp = hasSdp ? ` (SDP${directionOf(message.body.toString('latin1'))})` : '';
  if (message.kind === 'request') return `${message.method}${sdp}`;
  const method = message.cseq.method === 'INVITE' ? '' : ` ${message.cseq.method}`;
  return `${message.status} ${message.reason.slice(0, 24)}${method}${sdp}`;
}

function directionOf(sdp: string): string {
  const match = /^a=(sendonly|recvonly|inactive)\r?$/m.exec(sdp);
  return match ? ` ${match[1]}` : '';
}

function pathOf(url: string): string {
  try {
    return new URL(url).pathname;
  } catch {
    return url.slice(0, 40);
  }
}

function noteOf(event: CallEvent): string | undefined {
  switch (event.type) {
    case 'verbStarted':
      return `<${event.verb}> ${event.detail}`;
    case 'verbEnded':
      return `</${event.verb}> ${event.outcome}`;
    case 'media':
      return `${event.change}: ${event.detail}`;
    case 'digit':
      return `digit, ${event.durationMs} ms`;
    case 'bridged':
      return `bridged with ${event.otherCallSid.slice(0, 10)}…`;
    case 'unbridged':
      return 'bridge ended';
    case 'notification':
      return `${event.level} ${event.errorCode}: ${event.message}`;
    case 'ended':
      return `${event.status}: ${event.reason}`;
    default:
      return undefined;
  }
}

function drawRow(row: Row, columns: number): string {
  const width = columns * COLUMN_WIDTH;
  const cells = Array.from({ length: width }, () => ' ');
  for (let column = 0; column < columns; column++) cells[column * COLUMN_WIDTH] = '│';
  const time = `${String(row.atMs).padStart(TIME_WIDTH - 2)}  `;
  if (row.from === row.to) {
    const at = row.from * COLUMN_WIDTH + 2;
    return (time + cells.slice(0, at).join('') + row.label).trimEnd();
  }
  const left = Math.min(row.from, row.to) * COLUMN_WIDTH;
  const right = Math.max(row.from, row.to) * COLUMN_WIDTH;
  const isRightward = row.to > row.from;
  for (let at = left + 1; at < right; at++) cells[at] = '─';
  if (isRightward) cells[right - 1] = '▶';
  else cells[left + 1] = '◀';
  const room = right - left - 6;
  const label = ` ${row.label.slice(0, room)} `;
  const labelAt = isRightward ? left + 2 : right - 2 - label.length;
  for (let at = 0; at < label.length; at++) cells[labelAt + at] = label[at]!;
  return (time + cells.join('')).trimEnd();
}
