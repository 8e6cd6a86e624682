// undici agents: one per connect timeout and SNI choice (they are properties of a connection, not of a request), each with
// a pool per origin. Owns the sockets of all webhooks; holds the guard against requests into private networks (design.md 9).

import { Agent, buildConnector } from 'undici';
import type { Clock } from '../base/clock.ts';
import { limits } from '../base/limits.ts';
import { type DnsLookup, guardedLookup, isSpecialAddress, RefusedAddress } from '../base/private-addresses.ts';

export interface AgentSettings {
  /** False refuses loopback, private, link-local and other special addresses. */
  readonly allowPrivate: boolean;
  readonly verifyTls: boolean;
  /** Further certificate authorities, PEM. */
  readonly certificateAuthorities?: readonly string[] | undefined;
}

/** What went wrong before a connection could carry a request. */
export class ConnectFailure extends Error {
  readonly kind: 'timeout' | 'privateAddress' | 'error';

  constructor(kind: 'timeout' | 'privateAddress' | 'error', cause?: unknown) {
    super(`connect failed: ${kind}`, { cause });
    this.kind = kind;
  }
}

/** Connect timeouts are rounded up to this step, so that the number of agents is bounded (100 steps, SNI or not). */
const CONNECT_STEP_MS = 100;
/** undici's own connect timer only clears up behind ours. */
const BACKSTOP_MS = 1_000;

export interface Agents {
  get(connectMs: number, isSniSent: boolean): Agent;
  stop(): Promise<void>;
}

export function createAgents(clock: Clock, dnsLookup: DnsLookup, settings: AgentSettings): Agents {
  const agents = new Map<string, Agent>();
  const lookup = settings.allowPrivate ? dnsLookup : guardedLookup(dnsLookup, (address) => !isSpecialAddress(address));
  return {
    get(connectMs, isSniSent) {
      const stepMs = Math.ceil(connectMs / CONNECT_STEP_MS) * CONNECT_STEP_MS;
      const key = `${stepMs} ${isSniSent}`;
      let agent = agents.get(key);
      if (!agent) {
        agent = new Agent({
          connect: connector(clock, lookup, settings, stepMs, isSniSent),
          connections: limits.webhooksInFlightPerOrigin,
          allowH2: false,
          maxHeaderSize: limits.httpHeaderBytes,
          // Waits are measured by exchange.ts on our Clock.
          headersTimeout: 0,
          bodyTimeout: 0,
        });
        agents.set(key, agent);
      }
      return agent;
    },
    async stop() {
      await Promise.all([...agents.values()].map((agent) => agent.destroy()));
      agents.clear();
    },
  };
}

function connector(
  clock: Clock,
  lookup: DnsLookup,
  settings: AgentSettings,
  connectMs: number,
  isSniSent: boolean,
): buildConnector.connector {
  const build = buildConnector({
    timeout: connectMs + BACKSTOP_MS,
    allowH2: false,
    minVersion: 'TLSv1.2',
    rejectUnauthorized: settings.verifyTls,
    lookup: lookup as never,
    ...(settings.certificateAuthorities ? { ca: [...settings.certificateAuthorities] } : {}),
  });
  return (options, callback) => {
    if (!settings.allowPrivate && isSpecialAddress(options.hostname)) {
      callback(new ConnectFailure('privateAddress'), null);
      return;
    }
    let isDone = false;
    const timer = clock.after(connectMs, () => {
      isDone = true;
      callback(new ConnectFailure('timeout'), null);
    });
    // Without a host name to derive it from, no server name is sent; the certificate is still checked against `hostname`.
    const target = isSniSent ? options : { ...options, host: '', servername: '' };
    build(target, (error, socket) => {
      timer.cancel();
      if (isDone) {
        socket?.destroy();
      } else if (error) {
        callback(new ConnectFailure(error instanceof RefusedAddress ? 'privateAddress' : 'error', error), null);
      } else {
        callback(null, socket!);
      }
    });
  };
}
