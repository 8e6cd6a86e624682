// The sentence with which a listener that cannot be opened is reported: which one, why, what to do.

import { err, type Result } from '../../base/result.ts';
import type { TransportName } from './transport.ts';

export interface ListenFailure {
  readonly code: string;
  readonly sentence: string;
}

const FIXES: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another program listens there: stop it or choose another port',
  EADDRNOTAVAIL: 'no interface has this address: correct it or use [::] and 0.0.0.0',
  EACCES: 'not allowed: ports below 1024 need the right CAP_NET_BIND_SERVICE',
  EMFILE: 'too many open files: raise the file-descriptor limit (ulimit -n)',
};

export function listenFailure(
  transport: TransportName,
  address: string,
  port: number,
  fault: unknown,
): Result<never, ListenFailure> {
  const code = faultCode(fault);
  const setting = transport === 'tls' ? 'HOOKSWITCH_SIPS_LISTEN' : 'HOOKSWITCH_SIP_LISTEN';
  const where = `${transport} ${address.includes(':') ? `[${address}]` : address}:${port}`;
  return err({ code, sentence: `${where} (${setting}) cannot be opened: ${FIXES[code] ?? String(fault)} (${code})` });
}

/** The machine has no such address family, or not this address (yet): no reason to fail a wildcard. */
export const isAddressAbsent = (code: string): boolean =>
  code === 'EAFNOSUPPORT' || code === 'EADDRNOTAVAIL' || code === 'EPROTONOSUPPORT' || code === 'EINVAL';

/** Of what Node threw, or the code itself. */
export function faultCode(fault: unknown): string {
  if (typeof fault === 'string') return fault;
  return fault instanceof Error && 'code' in fault && typeof fault.code === 'string' ? fault.code : 'unknown';
}
