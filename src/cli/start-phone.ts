// The scripted phone as `call` starts it: where it sends to, and from which address.

import { realClock } from '../base/clock.ts';
import { cryptoRandom } from '../base/ids.ts';
import type { Log } from '../base/log.ts';
import { err, ok, type Result } from '../base/result.ts';
import { Phone } from '../demo/phone.ts';
import { createResolver } from '../dns/resolver.ts';
import { resolveTargets } from '../sip/transport/targets.ts';
import type { Destination } from '../sip/transport/transport.ts';
import type { CallOptions } from './call-options.ts';

const MEDIA_PORTS = { first: 22_000, last: 22_999 };

/** The error is a sentence for the user. */
export async function startPhone(options: CallOptions, log: Log): Promise<Result<Phone, string>> {
  const proxy = await destinationOf(options, log);
  if (!proxy.ok) return proxy;
  const { address } = proxy.value;
  const isLoopback = address.startsWith('127.') || address === '::1';
  const { user, password, domain, trustedRoot, secureMedia } = options;
  const started = await Phone.start({
    address: isLoopback ? address : address.includes(':') ? '::' : '0.0.0.0',
    port: 0,
    user,
    password,
    domain,
    proxy: proxy.value,
    mediaPorts: MEDIA_PORTS,
    tls: null,
    trustedRoot,
    secureMedia,
    // Without packets a gateway hears no silence: a Record would not end, and the call would in a minute.
    sendsSilence: true,
    clock: realClock,
    random: cryptoRandom,
    log,
  });
  return started.ok ? started : err(`The phone cannot start: ${started.error}`);
}

/** Where the target, or the proxy in its place, is to be found; the transport is the target's. */
async function destinationOf({ target, proxy }: CallOptions, log: Log): Promise<Result<Destination, string>> {
  const uri = proxy === undefined ? target : { ...proxy, params: proxy.params.size > 0 ? proxy.params : target.params };
  const resolver = createResolver({ clock: realClock, log });
  const found = await resolveTargets({ uri, resolver, random: cryptoRandom });
  if (found.ok && found.value[0]) return ok(found.value[0]);
  return err(`${uri.host} cannot be found${found.ok ? '' : `: ${found.error.detail}`}`);
}
