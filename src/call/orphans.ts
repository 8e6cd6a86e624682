// A bridge whose two calls have no session: what is left when a party that had called both joined them and went (attended.ts). Who is
// left alone in it has no document to go on with, so it is hung up.

import type { Bridge } from './bridge.ts';
import { type ConversationServices, converse } from './conversation.ts';

/** Watches over `bridge` to its end. Never rejects. */
export async function keepOrphans(bridge: Bridge, services: ConversationServices): Promise<void> {
  const [first] = bridge.calls;
  const options = { timeLimitSeconds: undefined, answerOnBridge: false, refer: undefined };
  const end = await converse(bridge, first, options, services, first.signal);
  if (end.how === 'over' && end.isPeerChild) end.peer.hangUp('the other party of the transfer left');
  // REST may have given it a document of its own.
  if (end.how !== 'over' || !end.isCallerReleased) first.hangUp('the other party of the transfer left');
}
