// ByocTrunks (sip-interface.md 7, rest-api.md 17): the application of a carrier's inbound calls and the policy of outbound ones.

import { z } from 'zod';
import { newSid } from '../../base/ids.ts';
import { limits } from '../../base/limits.ts';
import type { ByocTrunk } from '../../base/records.ts';
import { err, ok, type Result } from '../../base/result.ts';
import { type ApiFault, fault } from '../errors.ts';
import { bool, checked, clearable, type Form, method, optional, sid, text, url } from '../form.ts';
import { atMost, CONFLICT, exists, INVALID, ofAccount, type V1Context, v1Routes } from './v1.ts';

// Key order is the order of validation.
const schema = z.object({
  FriendlyName: clearable(text('FriendlyName', INVALID, limits.listFriendlyNameChars)),
  VoiceUrl: clearable(url('VoiceUrl', INVALID)),
  VoiceMethod: optional(method('VoiceMethod', INVALID)),
  VoiceFallbackUrl: clearable(url('VoiceFallbackUrl', INVALID)),
  VoiceFallbackMethod: optional(method('VoiceFallbackMethod', INVALID)),
  StatusCallbackUrl: clearable(url('StatusCallbackUrl', INVALID)),
  StatusCallbackMethod: optional(method('StatusCallbackMethod', INVALID)),
  CnamLookupEnabled: optional(bool('CnamLookupEnabled', INVALID)),
  ConnectionPolicySid: clearable(sid('ConnectionPolicySid', INVALID, 'NY')),
  FromDomainSid: clearable(sid('FromDomainSid', INVALID, 'SD')),
});

/** Absent parameters keep what is there; an empty one clears. */
async function withSettings(trunk: ByocTrunk, form: Form, context: V1Context): Promise<Result<ByocTrunk, ApiFault>> {
  const read = checked(schema, form);
  if (!read.ok) return read;
  const given = read.value;
  const or = <T>(value: T | undefined, kept: T): T => (value === undefined ? kept : value);
  const changed: ByocTrunk = {
    ...trunk,
    friendlyName: or(given.FriendlyName, trunk.friendlyName),
    voiceUrl: or(given.VoiceUrl, trunk.voiceUrl),
    voiceMethod: given.VoiceMethod ?? trunk.voiceMethod,
    voiceFallbackUrl: or(given.VoiceFallbackUrl, trunk.voiceFallbackUrl),
    voiceFallbackMethod: given.VoiceFallbackMethod ?? trunk.voiceFallbackMethod,
    statusCallbackUrl: or(given.StatusCallbackUrl, trunk.statusCallbackUrl),
    statusCallbackMethod: given.StatusCallbackMethod ?? trunk.statusCallbackMethod,
    cnamLookupEnabled: given.CnamLookupEnabled ?? trunk.cnamLookupEnabled,
    connectionPolicySid: or(given.ConnectionPolicySid, trunk.connectionPolicySid),
    fromDomainSid: or(given.FromDomainSid, trunk.fromDomainSid),
  };
  return refersToOwn(changed, context);
}

/** What it names belongs to the same account: a trunk cannot borrow another's carrier or name. */
async function refersToOwn(trunk: ByocTrunk, { accountSid, parts }: V1Context): Promise<Result<ByocTrunk, ApiFault>> {
  const { connectionPolicySid, fromDomainSid } = trunk;
  const policy = connectionPolicySid && (await parts.store.connectionPolicies.get(connectionPolicySid));
  if (connectionPolicySid !== null && !(policy && policy.accountSid === accountSid))
    return err(fault(INVALID, `ConnectionPolicySid ${connectionPolicySid} was not found`));
  const domain = fromDomainSid && (await parts.store.domains.get(fromDomainSid));
  if (fromDomainSid !== null && !(domain && domain.accountSid === accountSid))
    return err(fault(INVALID, `FromDomainSid ${fromDomainSid} was not found`));
  return ok(trunk);
}

function blank({ accountSid, parts }: V1Context): ByocTrunk {
  const now = parts.clock.wall();
  return {
    sid: newSid('BY', parts.random),
    accountSid,
    friendlyName: null,
    voiceUrl: null,
    voiceMethod: 'POST',
    voiceFallbackUrl: null,
    voiceFallbackMethod: 'POST',
    voiceTwiml: null,
    statusCallbackUrl: null,
    statusCallbackMethod: 'POST',
    cnamLookupEnabled: false,
    connectionPolicySid: null,
    fromDomainSid: null,
    declared: false,
    dateCreated: now,
    dateUpdated: now,
  };
}

export const byocTrunkRoutes = v1Routes<ByocTrunk>({
  path: '/v1/ByocTrunks',
  key: 'byoc_trunks',
  repository: (store) => store.byocTrunks,
  scope: ofAccount,
  full: atMost(
    (store) => store.byocTrunks,
    (parts) => parts.quotas.trunkObjects,
    INVALID,
    'BYOC trunks',
  ),
  make: (form, _scope, context) => withSettings(blank(context), form, context),
  change: (trunk, form, context) => withSettings({ ...trunk, dateUpdated: context.parts.clock.wall() }, form, context),
  async stillUsed(trunk, { store }) {
    const isUsed = await exists(store.domains, { byocTrunkSid: trunk.sid });
    return isUsed ? fault(CONFLICT, `${trunk.sid} still has SIP domains: take it off them first`) : undefined;
  },
  present: (trunk) => ({
    account_sid: trunk.accountSid,
    sid: trunk.sid,
    friendly_name: trunk.friendlyName,
    voice_url: trunk.voiceUrl,
    voice_method: trunk.voiceMethod,
    voice_fallback_url: trunk.voiceFallbackUrl,
    voice_fallback_method: trunk.voiceFallbackMethod,
    status_callback_url: trunk.statusCallbackUrl,
    status_callback_method: trunk.statusCallbackMethod,
    cnam_lookup_enabled: trunk.cnamLookupEnabled,
    connection_policy_sid: trunk.connectionPolicySid,
    from_domain_sid: trunk.fromDomainSid,
  }),
});
