// Client inside Dial (twiml.md 6.7): an SDK identity or a registered SIP user; call/ finds out which.

import { limits } from '../../../base/limits.ts';
import { clientHeaders, refusalOfParameter } from '../../../call/client-parameters.ts';
import { AttributeReader } from '../../attributes.ts';
import type { DialTarget } from '../../call-control.ts';
import type { ParseContext } from '../../verb.ts';
import { childElements, textOf, type XmlElement } from '../../xml.ts';
import { readTargetOptions } from './options.ts';

/** Reads the noun; its warnings go to `report`. Undefined when there is no usable identity. */
export function parseClient(
  element: XmlElement,
  context: ParseContext,
  report: (read: AttributeReader) => void,
): DialTarget | undefined {
  const read = new AttributeReader(element, context);
  const options = readTargetOptions(read, 12200);
  read.notSupported('clientNotificationUrl', 'machineDetection', 'amdStatusCallback');
  const children = childElements(element);
  const named = children.find(({ name }) => name === 'Identity');
  const identity = named ? textOf(named) : textOf(element);
  // It becomes part of a SIP URI: nothing that could end one line and begin another (design.md 9).
  const isUsable =
    identity !== '' && identity.length <= limits.clientIdentityChars && !/[\x00-\x1f\x7f]/.test(identity);
  if (!isUsable) read.warn(13215, 'Client has no usable identity');
  const parameters = readParameters(children, read);
  report(read);
  return isUsable ? { kind: 'client', identity, parameters, ...options } : undefined;
}

function readParameters(children: readonly XmlElement[], read: AttributeReader): [string, string][] {
  const parameters: [string, string][] = [];
  for (const child of children) {
    if (child.name !== 'Parameter') continue;
    const name = child.attributes.get('name') ?? '';
    const value = child.attributes.get('value') ?? '';
    const isShort = name.length + value.length < limits.clientParameterChars;
    if (name === '' || !isShort || parameters.length >= limits.clientParameters) {
      read.warn(12200, 'Parameter of Client without name, too long, or one too many');
      continue;
    }
    parameters.push([name, value]);
    // What an SDK client gets as it is becomes a header for a SIP phone.
    const refusal = refusalOfParameter([name, value]);
    if (refusal !== undefined) read.warn(13252, `a Parameter of Client reaches no SIP phone: ${refusal}`);
  }
  const usable = parameters.filter((one) => refusalOfParameter(one) === undefined);
  if (clientHeaders(parameters).length < usable.length)
    read.warn(13253, `the parameters of Client are longer than ${limits.sipNounHeaderChars} characters as SIP headers`);
  return parameters;
}
