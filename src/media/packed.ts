// Messages between the signalling thread and a media thread as they travel. What every call says to its media is plain and short: as one
// text it costs half of a structured clone, which writes the name of each field of each message and makes them anew on the other side.

import type { CoreCommand, CoreReply } from './messages.ts';

/** A text is JSON of the same list. */
export type Packed<T> = readonly T[] | string;

/** Whether nothing is in it that JSON cannot say: keys and audio are bytes, options may be left out. */
function isPlainCommand(command: CoreCommand): boolean {
  switch (command.type) {
    case 'open':
    case 'close':
    case 'join':
    case 'unjoin':
    case 'expectSilence':
      return true;
    case 'configure':
      return command.plan.srtp === null;
    case 'setComfort':
      return command.music === null;
    default:
      return false;
  }
}

const isPlainReply = (reply: CoreReply): boolean => reply.type === 'opened';

const pack =
  <T>(isPlain: (message: T) => boolean) =>
  (messages: readonly T[]): Packed<T> =>
    messages.every(isPlain) ? JSON.stringify(messages) : messages;

/** As one text when all of them are plain. */
export const packCommands = pack(isPlainCommand);
export const packReplies = pack(isPlainReply);

/** Never fails: only our own threads send. */
export const unpack = <T>(packed: Packed<T>): readonly T[] =>
  typeof packed === 'string' ? (JSON.parse(packed) as readonly T[]) : packed;
