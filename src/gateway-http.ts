// Part of the composition root: the HTTP side. REST, health, counts, metrics, and the ladder and capture of a call for this machine.

import type { FastifyRequest } from 'fastify';
import { type ApiServer, type ApiTls, createApiServer } from './api/server.ts';
import { limits } from './base/limits.ts';
import type { TlsMaterial, TlsMaterialSource } from './certs/reload.ts';
import type { Config } from './config.ts';
import type { CallStack } from './gateway-calls.ts';
import type { ProvisioningContext } from './provisioning.ts';
import type { UserAgent } from './sip/ua/ua.ts';
import type { StoreDirectory } from './store/directory.ts';
import { digestHa1 } from './store/secrets.ts';
import type { Store } from './store/store.ts';
import { drawLadder } from './trace/ladder.ts';

export interface HttpParts {
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
    hashPassword: digestHa1,
    config: {
      listen,
      domainSuffix: config.domainSuffix,
      realm: config.realm,
      publicUrl: config.publicUrl,
      ...(tls ? { tls } : {}),
    },
    counts: parts.counts,
    health: () => ({ ready: parts.isReady() }),
    metrics: () => calls.observers.metrics.text(),
    registrations: {
      ofDomain: async (domainSid) => parts.userAgent.bindingsOfDomain(domainSid, limits.registrationsListed),
    },
    captures: { read: (callSid) => readCapture(parts, callSid) },
    extraRoutes: (server) => {
      // For phones that verify: no credentials, since a phone has none here and a root is no secret.
      server.get('/ca.pem', (_request, reply) => {
        const ca = parts.tls?.current().ca ?? null;
        if (ca === null) return reply.code(404).type('text/plain').send('no certificate authority of ours is in use\n');
        return reply
          .type('application/x-pem-file')
          .header('content-disposition', 'attachment; filename="hookswitch-ca.pem"')
          .send(ca);
      });
      server.get<{ Params: { id: string } }>('/debug/capture/:id', async (request, reply) => {
        if (!isFromHere(request)) return reply.code(403).send('only from this machine\n');
        const capture = await readCapture(parts, request.params.id);
        if (!capture) return reply.code(404).send('no such call in the captures\n');
        context.log.info({ folder: 'trace', callSid: request.params.id, by: request.ip }, 'capture downloaded');
        return reply.type('application/vnd.tcpdump.pcap').send(capture);
      });
      server.get<{ Params: { id: string }; Querystring: { width?: unknown } }>(
        '/debug/ladder/:id',
        (request, reply) => {
          if (!isFromHere(request)) return reply.code(403).send('only from this machine\n');
          const family = calls.observers.trace.family(request.params.id);
          if (!family) return reply.code(404).send('no such call in the trace\n');
          return reply.type('text/plain; charset=utf-8').send(drawLadder(family, pageWidth(request.query.width)));
        },
      );
    },
    ...context,
  });
}

/** Columns of the asker's terminal: `?width=132`. */
function pageWidth(given: unknown): { width?: number } {
  return typeof given === 'string' && /^[1-9]\d{1,3}$/.test(given) ? { width: Number(given) } : {};
}

/** The capture of a call's family. What is no longer in memory is found by the first call, which the records tell. */
async function readCapture({ calls, store }: HttpParts, id: string): Promise<Buffer | undefined> {
  let root = id;
  for (let depth = 0; depth < limits.callFamilyDepth; depth++) {
    const parent = (await store.calls.get(root))?.parentCallSid ?? null;
    if (parent === null) break;
    root = parent;
  }
  return calls.observers.captures.read(id, root);
}

/**
 * Like the counts: for the operator on this machine only. Behind a proxy the peer is the proxy: what it forwards for is not on this
 * machine.
 */
const isFromHere = (request: FastifyRequest): boolean =>
  request.headers['x-forwarded-for'] === undefined && isLoopback(request.ip);

const isLoopback = (address: string): boolean => address === '::1' || /^(::ffff:)?127\./.test(address);
