// OPTIONS to a peer, to see whether it answers (RFC 3261 11.1).

import { newCallId, newTag } from '../../base/ids.ts';
import type { SipUri } from '../grammar/uri.ts';
import { createAuthClient } from './auth-client.ts';
import { sendOutside } from './client-request.ts';
import type { UaContext } from './context.ts';

/** True when anything but 503 comes back within `waitMs`. A challenge is an answer. */
export async function ping(context: UaContext, target: SipUri, waitMs: number): Promise<boolean> {
  const waiting = new AbortController();
  return new Promise((resolve) => {
    const timer = context.clock.after(waitMs, () => {
      waiting.abort();
      resolve(false);
    });
    const request = {
      method: 'OPTIONS',
      target,
      from: undefined,
      to: undefined,
      localTag: newTag(context.random),
      callId: newCallId(context.random),
      sequence: { next: 1 },
      contactUser: undefined,
      headers: [{ name: 'Accept', value: 'application/sdp' }],
      auth: createAuthClient(undefined, context.random),
    };
    void sendOutside(context, request, waiting.signal).then(({ response }) => {
      timer.cancel();
      resolve(response !== undefined && response.status !== 503);
    });
  });
}
