// Hangup: ends the call; a ringing one is answered first, then gets BYE (twiml.md 4.3, 5.9).

import { AttributeReader } from '../attributes.ts';
import { endOfCall, type Verb } from '../verb.ts';

export const hangup: Verb<null> = {
  name: 'Hangup',
  parse: (element, context) => new AttributeReader(element, context).finish(null),
  describe: () => '',
  async run(_verb, { control }, signal) {
    await control.answer(signal);
    if (signal.aborted) return endOfCall('aborted');
    control.hangUp();
    return endOfCall('hung up');
  },
};
