// In-dialog requests of the peer other than BYE, by method. A method is one row here.

import type { Request } from '../grammar/message.ts';
import type { ServerTransaction } from '../transaction/transaction.ts';
import type { Flow } from '../transport/transport.ts';
import { contentTypeOf } from './body.ts';
import { acceptField, allowField, type UaContext } from './context.ts';
import type { DialogPeer } from './dialog-peer.ts';
import { answer } from './responses.ts';
import type { SessionEvent } from './ua.ts';

/** What the rows need of the session. */
export interface ServingSession {
  readonly hasReferred: boolean;
  readonly isRecording: boolean;
  readonly reinvites: { receive(peer: DialogPeer, transaction: ServerTransaction<Flow>): void };
  emit(event: SessionEvent): void;
  referred(event: Omit<Extract<SessionEvent, { type: 'refer' }>, 'type' | 'notifier'>): void;
  notified(request: Request): void;
}

type Serve = (
  context: UaContext,
  session: ServingSession,
  peer: DialogPeer,
  transaction: ServerTransaction<Flow>,
) => void;

const METADATA_REQUEST = 'application/rs-metadata-request';

const contactOfDialog = (peer: DialogPeer) => ({ name: 'Contact', value: `<${peer.dialog.localTarget}>` });

const rows: Readonly<Record<string, Serve>> = {
  INVITE: (_context, session, peer, transaction) => session.reinvites.receive(peer, transaction),
  UPDATE: (context, session, peer, transaction) => {
    if (!session.isRecording || contentTypeOf(transaction.request) !== METADATA_REQUEST)
      return session.reinvites.receive(peer, transaction);
    // RFC 7866 9.2: no offer; the metadata follows in a request of ours.
    answer(context, transaction, 200, { headers: [contactOfDialog(peer), allowField] });
    session.emit({ type: 'metadataRequested' });
  },

  // RFC 6086: 200 whatever the body, which the application may or may not know (digits come this way, design.md 10).
  INFO: (context, session, _peer, transaction) => {
    answer(context, transaction, 200);
    const { request } = transaction;
    session.emit({ type: 'info', contentType: contentTypeOf(request), body: request.body });
  },

  // RFC 3261 11.2; peers use it to see whether the dialog is alive.
  OPTIONS: (context, _session, _peer, transaction) => {
    answer(context, transaction, 200, { headers: [allowField, acceptField] });
  },

  REFER: (context, session, peer, transaction) => {
    const { request } = transaction;
    // RFC 3515 2.4.2: exactly one Refer-To.
    if (request.headers.getAll('refer-to').length !== 1)
      return void answer(context, transaction, 400, { reason: 'One Refer-To Needed' });
    // RFC 3515 2.2: a 2xx has a Contact.
    const contact = [contactOfDialog(peer)];
    session.referred({
      request,
      respond: (status, reason, headers = []) =>
        answer(context, transaction, status, { reason, headers: [...(status < 300 ? contact : []), ...headers] }),
    });
  },

  NOTIFY: (context, session, _peer, transaction) => {
    const event = (transaction.request.headers.get('event') ?? '').split(';')[0]!.trim().toLowerCase();
    if (event === '') return void answer(context, transaction, 489, { reason: 'Bad Event' });
    // RFC 6665 4.1.3: only the refer subscription that our own REFER made is known.
    if (event !== 'refer' || !session.hasReferred) return void answer(context, transaction, 481);
    answer(context, transaction, 200);
    session.notified(transaction.request);
  },
};

/** Serves one request within an established or early dialog. */
export const serveInDialog: Serve = (context, session, peer, transaction) => {
  const serve = rows[transaction.request.method];
  if (serve) serve(context, session, peer, transaction);
  // PRACK of a response that we never sent reliably (RFC 3262 3).
  else if (transaction.request.method === 'PRACK') answer(context, transaction, 481);
  else answer(context, transaction, 405, { headers: [allowField] });
};
