// Application inside Dial (twiml.md 6.8): an application of the account, or one of another that lets itself be dialled, is the callee.

import { limits } from '../../../base/limits.ts';
import { AttributeReader } from '../../attributes.ts';
import type { ApplicationTarget } from '../../call-control.ts';
import type { ParseContext } from '../../verb.ts';
import { childElements, textOf, type XmlElement } from '../../xml.ts';
import { readTargetOptions } from './options.ts';
import { readParameters } from './parameters.ts';

const SID = /^AP[0-9a-f]{32}$/i;
const CUSTOMER_ID = /^[^\x00-\x1f\x7f]{1,256}$/;

/** Reads the noun; its warnings go to `report`. Undefined without a usable sid. */
export function parseApplication(
  element: XmlElement,
  context: ParseContext,
  report: (read: AttributeReader) => void,
): ApplicationTarget | undefined {
  const read = new AttributeReader(element, context);
  const options = readTargetOptions(read, 12200);
  // A document for the called party: here that is an application, which has its own.
  read.notSupported('url');
  const sid = childElements(element).find(({ name }) => name === 'ApplicationSid');
  const applicationSid = sid ? textOf(sid).trim() : '';
  const isUsable = SID.test(applicationSid);
  if (!isUsable) read.warn(13215, 'Application has no usable ApplicationSid');
  const given = readParameters(element, read);
  const parameters = [...given].slice(0, limits.clientParameters);
  if (parameters.length < given.size) read.warn(12200, 'too many Parameter elements in Application');
  const target: ApplicationTarget = {
    ...options,
    kind: 'application',
    url: undefined,
    applicationSid,
    customerId: readCustomerId(read),
    copyParentTo: read.boolean('copyParentTo', false, 12200),
    parameters,
  };
  report(read);
  return isUsable ? target : undefined;
}

function readCustomerId(read: AttributeReader): string | undefined {
  const customerId = read.text('customerId');
  if (customerId === undefined || customerId === '') return undefined;
  if (CUSTOMER_ID.test(customerId)) return customerId;
  read.warn(12200, 'customerId of Application is longer than 256 characters and was left out');
  return undefined;
}
