// Sends each SIP message to a capture server as HEP v3 over UDP. It never waits and never fails a message: so many datagrams may be on
// their way, what is beyond is counted and dropped. The server's name is looked up now and then, a look-up that fails is tried again.

import { createSocket, type Socket } from 'node:dgram';
import type { Clock, Timer } from '../base/clock.ts';
import { limits } from '../base/limits.ts';
import type { Log } from '../base/log.ts';
import { isEncrypted, sipPayload } from './capture.ts';
import { encodeHep, type HepSender } from './hep.ts';
import { maskMessage } from './mask.ts';
import type { TracedFlow } from './trace.ts';

export interface HepExporterOptions {
  readonly server: { readonly host: string; readonly port: number };
  readonly sender: HepSender;
  /** What came encrypted is sent too, in clear; asked with the Call-ID. */
  readonly isDecrypted: (callId: string) => boolean;
  readonly withSecrets: () => boolean;
  /** First address of a name; an address is its own. */
  readonly resolve: (host: string) => Promise<string | undefined>;
  readonly clock: Clock;
  readonly log: Log;
}

export interface HepCounts {
  readonly sent: number;
  readonly dropped: number;
  readonly failed: number;
}

export class HepExporter {
  readonly #options: HepExporterOptions;
  #socket: Socket | undefined;
  #address: string | undefined;
  #timer: Timer | undefined;
  #inFlight = 0;
  #sent = 0;
  #dropped = 0;
  #failed = 0;
  #isStopped = false;

  constructor(options: HepExporterOptions) {
    this.#options = options;
  }

  /** Looks the server up; messages before that are dropped. Never rejects. */
  async start(): Promise<void> {
    const { server, resolve, clock, log } = this.#options;
    const address = await resolve(server.host).catch(() => undefined);
    if (this.#isStopped) return;
    if (address === undefined) log.warn({ hepServer: server.host }, 'the HEP server has no address');
    else if (address !== this.#address) this.#open(address);
    this.#timer = clock.after(limits.hepResolveMs, () => void this.start());
  }

  #open(address: string): void {
    this.#socket?.close();
    this.#address = address;
    const socket = createSocket({ type: address.includes(':') ? 'udp6' : 'udp4' });
    socket.on('error', () => {
      this.#failed++;
    });
    socket.unref();
    this.#socket = socket;
  }

  /** `bytes` as they crossed the wire. */
  onMessage(direction: 'in' | 'out', bytes: Buffer, flow: TracedFlow, callId: string): void {
    const { sender, server, isDecrypted, withSecrets, clock } = this.#options;
    if (isEncrypted(flow.transport) && !isDecrypted(callId)) return;
    const socket = this.#socket;
    if (!socket || this.#inFlight >= limits.hepInFlight) {
      this.#dropped++;
      return;
    }
    const payload = sipPayload({ direction, flow, wall: clock.wall() }, withSecrets() ? bytes : maskMessage(bytes));
    const datagram = encodeHep(payload, callId, sender);
    if (!datagram) {
      this.#dropped++;
      return;
    }
    this.#inFlight++;
    socket.send(datagram, server.port, this.#address, (fault) => {
      this.#inFlight--;
      if (fault) this.#failed++;
      else this.#sent++;
    });
  }

  counts(): HepCounts {
    return { sent: this.#sent, dropped: this.#dropped, failed: this.#failed };
  }

  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
    this.#socket?.close();
    this.#socket = undefined;
  }
}
