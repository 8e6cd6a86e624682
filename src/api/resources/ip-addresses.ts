// Addresses of an IP access control list (sip-interface.md 6.6): complete dotted IPv4 with an optional prefix length; IPv6 too, which
// the vendor does not take (rest-api.md 14).

import ipaddr from 'ipaddr.js';
import { z } from 'zod';
import { newSid } from '../../base/ids.ts';
import { limits } from '../../base/limits.ts';
import type { IpAddress } from '../../base/records.ts';
import { err, ok, type Result } from '../../base/result.ts';
import { type ApiFault, fault, notFound } from '../errors.ts';
import { checked, integer, optional, required, text } from '../form.ts';
import { pageBody, pageRequest } from '../page.ts';
import { presentIpAddress } from '../present.ts';
import type { ApiParts, ApiRequest, Handler, Route } from '../request.ts';
import { ipAccessControlListKind } from './ip-access-control-lists.ts';
import { findList } from './named-lists.ts';

const INVALID = 21238;
const DUPLICATE = 21235;
const ADDRESS_CHARS = 45;

const friendlyName = text('FriendlyName', INVALID, limits.listFriendlyNameChars);
const address = text('IpAddress', INVALID, ADDRESS_CHARS).refine(isAddress, {
  error: `${INVALID}|IpAddress must be a complete IPv4 or IPv6 address`,
});
const prefixLength = integer('CidrPrefixLength', INVALID, 1, 128);

const createSchema = z.object({
  FriendlyName: required(friendlyName),
  IpAddress: required(address),
  CidrPrefixLength: optional(prefixLength),
});
const updateSchema = z.object({
  FriendlyName: optional(friendlyName),
  IpAddress: optional(address),
  CidrPrefixLength: optional(prefixLength),
});

/** ipaddr.js also reads `10.1` and octal parts; an access list takes only what cannot be misread. */
function isAddress(value: string): boolean {
  if (!value.includes(':')) return ipaddr.IPv4.isValidFourPartDecimal(value);
  return ipaddr.IPv6.isValid(value) && !value.includes('%') && !ipaddr.IPv6.parse(value).isIPv4MappedAddress();
}

const wholeLength = (value: string): number => (value.includes(':') ? 128 : 32);

const list: Handler = async (request, { store }) => {
  const owner = await findList(ipAccessControlListKind, request, store);
  if (!owner) return notFound(`${request.path}.json`);
  const page = pageRequest(request.query);
  if (!page.ok) return page.error;
  const found = await store.ipAddresses.list({ ipAccessControlListSid: owner.sid }, page.value);
  return { status: 200, body: pageBody(request, page.value, found, 'ip_addresses', presentIpAddress) };
};

const create: Handler = async (request, parts) => {
  const owner = await findList(ipAccessControlListKind, request, parts.store);
  if (!owner) return notFound(`${request.path}.json`);
  const form = checked(createSchema, request.form);
  if (!form.ok) return form.error;
  const most = parts.quotas.ipAddressesPerList;
  if ((await parts.store.ipAddresses.count({ ipAccessControlListSid: owner.sid })) >= most)
    return fault(21237, `At most ${most} addresses are allowed in a list`);
  const now = parts.clock.wall();
  const record: IpAddress = {
    sid: newSid('IP', parts.random),
    accountSid: request.account.sid,
    ipAccessControlListSid: owner.sid,
    friendlyName: form.value.FriendlyName,
    ipAddress: form.value.IpAddress,
    cidrPrefixLength: form.value.CidrPrefixLength ?? wholeLength(form.value.IpAddress),
    dateCreated: now,
    dateUpdated: now,
  };
  const fits = await fitting(record, parts);
  if (!fits.ok) return fits.error;
  await parts.store.ipAddresses.insert(record);
  return { status: 201, body: presentIpAddress(record) };
};

const fetch: Handler = async (request, parts) => {
  const found = await find(request, parts);
  return found ? { status: 200, body: presentIpAddress(found) } : notFound(`${request.path}.json`);
};

const update: Handler = async (request, parts) => {
  const found = await find(request, parts);
  if (!found) return notFound(`${request.path}.json`);
  const form = checked(updateSchema, request.form);
  if (!form.ok) return form.error;
  const ipAddress = form.value.IpAddress ?? found.ipAddress;
  // Another family without a length: the old length means nothing any more.
  const kept =
    wholeLength(ipAddress) === wholeLength(found.ipAddress) ? found.cidrPrefixLength : wholeLength(ipAddress);
  const changed: IpAddress = {
    ...found,
    friendlyName: form.value.FriendlyName ?? found.friendlyName,
    ipAddress,
    cidrPrefixLength: form.value.CidrPrefixLength ?? kept,
    dateUpdated: parts.clock.wall(),
  };
  const fits = await fitting(changed, parts);
  if (!fits.ok) return fits.error;
  if (!(await parts.store.ipAddresses.update(changed))) return notFound(`${request.path}.json`);
  return { status: 200, body: presentIpAddress(changed) };
};

const remove: Handler = async (request, parts) => {
  const found = await find(request, parts);
  if (!found || !(await parts.store.ipAddresses.remove(found.sid))) return notFound(`${request.path}.json`);
  return { status: 204 };
};

async function find(request: ApiRequest, { store }: ApiParts): Promise<IpAddress | undefined> {
  const found = await store.ipAddresses.get(request.params.Sid ?? '');
  const isHere = found?.accountSid === request.account.sid && found.ipAccessControlListSid === request.params.ListSid;
  return isHere ? found : undefined;
}

/** Length within the family, and neither name nor range in the list already (rest-api.md 6: 21235). */
async function fitting(record: IpAddress, { store }: ApiParts): Promise<Result<null, ApiFault>> {
  const longest = wholeLength(record.ipAddress);
  if (record.cidrPrefixLength > longest) return err(fault(INVALID, `CidrPrefixLength must be from 1 to ${longest}`));
  const others = await store.ipAddresses.list(
    { ipAccessControlListSid: record.ipAccessControlListSid },
    { size: limits.pageSizeMax, cursor: null, page: 0 },
  );
  for (const other of others.records) {
    if (other.sid === record.sid) continue;
    if (other.friendlyName === record.friendlyName)
      return err(fault(DUPLICATE, `FriendlyName ${record.friendlyName} is in the list already`));
    if (other.ipAddress === record.ipAddress && other.cidrPrefixLength === record.cidrPrefixLength)
      return err(fault(DUPLICATE, `${record.ipAddress}/${record.cidrPrefixLength} is in the list already`));
  }
  return ok(null);
}

const path = '/Accounts/{AccountSid}/SIP/IpAccessControlLists/{ListSid}/IpAddresses';

export const ipAddressRoutes: readonly Route[] = [
  { path, handlers: { GET: list, POST: create }, isDirectory: true },
  { path: `${path}/{Sid}`, handlers: { GET: fetch, POST: update, DELETE: remove }, isDirectory: true },
];
