// Part of the composition root: media streams. Their sockets, their signature, and the calls they belong to.

import type { StreamsApi } from './base/streams-api.ts';
import type { Calls } from './call/calls.ts';
import type { Config } from './config.ts';
import type { Resolver } from './dns/resolver.ts';
import type { MediaEngine } from './media/engine.ts';
import type { ProvisioningContext } from './provisioning.ts';
import { createSockets, type Sockets } from './streams/socket.ts';
import { Streams } from './streams/streams.ts';
import { createStreamsApi } from './twiml/streams-api.ts';
import { signedUrl, signRequest } from './webhook/signature.ts';
import type { StatusCallbacks } from './webhook/status-callbacks.ts';

export interface StreamStack {
  readonly streams: Streams;
  readonly api: StreamsApi;
  counts(): object;
  /** Ends the connections. */
  stop(): void;
}

export interface StreamParts {
  readonly config: Pick<Config, 'webhookAllowPrivate' | 'streamAllowInsecure'>;
  readonly context: ProvisioningContext;
  readonly resolver: Pick<Resolver, 'lookup'>;
  readonly engine: MediaEngine;
  readonly calls: Calls;
  readonly statusCallbacks: StatusCallbacks;
  readonly authTokenOf: (accountSid: string) => string;
}

export function buildStreams(parts: StreamParts): StreamStack {
  const { config, context, resolver, engine, calls, statusCallbacks, authTokenOf } = parts;
  const { clock, random } = context;
  const log = context.log.child({ folder: 'streams' });
  const sockets: Sockets = createSockets({
    clock,
    log,
    lookup: (name, options, callback) => resolver.lookup(name, options, callback),
    allowPrivate: config.webhookAllowPrivate,
    allowInsecure: config.streamAllowInsecure,
  });
  const streams = new Streams({
    engine,
    open: sockets.open,
    sign: (accountSid, url) => signRequest(authTokenOf(accountSid), signedUrl(new URL(url), false)),
    callBack: (request) => statusCallbacks.send({ ...request, authToken: authTokenOf(request.accountSid) }),
    clock,
    random,
    log,
  });
  return {
    streams,
    api: createStreamsApi(calls, streams),
    counts: () => ({ ...streams.counts(), sockets: sockets.count() }),
    stop: () => sockets.stop(),
  };
}
