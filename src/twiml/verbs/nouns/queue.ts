// Queue inside Dial (twiml.md 7.3): the name of the queue, and the document its first caller hears before the two are connected.

import { limits } from '../../../base/limits.ts';
import { isQueueName } from '../../../queue/enqueue.ts';
import { AttributeReader } from '../../attributes.ts';
import type { QueueNoun } from '../../queue-control.ts';
import type { ParseContext } from '../../verb.ts';
import { textOf, type XmlElement } from '../../xml.ts';

/** Reads the noun; its warnings go to `report`. Undefined when it names no queue. */
export function parseQueue(
  element: XmlElement,
  context: ParseContext,
  report: (read: AttributeReader) => void,
): QueueNoun | undefined {
  const read = new AttributeReader(element, context);
  const name = textOf(element);
  const url = read.optionalUrl('url');
  const method = read.method('method', 12200);
  read.notSupported('reservationSid', 'postWorkActivitySid');
  const isUsable = isQueueName(name);
  if (!isUsable) read.warn(13215, `Queue has no usable name (1 to ${limits.queueNameChars} characters)`);
  report(read);
  return isUsable ? { name, document: url === undefined ? undefined : { url, method } } : undefined;
}
