// The WebSocket client of streams and of ConversationRelay: opens, verifies TLS, keeps the connection alive, and tells once how it
// ended. It knows no message of theirs. The outbox stands before it; `ws` is seen in this file only.

import WebSocket from 'ws';
import type { Clock, Timer } from '../base/clock.ts';
import { limits } from '../base/limits.ts';
import type { Log } from '../base/log.ts';
import {
  type DnsLookup,
  guardedLookup,
  isLocalAddress,
  isLoopbackAddress,
  isSpecialAddress,
  RefusedAddress,
} from '../base/private-addresses.ts';
import { err, ok, type Result } from '../base/result.ts';
import { brokenFailure, closeFailure, connectFailure, INSECURE, speaksNoTls } from './failures.ts';
import type { StreamFailure } from './options.ts';
import { Outbox } from './outbox.ts';

export interface SocketListener {
  /** A text frame; undefined: a binary one. */
  onMessage(text: string | undefined): void;
  /** Once; undefined failure: the server closed in good order, or we did. */
  onClosed(failure: StreamFailure | undefined): void;
  onDropped(frames: number): void;
}

export interface Socket {
  /** `isAudio`: may be dropped when the server is slow. */
  send(text: string, isAudio: boolean): void;
  /** Close frame, then the end; what waits is dropped. Idempotent. */
  close(): void;
}

/** Opens a connection. Resolves when messages may be sent; the failure has the number of a stream. */
export type OpenSocket = (
  url: string,
  headers: Readonly<Record<string, string>>,
  listener: SocketListener,
  signal: AbortSignal,
) => Promise<Result<Socket, StreamFailure>>;

export interface SocketOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly lookup: DnsLookup;
  /** False: private and special addresses are refused. */
  readonly allowPrivate: boolean;
  /** `ws:` to public addresses too. */
  readonly allowInsecure: boolean;
  /** Further certificate authorities, PEM. */
  readonly certificateAuthorities?: readonly string[];
}

export interface Sockets {
  readonly open: OpenSocket;
  /** Connections that exist, opening and closing ones included. */
  count(): number;
  /** Ends all at once. */
  stop(): void;
}

/** As the vendor's streams name themselves. */
const USER_AGENT = 'Twilio.TmeWs/1.0';

export function createSockets(options: SocketOptions): Sockets {
  const live = new Set<WebSocket>();
  const open: OpenSocket = async (url, headers, listener, signal) => {
    const first = await connect(new URL(url), headers, listener, signal, options, live);
    const plain = first.ok || !first.error.isPlainServer ? undefined : plainUrl(url);
    if (plain === undefined) return first;
    options.log.warn({ host: plain.host }, 'a server on this machine speaks no TLS: ws is used in place of wss');
    return connect(plain, headers, listener, signal, options, live);
  };
  return {
    open,
    count: () => live.size,
    stop() {
      for (const socket of live) socket.terminate();
    },
  };
}

// An agent under development runs without TLS on the developer's machine, while its documents say wss as they must for the vendor.
// Nobody can come between on the loopback interface.
function plainUrl(url: string): URL | undefined {
  const plain = new URL(url);
  if (plain.protocol !== 'wss:') return undefined;
  // The default port of wss is 443, which must not become 80.
  const port = plain.port || '443';
  plain.protocol = 'ws:';
  plain.port = port;
  return plain;
}

type ConnectFailure = StreamFailure & { readonly isPlainServer?: boolean };

function connect(
  url: URL,
  headers: Readonly<Record<string, string>>,
  listener: SocketListener,
  signal: AbortSignal,
  options: SocketOptions,
  live: Set<WebSocket>,
): Promise<Result<Socket, ConnectFailure>> {
  const refusal = refusalOf(url, options);
  if (refusal) return Promise.resolve(err(refusal));
  if (signal.aborted) return Promise.resolve(err({ errorCode: 31901, detail: 'no longer wanted' }));
  return new Promise((resolve) => {
    let remoteAddress: string | undefined;
    const socket = new WebSocket(url, {
      headers: { 'User-Agent': USER_AGENT, ...headers },
      perMessageDeflate: false,
      followRedirects: false,
      maxPayload: limits.streamMessageBytes,
      rejectUnauthorized: true,
      minVersion: 'TLSv1.2',
      lookup: lookupFor(url, options, (address) => {
        remoteAddress = address;
      }) as never,
      ...(options.certificateAuthorities ? { ca: [...options.certificateAuthorities] } : {}),
    });
    live.add(socket);
    let settled = false;
    const settle = (result: Result<Socket, ConnectFailure>) => {
      if (settled) return;
      settled = true;
      timer.cancel();
      signal.removeEventListener('abort', onAbort);
      resolve(result);
    };
    const giveUp = (errorCode: number, detail: string) => {
      settle(err({ errorCode, detail }));
      socket.terminate();
    };
    const onAbort = () => giveUp(31901, 'no longer wanted');
    const timer = options.clock.after(limits.streamHandshakeMs, () =>
      giveUp(31901, 'the server did not answer in time'),
    );
    signal.addEventListener('abort', onAbort, { once: true });
    socket.on('close', () => live.delete(socket));
    socket.on('unexpected-response', (request, response) => {
      giveUp(31920, `the server answered with HTTP status ${response.statusCode}`);
      request.destroy();
    });
    const onError = (error: Error) => {
      const isLoopback = isLoopbackAddress(remoteAddress ?? url.hostname);
      settle(err({ ...connectFailure(error), isPlainServer: isLoopback && speaksNoTls(error) }));
    };
    socket.on('error', onError);
    socket.once('open', () => {
      if (settled) return;
      socket.off('error', onError);
      settle(ok(new OpenedSocket(socket, listener, options.clock)));
    });
  });
}

/** What the literal address or the scheme forbids before anything is asked. Names are checked by their addresses. */
function refusalOf(url: URL, { allowPrivate, allowInsecure }: SocketOptions): StreamFailure | undefined {
  const host = url.hostname;
  const isLiteral = host.startsWith('[') || /^[\d.]+$/.test(host);
  if (isLiteral && !allowPrivate && isSpecialAddress(host)) {
    return { errorCode: 31904, detail: 'private addresses are not allowed (webhookAllowPrivate)' };
  }
  if (isLiteral && url.protocol === 'ws:' && !allowInsecure && !isLocalAddress(host)) {
    return { errorCode: 31922, detail: 'ws is for loopback and private addresses only: use wss' };
  }
  return undefined;
}

function lookupFor(url: URL, options: SocketOptions, onAddress: (address: string) => void): DnsLookup {
  const { allowPrivate, allowInsecure } = options;
  const mustBeLocal = url.protocol === 'ws:' && !allowInsecure;
  let isPrivateRefused = false;
  const guarded = guardedLookup(options.lookup, (address) => {
    if (allowPrivate || !isSpecialAddress(address)) return !mustBeLocal || isLocalAddress(address);
    isPrivateRefused = true;
    return false;
  });
  return (hostname, lookupOptions, callback) =>
    guarded(hostname, lookupOptions, (error, address, family) => {
      const first = typeof address === 'string' ? address : address[0]?.address;
      if (!error && first !== undefined) onAddress(first);
      if (error instanceof RefusedAddress && !isPrivateRefused) error.cause = INSECURE;
      callback(error, address, family);
    });
}

class OpenedSocket implements Socket {
  readonly #socket: WebSocket;
  readonly #listener: SocketListener;
  readonly #clock: Clock;
  readonly #outbox: Outbox;
  #ping: Timer;
  #lastHeardAt: number;
  #failure: StreamFailure | undefined;
  #isClosing = false;
  #isOver = false;
  #tick: Timer | undefined;
  #tickMessages = 0;
  #tickBytes = 0;

  constructor(socket: WebSocket, listener: SocketListener, clock: Clock) {
    this.#socket = socket;
    this.#listener = listener;
    this.#clock = clock;
    this.#lastHeardAt = clock.now();
    this.#outbox = new Outbox({
      clock,
      write: (text, done) => socket.send(text, () => done()),
      onStalled: (reason) => this.#breakOff(`the server does not read: ${reason}`),
      onDropped: (frames) => listener.onDropped(frames),
    });
    this.#ping = this.#pingLater();
    socket.on('message', (data, isBinary) => {
      this.#heard();
      if (this.#isClosing) return;
      const text = data.toString();
      this.#slowDown(text.length);
      listener.onMessage(isBinary ? undefined : text);
    });
    socket.on('ping', () => this.#heard());
    socket.on('pong', () => this.#heard());
    socket.on('error', (error) => {
      this.#failure ??= brokenFailure(error);
    });
    socket.on('close', (code, reason) => this.#closed(code, reason.toString()));
  }

  send(text: string, isAudio: boolean): void {
    if (!this.#isClosing) this.#outbox.push(text, isAudio);
  }

  close(): void {
    if (this.#isClosing || this.#isOver) return;
    this.#isClosing = true;
    this.#ping.cancel();
    this.#outbox.close();
    // A paused socket would never see the answer to the close frame.
    if (this.#socket.isPaused) this.#socket.resume();
    this.#socket.close(1000);
    this.#ping = this.#clock.after(limits.streamCloseMs, () => this.#socket.terminate());
  }

  /** A server that floods is read no faster than the limit; what is beyond fills its own buffers (TCP flow control). */
  #slowDown(bytes: number): void {
    this.#tickMessages++;
    this.#tickBytes += bytes;
    this.#tick ??= this.#clock.after(limits.streamReadTickMs, () => {
      this.#tick = undefined;
      this.#tickMessages = 0;
      this.#tickBytes = 0;
      if (this.#socket.isPaused) this.#socket.resume();
    });
    const isTooFast =
      this.#tickMessages >= limits.streamMessagesPerTick || this.#tickBytes >= limits.streamReadBytesPerTick;
    if (isTooFast && !this.#socket.isPaused) this.#socket.pause();
  }

  #heard(): void {
    this.#lastHeardAt = this.#clock.now();
  }

  /** RFC 6455 5.5.2: a peer that lives answers each ping. */
  #pingLater(): Timer {
    return this.#clock.after(limits.streamPingMs, () => {
      if (this.#clock.now() - this.#lastHeardAt >= limits.streamSilenceMs) {
        return this.#breakOff('the server does not answer pings');
      }
      this.#socket.ping();
      this.#ping = this.#pingLater();
    });
  }

  #breakOff(detail: string): void {
    this.#failure ??= { errorCode: 31903, detail };
    this.#socket.terminate();
  }

  #closed(code: number, reason: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#tick?.cancel();
    this.#ping.cancel();
    this.#outbox.close();
    const failure = this.#isClosing ? undefined : (this.#failure ?? closeFailure(code, reason));
    this.#listener.onClosed(failure);
  }
}
