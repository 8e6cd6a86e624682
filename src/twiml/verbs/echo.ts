// Echo: the caller hears itself until it hangs up (twiml.md 1 and 16, point 30). Good for trying a phone.

import { AttributeReader } from '../attributes.ts';
import { endOfCall, type Verb } from '../verb.ts';

export const echo: Verb<Record<string, never>> = {
  name: 'Echo',
  parse: (element, context) => new AttributeReader(element, context).finish({}),
  describe: () => 'until hang-up',
  async run(_verb, { control }, signal) {
    await control.answer(signal);
    await control.echo(signal);
    return endOfCall('ended');
  },
};
