// The registry of verbs: one line each. What the schema knows beyond these is skipped with a notification (schema.ts).

import { type RegisteredVerb, register } from '../verb.ts';
import { connect } from './connect.ts';
import { dial } from './dial.ts';
import { echo } from './echo.ts';
import { enqueue } from './enqueue.ts';
import { gather } from './gather.ts';
import { hangup } from './hangup.ts';
import { leave } from './leave.ts';
import { pause } from './pause.ts';
import { play } from './play.ts';
import { record } from './record.ts';
import { redirect } from './redirect.ts';
import { refer } from './refer.ts';
import { reject } from './reject.ts';
import { say } from './say.ts';
import { start } from './start.ts';
import { stop } from './stop.ts';

export const verbs: ReadonlyMap<string, RegisteredVerb> = new Map(
  [
    register(say),
    register(play),
    register(pause),
    register(gather),
    register(record),
    register(dial),
    register(echo),
    register(redirect),
    register(refer),
    register(reject),
    register(hangup),
    register(start),
    register(stop),
    register(connect),
    register(enqueue),
    register(leave),
  ].map((verb) => [verb.name, verb]),
);
