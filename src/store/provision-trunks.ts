// Declared carriers in the store: each declared trunk is a ByocTrunk with a ConnectionPolicy and Targets of its own, `sourceAddresses` of
// a domain are IpRecords with SourceIpMappings, applications are Applications, and numbers are IncomingPhoneNumbers. So REST shows what the
// file says (design.md 4).

import type { ByocTrunk, Domain } from '../base/records.ts';
import type { Application } from '../base/voice-records.ts';
import {
  type DeclaredApplication,
  type DeclaredDomain,
  type DeclaredNumber,
  type DeclaredTrunk,
  type DeclaredVoice,
  splitCidr,
} from './declared.ts';
import type { Reconciler } from './reconcile.ts';
import type { Store } from './store.ts';
import { allPages, sidOf } from './walk.ts';

const isDeclared = (record: { readonly declared: boolean }): boolean => record.declared;

/** Brings trunks, policies and targets. Gives the trunks by name. */
export async function bringTrunks(
  store: Store,
  accountSid: string,
  declared: readonly DeclaredTrunk[],
  domains: readonly Domain[],
  reconciler: Reconciler,
): Promise<ReadonlyMap<string, ByocTrunk>> {
  const policies = await reconciler.bring(
    {
      repository: store.connectionPolicies,
      prefix: 'NY',
      what: 'connection policy',
      keyOf: (policy) => policy.friendlyName ?? policy.sid,
      isDeclared,
    },
    // Policies and trunks of REST may bear any name: only declared ones are compared.
    (await allPages((page) => store.connectionPolicies.list({ accountSid }, page), sidOf)).filter(isDeclared),
    new Map(declared.map(({ name }) => [name, { friendlyName: name, declared: true }])),
  );
  for (const trunk of declared) {
    const policy = policies.get(trunk.name);
    if (!policy) continue;
    const where = { connectionPolicySid: policy.sid };
    await reconciler.bring(
      {
        repository: store.policyTargets,
        prefix: 'NE',
        what: 'target',
        keyOf: (target) => target.target,
        isDeclared: () => true,
      },
      await allPages((page) => store.policyTargets.list(where, page), sidOf),
      new Map(trunk.targets.map(({ uri, ...rest }) => [uri, { ...rest, ...where, target: uri, friendlyName: null }])),
    );
  }
  const present = (await allPages((page) => store.byocTrunks.list({ accountSid }, page), sidOf)).filter(isDeclared);
  return reconciler.bring(
    {
      repository: store.byocTrunks,
      prefix: 'BY',
      what: 'trunk',
      keyOf: (trunk) => trunk.friendlyName ?? trunk.sid,
      isDeclared,
    },
    present,
    new Map(
      declared.map((trunk) => [
        trunk.name,
        {
          friendlyName: trunk.name,
          ...voiceOf(trunk),
          statusCallbackUrl: trunk.statusCallbackUrl ?? null,
          statusCallbackMethod: trunk.statusCallbackMethod ?? 'POST',
          cnamLookupEnabled: false,
          connectionPolicySid: policies.get(trunk.name)?.sid ?? null,
          fromDomainSid: domains.find((domain) => domain.domainName === trunk.fromDomain?.toLowerCase())?.sid ?? null,
          declared: true,
        },
      ]),
    ),
  );
}

/** Brings the source addresses of declared domains. */
export async function bringSources(
  store: Store,
  accountSid: string,
  declared: readonly DeclaredDomain[],
  domains: ReadonlyMap<string, Domain>,
  reconciler: Reconciler,
): Promise<void> {
  const sources = declared.flatMap((domain) => {
    const owner = domains.get(domain.name.toLowerCase());
    return owner ? (domain.sourceAddresses ?? []).map((text) => ({ text, owner, cidr: splitCidr(text) })) : [];
  });
  const records = await reconciler.bring(
    {
      repository: store.ipRecords,
      prefix: 'IL',
      what: 'source address',
      keyOf: (record) => `${record.ipAddress}/${record.cidrPrefixLength}`,
      isDeclared,
    },
    (await allPages((page) => store.ipRecords.list({ accountSid }, page), sidOf)).filter(isDeclared),
    new Map(
      sources.map(({ text, cidr }) => [
        `${cidr.address}/${cidr.prefixLength}`,
        { friendlyName: text, ipAddress: cidr.address, cidrPrefixLength: cidr.prefixLength, declared: true },
      ]),
    ),
  );
  await reconciler.bring(
    {
      repository: store.sourceIpMappings,
      prefix: 'IB',
      what: 'source mapping',
      keyOf: (mapping) => mapping.ipRecordSid,
      isDeclared,
    },
    (await allPages((page) => store.sourceIpMappings.list({ accountSid }, page), sidOf)).filter(isDeclared),
    new Map(
      sources.flatMap(({ owner, cidr }) => {
        const ipRecordSid = records.get(`${cidr.address}/${cidr.prefixLength}`)?.sid;
        return ipRecordSid ? [[ipRecordSid, { ipRecordSid, sipDomainSid: owner.sid, declared: true }] as const] : [];
      }),
    ),
  );
}

/** Brings applications. Gives the declared ones by name. */
export async function bringApplications(
  store: Store,
  accountSid: string,
  declared: readonly DeclaredApplication[],
  reconciler: Reconciler,
): Promise<ReadonlyMap<string, Application>> {
  return reconciler.bring(
    {
      repository: store.applications,
      prefix: 'AP',
      what: 'application',
      keyOf: (application) => application.friendlyName,
      isDeclared,
    },
    // Those of REST may bear any name: only declared ones are compared.
    (await allPages((page) => store.applications.list({ accountSid }, page), sidOf)).filter(isDeclared),
    new Map(
      declared.map((application) => [
        application.name,
        {
          friendlyName: application.name,
          ...voiceOf(application),
          statusCallback: application.statusCallback ?? null,
          statusCallbackMethod: application.statusCallbackMethod ?? 'POST',
          voiceCallerIdLookup: false,
          publicApplicationConnectEnabled: false,
          kept: {},
          declared: true,
        },
      ]),
    ),
  );
}

export async function bringNumbers(
  store: Store,
  accountSid: string,
  declared: readonly DeclaredNumber[],
  applications: ReadonlyMap<string, Application>,
  reconciler: Reconciler,
): Promise<void> {
  await reconciler.bring(
    {
      repository: store.phoneNumbers,
      prefix: 'PN',
      what: 'number',
      keyOf: (number) => number.phoneNumber,
      isDeclared,
    },
    await allPages((page) => store.phoneNumbers.list({ accountSid }, page), sidOf),
    new Map(
      declared.map((number) => [
        number.number,
        {
          phoneNumber: number.number,
          friendlyName: number.friendlyName ?? number.number,
          ...voiceOf(number),
          statusCallback: number.statusCallback ?? null,
          statusCallbackMethod: number.statusCallbackMethod ?? 'POST',
          kept: keptOf(number, applications),
          declared: true,
        },
      ]),
    ),
  );
}

function keptOf(
  { application }: DeclaredNumber,
  applications: ReadonlyMap<string, Application>,
): Readonly<Record<string, string>> {
  const sid = application === undefined ? undefined : applications.get(application)?.sid;
  return sid === undefined ? {} : { voice_application_sid: sid };
}

const voiceOf = (declared: DeclaredVoice) => ({
  voiceUrl: declared.voiceUrl ?? null,
  voiceMethod: declared.voiceMethod ?? ('POST' as const),
  voiceFallbackUrl: declared.voiceFallbackUrl ?? null,
  voiceFallbackMethod: declared.voiceFallbackMethod ?? ('POST' as const),
  voiceTwiml: declared.twiml ?? null,
});
