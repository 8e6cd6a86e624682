// Part of the composition root: the HTTP side. REST, health, counts, metrics, and the ladder and capture of a call for this machine.

import type { AccessControlApi } from './access/access-control.ts';
import { type ApiServer, type ApiTls, createApiServer } from './api/server.ts';
import type { TlsMaterial, TlsMaterialSource } from './certs/reload.ts';
import type { Config } from './config.ts';
import type { CallStack } from './gateway-calls.ts';
import { createIceServers } from './ice-servers.ts';
import { readCapture, serveOperator } from './operator-routes.ts';
import type { ProvisioningContext } from './provisioning.ts';
import type { UserAgent } from './sip/ua/ua.ts';
import type { StoreDirectory } from './store/directory.ts';
import { digestHa1 } from './store/secrets.ts';
import type { Store } from './store/store.ts';

export interface HttpParts {
  readonly access: AccessControlApi;
  readonly config: Config;
  readonly context: ProvisioningContext;
  readonly store: Store;
  readonly directory: StoreDirectory;
  readonly calls: CallStack;
  readonly userAgent: Pick<UserAgent, 'bindingsOfDomain'>;
  readonly tls: TlsMaterialSource | null;
  readonly counts: () => object;
  readonly isReady: () => boolean;
}

/** Starts the listeners; resolves with them and the origin of the first. Rejects when one cannot be opened. */
export async function startHttp(
  parts: HttpParts,
): Promise<{ readonly url: string; readonly servers: readonly ApiServer[] }> {
  const { config, tls } = parts;
  const plain = createServer(parts, config.httpListen, undefined);
  const bound = await opened(plain, config.httpListen, 'HOOKSWITCH_HTTP_LISTEN');
  const servers = [plain];
  if (config.httpsListen !== null && tls) {
    const secure = createServer(parts, config.httpsListen, apiTls(tls.current()));
    await opened(secure, config.httpsListen, 'HOOKSWITCH_HTTPS_LISTEN');
    tls.onChange((material) => secure.replaceTls(apiTls(material)));
    servers.push(secure);
  }
  const host = bound.address.includes(':') ? `[${bound.address}]` : bound.address;
  return { url: `http://${host}:${bound.port}`, servers };
}

const apiTls = ({ pairs }: TlsMaterial): ApiTls => ({
  key: pairs.map((pair) => pair.key),
  cert: pairs.map((pair) => pair.cert),
});

/** Starts a listener; what goes wrong names its setting. */
async function opened(server: ApiServer, { address, port }: Config['httpListen'], setting: string) {
  try {
    return await server.start();
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    const why = code === 'EADDRINUSE' ? 'another program listens there: stop it or choose another port' : message;
    const place = `${address.includes(':') ? `[${address}]` : address}:${port}`;
    throw new Error(`http ${place} (${setting}) cannot be opened: ${why}`, { cause });
  }
}

function createServer(parts: HttpParts, listen: Config['httpListen'], tls: ApiTls | undefined): ApiServer {
  const { config, context, store, directory, calls } = parts;
  return createApiServer({
    store,
    directory,
    calls: calls.restCalls,
    callerIds: calls.callerIds,
    iceServers: createIceServers(() => config, context),
    queues: calls.restQueues,
    conferences: calls.restConferences,
    streams: calls.streams.api,
    siprec: calls.siprec.api,
    transcriptions: calls.restTranscriptions,
    recordings: calls.recordings.api,
    hashPassword: digestHa1,
    config: {
      listen,
      domainSuffix: config.domainSuffix,
      realm: config.realm,
      publicUrl: config.publicUrl,
      ...(tls ? { tls } : {}),
    },
    counts: parts.counts,
    // design.md 9: a gateway whose database does not answer takes no new registrations and keeps no records; its calls go on.
    health: () => {
      // The reason itself is in the log: anybody may ask here.
      const { isUp } = store.health();
      return { ready: parts.isReady() && isUp, ...(isUp ? {} : { reason: 'the database does not answer' }) };
    },
    metrics: () => calls.observers.metrics.text(),
    registrations: {
      ofDomain: (domainSid, page) => parts.userAgent.bindingsOfDomain(domainSid, page),
    },
    ownsNumber: calls.carriers.mayShow,
    captures: { read: (callSid) => readCapture(parts, callSid) },
    extraRoutes: (server) => serveOperator(server, parts),
    ...context,
  });
}
