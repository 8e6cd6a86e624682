// Watches a call at the gateway on this machine (operator-watch.ts): announces its Call-ID, then asks what happened until told to stop.

import { request } from 'undici';
import { err, ok, type Result } from '../base/result.ts';
import type { CallWatch } from '../dialogue/dialled-call.ts';
import type { WatchedPage } from '../trace/call-watch.ts';
import { commandLine } from './arguments.ts';

/** More than the gateway waits itself. */
const POLL_MS = 20_000;

export interface GatewayWatch extends CallWatch {
  /** The gateway forgets the call. */
  stop(): Promise<void>;
}

/** The error is a sentence for the user. */
export async function gatewayWatch(origin: string, callId: string): Promise<Result<GatewayWatch, string>> {
  const url = `${origin}/debug/watch/${encodeURIComponent(callId)}`;
  const stopping = new AbortController();
  try {
    const answer = await request(url, { method: 'PUT', headersTimeout: POLL_MS });
    const text = (await answer.body.text()).trim();
    if (answer.statusCode === 403) return err(`${origin} tells about calls on its own machine only: run this there.`);
    if (answer.statusCode !== 204)
      return err(`${origin} cannot be asked what happens on a call: ${answer.statusCode} ${text}`);
  } catch (fault) {
    const why = (fault as NodeJS.ErrnoException).code ?? (fault as Error).message;
    return err(
      `No gateway answers at ${origin} (${why}); it is asked what is said on a call. "${commandLine('serve')}" starts it, --gateway names it.`,
    );
  }
  return ok({
    async poll(from) {
      try {
        const answer = await request(`${url}?from=${from}`, { headersTimeout: POLL_MS, signal: stopping.signal });
        if (answer.statusCode === 200) return (await answer.body.json()) as WatchedPage;
        await answer.body.dump();
      } catch {
        // Gone, or told to stop.
      }
      return undefined;
    },
    async stop() {
      stopping.abort();
      await request(url, { method: 'DELETE', headersTimeout: POLL_MS }).then(
        ({ body }) => body.dump(),
        () => {},
      );
    },
  });
}
