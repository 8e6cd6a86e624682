// UDP sockets on the handles of Node that node:dgram itself stands on. What dgram puts in between costs a tenth of a relayed packet and
// most of opening a socket: an emitter, a look-up, a request object and two ticks for every send. The handles are no documented
// interface, so what is used of them is looked at before use; where it is missing, node:dgram serves (datagram-plain.ts).
//
//   bind ─▶ packets in: handlers.packet   ─▶ close
//             send, connect, disconnect: at once, by return value

import { constants } from 'node:os';
import { getSystemErrorName } from 'node:util';
import type { BindDatagram, BindOptions, DatagramHandlers, DatagramSocket } from './datagram.ts';
import { bindPlain } from './datagram-plain.ts';
import { err, ok, type Result } from './result.ts';

type SendRequest = object & { kept?: readonly Uint8Array[] };

/** The handle of Node, as far as it is used here. Numbers below 0 are errors of the system. */
interface UdpHandle {
  /** Ours. */
  handlers: DatagramHandlers;
  onmessage: (read: number, handle: UdpHandle, packet: Buffer | undefined, source: Source) => void;
  bind(address: string, port: number, flags: number): number;
  bind6(address: string, port: number, flags: number): number;
  connect(address: string, port: number): number;
  connect6(address: string, port: number): number;
  disconnect(): number;
  /** Above 0: sent. 0: the system had no room, it is sent later and the request and its buffers are in use until then. */
  send(request: SendRequest, list: Uint8Array[], count: number, port: number, address: string, calls: boolean): number;
  send(request: SendRequest, list: Uint8Array[], count: number, calls: boolean): number;
  send6(request: SendRequest, list: Uint8Array[], count: number, port: number, address: string, calls: boolean): number;
  bufferSize(bytes: number, isReceive: boolean, fault: object): number | undefined;
  getsockname(into: Source): number;
  recvStart(): number;
  close(closed: () => void): void;
}

interface Source {
  address: string;
  port: number;
}

interface UdpBinding {
  readonly UDP: new () => UdpHandle;
  readonly SendWrap: new () => SendRequest;
  readonly constants: { readonly UV_UDP_IPV6ONLY: number };
}

const USED = ['bind', 'bind6', 'connect', 'connect6', 'disconnect', 'send', 'send6', 'bufferSize', 'getsockname'];

function findBinding(): UdpBinding | null {
  try {
    const found = (process as unknown as { binding(name: string): UdpBinding }).binding('udp_wrap');
    const methods = found.UDP.prototype as unknown as Record<string, unknown>;
    const isWhole =
      USED.every((name) => typeof methods[name] === 'function') && typeof methods.recvStart === 'function';
    return isWhole && typeof found.SendWrap === 'function' ? found : null;
  } catch {
    return null;
  }
}

const binding = findBinding();

/** Whether sockets stand on the handles themselves. */
export const hasHandles = binding !== null;

class HandleSocket implements DatagramSocket {
  readonly address: string;
  readonly port: number;
  readonly #binding: UdpBinding;
  readonly #handle: UdpHandle;
  readonly #isV6: boolean;
  #isConnected = false;
  #closing: Promise<void> | null = null;

  constructor(udp: UdpBinding, handle: UdpHandle, isV6: boolean, { address, port }: Source) {
    this.#binding = udp;
    this.#handle = handle;
    this.#isV6 = isV6;
    this.address = address;
    this.port = port;
  }

  get receiveBufferBytes(): number {
    // The kernel says twice what was asked for.
    return this.#closing ? 0 : (this.#handle.bufferSize(0, true, {}) ?? 0) / 2;
  }

  send(bytes: Uint8Array, port: number, address: string): string | null {
    if (this.#closing) return 'EBADF';
    if (!this.#isConnected && !isPort(port)) return 'EINVAL';
    list[0] = bytes;
    let result = this.#attempt(port, address);
    if (result > 0) return null;
    // An ICMP message about an earlier datagram stands in the way of this one; it is gone then.
    if (result === REFUSED) result = this.#attempt(port, address);
    if (result > 0) return null;
    if (result < 0) return getSystemErrorName(result);
    // The kernel had no room: this request is taken until it has.
    request.kept = [bytes];
    request = new this.#binding.SendWrap();
    return null;
  }

  #attempt(port: number, address: string): number {
    const handle = this.#handle;
    if (this.#isConnected) return handle.send(request, list, 1, false);
    if (this.#isV6) return handle.send6(request, list, 1, port, address, false);
    return handle.send(request, list, 1, port, address, false);
  }

  connect(port: number, address: string): string | null {
    if (this.#closing) return 'EBADF';
    if (this.#isConnected) this.disconnect();
    if (!isPort(port)) return 'EINVAL';
    const result = this.#isV6 ? this.#handle.connect6(address, port) : this.#handle.connect(address, port);
    this.#isConnected = result === 0;
    return nameOf(result);
  }

  disconnect(): string | null {
    if (this.#closing || !this.#isConnected) return null;
    this.#isConnected = false;
    return nameOf(this.#handle.disconnect());
  }

  close(): Promise<void> {
    this.#closing ??= new Promise((resolve) => this.#handle.close(resolve));
    return this.#closing;
  }
}

/** The peer has no such port, or had none. */
const REFUSED = -constants.errno.ECONNREFUSED;

/** Serves every send that the kernel takes at once, of all sockets of the thread. */
let request: SendRequest = binding ? new binding.SendWrap() : {};
const list: Uint8Array[] = [new Uint8Array(0)];

/** Less than that is not asked for: systems have as much by themselves. */
const SMALLEST_RECEIVE_BUFFER_BYTES = 16_384;

/** The handle takes the whole process down when given another number. */
const isPort = (port: number): boolean => (port & 0xffff) === port && port > 0;

const nameOf = (result: number): string | null => (result < 0 ? getSystemErrorName(result) : null);

/** One for all sockets: the handle has what is its own. */
function onMessage(read: number, { handlers }: UdpHandle, packet: Buffer | undefined, source: Source): void {
  if (read < 0) handlers.error(getSystemErrorName(read));
  else if (packet !== undefined) handlers.packet(packet, source.address, source.port);
}

function bindHandle(
  udp: UdpBinding,
  address: string,
  port: number,
  handlers: DatagramHandlers,
  { receiveBufferBytes }: BindOptions,
): Result<DatagramSocket, string> {
  const isV6 = address.includes(':');
  const handle = new udp.UDP();
  const failed = (result: number) => {
    handle.close(() => {});
    return err(getSystemErrorName(result));
  };
  const bound = isV6 ? handle.bind6(address, port, udp.constants.UV_UDP_IPV6ONLY) : handle.bind(address, port, 0);
  if (bound < 0) return failed(bound);
  // Kernels cap what is too much for them, or refuse it: take what is allowed.
  for (let bytes = receiveBufferBytes ?? 0; bytes >= SMALLEST_RECEIVE_BUFFER_BYTES; bytes /= 2)
    if (handle.bufferSize(bytes, true, {}) !== undefined) break;
  handle.handlers = handlers;
  handle.onmessage = onMessage;
  const started = handle.recvStart();
  if (started < 0) return failed(started);
  const own: Source = { address, port };
  if (port === 0) handle.getsockname(own);
  return ok(new HandleSocket(udp, handle, isV6, own));
}

export const bindDatagram: BindDatagram = binding
  ? (address, port, handlers, options = {}) => Promise.resolve(bindHandle(binding, address, port, handlers, options))
  : bindPlain;
