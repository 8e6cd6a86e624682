// One script against one application in virtual time: wires call, clock and webhook client, and plays the script to its end.

import type { Clock } from '../base/clock.ts';
import { newSid, type RandomSource } from '../base/ids.ts';
import type { Log } from '../base/log.ts';
import type { DnsLookup } from '../base/private-addresses.ts';
import type { HttpMethod } from '../base/records.ts';
import type { MediaSourceServices } from '../twiml/media-sources.ts';
import { createWebhookClient } from '../webhook/client.ts';
import type { WebhookClient, WebhookReport } from '../webhook/webhook.ts';
import type { Feed } from './feed.ts';
import { type Failure, runScript } from './run-script.ts';
import type { Script } from './script.ts';
import { VirtualCall } from './virtual-call.ts';
import { VirtualClock } from './virtual-clock.ts';
import type { VirtualCallOptions } from './virtual-world.ts';

export interface VirtualTarget {
  readonly url: string;
  readonly method: HttpMethod;
  readonly fallback: { readonly url: string; readonly method: HttpMethod } | undefined;
  /** Called when the call is over. */
  readonly statusCallback?: string | undefined;
  readonly accountSid: string;
  readonly authToken: string;
  readonly from: string;
  readonly to: string;
  readonly withinMs: number;
}

export interface VirtualServices {
  /** Of this machine: for requests, and for the wall time at which calls begin. */
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly dnsLookup: DnsLookup;
  readonly decode: MediaSourceServices['decode'];
  readonly log: Log;
}

export interface Played {
  readonly feed: Feed;
  readonly failure: Failure | undefined;
}

/** Makes what answers the requests of a call; it reports each exchange. */
export type MakeWebhook = (onExchange: (report: WebhookReport) => void) => WebhookClient;

/** Real HTTP requests. */
export const realWebhook =
  ({ clock, log, dnsLookup }: VirtualServices): MakeWebhook =>
  (onExchange) =>
    createWebhookClient({ clock, log, dnsLookup, settings: {}, onExchange });

/** Plays `script` on a new call. Rejects only by a fault of our own. */
export async function playVirtually(
  script: Script,
  target: VirtualTarget,
  services: VirtualServices,
  makeWebhook: MakeWebhook = realWebhook(services),
  heardMs?: VirtualCallOptions['heardMs'],
): Promise<Played> {
  const clock = new VirtualClock(services.clock.wall());
  const client = makeWebhook((report) => call.onExchange(report));
  const call: VirtualCall = new VirtualCall({
    clock,
    webhook: {
      ...client,
      request: (request, signal) => clock.during(client.request(request, signal)),
    },
    decode: services.decode,
    start: { url: target.url, method: target.method },
    fallback: target.fallback,
    statusCallback: target.statusCallback,
    callSid: newSid('CA', services.random),
    accountSid: target.accountSid,
    authToken: target.authToken,
    params: paramsOf(script, target),
    newSid: (prefix) => newSid(prefix, services.random),
    log: services.log,
    heardMs,
  });
  try {
    const session = call.run();
    const failure = await clock.run(
      runScript(script, call, { withinMs: target.withinMs }).then(async (found) => {
        await session;
        return found;
      }),
    );
    return { feed: call.feed, failure };
  } finally {
    await client.stop();
  }
}

/** twiml.md 3.1. */
function paramsOf(script: Script, target: VirtualTarget): ReadonlyMap<string, string> {
  const from = script.from ?? target.from;
  const to = addressOf(script.to, target.to);
  return new Map([
    ['ApiVersion', '2010-04-01'],
    ['Direction', 'inbound'],
    ['From', from],
    ['To', to],
    ['Caller', from],
    ['Called', to],
    ...script.params,
  ]);
}

/** `to 700` is that user at the domain that is called anyway. */
function addressOf(given: string | undefined, usual: string): string {
  if (given === undefined) return usual;
  const domain = /^sips?:[^@]*(@.*)$/i.exec(usual)?.[1];
  return domain === undefined || /^(sips?:|client:|\+)/i.test(given) ? given : `sip:${given}${domain}`;
}
