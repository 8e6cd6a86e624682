// RFC 3263: SIP URI → where to send, in order of preference.
//
//   transport given or numeric host? ─ yes ─▶ that transport        no ─▶ NAPTR ─▶ (transport, SRV name) in its order
//   port given or numeric host? ─ yes ─▶ A/AAAA                     no ─▶ SRV by priority, then by weight (RFC 2782) ─▶ A/AAAA
//
// Pure but for the resolver, which comes through a port; dns/ implements it.

import type { RandomSource } from '../../base/ids.ts';
import { limits } from '../../base/limits.ts';
import { err, ok, type Result } from '../../base/result.ts';
import type { SipUri } from '../grammar/uri.ts';
import { canonicalAddress, familyOf } from './addresses.ts';
import type { Destination } from './transport.ts';

type DialledTransport = 'udp' | 'tcp' | 'tls';
type Answer<T> = Result<readonly T[], { readonly code: string; readonly detail: string }>;

export interface ServiceRecord {
  readonly name: string;
  readonly port: number;
  readonly priority: number;
  readonly weight: number;
}

export interface NamingRecord {
  readonly order: number;
  readonly preference: number;
  readonly flags: string;
  readonly service: string;
  readonly replacement: string;
}

/** Port to names: what dns/resolver.ts offers. Answers that are ok are not empty. */
export interface TargetResolver {
  addresses(name: string): Promise<Answer<{ readonly address: string }>>;
  srv(name: string): Promise<Answer<ServiceRecord>>;
  naptr(name: string): Promise<Answer<NamingRecord>>;
}

export interface TargetRequest {
  readonly uri: SipUri;
  readonly resolver: TargetResolver;
  /** For the weights of SRV records. */
  readonly random: RandomSource;
}

export interface TargetFailure {
  /** `malformed`: no lookup can help (unknown transport, sips over UDP). */
  readonly code: 'notFound' | 'malformed';
  readonly detail: string;
}

/** A host and port of one transport, before its addresses are known. */
interface Candidate {
  readonly transport: DialledTransport;
  readonly host: string;
  readonly port: number;
}

const DEFAULT_PORT: Readonly<Record<DialledTransport, number>> = { udp: 5060, tcp: 5060, tls: 5061 };
const SRV_PREFIX: Readonly<Record<DialledTransport, string>> = {
  udp: '_sip._udp',
  tcp: '_sip._tcp',
  tls: '_sips._tcp',
};
/** RFC 3263 4.1: the services that we can speak. */
const NAPTR_SERVICES: Readonly<Record<string, DialledTransport>> = {
  'sip+d2u': 'udp',
  'sip+d2t': 'tcp',
  'sips+d2t': 'tls',
};

/** At most `limits.sipDestinations` places to try one after the other, best first. Never empty when ok. */
export async function resolveTargets(request: TargetRequest): Promise<Result<Destination[], TargetFailure>> {
  const { uri, resolver } = request;
  const chosen = chosenTransport(uri);
  if (!chosen.ok) return chosen;
  // RFC 3261 16.6 7, RFC 3263 4: maddr is the target where it is given.
  const target = bareHost(uri.params.get('maddr') || uri.host);
  const isNumeric = familyOf(target) !== undefined;
  const fallback: DialledTransport = uri.scheme === 'sips' ? 'tls' : 'udp';
  const transport = chosen.value ?? (isNumeric || uri.port !== undefined ? fallback : undefined);
  const candidates =
    transport !== undefined && (isNumeric || uri.port !== undefined)
      ? [{ transport, host: target, port: uri.port ?? DEFAULT_PORT[transport] }]
      : await serviceCandidates(request, target, transport, fallback);
  return addressesOf(candidates, resolver, uri.host);
}

/** The transport that the URI asks for; undefined leaves it to DNS. */
function chosenTransport(uri: SipUri): Result<DialledTransport | undefined, TargetFailure> {
  const named = uri.params.get('transport')?.toLowerCase();
  const isSecure = uri.scheme === 'sips';
  switch (named) {
    case undefined:
      return ok(undefined);
    case 'tls':
      return ok('tls');
    case 'tcp':
      // RFC 3261 26.2.2: sips over TCP means TLS on TCP.
      return ok(isSecure ? 'tls' : 'tcp');
    case 'udp':
      return isSecure ? err({ code: 'malformed', detail: 'sips cannot go over UDP' }) : ok('udp');
    default:
      return err({ code: 'malformed', detail: `transport ${named} cannot be dialled` });
  }
}

/** RFC 3263 4.1 and 4.2: NAPTR and SRV; without both, the host itself with the default port. */
async function serviceCandidates(
  { uri, resolver, random }: TargetRequest,
  target: string,
  transport: DialledTransport | undefined,
  fallback: DialledTransport,
): Promise<Candidate[]> {
  const services = transport ? [] : await naptrServices(resolver, target, uri.scheme === 'sips');
  const asked = services.length > 0 ? services : srvServices(target, transport, uri.scheme === 'sips');
  const answers = await Promise.all(asked.map((service) => resolver.srv(service.name)));
  const found = answers.flatMap((answer, index) =>
    answer.ok ? srvCandidates(answer.value, asked[index]!.transport, random) : [],
  );
  // RFC 2782: a lone record with the target `.` says that the service is not there; then there is nothing to fall back to.
  if (found.length > 0 || answers.some(isServiceDenied)) return found;
  const last = transport ?? fallback;
  return [{ transport: last, host: target, port: DEFAULT_PORT[last] }];
}

interface Service {
  readonly transport: DialledTransport;
  readonly name: string;
}

async function naptrServices(resolver: TargetResolver, target: string, isSecure: boolean): Promise<Service[]> {
  const answer = await resolver.naptr(target);
  if (!answer.ok) return [];
  const sorted = [...answer.value].sort(
    (left, right) => left.order - right.order || left.preference - right.preference,
  );
  const services = sorted.flatMap((record): Service[] => {
    const transport = NAPTR_SERVICES[record.service.toLowerCase()];
    // RFC 3263 4.1: for a sips URI only SIPS services count.
    const isUsable =
      transport !== undefined && record.flags.toLowerCase() === 's' && (!isSecure || transport === 'tls');
    return isUsable ? [{ transport, name: record.replacement }] : [];
  });
  return services.slice(0, limits.sipDestinations);
}

/** Without NAPTR: the SRV names of each transport that may be used, in our order of preference. */
function srvServices(target: string, transport: DialledTransport | undefined, isSecure: boolean): Service[] {
  const transports: DialledTransport[] = transport ? [transport] : isSecure ? ['tls'] : ['udp', 'tcp', 'tls'];
  return transports.map((each) => ({ transport: each, name: `${SRV_PREFIX[each]}.${target}` }));
}

const isServiceDenied = (answer: Answer<ServiceRecord>): boolean =>
  answer.ok && answer.value.every((record) => isRoot(record.name));

const isRoot = (name: string): boolean => name === '' || name === '.';

function srvCandidates(
  records: readonly ServiceRecord[],
  transport: DialledTransport,
  random: RandomSource,
): Candidate[] {
  const usable = records.filter((record) => !isRoot(record.name) && record.port > 0);
  return orderServices(usable, random).map(({ name, port }) => ({ transport, host: name, port }));
}

/**
 * RFC 2782: lowest priority first; among equals, drawn one by one with a chance in proportion to weight. Records of weight 0
 * stand first in the draw, so that they are hardly ever chosen while others are left. The rest of the order is free: it is
 * shuffled, so that small and equal weights share the load too.
 */
export function orderServices<T extends { priority: number; weight: number }>(
  records: readonly T[],
  random: RandomSource,
): T[] {
  const ordered: T[] = [];
  const byPriority = [...records].sort((left, right) => left.priority - right.priority);
  while (byPriority.length > 0) {
    const { priority } = byPriority[0]!;
    const end = byPriority.findIndex((record) => record.priority !== priority);
    const group = zeroFirst(shuffled(byPriority.splice(0, end < 0 ? byPriority.length : end), random));
    while (group.length > 0) ordered.push(...group.splice(drawIndex(group, random), 1));
  }
  return ordered;
}

const zeroFirst = <T extends { weight: number }>(records: readonly T[]): T[] => [
  ...records.filter((record) => record.weight === 0),
  ...records.filter((record) => record.weight !== 0),
];

/** Fisher-Yates. */
function shuffled<T>(records: readonly T[], random: RandomSource): T[] {
  const order = [...records];
  for (let last = order.length - 1; last > 0; last--) {
    const other = random(4).readUInt32BE() % (last + 1);
    [order[last], order[other]] = [order[other]!, order[last]!];
  }
  return order;
}

function drawIndex(group: readonly { weight: number }[], random: RandomSource): number {
  const total = group.reduce((sum, record) => sum + record.weight, 0);
  // 32 random bits against sums of 16-bit weights: the bias of the remainder is below one in a thousand.
  const drawn = random(4).readUInt32BE() % (total + 1);
  let sum = 0;
  return group.findIndex((record) => {
    sum += record.weight;
    return sum >= drawn;
  });
}

/** The addresses of all candidates, asked for at the same time, in the order of the candidates. */
async function addressesOf(
  candidates: readonly Candidate[],
  resolver: TargetResolver,
  uriHost: string,
): Promise<Result<Destination[], TargetFailure>> {
  const tried = candidates.slice(0, limits.sipDestinations);
  const answers = await Promise.all(tried.map((candidate) => hostAddresses(candidate.host, resolver)));
  const known = new Set<string>();
  const destinations: Destination[] = [];
  tried.forEach(({ transport, port }, index) => {
    const answer = answers[index]!;
    for (const { address } of answer.ok ? answer.value : []) {
      const key = `${transport} ${address} ${port}`;
      if (known.has(key) || destinations.length >= limits.sipDestinations) continue;
      known.add(key);
      destinations.push({ transport, address, port, serverName: bareHost(uriHost) });
    }
  });
  if (destinations.length > 0) return ok(destinations);
  const failure = answers.find((answer) => !answer.ok);
  const detail = failure && !failure.ok ? failure.error.detail : `${uriHost}: the service is not offered`;
  return err({ code: 'notFound', detail });
}

function hostAddresses(host: string, resolver: TargetResolver): Promise<Answer<{ readonly address: string }>> {
  const literal = canonicalAddress(host);
  return familyOf(literal) === undefined ? resolver.addresses(host) : Promise.resolve(ok([{ address: literal }]));
}

const bareHost = (host: string): string => (host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host);
