// The table of what Start can set going and Stop can end: one line per noun. The others of the schema are warned about and skipped.

import { recording } from './nouns/recording.ts';
import { siprec } from './nouns/siprec.ts';
import { startedStream } from './nouns/stream.ts';
import { transcription } from './nouns/transcription.ts';
import { type RegisteredStartable, registerStartable } from './startable.ts';

const nouns: readonly RegisteredStartable[] = [
  registerStartable(startedStream),
  registerStartable(recording),
  registerStartable(siprec),
  registerStartable(transcription),
];

export const startables: ReadonlyMap<string, RegisteredStartable> = new Map(nouns.map((noun) => [noun.name, noun]));
