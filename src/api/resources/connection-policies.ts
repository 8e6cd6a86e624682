// ConnectionPolicies and their Targets (sip-interface.md 7): where outbound calls of a trunk go, by priority and weight.

import { z } from 'zod';
import { newSid } from '../../base/ids.ts';
import { limits } from '../../base/limits.ts';
import type { ConnectionPolicy, PolicyTarget } from '../../base/records.ts';
import { ok } from '../../base/result.ts';
import { fault } from '../errors.ts';
import { bool, checked, clearable, integer, optional, required, text } from '../form.ts';
import type { ApiParts, ApiRequest } from '../request.ts';
import { atMost, CONFLICT, exists, INVALID, ofAccount, v1Routes } from './v1.ts';

const TOO_MANY_POLICIES = 21253;
const TOO_MANY_TARGETS = 21254;
const PRIORITY = 10;
const WEIGHT = 10;

const friendlyName = clearable(text('FriendlyName', INVALID, limits.listFriendlyNameChars));
const policySchema = z.object({ FriendlyName: friendlyName });

export const connectionPolicyRoutes = v1Routes<ConnectionPolicy>({
  path: '/v1/ConnectionPolicies',
  key: 'connection_policies',
  repository: (store) => store.connectionPolicies,
  scope: ofAccount,
  full: atMost(
    (store) => store.connectionPolicies,
    (parts) => parts.quotas.connectionPolicies,
    TOO_MANY_POLICIES,
    'connection policies',
  ),
  async make(form, _scope, { accountSid, parts }) {
    const read = checked(policySchema, form);
    if (!read.ok) return read;
    const now = parts.clock.wall();
    const sid = newSid('NY', parts.random);
    const name = read.value.FriendlyName ?? null;
    return ok({ sid, accountSid, friendlyName: name, declared: false, dateCreated: now, dateUpdated: now });
  },
  async change(policy, form, { parts }) {
    const read = checked(policySchema, form);
    if (!read.ok) return read;
    const { FriendlyName = policy.friendlyName } = read.value;
    return ok({ ...policy, friendlyName: FriendlyName, dateUpdated: parts.clock.wall() });
  },
  async stillUsed(policy, { store }) {
    const isUsed = await exists(store.byocTrunks, { connectionPolicySid: policy.sid });
    return isUsed ? fault(CONFLICT, `${policy.sid} is still used by a BYOC trunk`) : undefined;
  },
  present: (policy, url) => ({
    account_sid: policy.accountSid,
    sid: policy.sid,
    friendly_name: policy.friendlyName,
    links: { targets: `${url}/Targets` },
  }),
});

/**
 * `sip:host[:port][;parameters]`: `sips` is refused (sip-interface.md 7), a user would be replaced by the number that is dialled, and
 * headers have no place in a target.
 */
const TARGET = /^sip:(?:[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\])(?::\d{1,5})?(?:;[a-z0-9-]+(?:=[\w.-]+)?)*$/i;

export function isTarget(value: string): boolean {
  const port = /:(\d+)(?:;|$)/.exec(value)?.[1];
  const transport = /;transport=([^;]*)/i.exec(value)?.[1];
  const isKnown = transport === undefined || /^(udp|tcp|tls)$/i.test(transport);
  return TARGET.test(value) && isKnown && (port === undefined || (Number(port) > 0 && Number(port) <= 65_535));
}

const target = z
  .string({ error: `${INVALID}|Target is required` })
  .max(limits.sipToUriChars, { error: `${INVALID}|Target is too long` })
  .refine(isTarget, {
    error: `${INVALID}|Target must be a sip: URI without user, such as sip:carrier.example.com:5060`,
  });
const settings = {
  FriendlyName: friendlyName,
  Priority: optional(integer('Priority', INVALID, 0, 65_535)),
  Weight: optional(integer('Weight', INVALID, 1, 65_535)),
  Enabled: optional(bool('Enabled', INVALID)),
};
const createSchema = z.object({ Target: required(target), ...settings });
const updateSchema = z.object({ Target: optional(target), ...settings });

async function policyOf(request: ApiRequest, { store }: ApiParts) {
  const policy = await store.connectionPolicies.get(request.params.PolicySid ?? '');
  if (policy?.accountSid !== request.account.sid) return undefined;
  return { accountSid: policy.accountSid, connectionPolicySid: policy.sid };
}

export const policyTargetRoutes = v1Routes<PolicyTarget>({
  path: '/v1/ConnectionPolicies/{PolicySid}/Targets',
  key: 'targets',
  repository: (store) => store.policyTargets,
  scope: policyOf,
  full: atMost(
    (store) => store.policyTargets,
    (parts) => parts.quotas.targetsPerPolicy,
    TOO_MANY_TARGETS,
    'targets in one connection policy',
  ),
  async make(form, scope, { accountSid, parts }) {
    const read = checked(createSchema, form);
    if (!read.ok) return read;
    const now = parts.clock.wall();
    return ok({
      sid: newSid('NE', parts.random),
      accountSid,
      connectionPolicySid: scope.connectionPolicySid ?? '',
      friendlyName: read.value.FriendlyName ?? null,
      target: read.value.Target,
      priority: read.value.Priority ?? PRIORITY,
      weight: read.value.Weight ?? WEIGHT,
      enabled: read.value.Enabled ?? true,
      dateCreated: now,
      dateUpdated: now,
    });
  },
  async change(record, form, { parts }) {
    const read = checked(updateSchema, form);
    if (!read.ok) return read;
    const { FriendlyName = record.friendlyName, Target, Priority, Weight, Enabled } = read.value;
    return ok({
      ...record,
      friendlyName: FriendlyName,
      target: Target ?? record.target,
      priority: Priority ?? record.priority,
      weight: Weight ?? record.weight,
      enabled: Enabled ?? record.enabled,
      dateUpdated: parts.clock.wall(),
    });
  },
  present: (record) => ({
    account_sid: record.accountSid,
    connection_policy_sid: record.connectionPolicySid,
    sid: record.sid,
    friendly_name: record.friendlyName,
    target: record.target,
    priority: record.priority,
    weight: record.weight,
    enabled: record.enabled,
  }),
});
