// Requests for tests of the layers below the user agent: valid, small, with fresh branch, tag and Call-ID from a seeded source.

import { newBranch, newCallId, newTag, type RandomSource } from '../../src/base/ids.ts';
import { createRequest } from '../../src/sip/grammar/build.ts';
import type { HeaderField, Request } from '../../src/sip/grammar/message.ts';
import { nameAddr } from '../../src/sip/grammar/name-addr.ts';
import { makeSipUri } from '../../src/sip/grammar/uri.ts';
import type { Via } from '../../src/sip/grammar/via.ts';

export interface TestRequestOptions {
  readonly random: RandomSource;
  /** Addresses of sender and receiver. */
  readonly from: string;
  readonly to: string;
  readonly transport?: 'udp' | 'tcp';
  readonly branch?: string;
  readonly callId?: string;
  readonly fromTag?: string;
  readonly toTag?: string;
  readonly sequence?: number;
  readonly headers?: readonly HeaderField[];
}

export const viaOf = (host: string, branch: string | undefined, transport = 'udp'): Via => ({
  transport,
  host,
  port: 5060,
  branch,
  received: undefined,
  rport: undefined,
  params: new Map(),
});

export function testRequest(method: string, options: TestRequestOptions): Request {
  const { random, from, to } = options;
  const toParams = options.toTag === undefined ? new Map() : new Map([['tag', options.toTag]]);
  return createRequest({
    method,
    uri: makeSipUri({ user: 'bob', host: to }),
    via: viaOf(from, options.branch ?? newBranch(random), options.transport),
    from: nameAddr(
      makeSipUri({ user: 'alice', host: from }),
      'Alice',
      new Map([['tag', options.fromTag ?? newTag(random)]]),
    ),
    to: nameAddr(makeSipUri({ user: 'bob', host: to }), undefined, toParams),
    callId: options.callId ?? newCallId(random),
    cseq: { sequence: options.sequence ?? 1, method },
    headers: [{ name: 'Contact', value: `<sip:alice@${from}>` }, ...(options.headers ?? [])],
  });
}
