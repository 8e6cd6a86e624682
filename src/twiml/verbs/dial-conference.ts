// Dial with a Conference noun (twiml.md 7.1): the call is answered, joins the room, and goes on when it is out again.

import type { DialOutcome } from '../call-control.ts';
import type { ConferenceOptions, ConferenceStay } from '../conference-control.ts';
import type { RunContext } from '../verb.ts';

const outcome = (
  status: 'answered' | 'failed',
  callerHungUp: boolean,
  recording?: DialOutcome['recording'],
): DialOutcome => ({
  status,
  callSid: undefined,
  durationSeconds: undefined,
  bridged: status === 'answered',
  sip: undefined,
  callerHungUp,
  ...(recording ? { recording } : {}),
});

/** Runs to the end of the stay. `failed`: it could not join, which is said with its code. */
export async function dialConference(
  options: ConferenceOptions,
  stay: ConferenceStay,
  { control, notify }: RunContext,
  signal: AbortSignal,
): Promise<DialOutcome> {
  await control.answer(signal);
  if (signal.aborted) return outcome('failed', control.callSignal.aborted);
  const end = await control.conferences.join(options, stay, signal);
  if (end.how === 'left') return outcome('answered', control.callSignal.aborted, end.recording);
  // A wait document that failed has been reported with what was wrong with it.
  if (end.code !== undefined)
    notify({ level: 'error', code: end.code, message: `not in the conference: ${end.detail}` });
  return outcome('failed', control.callSignal.aborted);
}
