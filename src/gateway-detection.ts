// Part of the composition root: machine detection, with what tells an application who answered (twiml.md 13).

import type { Clock } from './base/clock.ts';
import type { DetectionServices } from './call/detect-machine.ts';
import type { AudioListeners } from './media/audio-listeners.ts';
import type { StatusCallbacks } from './webhook/status-callbacks.ts';

export interface DetectionParts {
  readonly audio: AudioListeners;
  readonly clock: Clock;
  readonly statusCallbacks: StatusCallbacks;
  readonly authTokenOf: (accountSid: string) => string;
}

export const buildDetection = ({ audio, clock, statusCallbacks, authTokenOf }: DetectionParts): DetectionServices => ({
  audio,
  clock,
  tellDetection({ sid: callSid, options: { accountSid } }, { url, method }, { answeredBy, durationMs }) {
    const params = new Map([
      ['CallSid', callSid],
      ['AccountSid', accountSid],
      ['AnsweredBy', answeredBy],
      ['MachineDetectionDuration', String(durationMs)],
    ]);
    statusCallbacks.send({ url, method, params, accountSid, authToken: authTokenOf(accountSid), callSid });
  },
});
