// A byte stream (TCP, TLS) → messages and keep-alives. One framer per flow and direction; it owns no socket and no timer.
//
//   CRLF CRLF        ping (RFC 5626 3.5.1)        headers CRLF CRLF body   a message: Content-Length says where it ends
//   CRLF             pong                         anything else            fatal: the flow must be closed
//
// Linear in the bytes fed, however they are cut: each byte is looked at once while the end of a header block is searched, and
// copied at most twice on average (the buffer doubles).

import { limits } from '../../base/limits.ts';
import type { Result } from '../../base/result.ts';
import { isToken, parseDecimal } from './chars.ts';
import type { Message } from './message.ts';
import { type ParseFailure, parseMessage } from './parse.ts';
import { reasonPhrase } from './reason-phrases.ts';

export type FramedItem =
  | { readonly kind: 'message'; readonly bytes: Buffer; readonly result: Result<Message, ParseFailure> }
  | { readonly kind: 'ping' }
  | { readonly kind: 'pong' }
  /** Framing is lost: answer `failure.request` if there is one, then close. Nothing comes after it. */
  | { readonly kind: 'fatal'; readonly failure: ParseFailure };

const CR = 0x0d;
const LF = 0x0a;
const NOTHING = Buffer.alloc(0);
const FIRST_CAPACITY_BYTES = 2_048;

export class StreamFramer {
  /** Bytes not yet used: `#buffer[#start..#end)`. */
  #buffer: Buffer = NOTHING;
  #start = 0;
  #end = 0;
  /** False while `#buffer` is the caller's chunk. */
  #isOwned = false;
  /** The end of the header block was searched up to here. */
  #scanned = 0;
  /** Size of the message at `#start`, once its header block is whole; else 0. */
  #messageBytes = 0;
  /** One CRLF of what may be a ping was seen. */
  #isHalfPing = false;
  #isBroken = false;

  /** Takes what a socket read and returns what became whole with it. After a `fatal` item it returns nothing any more. */
  push(chunk: Buffer): FramedItem[] {
    const items: FramedItem[] = [];
    if (this.#isBroken || chunk.length === 0) return items;
    // A CR kept from the last chunk: the CRLF that it begins was cut in two.
    const isSplit = this.#isBetweenMessages() && this.#start < this.#end;
    this.#append(chunk);
    while (this.#start < this.#end && !this.#isBroken) {
      if (this.#isBetweenMessages() && !this.#takeKeepAlives(items)) break;
      if (this.#start === this.#end || !this.#takeMessage(items)) break;
    }
    if (this.#isHalfPing && this.#start === this.#end && !(isSplit && items.length === 0)) {
      // A lone CRLF is a pong at once: a second one may never come. Only one that was cut in two waits for its other half.
      this.#isHalfPing = false;
      items.push({ kind: 'pong' });
    }
    this.#keepRest();
    return items;
  }

  /** Bytes held back for an unfinished message. */
  get pendingBytes(): number {
    return this.#end - this.#start;
  }

  #isBetweenMessages(): boolean {
    return this.#messageBytes === 0 && this.#scanned === this.#start;
  }

  #append(chunk: Buffer): void {
    if (this.#start === this.#end) {
      this.#buffer = chunk;
      this.#isOwned = false;
      this.#scanned = 0;
      this.#start = 0;
      this.#end = chunk.length;
      return;
    }
    if (!this.#isOwned || this.#end + chunk.length > this.#buffer.length) this.#grow(chunk.length);
    chunk.copy(this.#buffer, this.#end);
    this.#end += chunk.length;
  }

  /** Moves the rest to the front, into a buffer twice the size unless half of this one is free: linear in the long run. */
  #grow(moreBytes: number): void {
    const neededBytes = this.#end - this.#start + moreBytes;
    const fits = this.#isOwned && neededBytes * 2 <= this.#buffer.length;
    const target = fits ? this.#buffer : Buffer.allocUnsafeSlow(Math.max(FIRST_CAPACITY_BYTES, neededBytes * 2));
    this.#buffer.copy(target, 0, this.#start, this.#end);
    this.#scanned -= this.#start;
    this.#end -= this.#start;
    this.#start = 0;
    this.#buffer = target;
    this.#isOwned = true;
  }

  /** The caller's chunk is not kept: a rest is copied, and nothing is held when there is none. */
  #keepRest(): void {
    if (this.#start === this.#end || this.#isBroken) {
      this.#buffer = NOTHING;
      this.#isOwned = false;
      this.#start = 0;
      this.#end = 0;
      this.#scanned = 0;
    } else if (!this.#isOwned) this.#grow(0);
  }

  /** Uses up line ends between messages (RFC 3261 7.5, RFC 5626 3.5.1). False: wait for more bytes. */
  #takeKeepAlives(items: FramedItem[]): boolean {
    while (this.#start < this.#end) {
      const first = this.#buffer[this.#start]!;
      if (first !== CR && first !== LF) {
        if (this.#isHalfPing) items.push({ kind: 'pong' });
        this.#isHalfPing = false;
        break;
      }
      if (first === CR && this.#start + 1 === this.#end) return false;
      const isPair = first === CR && this.#buffer[this.#start + 1] === LF;
      if (isPair && this.#isHalfPing) items.push({ kind: 'ping' });
      if (isPair) this.#isHalfPing = !this.#isHalfPing;
      this.#start += isPair ? 2 : 1;
      this.#scanned = this.#start;
    }
    return true;
  }

  /** Cuts out the message at `#start`. False: wait for more bytes, or framing is lost. */
  #takeMessage(items: FramedItem[]): boolean {
    if (this.#messageBytes === 0 && !this.#findMessageEnd(items)) return false;
    if (this.#end - this.#start < this.#messageBytes) return false;
    const bytes = Buffer.from(this.#buffer.subarray(this.#start, this.#start + this.#messageBytes));
    items.push({ kind: 'message', bytes, result: parseMessage(bytes) });
    this.#start += this.#messageBytes;
    this.#scanned = this.#start;
    this.#messageBytes = 0;
    return true;
  }

  #findMessageEnd(items: FramedItem[]): boolean {
    // A method or `SIP` begins with a token: anything else (a TLS hello, say) is no SIP at all.
    if (!isToken(String.fromCharCode(this.#buffer[this.#start]!))) return this.#break(items, 400, 'not a SIP message');
    const headerEnd = this.#findHeaderEnd();
    const headerBytes = (headerEnd < 0 ? this.#end : headerEnd) - this.#start;
    if (headerBytes > limits.sipStreamHeaderBytes) return this.#break(items, 513, 'header block is too long');
    if (headerEnd < 0) return false;
    const header = this.#buffer.subarray(this.#start, headerEnd);
    const contentLength = readContentLength(header.toString('latin1'));
    // 18.3: on a stream, Content-Length is mandatory; without it nobody knows where the next message begins.
    if (typeof contentLength === 'string') return this.#break(items, 400, contentLength, header);
    if (contentLength > limits.sipBodyBytes) return this.#break(items, 513, 'body is too large', header);
    this.#messageBytes = headerBytes + contentLength;
    return true;
  }

  /** The index behind the empty line, or -1. Looks backwards from each LF, so that no byte is searched twice. */
  #findHeaderEnd(): number {
    const bytes = this.#buffer.subarray(this.#start, this.#end);
    let lineFeed = bytes.indexOf(LF, this.#scanned - this.#start);
    while (lineFeed >= 0) {
      const before = bytes[lineFeed - 1] === CR ? lineFeed - 2 : lineFeed - 1;
      if (bytes[before] === LF) return this.#start + lineFeed + 1;
      lineFeed = bytes.indexOf(LF, lineFeed + 1);
    }
    this.#scanned = this.#end;
    return -1;
  }

  #break(items: FramedItem[], status: number, detail: string, header: Buffer = NOTHING): false {
    const understood = parseMessage(Buffer.from(header));
    const message = understood.ok ? understood.value : undefined;
    const request = understood.ok ? undefined : understood.error.request;
    const failure: ParseFailure = {
      detail,
      offset: 0,
      status,
      reason: status === 400 ? `Bad Request (${detail})` : reasonPhrase(status),
      request: message?.kind === 'request' ? message : request,
      isResponse: understood.ok ? understood.value.kind === 'response' : understood.error.isResponse,
    };
    items.push({ kind: 'fatal', failure });
    this.#isBroken = true;
    return false;
  }
}

const CONTENT_LENGTH = /\n(?:content-length|l)[ \t]*:((?:[^\r\n]|\r?\n[ \t])*)/gi;

/** The value of Content-Length in a header block, or what is wrong with it. */
function readContentLength(header: string): number | string {
  let found: number | undefined;
  for (const match of header.matchAll(CONTENT_LENGTH)) {
    const text = match[1]!.trim();
    const length = parseDecimal(text, 0, text.length, Number.MAX_SAFE_INTEGER);
    if (length < 0) return 'Content-Length: not a number';
    if (found !== undefined && found !== length) return 'more than one Content-Length';
    found = length;
  }
  return found ?? 'Content-Length is missing';
}
