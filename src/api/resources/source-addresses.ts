// IpRecords and SourceIpMappings (sip-interface.md 7): from the address that a request comes from to the SIP domain that it means.

import ipaddr from 'ipaddr.js';
import { z } from 'zod';
import { newSid } from '../../base/ids.ts';
import { limits } from '../../base/limits.ts';
import type { IpRecord, SourceIpMapping } from '../../base/records.ts';
import { err, ok } from '../../base/result.ts';
import { fault } from '../errors.ts';
import { checked, clearable, integer, optional, required, sid, text } from '../form.ts';
import type { ApiParts } from '../request.ts';
import { atMost, CONFLICT, exists, INVALID, ofAccount, v1Routes } from './v1.ts';

const ADDRESS_CHARS = 45;
const WHOLE_ADDRESS = 32;

const address = text('IpAddress', INVALID, ADDRESS_CHARS).refine(ipaddr.IPv4.isValidFourPartDecimal, {
  error: `${INVALID}|IpAddress must be a complete IPv4 address`,
});
const friendlyName = clearable(text('FriendlyName', INVALID, limits.listFriendlyNameChars));
const recordSchema = z.object({
  IpAddress: required(address),
  FriendlyName: friendlyName,
  CidrPrefixLength: optional(integer('CidrPrefixLength', INVALID, 1, WHOLE_ADDRESS)),
});
const renameSchema = z.object({ FriendlyName: friendlyName });

export const ipRecordRoutes = v1Routes<IpRecord>({
  path: '/v1/IpRecords',
  key: 'ip_records',
  repository: (store) => store.ipRecords,
  scope: ofAccount,
  full: atMost(
    (store) => store.ipRecords,
    (parts) => parts.quotas.trunkObjects,
    INVALID,
    'IP records',
  ),
  async make(form, _scope, { accountSid, parts }) {
    const read = checked(recordSchema, form);
    if (!read.ok) return read;
    const now = parts.clock.wall();
    return ok({
      sid: newSid('IL', parts.random),
      accountSid,
      friendlyName: read.value.FriendlyName ?? null,
      ipAddress: read.value.IpAddress,
      cidrPrefixLength: read.value.CidrPrefixLength ?? WHOLE_ADDRESS,
      declared: false,
      dateCreated: now,
      dateUpdated: now,
    });
  },
  // Only the name of a record can be changed.
  async change(record, form, { parts }) {
    const read = checked(renameSchema, form);
    if (!read.ok) return read;
    const { FriendlyName = record.friendlyName } = read.value;
    return ok({ ...record, friendlyName: FriendlyName, dateUpdated: parts.clock.wall() });
  },
  async stillUsed(record, { store }) {
    const isUsed = await exists(store.sourceIpMappings, { ipRecordSid: record.sid });
    return isUsed ? fault(CONFLICT, `${record.sid} is still mapped to a SIP domain`) : undefined;
  },
  present: (record) => ({
    account_sid: record.accountSid,
    sid: record.sid,
    friendly_name: record.friendlyName,
    ip_address: record.ipAddress,
    cidr_prefix_length: record.cidrPrefixLength,
  }),
});

const domainSid = sid('SipDomainSid', INVALID, 'SD');
const mappingSchema = z.object({
  IpRecordSid: required(sid('IpRecordSid', INVALID, 'IL')),
  SipDomainSid: required(domainSid),
});
const moveSchema = z.object({ SipDomainSid: required(domainSid) });

async function ownsDomain(accountSid: string, sipDomainSid: string, { store }: ApiParts): Promise<boolean> {
  return (await store.domains.get(sipDomainSid))?.accountSid === accountSid;
}

export const sourceIpMappingRoutes = v1Routes<SourceIpMapping>({
  path: '/v1/SourceIpMappings',
  key: 'source_ip_mappings',
  repository: (store) => store.sourceIpMappings,
  scope: ofAccount,
  full: atMost(
    (store) => store.sourceIpMappings,
    (parts) => parts.quotas.trunkObjects,
    INVALID,
    'source IP mappings',
  ),
  async make(form, _scope, { accountSid, parts }) {
    const read = checked(mappingSchema, form);
    if (!read.ok) return read;
    const { IpRecordSid: ipRecordSid, SipDomainSid: sipDomainSid } = read.value;
    if ((await parts.store.ipRecords.get(ipRecordSid))?.accountSid !== accountSid)
      return err(fault(INVALID, `IpRecordSid ${ipRecordSid} was not found`));
    if (!(await ownsDomain(accountSid, sipDomainSid, parts)))
      return err(fault(INVALID, `SipDomainSid ${sipDomainSid} was not found`));
    if (await exists(parts.store.sourceIpMappings, { ipRecordSid }))
      return err(fault(CONFLICT, `${ipRecordSid} is mapped already`));
    const now = parts.clock.wall();
    const mapping = { sid: newSid('IB', parts.random), accountSid, ipRecordSid, sipDomainSid };
    return ok({ ...mapping, declared: false, dateCreated: now, dateUpdated: now });
  },
  async change(mapping, form, { accountSid, parts }) {
    const read = checked(moveSchema, form);
    if (!read.ok) return read;
    const { SipDomainSid: sipDomainSid } = read.value;
    if (!(await ownsDomain(accountSid, sipDomainSid, parts)))
      return err(fault(INVALID, `SipDomainSid ${sipDomainSid} was not found`));
    return ok({ ...mapping, sipDomainSid, dateUpdated: parts.clock.wall() });
  },
  present: (mapping) => ({
    sid: mapping.sid,
    ip_record_sid: mapping.ipRecordSid,
    sip_domain_sid: mapping.sipDomainSid,
  }),
});
