// Bytes → message. Called once per datagram and once per message cut out of a stream; knows nothing of where they came from.
// The start line, the shape of every header line, the five mandatory headers and Content-Length are checked here; every other
// header is kept as text and read when somebody asks (fields.ts). After a fault the reading goes on, as far as it makes sense:
// a broken request with readable Via, From, To, Call-ID and CSeq can then be answered without a transaction.

import { isAscii, isUtf8 } from 'node:buffer';
import { limits } from '../../base/limits.ts';
import { err, ok, type Result } from '../../base/result.ts';
import { parseDecimal, type SyntaxProblem } from './chars.ts';
import { parseCSeq } from './cseq.ts';
import { type Decode, type Fault, type HeaderBlock, readHeaders } from './header-block.ts';
import { type CSeq, HeaderList, type Message, type Request } from './message.ts';
import { type NameAddr, parseNameAddr } from './name-addr.ts';
import { reasonPhrase } from './reason-phrases.ts';
import { parseStartLine, type StartLine } from './start-line.ts';
import type { Uri } from './uri.ts';
import { scanVia, type Via } from './via.ts';

export interface ParseFailure {
  /** Short English: what is wrong and where. */
  readonly detail: string;
  /** Offset in bytes where the problem was noticed. */
  readonly offset: number;
  /** SIP status to answer a request with: 400, 414, 416, 505, 513 … */
  readonly status: number;
  /** Reason phrase of that answer. */
  readonly reason: string;
  /** What was understood of a broken request, when Via, From, To, Call-ID and CSeq could be read: enough to answer statelessly. */
  readonly request: Request | undefined;
  readonly isResponse: boolean;
}

const NO_BODY = Buffer.alloc(0);
const EMPTY_LINE = Buffer.from('\r\n\r\n');
const SHORT_BYTES = 2_048;
const CR = 0x0d;
const LF = 0x0a;

/** Parses one whole message (a datagram, or what the stream framer cut out). Never throws. */
export function parseMessage(bytes: Buffer): Result<Message, ParseFailure> {
  // 7.5: CRLFs in front of the start line are ignored.
  let start = 0;
  while (bytes[start] === CR || bytes[start] === LF) start++;
  // One byte is one character, so that positions in the text are offsets in the message; values are made UTF-8 one by one.
  const text = headOf(bytes, start);
  const textEnd = start + text.length;
  const decode = decoderFor(bytes, start, textEnd, text);
  const lineEnd = text.indexOf('\n');
  const lineText = trimLineEnd(text, 0, lineEnd < 0 ? text.length : lineEnd);
  const startLine = parseStartLine(decode ? decode(lineText) : lineText);
  const block = readHeaders(text, lineEnd < 0 ? text.length : lineEnd + 1, decode);
  return assemble(bytes, start, startLine, block);
}

/** From the start line to the empty line, or to the end where there is none. */
function headOf(bytes: Buffer, start: number): string {
  // Nearly every message is short: to look for the end in its text costs less than in its bytes.
  const beginning = bytes.toString('latin1', start, Math.min(bytes.length, start + SHORT_BYTES));
  const short = beginning.indexOf('\r\n\r\n');
  if (short >= 0) return beginning.slice(0, short + EMPTY_LINE.length);
  if (start + SHORT_BYTES >= bytes.length) return beginning;
  const emptyLine = bytes.indexOf(EMPTY_LINE, start);
  return bytes.toString('latin1', start, emptyLine < 0 ? bytes.length : emptyLine + EMPTY_LINE.length);
}

/** How values become text; undefined where they are as they stand, which is nearly always. */
function decoderFor(bytes: Buffer, start: number, end: number, text: string): Decode {
  const isWhole = start === 0 && end === bytes.length;
  const utf8 = isAscii(isWhole ? bytes : bytes.subarray(start, end)) ? undefined : decodeUtf8;
  if (text.indexOf('\0') < 0) return utf8;
  // design.md 9: a quoted NUL is legal on the wire and goes no further, so that every value may be written again.
  return (latin1) => (utf8 ? utf8(latin1) : latin1).replace(/\\\0/g, '');
}

/** RFC 3261 25.1: text is UTF-8. Old devices send ISO 8859-1: what is not UTF-8 is taken as that, so that nothing is lost. */
function decodeUtf8(latin1: string): string {
  const bytes = Buffer.from(latin1, 'latin1');
  return isUtf8(bytes) ? bytes.toString('utf8') : latin1;
}

/** `text` up to the LF at `lineFeed`, without the CR in front of it. */
function trimLineEnd(text: string, from: number, lineFeed: number): string {
  return text.slice(from, text.charCodeAt(lineFeed - 1) === CR && lineFeed > from ? lineFeed - 1 : lineFeed);
}

/** The headers that are read at once, as far as they could be, and the first thing that is wrong. */
interface EagerHeaders {
  readonly via: Via | undefined;
  readonly from: NameAddr | undefined;
  readonly to: NameAddr | undefined;
  readonly callId: string | undefined;
  readonly cseq: CSeq | undefined;
  readonly contentLength: number | undefined;
  readonly fault: Fault | undefined;
}

type Reader<T> = (text: string) => Result<T, SyntaxProblem>;

const readVia: Reader<Via> = (text) => {
  const scanned = scanVia(text, 0);
  return scanned.ok ? ok(scanned.value.via) : scanned;
};

const BLANK = /\s/;

// Wider than `word ["@" word]`: any text without blanks identifies a call.
const readCallId: Reader<string> = (text) =>
  text === '' || BLANK.test(text) ? err({ detail: 'not one word', offset: 0 }) : ok(text);

const readContentLength: Reader<number> = (text) => {
  const length = parseDecimal(text, 0, text.length, Number.MAX_SAFE_INTEGER);
  return length < 0 ? err({ detail: 'not a number', offset: 0 }) : ok(length);
};

/** Where the eager headers stand: first and second field of each, -1 for none. */
function placesOf(keys: readonly string[]): { readonly first: Int32Array; readonly second: Int32Array } {
  first.fill(-1);
  second.fill(-1);
  for (let index = 0; index < keys.length; index++) {
    const place = EAGER.indexOf(keys[index]!);
    if (place < 0) continue;
    if (first[place]! < 0) first[place] = index;
    else if (second[place]! < 0) second[place] = index;
  }
  return { first, second };
}

// Kept, since a message is read in one go.
const EAGER = ['via', 'from', 'to', 'call-id', 'cseq', 'content-length'];
const [VIA, FROM, TO, CALL_ID, CSEQ, CONTENT_LENGTH] = [0, 1, 2, 3, 4, 5];
const first = new Int32Array(EAGER.length);
const second = new Int32Array(EAGER.length);

function readEagerHeaders(block: HeaderBlock): EagerHeaders {
  let fault: Fault | undefined;
  const places = placesOf(block.keys);
  const read = <T>(name: string, place: number, reader: Reader<T>): T | undefined => {
    const at = places.first[place]!;
    if (at < 0) {
      if (place !== CONTENT_LENGTH)
        fault ??= { detail: `${name} is missing`, offset: Math.max(block.end, 0), status: 400 };
      return undefined;
    }
    const { value } = block.fields[at]!;
    // 7.3.1: only headers that are lists may come twice. Via may; a Content-Length that says the same again does no harm.
    const again = place === VIA ? -1 : places.second[place]!;
    if (again >= 0 && !(place === CONTENT_LENGTH && block.fields[again]!.value === value)) {
      fault ??= { detail: `more than one ${name}`, offset: block.offsets[again]!, status: 400 };
    }
    const result = reader(value);
    if (result.ok) return result.value;
    const offset = block.offsets[at]! + result.error.offset;
    fault ??= { detail: `${name}: ${result.error.detail}`, offset, status: 400 };
    return undefined;
  };
  const via = read('Via', VIA, readVia);
  const from = read('From', FROM, parseNameAddr);
  const to = read('To', TO, parseNameAddr);
  const callId = read('Call-ID', CALL_ID, readCallId);
  const cseq = read('CSeq', CSEQ, parseCSeq);
  const contentLength = read('Content-Length', CONTENT_LENGTH, readContentLength);
  return { via, from, to, callId, cseq, contentLength, fault };
}

function assemble(bytes: Buffer, start: number, line: StartLine, block: HeaderBlock): Result<Message, ParseFailure> {
  const eager = readEagerHeaders(block);
  const fault =
    line.fault ??
    block.fault ??
    (block.end < 0 ? { detail: 'header block does not end with an empty line', offset: 0, status: 400 } : undefined) ??
    eager.fault ??
    methodFault(line, eager) ??
    bodyFault(bytes, start + block.end, eager.contentLength);
  const { via, from, to, callId, cseq } = eager;
  if (fault || line.kind === 'broken' || !via || !from || !to || callId === undefined || !cseq) {
    return err(failure(fault!, start, line, block, eager));
  }
  const bodyStart = start + block.end;
  // 18.3: on a datagram, bytes behind Content-Length are dropped; without the header the body is the rest.
  const bodyEnd = eager.contentLength === undefined ? bytes.length : bodyStart + eager.contentLength;
  const body = bodyEnd <= bodyStart ? NO_BODY : bytes.subarray(bodyStart, bodyEnd);
  const headers = new HeaderList(block.fields, block.keys);
  if (line.kind === 'request') {
    const { method, uri } = line;
    return ok({ kind: 'request', method, uri, headers, body, via, from, to, callId, cseq });
  }
  const { status, reason } = line;
  return ok({ kind: 'response', status, reason, headers, body, via, from, to, callId, cseq });
}

// 8.1.1.5: the method of CSeq is that of the request; methods are compared with case.
function methodFault(line: StartLine, eager: EagerHeaders): Fault | undefined {
  if (line.kind !== 'request' || !eager.cseq || eager.cseq.method === line.method) return undefined;
  return { detail: 'CSeq: method differs from that of the request line', offset: 0, status: 400 };
}

function bodyFault(bytes: Buffer, bodyStart: number, contentLength: number | undefined): Fault | undefined {
  const available = bytes.length - bodyStart;
  if (contentLength !== undefined && contentLength > available) {
    return { detail: 'body is shorter than Content-Length', offset: bodyStart, status: 400 };
  }
  const isTooLarge = bytes.length > limits.sipMessageBytes || (contentLength ?? available) > limits.sipBodyBytes;
  return isTooLarge ? { detail: 'message is too large', offset: bodyStart, status: 513 } : undefined;
}

function failure(fault: Fault, start: number, line: StartLine, block: HeaderBlock, eager: EagerHeaders): ParseFailure {
  return {
    detail: fault.detail,
    offset: start + fault.offset,
    status: fault.status,
    // 21.4.1: the reason phrase of a 400 should name the problem.
    reason: fault.status === 400 ? `Bad Request (${fault.detail})` : reasonPhrase(fault.status),
    request: line.kind === 'request' ? answerable(line.method, line.uri, block, eager) : undefined,
    isResponse: line.kind === 'response',
  };
}

/** What a stateless answer needs: the Vias, and From, To, Call-ID and CSeq to copy, be they well formed or not. */
function answerable(method: string, uri: Uri, block: HeaderBlock, eager: EagerHeaders): Request | undefined {
  // Copied into an answer: what may have been the fault, a CR or NUL inside a line, must not get there.
  const fields = block.fields.map(({ name, value }) => ({ name, value: value.replace(/[\r\0]/g, ' ') }));
  const rawValue = (key: string) => fields[block.keys.indexOf(key)]?.value;
  const [fromText, toText, cseqText] = [rawValue('from'), rawValue('to'), rawValue('cseq')];
  const callId = rawValue('call-id');
  const via = eager.via ?? sentBy(rawValue('via') ?? '');
  if (!via || fromText === undefined || toText === undefined || !callId || cseqText === undefined) return undefined;
  return {
    kind: 'request',
    method,
    uri,
    headers: new HeaderList(fields, block.keys),
    body: Buffer.alloc(0),
    via,
    from: eager.from ?? unreadable(fromText),
    to: eager.to ?? unreadable(toText),
    callId,
    cseq: eager.cseq ?? { sequence: 0, method },
  };
}

/** The sent-by of a Via whose version or parameters are broken; an answer goes to the source anyway (RFC 3261 18.2.2). */
function sentBy(text: string): Via | undefined {
  const head = (text.split(/[;,]/, 1)[0] ?? '').replace(/^SIP[ \t]*\/[ \t]*[\d.]+/i, 'SIP/2.0');
  const scanned = scanVia(head, 0);
  return scanned.ok ? scanned.value.via : undefined;
}

const unreadable = (text: string): NameAddr => ({
  displayName: undefined,
  uri: { scheme: '', text },
  params: new Map(),
});
