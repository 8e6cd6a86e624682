// All cases, in the order of the table. A new one is a file here and a line below.

import { calls, callsMedia, gather, overload } from './calls.ts';
import type { Case } from './case.ts';
import { mediaCase } from './media.ts';
import { memory } from './memory.ts';
import { register, storm } from './register.ts';
import { bridge, busy, relay, secure } from './relay.ts';
import { startup } from './startup.ts';
import { workers } from './workers.ts';

export const cases: readonly Case[] = [
  register,
  calls,
  callsMedia,
  relay,
  bridge,
  workers,
  busy,
  secure,
  mediaCase('srtp', 'most calls, SRTP on one leg', 'srtp'),
  mediaCase('transcode', 'most calls, PCMU to PCMA', 'transcode'),
  mediaCase('record', 'most calls, recorded (two channels)', 'record'),
  mediaCase('conference-3', 'most members in conferences of 3, one speaks', 'conference3', { unit: 'members' }),
  mediaCase('conference-50', 'most members in conferences of 50, one speaks', 'conference50', {
    unit: 'members',
    quickCalls: 5,
  }),
  mediaCase('play', 'most calls that hear a Play', 'play'),
  gather,
  mediaCase('stream', 'most calls on WebSocket media streams', 'stream'),
  overload,
  memory,
  startup,
  storm,
];
