// Number inside Dial, or Dial's own text (twiml.md 6.5). Which trunk dials it is decided in call/.

import { AttributeReader } from '../../attributes.ts';
import type { DialTarget } from '../../call-control.ts';
import type { ParseContext } from '../../verb.ts';
import { textOf, type XmlElement } from '../../xml.ts';
import { DIGITS_FORM } from '../play.ts';
import { readDetection, readTargetOptions } from './options.ts';

/** E.164 has at most 15 digits; national forms with prefixes and extensions of a PBX are let through to the trunk's rules. */
const NUMBER_FORM = /^\+?[0-9]{2,20}$/;

/** Reads the noun; its warnings go to `report`. Undefined when it cannot be dialled (13223). */
export function parseNumber(
  element: XmlElement,
  context: ParseContext,
  report: (read: AttributeReader) => void,
): DialTarget | undefined {
  const read = new AttributeReader(element, context);
  const options = { ...readTargetOptions(read, 13221), machineDetection: readDetection(read) };
  const byoc = read.text('byoc') || undefined;
  const number = plainNumber(textOf(element));
  if (number === undefined) read.warn(13223, 'not a phone number: a SIP URI belongs into Sip, a user into Client');
  const sendDigits = read.text('sendDigits');
  const isSendable = sendDigits === undefined || sendDigits === '' || DIGITS_FORM.test(sendDigits);
  if (!isSendable) read.warn(13222, 'sendDigits holds characters other than 0-9 A-D # * w W');
  report(read);
  if (number === undefined) return undefined;
  return { kind: 'number', number, sendDigits: isSendable ? sendDigits || undefined : undefined, byoc, ...options };
}

/** Takes the usual separators out: `+1 (415) 555-0100` is `+14155550100`. */
export function plainNumber(text: string): string | undefined {
  const plain = text.replace(/[\s().\-/]/g, '');
  return NUMBER_FORM.test(plain) ? plain : undefined;
}
