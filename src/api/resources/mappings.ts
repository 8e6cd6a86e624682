// Mappings of lists to a domain (sip-interface.md 6.1, 6.4). Five paths, three kinds: the two older paths are views of the same store as
// the two under Auth/Calls. No update; a mapping's sid is that of its list.

import { z } from 'zod';
import type { DomainMapping, MappingKind } from '../../base/records.ts';
import { fault, isDuplicate, notFound } from '../errors.ts';
import { checked, required, sid } from '../form.ts';
import { pageBody, pageRequest } from '../page.ts';
import { accountPath, presentMapping } from '../present.ts';
import type { ApiParts, ApiRequest, Handler, Route } from '../request.ts';
import { findDomain } from './domains.ts';

interface Family {
  /** Path below the domain. */
  readonly segment: string;
  /** List key of the envelope. */
  readonly key: string;
  readonly kind: MappingKind;
  readonly parameter: 'CredentialListSid' | 'IpAccessControlListSid';
  /** The older paths show `uri` and `domain_sid`, the `Auth` ones do not. */
  readonly isOlder: boolean;
}

const families: readonly Family[] = [
  {
    segment: 'CredentialListMappings',
    key: 'credential_list_mappings',
    kind: 'callsCredentialList',
    parameter: 'CredentialListSid',
    isOlder: true,
  },
  {
    segment: 'IpAccessControlListMappings',
    key: 'ip_access_control_list_mappings',
    kind: 'callsIpAccessControlList',
    parameter: 'IpAccessControlListSid',
    isOlder: true,
  },
  {
    segment: 'Auth/Calls/CredentialListMappings',
    key: 'contents',
    kind: 'callsCredentialList',
    parameter: 'CredentialListSid',
    isOlder: false,
  },
  {
    segment: 'Auth/Calls/IpAccessControlListMappings',
    key: 'contents',
    kind: 'callsIpAccessControlList',
    parameter: 'IpAccessControlListSid',
    isOlder: false,
  },
  {
    segment: 'Auth/Registrations/CredentialListMappings',
    key: 'contents',
    kind: 'registrationsCredentialList',
    parameter: 'CredentialListSid',
    isOlder: false,
  },
];

const INVALID = 21231;

type Shown = DomainMapping & { readonly sid: string; readonly friendlyName: string | null };

function familyRoutes(family: Family): readonly Route[] {
  const prefix = family.parameter === 'CredentialListSid' ? 'CL' : 'AL';
  const schema = z.object({
    [family.parameter]: required(
      z.string({ error: `${INVALID}|${family.parameter} is required` }).pipe(sid(family.parameter, INVALID, prefix)),
    ),
  });
  const present = (mapping: Shown) =>
    presentMapping(mapping, mapping.friendlyName, family.isOlder ? mappingPath(family, mapping) : null);

  const list: Handler = async (request, parts) => {
    const domain = await findDomain(request, parts.store);
    if (!domain) return notFound(`${request.path}.json`);
    const page = pageRequest(request.query, (listSid) => `${domain.sid}/${family.kind}/${listSid}`);
    if (!page.ok) return page.error;
    const found = await parts.store.mappings.list({ domainSid: domain.sid, kind: family.kind }, page.value);
    const records = await Promise.all(found.records.map((mapping) => shown(mapping, parts)));
    return { status: 200, body: pageBody(request, page.value, { ...found, records }, family.key, present) };
  };

  const create: Handler = async (request, parts) => {
    const domain = await findDomain(request, parts.store);
    if (!domain) return notFound(`${request.path}.json`);
    const form = checked(schema, request.form);
    if (!form.ok) return form.error;
    const listSid = form.value[family.parameter] ?? '';
    const owned = await listOf(family.kind, listSid, parts);
    if (owned?.accountSid !== request.account.sid)
      return fault(INVALID, `${family.parameter} ${listSid} is not a list of this account`);
    const now = parts.clock.wall();
    const mapping: DomainMapping = {
      kind: family.kind,
      domainSid: domain.sid,
      accountSid: request.account.sid,
      listSid,
      dateCreated: now,
      dateUpdated: now,
    };
    try {
      await parts.store.mappings.insert(mapping);
    } catch (error) {
      if (isDuplicate(error)) return fault(INVALID, `${listSid} is already associated with ${domain.sid}`);
      throw error;
    }
    return { status: 201, body: present({ ...mapping, sid: listSid, friendlyName: owned.friendlyName }) };
  };

  const fetch: Handler = async (request, parts) => {
    const mapping = await find(family, request, parts);
    return mapping ? { status: 200, body: present(await shown(mapping, parts)) } : notFound(`${request.path}.json`);
  };

  const remove: Handler = async (request, parts) => {
    const mapping = await find(family, request, parts);
    const isGone = mapping && (await parts.store.mappings.remove(mapping.domainSid, mapping.kind, mapping.listSid));
    return isGone ? { status: 204 } : notFound(`${request.path}.json`);
  };

  const path = `/Accounts/{AccountSid}/SIP/Domains/{DomainSid}/${family.segment}`;
  return [
    { path, handlers: { GET: list, POST: create }, isDirectory: true },
    { path: `${path}/{Sid}`, handlers: { GET: fetch, DELETE: remove }, isDirectory: true },
  ];
}

const mappingPath = (family: Family, mapping: DomainMapping): string =>
  `${accountPath(mapping.accountSid)}/SIP/Domains/${mapping.domainSid}/${family.segment}/${mapping.listSid}`;

async function find(family: Family, request: ApiRequest, parts: ApiParts): Promise<DomainMapping | undefined> {
  const domain = await findDomain(request, parts.store);
  return domain && (await parts.store.mappings.get(domain.sid, family.kind, request.params.Sid ?? ''));
}

function listOf(kind: MappingKind, listSid: string, { store }: ApiParts) {
  return kind === 'callsIpAccessControlList'
    ? store.ipAccessControlLists.get(listSid)
    : store.credentialLists.get(listSid);
}

/** A mapping shows the name of its list. */
async function shown(mapping: DomainMapping, parts: ApiParts): Promise<Shown> {
  const list = await listOf(mapping.kind, mapping.listSid, parts);
  return { ...mapping, sid: mapping.listSid, friendlyName: list?.friendlyName ?? null };
}

export const mappingRoutes: readonly Route[] = families.flatMap(familyRoutes);
