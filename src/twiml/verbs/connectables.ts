// The table of what Connect can hand a call to: one line per noun. Room, Conversation, VirtualAgent and the other nouns of the schema
// need systems that a gateway does not have: they are warned about and skipped.

import { type RegisteredConnectable, registerConnectable } from './connectable.ts';
import { conversationRelay } from './nouns/conversation-relay.ts';
import { connectedStream } from './nouns/stream.ts';

const nouns: readonly RegisteredConnectable[] = [
  registerConnectable(connectedStream),
  registerConnectable(conversationRelay),
];

export const connectables: ReadonlyMap<string, RegisteredConnectable> = new Map(nouns.map((noun) => [noun.name, noun]));
