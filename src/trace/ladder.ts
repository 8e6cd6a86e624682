// Draws a call as a ladder: SIP of all its legs, webhooks, verbs and media changes on one time line (house style 2.9). Pure.
//
//   t(ms)  alice                   gateway                 bob                     web app
//       0  │─ INVITE (SDP) ───────▶│                       │                       │
//       2  │◀──────── 100 Trying ──│                       │                       │
//       3  │                       │─ POST /voice ─────────────────────────────────▶│

import { parseMessage } from '../sip/grammar/parse.ts';
import { isSipUri } from '../sip/grammar/uri.ts';
import { cut, fit, type Label, messageLabel, noteOf, requestLabel, responseLabel, shown } from './ladder-labels.ts';
import type { TracedFamily, TraceEntry } from './trace.ts';

export interface LadderOptions {
  /** Columns of the terminal. The drawing is wider where it has more participants than fit. */
  readonly width?: number;
  /** What our own side is called. */
  readonly self?: string;
}

/** Where no terminal says how wide it is. */
const DEFAULT_WIDTH = 120;
/** Cells from one participant to the next: never less, this much where there is room, and no more than labels need. */
const COLUMN_MIN = 20;
const COLUMN_USUAL = 24;
const COLUMN_MAX = 44;
const TIME_WIDTH = 8;
/** Cells of an arrow that its label leaves free: `│─ label ─▶│`. */
const ARROW_CELLS = 6;
const WEB = 'web app';

interface Row {
  readonly atMs: number;
  readonly from: number;
  readonly to: number;
  readonly label: Label;
}

/** The ladder as text, one line per step. Secrets are left out. */
export function drawLadder(family: TracedFamily, options: LadderOptions = {}): string {
  const columns = columnsOf(family, options.self ?? 'gateway');
  const start = family.entries[0]?.atMs ?? 0;
  const rows = family.entries.flatMap((entry) => {
    const row = rowOf(entry, columns);
    return row ? [{ ...row, atMs: Math.round(entry.atMs - start) }] : [];
  });
  const names = columns.map((column) => shown(column.name));
  const columnWidth = columnWidthFor(names, rows, options.width ?? DEFAULT_WIDTH);
  const head = names.map((name) => cut(name, columnWidth - 2).padEnd(columnWidth)).join('');
  const lines = [
    `${'t(ms)'.padStart(TIME_WIDTH - 2)}  ${head}`.trimEnd(),
    ...rows.map((row) => drawRow(row, columns.length, columnWidth)),
  ];
  if (family.dropped > 0) lines.push(`(${family.dropped} entries in the middle were dropped)`);
  return lines.join('\n');
}

/** As wide as the longest label wants, within what the page gives to each. */
function columnWidthFor(names: readonly string[], rows: readonly Row[], width: number): number {
  const gaps = Math.max(1, names.length - 1);
  const wanted = rows.map(({ from, to, label }) =>
    from === to ? 0 : Math.ceil((label[0]!.length + ARROW_CELLS) / Math.abs(to - from)),
  );
  const heads = names.slice(0, -1).map((name) => name.length + 2);
  const most = Math.floor((width - TIME_WIDTH - (names.at(-1)?.length ?? 0)) / gaps);
  return Math.max(COLUMN_MIN, Math.min(most, COLUMN_MAX, Math.max(COLUMN_USUAL, ...wanted, ...heads)));
}

interface Column {
  readonly name: string;
  readonly isSelf?: true;
  /** Call-IDs whose peer this column is. */
  readonly callIds: ReadonlySet<string>;
}

/** The parent's peer, our side, the children's peers, the web application if it was asked. */
function columnsOf(family: TracedFamily, self: string): Column[] {
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
    { name: self, isSelf: true, callIds: new Set<string>() },
    ...callIds.filter((callId) => !isCaller(callId)).map(column),
    ...(hasWeb ? [{ name: WEB, callIds: new Set<string>() }] : []),
  ];
}

function peerName(entry: Extract<TraceEntry, { kind: 'sip' }>): string {
  const parsed = parseMessage(Buffer.from(entry.text, 'latin1'));
  const place = `${entry.flow.remoteAddress}:${entry.flow.remotePort}`;
  if (!parsed.ok) return place;
  const party = entry.direction === 'in' ? parsed.value.from : parsed.value.to;
  return isSipUri(party.uri) && party.uri.user ? `${party.uri.user} ${place}` : place;
}

function rowOf(entry: TraceEntry, columns: readonly Column[]): Omit<Row, 'atMs'> | undefined {
  const self = columns.findIndex((column) => column.isSelf);
  if (entry.kind === 'sip') {
    const peer = columns.findIndex((column) => column.callIds.has(entry.callId));
    const parsed = parseMessage(Buffer.from(entry.text, 'latin1'));
    const label = parsed.ok ? messageLabel(parsed.value) : ['unreadable message'];
    return entry.direction === 'in' ? { from: peer, to: self, label } : { from: self, to: peer, label };
  }
  const web = columns.findIndex((column) => column.name === WEB);
  const { event } = entry;
  if (event.type === 'webhookRequest') return { from: self, to: web, label: requestLabel(event) };
  // The ring may have lost the request and kept the answer.
  if (event.type === 'webhookResponse')
    return web < 0 ? undefined : { from: web, to: self, label: responseLabel(event) };
  const note = noteOf(event);
  return note === undefined ? undefined : { from: self, to: self, label: [note] };
}

function drawRow(row: Row, columns: number, columnWidth: number): string {
  const cells: string[] = Array.from({ length: (columns - 1) * columnWidth + 1 }, (_, at) =>
    at % columnWidth === 0 ? '│' : ' ',
  );
  const time = `${String(row.atMs).padStart(TIME_WIDTH - 2)}  `;
  if (row.from === row.to) {
    const at = row.from * columnWidth;
    return `${time}${cells.slice(0, at + 1).join('')} ${row.label[0]}`.trimEnd();
  }
  const left = Math.min(row.from, row.to) * columnWidth;
  const right = Math.max(row.from, row.to) * columnWidth;
  const isRightward = row.to > row.from;
  for (let at = left + 1; at < right; at++) cells[at] = '─';
  cells[isRightward ? right - 1 : left + 1] = isRightward ? '▶' : '◀';
  const label = ` ${fit(row.label, right - left - ARROW_CELLS)} `;
  const labelAt = isRightward ? left + 2 : right - 2 - label.length;
  for (let at = 0; at < label.length; at++) cells[labelAt + at] = label[at]!;
  return (time + cells.join('')).trimEnd();
}
