// SIP domains (sip-interface.md 6.3). `auth_type` is derived from the mappings to calls; the realm is fixed when the domain is made.

import { z } from 'zod';
import { readEmergencyAddress } from '../../base/emergency-address.ts';
import { newSid } from '../../base/ids.ts';
import { limits } from '../../base/limits.ts';
import type { Account, Domain, DomainMapping } from '../../base/records.ts';
import { err, ok, type Result } from '../../base/result.ts';
import { type ApiFault, fault, isDuplicate, notFound } from '../errors.ts';
import { bool, checked, clearable, method, optional, printable, required, sid, text, url } from '../form.ts';
import { pageBody, pageRequest } from '../page.ts';
import type { Page } from '../ports.ts';
import { presentDomain } from '../present.ts';
import type { ApiParts, ApiRequest, Handler, Route } from '../request.ts';
import { labelPath, parseDomainName } from './domain-name.ts';

const INVALID = 21231;
const BAD_NAME = 21232;
const whole = { size: limits.pageSizeMax, cursor: null, page: 0 };

const name = text('DomainName', BAD_NAME, limits.domainNameChars);

function addressText(value: string, context: z.RefinementCtx): string {
  const read = readEmergencyAddress(value);
  if (read.ok) return JSON.stringify(read.value);
  context.addIssue({ code: 'custom', message: `${INVALID}|EmergencyAddress ${read.error}` });
  return z.NEVER;
}

// Key order is the order of validation.
const settings = {
  FriendlyName: optional(text('FriendlyName', INVALID, limits.friendlyNameChars)),
  VoiceUrl: clearable(url('VoiceUrl', INVALID)),
  VoiceMethod: optional(method('VoiceMethod', INVALID)),
  VoiceFallbackUrl: clearable(url('VoiceFallbackUrl', INVALID)),
  VoiceFallbackMethod: optional(method('VoiceFallbackMethod', INVALID)),
  VoiceStatusCallbackUrl: clearable(url('VoiceStatusCallbackUrl', INVALID)),
  VoiceStatusCallbackMethod: optional(method('VoiceStatusCallbackMethod', INVALID)),
  SipRegistration: optional(bool('SipRegistration', INVALID)),
  Secure: optional(bool('Secure', INVALID)),
  EmergencyCallingEnabled: optional(bool('EmergencyCallingEnabled', INVALID)),
  EmergencyCallerSid: clearable(sid('EmergencyCallerSid', INVALID, 'PN')),
  ByocTrunkSid: clearable(sid('ByocTrunkSid', 21300, 'BY')),
  // Ours, not the vendor's (design.md 10).
  MediaEncryption: optional(
    z.enum(['optional', 'vendor'], { error: `${INVALID}|MediaEncryption must be optional or vendor` }),
  ),
  MusicOnHold: clearable(
    z.union([z.enum(['none', 'built-in']), url('MusicOnHold', INVALID)], {
      error: `${INVALID}|MusicOnHold must be none, built-in or a URL`,
    }),
  ),
  DtmfInband: optional(bool('DtmfInband', INVALID)),
  // JSON text, as base/emergency-address.ts draws it: {"country": "DE", "city": …} or {"uri": "https://…"}.
  EmergencyAddress: clearable(text('EmergencyAddress', INVALID, limits.emergencyAddressChars).transform(addressText)),
};
const createSchema = z.object({ DomainName: required(name), ...settings });
const updateSchema = z.object({ DomainName: optional(name), ...settings });
type Settings = Omit<z.output<typeof updateSchema>, 'DomainName'>;

const list: Handler = async (request, { store }) => {
  const page = pageRequest(request.query);
  if (!page.ok) return page.error;
  const accountSid = request.account.sid;
  const found = await store.domains.list({ accountSid }, page.value);
  const mappings = Map.groupBy(await mappingsOf({ accountSid }, store), (mapping) => mapping.domainSid);
  const present = (domain: Domain) => presentDomain(domain, mappings.get(domain.sid) ?? []);
  return { status: 200, body: pageBody(request, page.value, found, 'domains', present) };
};

const create: Handler = async (request, parts) => {
  const form = checked(createSchema, request.form);
  if (!form.ok) return form.error;
  const domainName = await freeName(form.value.DomainName, request.account, undefined, parts);
  if (!domainName.ok) return domainName.error;
  const most = parts.quotas.domains;
  if ((await parts.store.domains.count({ accountSid: request.account.sid })) >= most)
    return fault(21230, `At most ${most} SIP domains are allowed`);
  const domain = withSettings(newDomain(domainName.value, request, parts), form.value);
  const strange = await strangeTrunk(domain, parts);
  if (strange) return strange;
  try {
    await parts.store.domains.insert(domain);
  } catch (error) {
    if (isDuplicate(error)) return nameTaken(domain.domainName);
    throw error;
  }
  return { status: 201, body: presentDomain(domain, []) };
};

const fetch: Handler = async (request, { store }) => {
  const domain = await findDomain(request, store);
  if (!domain) return notFound(`${request.path}.json`);
  return { status: 200, body: presentDomain(domain, await mappingsOf({ domainSid: domain.sid }, store)) };
};

const update: Handler = async (request, parts) => {
  const domain = await findDomain(request, parts.store);
  if (!domain) return notFound(`${request.path}.json`);
  const form = checked(updateSchema, request.form);
  if (!form.ok) return form.error;
  let domainName = domain.domainName;
  if (form.value.DomainName !== undefined) {
    const free = await freeName(form.value.DomainName, request.account, domain, parts);
    if (!free.ok) return free.error;
    domainName = free.value;
  }
  const changed: Domain = withSettings({ ...domain, domainName, dateUpdated: parts.clock.wall() }, form.value);
  const strange = form.value.ByocTrunkSid ? await strangeTrunk(changed, parts) : undefined;
  if (strange) return strange;
  try {
    if (!(await parts.store.domains.update(changed))) return notFound(`${request.path}.json`);
  } catch (error) {
    if (isDuplicate(error)) return nameTaken(domainName);
    throw error;
  }
  return { status: 200, body: presentDomain(changed, await mappingsOf({ domainSid: domain.sid }, parts.store)) };
};

const remove: Handler = async (request, parts) => {
  const domain = await findDomain(request, parts.store);
  if (!domain) return notFound(`${request.path}.json`);
  if (await hasSubdomains(domain, parts)) return fault(21233, `${domain.domainName} still has sub-domains`);
  return (await parts.store.domains.remove(domain.sid)) ? { status: 204 } : notFound(`${request.path}.json`);
};

/** The domain of the path, if the account has it. */
export async function findDomain(request: ApiRequest, store: ApiParts['store']): Promise<Domain | undefined> {
  const domain = await store.domains.get(request.params.DomainSid ?? '');
  return domain?.accountSid === request.account.sid ? domain : undefined;
}

async function mappingsOf(where: Partial<DomainMapping>, store: ApiParts['store']): Promise<readonly DomainMapping[]> {
  const mappings: DomainMapping[] = [];
  let cursor: string | null = null;
  for (;;) {
    const page: Page<DomainMapping> = await store.mappings.list(where, { ...whole, cursor });
    mappings.push(...page.records);
    const last = page.records.at(-1);
    if (!page.hasMore || !last) return mappings;
    cursor = `${last.domainSid}/${last.kind}/${last.listSid}`;
  }
}

const nameTaken = (domainName: string): ApiFault => fault(BAD_NAME, `DomainName ${domainName} is taken`);

/**
 * The full name, if this account may have it: well formed, not in use in any spelling, and with its parent domain in place, made by the
 * same account or the account's owner (sip-interface.md 1.1).
 */
async function freeName(
  asked: string,
  account: Account,
  present: Domain | undefined,
  parts: ApiParts,
): Promise<Result<string, ApiFault>> {
  const parsed = parseDomainName(asked, parts.domainSuffix, account.sid);
  if (!parsed)
    return err(fault(BAD_NAME, `DomainName ${printable(asked)} is not a valid name below ${parts.domainSuffix}`));
  if (parsed.full === present?.domainName) return ok(parsed.full);
  if (present && (await hasSubdomains(present, parts)))
    return err(fault(21233, `${present.domainName} still has sub-domains`));
  const parentLabels = parsed.labels.split('.').slice(1).join('.');
  let hasParent = parentLabels === '';
  for (const domain of await allDomains(parts.store)) {
    const labels = labelPath(domain.domainName, parts.domainSuffix);
    if (labels === parsed.labels && domain.sid !== present?.sid) return err(nameTaken(parsed.full));
    const isOurs = domain.accountSid === account.sid || domain.accountSid === account.ownerAccountSid;
    if (labels === parentLabels && isOurs) hasParent = true;
  }
  return hasParent
    ? ok(parsed.full)
    : err(fault(BAD_NAME, `DomainName ${parsed.full} needs the domain ${parentLabels} to exist in the same account`));
}

/** The trunk of a domain must be one of the same account. */
async function strangeTrunk(domain: Domain, { store }: ApiParts): Promise<ApiFault | undefined> {
  if (domain.byocTrunkSid === null) return undefined;
  const trunk = await store.byocTrunks.get(domain.byocTrunkSid);
  return trunk?.accountSid === domain.accountSid
    ? undefined
    : fault(21300, `ByocTrunkSid ${domain.byocTrunkSid} was not found`);
}

async function hasSubdomains(domain: Domain, parts: ApiParts): Promise<boolean> {
  const labels = labelPath(domain.domainName, parts.domainSuffix);
  const domains = await allDomains(parts.store);
  return domains.some((other) => labelPath(other.domainName, parts.domainSuffix).endsWith(`.${labels}`));
}

async function allDomains(store: ApiParts['store']): Promise<readonly Domain[]> {
  const domains: Domain[] = [];
  let cursor: string | null = null;
  for (;;) {
    const page: Page<Domain> = await store.domains.list({}, { ...whole, cursor });
    domains.push(...page.records);
    cursor = page.records.at(-1)?.sid ?? null;
    if (!page.hasMore || cursor === null) return domains;
  }
}

function newDomain(domainName: string, request: ApiRequest, parts: ApiParts): Domain {
  const now = parts.clock.wall();
  return {
    sid: newSid('SD', parts.random),
    accountSid: request.account.sid,
    domainName,
    friendlyName: domainName.slice(0, limits.friendlyNameChars),
    realm: parts.realm,
    voiceUrl: null,
    voiceMethod: 'POST',
    voiceFallbackUrl: null,
    voiceFallbackMethod: 'POST',
    voiceStatusCallbackUrl: null,
    voiceStatusCallbackMethod: 'POST',
    voiceTwiml: null,
    sipRegistration: false,
    secure: false,
    mediaEncryption: 'optional',
    nat: false,
    digestSha256: false,
    attendedTransfer: true,
    musicOnHold: 'none',
    dtmfInband: false,
    emergencyCallingEnabled: false,
    emergencyCallerSid: null,
    emergencyAddress: null,
    byocTrunkSid: null,
    declared: false,
    dateCreated: now,
    dateUpdated: now,
  };
}

/** Absent parameters keep what is there; an empty one clears. */
function withSettings(domain: Domain, form: Settings): Domain {
  const or = <T>(value: T | undefined, kept: T): T => (value === undefined ? kept : value);
  return {
    ...domain,
    friendlyName: form.FriendlyName ?? domain.friendlyName,
    voiceUrl: or(form.VoiceUrl, domain.voiceUrl),
    voiceMethod: form.VoiceMethod ?? domain.voiceMethod,
    voiceFallbackUrl: or(form.VoiceFallbackUrl, domain.voiceFallbackUrl),
    voiceFallbackMethod: form.VoiceFallbackMethod ?? domain.voiceFallbackMethod,
    voiceStatusCallbackUrl: or(form.VoiceStatusCallbackUrl, domain.voiceStatusCallbackUrl),
    voiceStatusCallbackMethod: form.VoiceStatusCallbackMethod ?? domain.voiceStatusCallbackMethod,
    sipRegistration: form.SipRegistration ?? domain.sipRegistration,
    secure: form.Secure ?? domain.secure,
    emergencyCallingEnabled: form.EmergencyCallingEnabled ?? domain.emergencyCallingEnabled,
    emergencyCallerSid: or(form.EmergencyCallerSid, domain.emergencyCallerSid),
    byocTrunkSid: or(form.ByocTrunkSid, domain.byocTrunkSid),
    mediaEncryption: form.MediaEncryption ?? domain.mediaEncryption,
    musicOnHold: form.MusicOnHold === null ? 'none' : (form.MusicOnHold ?? domain.musicOnHold),
    dtmfInband: form.DtmfInband ?? domain.dtmfInband,
    emergencyAddress: or(form.EmergencyAddress, domain.emergencyAddress),
  };
}

const path = '/Accounts/{AccountSid}/SIP/Domains';

export const domainRoutes: readonly Route[] = [
  { path, handlers: { GET: list, POST: create }, isDirectory: true },
  { path: `${path}/{DomainSid}`, handlers: { GET: fetch, POST: update, DELETE: remove }, isDirectory: true },
];
