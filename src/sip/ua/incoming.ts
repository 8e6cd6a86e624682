// What happens to a request before anyone acts on it: a list of checks, each named by the section it obeys, then a dispatch table.
// A check returns nothing (go on) or an answer. Requests inside a known dialog skip the checks that are for strangers.

import { limits } from '../../base/limits.ts';
import { ownText } from '../../base/own-text.ts';
import { dialogIdOf } from '../dialog/dialog.ts';
import type { HeaderField, Message, Request } from '../grammar/message.ts';
import { isSipUri } from '../grammar/uri.ts';
import type { ServerTransaction } from '../transaction/transaction.ts';
import type { Flow } from '../transport/transport.ts';
import { EDGE_METHODS, type UaContext } from './context.ts';
import { maxForwardsOf, tagOf, tokens } from './header-fields.ts';
import { answer } from './responses.ts';
import type { AccessControl } from './ua.ts';

export interface Refused {
  readonly status: number;
  readonly reason?: string;
  readonly headers?: readonly HeaderField[];
}

/** Undefined: go on. */
type Check = (request: Request, merged: MergedRequests) => Refused | undefined;

/** Methods of the standards that are not served here: 405. Others are unknown: 501. */
const KNOWN_METHODS = new Set(['MESSAGE', 'SUBSCRIBE', 'PUBLISH']);
const SERVED_METHODS = new Set(EDGE_METHODS.split(', '));
const EXTENSIONS = new Set(['100rel', 'timer', 'replaces', 'norefersub']);

const allow: HeaderField = { name: 'Allow', value: EDGE_METHODS };

/** RFC 3261 8.2.1: 405 with Allow for what we know and do not serve, 501 for what nobody knows (21.5.2). */
export const checkMethod: Check = ({ method }) => {
  if (SERVED_METHODS.has(method)) return undefined;
  return { status: KNOWN_METHODS.has(method) ? 405 : 501, headers: [allow] };
};

/** RFC 3261 8.2.2.1: a Request-URI that is no SIP URI. */
export const checkScheme: Check = ({ uri }) => (isSipUri(uri) ? undefined : { status: 416 });

/**
 * RFC 3261 8.2.2.2: the same request by two ways (a proxy forked it to us twice). Of a REGISTER that is no matter: the registrar takes
 * each CSeq of a Call-ID once (10.3 step 7), and nothing is kept of one that is challenged.
 */
export const checkMerged: Check = (request, merged) =>
  request.method !== 'REGISTER' && tagOf(request.to) === undefined && merged.isMerged(request)
    ? { status: 482 }
    : undefined;

/** RFC 3261 8.2.2.3: extensions that are required of us and that we do not have. */
export const checkRequire: Check = (request) => {
  if (!request.headers.has('require') && !request.headers.has('proxy-require')) return undefined;
  const required = [...tokens(request.headers, 'require'), ...tokens(request.headers, 'proxy-require')];
  const unsupported = required.filter((extension) => !EXTENSIONS.has(extension));
  if (unsupported.length === 0) return undefined;
  return { status: 420, headers: [{ name: 'Unsupported', value: [...new Set(unsupported)].join(', ') }] };
};

/** RFC 3261 16.3 3: a call that went round in circles. Only calls pass through here; OPTIONS with 0 asks us (11.2). */
export const checkMaxForwards: Check = (request) =>
  request.method === 'INVITE' && maxForwardsOf(request) === 0 ? { status: 483 } : undefined;

const strangerChecks: readonly Check[] = [checkMethod, checkScheme, checkMerged, checkRequire, checkMaxForwards];
const inDialogChecks: readonly Check[] = [checkMethod, checkRequire];

function firstRefusal(checks: readonly Check[], request: Request, merged: MergedRequests): Refused | undefined {
  for (const check of checks) {
    const refused = check(request, merged);
    if (refused) return refused;
  }
  return undefined;
}

interface Seen {
  readonly branch: string;
  readonly at: number;
}

/**
 * Remembers out-of-dialog requests for as long as their transaction may live, to see merged ones. Bounded: by two halves, of which the
 * older one is let go as a whole. One by one, the oldest would have to be looked for behind all that were deleted before it.
 */
export class MergedRequests {
  readonly #now: () => number;
  /** By From tag, Call-ID and CSeq. */
  #young = new Map<string, Seen>();
  #old = new Map<string, Seen>();
  /** When the first of the young ones came. */
  #youngSince = 0;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** True when a request with the same From tag, Call-ID and CSeq came by another branch. Takes note of a new one. */
  isMerged(request: Request): boolean {
    // Phones that answer a challenge without a new CSeq number (against 22.2) are no forks: credentials make another request.
    const isAuthorized = request.headers.has('authorization') || request.headers.has('proxy-authorization');
    const { sequence, method } = request.cseq;
    const key = `${tagOf(request.from) ?? ''} ${request.callId} ${sequence} ${method} ${isAuthorized}`;
    const branch = `${request.via.branch} ${request.via.host} ${request.via.port ?? ''}`;
    const now = this.#now();
    if (now - this.#youngSince >= limits.mergedRequestMs || this.#young.size >= limits.mergedRequests / 2) {
      this.#old = this.#young;
      this.#young = new Map();
      this.#youngSince = now;
    }
    const known = this.#young.get(key) ?? this.#old.get(key);
    if (known && now - known.at < limits.mergedRequestMs) return known.branch !== branch;
    this.#young.set(ownText(key), { branch: ownText(branch), at: now });
    return false;
  }

  clear(): void {
    this.#young.clear();
    this.#old.clear();
  }
}

export type Handler = (transaction: ServerTransaction<Flow>) => void;

export interface IncomingParts {
  readonly context: UaContext;
  readonly access: AccessControl;
  /** Out-of-dialog requests by method. */
  readonly handlers: Readonly<Record<string, Handler>>;
}

export interface Incoming {
  /** Before any transaction: false for what a banned or over-talkative stranger sends (design.md 9). It gets silence. */
  isAdmitted(message: Message, flow: Flow): boolean;
  /** Every new request that is not ACK or CANCEL. */
  receive(transaction: ServerTransaction<Flow>): void;
  clear(): void;
}

export function createIncoming({ context, access, handlers }: IncomingParts): Incoming {
  const merged = new MergedRequests(() => context.clock.now());
  const dialogOf = (request: Request) =>
    tagOf(request.to) === undefined ? undefined : context.sessions.dialog(dialogIdOf(request));

  return {
    isAdmitted(message, flow) {
      if (message.kind === 'response' || message.method === 'ACK') return true;
      return dialogOf(message) !== undefined || access.mayTalk(flow);
    },

    receive(transaction) {
      const { request, flow } = transaction;
      const dialog = dialogOf(request);
      const refused = firstRefusal(dialog ? inDialogChecks : strangerChecks, request, merged);
      // Even a refusal costs a token: who only sends nonsense is not answered for ever.
      if (!dialog && refused) access.spend(flow);
      if (refused) return void answer(context, transaction, refused.status, refused);
      if (dialog) return dialog.handleRequest(transaction);
      // RFC 3261 10.2: a REGISTER has no business with dialogs; some phones put a To tag into it all the same.
      const isOutside = tagOf(request.to) === undefined || request.method === 'REGISTER';
      const handler = isOutside ? handlers[request.method] : undefined;
      if (handler) return handler(transaction);
      // RFC 3261 12.2.2: a dialog that we do not have (any more).
      access.spend(flow);
      answer(context, transaction, 481);
    },

    clear: () => merged.clear(),
  };
}
