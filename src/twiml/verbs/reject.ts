// Reject: refuses an unanswered call with 486 or 404 (twiml.md 4.3, 5.8). An answered one is hung up (twiml.md 16, 17).

import { AttributeReader } from '../attributes.ts';
import { endOfCall, type Verb } from '../verb.ts';

export interface Reject {
  readonly reason: 'rejected' | 'busy';
}

export const reject: Verb<Reject> = {
  name: 'Reject',
  parse(element, context) {
    const read = new AttributeReader(element, context);
    return read.finish({ reason: read.choice('reason', ['rejected', 'busy'], 'rejected', 13810) });
  },
  describe: (verb) => verb.reason,
  async run(verb, { control }) {
    if (control.isAnswered()) {
      control.hangUp();
      return endOfCall('hung up');
    }
    control.reject(verb.reason);
    return endOfCall(verb.reason);
  },
};
