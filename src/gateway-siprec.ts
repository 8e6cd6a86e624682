// Part of the composition root: recording sessions. Their connectors as the settings name them, and whom each call is joined with.

import type { SiprecApi } from './base/siprec-api.ts';
import type { Calls } from './call/calls.ts';
import type { MediaRouter } from './call/media-router.ts';
import type { Config } from './config.ts';
import type { MediaEngine } from './media/engine.ts';
import type { ProvisioningContext } from './provisioning.ts';
import { isSipUri, parseUri, type SipUri, withUriParam } from './sip/grammar/uri.ts';
import type { UserAgent } from './sip/ua/ua.ts';
import type { SiprecConnector } from './siprec/options.ts';
import { Siprec } from './siprec/siprec.ts';
import type { Streams } from './streams/streams.ts';
import { createSiprecApi, farParty, type SiprecControlServices } from './twiml/call-siprec.ts';
import type { StatusCallbacks } from './webhook/status-callbacks.ts';

export interface SiprecStack extends SiprecControlServices {
  readonly api: SiprecApi;
}

export interface SiprecStackParts {
  /** The settings in force. */
  readonly settings: () => Config;
  readonly context: ProvisioningContext;
  readonly userAgent: UserAgent;
  readonly engine: MediaEngine;
  readonly router: MediaRouter;
  readonly calls: Calls;
  readonly streams: Streams;
  readonly statusCallbacks: StatusCallbacks;
  readonly authTokenOf: (accountSid: string) => string;
}

export function buildSiprec(parts: SiprecStackParts): SiprecStack {
  const { settings, context, userAgent, engine, router, calls, streams, statusCallbacks, authTokenOf } = parts;
  /** Who talks with whom, by CallSid, for as long as they do. */
  const peers = new Map<string, string>();
  const peerOf = (callSid: string) => {
    const other = calls.find(peers.get(callSid) ?? '');
    return other && farParty(other);
  };
  const siprec = new Siprec({
    connectors: () => settings().declared.siprecConnectors.map(connectorOf),
    peerOf,
    userAgent,
    engine,
    router,
    callBack: (request) => statusCallbacks.send({ ...request, authToken: authTokenOf(request.accountSid) }),
    ...context,
    log: context.log.child({ folder: 'siprec' }),
  });
  calls.onEvent((event) => {
    const { callSid } = event;
    if (event.type === 'bridged') {
      peers.set(callSid, event.otherCallSid);
    } else if (event.type === 'ended') {
      peers.delete(callSid);
      return;
    } else if (event.type !== 'unbridged' || peers.get(callSid) !== event.otherCallSid) {
      return;
    } else {
      peers.delete(callSid);
    }
    siprec.joined(callSid, peerOf(callSid));
  });
  return { siprec, streams, api: createSiprecApi(calls, { siprec, streams }) };
}

type DeclaredConnector = Config['declared']['siprecConnectors'][number];

function connectorOf(declared: DeclaredConnector): SiprecConnector {
  const { name, uri, transport, username, password, secureMedia, tlsVerify } = declared;
  return {
    name,
    servers: (typeof uri === 'string' ? [uri] : uri).flatMap((text) => serverOf(text, transport) ?? []),
    credentials: username === undefined ? undefined : { username, password: password ?? '' },
    secureMedia,
    tlsVerify,
  };
}

/** The schema has checked its form. */
function serverOf(text: string, transport: string | undefined): SipUri | undefined {
  const parsed = parseUri(text);
  if (!parsed.ok || !isSipUri(parsed.value)) return undefined;
  const uri = parsed.value;
  return transport === undefined || uri.params.has('transport') ? uri : withUriParam(uri, 'transport', transport);
}
