// Addresses of this machine and of peers: spelling, families, which networks count as local, what is told to whom.
// No sockets here.

import { networkInterfaces } from 'node:os';
import ipaddr from 'ipaddr.js';
import { remembered } from '../../base/remembered.ts';

export interface LocalAddress {
  /** Normalised: no zone, no brackets. */
  readonly address: string;
  readonly family: 4 | 6;
}

/** The addresses on all interfaces that are up. */
export function readSystemInterfaces(): readonly LocalAddress[] {
  const found = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  return found.map(({ address, family }) => ({
    address: normalizeAddress(address),
    family: family === 'IPv4' ? 4 : 6,
  }));
}

/** v4-mapped IPv6 becomes IPv4; zone and brackets go; lower case. Other text comes back in lower case. */
export function normalizeAddress(text: string): string {
  // The common case costs one scan.
  if (text.indexOf(':') < 0) return text;
  let address = text.toLowerCase();
  if (address.charCodeAt(0) === 0x5b) address = address.replace(/^\[(.*)\]$/, '$1');
  const zone = address.indexOf('%');
  if (zone >= 0) address = address.slice(0, zone);
  if (address.startsWith('::ffff:') && address.includes('.')) return address.slice(7);
  return address;
}

/** One spelling per address (RFC 5952), as the kernel writes it; other text in lower case. */
export function canonicalAddress(text: string): string {
  const address = normalizeAddress(text);
  if (!address.includes(':')) return address.toLowerCase();
  return ipaddr.IPv6.isValid(address) ? ipaddr.process(address).toString() : address;
}

/** 4 or 6; undefined when the text is no address literal. */
export const familyOf = (address: string): 4 | 6 | undefined => familyNumber(address) || undefined;

/** 0: none. Each message that is sent asks for the family of its destination. */
const familyNumber = remembered(1_024, (address): 0 | 4 | 6 => {
  if (address.indexOf(':') >= 0) return ipaddr.IPv6.isValid(address) ? 6 : 0;
  return ipaddr.IPv4.isValidFourPartDecimal(address) ? 4 : 0;
});

export const isWildcard = (address: string): boolean => address === '::' || address === '0.0.0.0';

export const isLoopback = (address: string): boolean => address === '::1' || address.startsWith('127.');

/** Sockets on IPv6 link-local addresses need a zone and answer only their own link; a wildcard leaves them out. */
const isLinkLocalV6 = (address: string): boolean => /^fe[89ab]/.test(address);

/** The address as bind() takes it: without brackets, with the zone of a link-local address. */
export const bindAddress = (listen: string): string => listen.replace(/^\[(.*)\]$/, '$1');

/** The addresses that a listener binds: itself, or for a wildcard all of its family. */
export function coveredAddresses(listen: string, interfaces: readonly LocalAddress[]): string[] {
  const address = normalizeAddress(listen);
  if (!isWildcard(address)) return [bindAddress(listen)];
  const family = familyOf(address);
  const covered = interfaces.filter((own) => own.family === family && !isLinkLocalV6(own.address));
  return [...new Set(covered.map((own) => own.address))];
}

/** One budget per IPv4 address and per IPv6 /64 (design.md 9): whoever holds one address of a /64 holds them all. */
export function sourceKey(address: string): string {
  if (address.indexOf(':') < 0) return address;
  if (!ipaddr.IPv6.isValid(address)) return address;
  return ipaddr.IPv6.parse(address).parts.slice(0, 4).join(':');
}

const LOOPBACK_RANGES = ['127.0.0.0/8', '::1/128'];
/** RFC 1918, RFC 6598 (carrier and overlay networks), RFC 3927, RFC 4193, RFC 4291 2.5.6. */
const PRIVATE_RANGES = [
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '100.64.0.0/10',
  '169.254.0.0/16',
  'fc00::/7',
  'fe80::/10',
];

type Range = [ipaddr.IPv4 | ipaddr.IPv6, number];

const parseRange = (text: string): Range =>
  ipaddr.parseCIDR(text.includes('/') ? text : `${text}/${text.includes(':') ? 128 : 32}`);

function isInRange(address: ipaddr.IPv4 | ipaddr.IPv6, [base, bits]: Range): boolean {
  return address.kind() === base.kind() && address.match(base, bits);
}

export interface LocalitySettings {
  readonly publicAddress: string | null;
  readonly localNetworks: readonly string[] | null;
  readonly ownNames: readonly string[];
  readonly readInterfaces: () => readonly LocalAddress[];
}

/** Which addresses are ours, which peers are near, and which of our addresses a peer is told. */
export class Locality {
  readonly #settings: LocalitySettings;
  readonly #ownNames: ReadonlySet<string>;
  #interfaces: readonly LocalAddress[] = [];
  #ownAddresses: ReadonlySet<string> = new Set();
  #localRanges: readonly Range[] = [];
  #signature = '';

  /** Throws on a malformed CIDR block: the configuration has checked it. */
  constructor(settings: LocalitySettings) {
    this.#settings = settings;
    this.#ownNames = new Set([...settings.ownNames.map((name) => name.toLowerCase()), 'localhost']);
    this.refresh();
  }

  get interfaces(): readonly LocalAddress[] {
    return this.#interfaces;
  }

  /** Reads the interfaces again; true when an address came or went. */
  refresh(): boolean {
    const interfaces = this.#settings.readInterfaces();
    const signature = interfaces
      .map((own) => own.address)
      .sort()
      .join(' ');
    if (signature === this.#signature) return false;
    this.#signature = signature;
    this.#interfaces = interfaces;
    this.#ownAddresses = new Set(interfaces.map((own) => canonicalAddress(own.address)));
    this.#localRanges = (this.#settings.localNetworks ?? this.#rangesInUse(interfaces)).map(parseRange);
    return true;
  }

  #rangesInUse(interfaces: readonly LocalAddress[]): string[] {
    const own = interfaces.flatMap(({ address }) => (ipaddr.isValid(address) ? [ipaddr.process(address)] : []));
    const inUse = PRIVATE_RANGES.filter((range) => own.some((address) => isInRange(address, parseRange(range))));
    return [...LOOPBACK_RANGES, ...inUse];
  }

  isLocalPeer(address: string): boolean {
    if (!ipaddr.isValid(address)) return false;
    const parsed = ipaddr.process(address);
    return this.#localRanges.some((range) => isInRange(parsed, range));
  }

  /** design.md 4: the socket's address for near peers, the public one for others, if it fits the family. */
  advertisedHost(localAddress: string, remoteAddress: string, listenerPublic?: string | null): string {
    const publicAddress = listenerPublic === undefined ? this.#settings.publicAddress : listenerPublic;
    if (publicAddress === null || this.isLocalPeer(remoteAddress)) return localAddress;
    const family = familyOf(normalizeAddress(publicAddress));
    return family === undefined || family === familyOf(localAddress) ? normalizeAddress(publicAddress) : localAddress;
  }

  isOwnHost(host: string): boolean {
    const key = canonicalAddress(host);
    if (this.#ownNames.has(key) || this.isOnThisMachine(key)) return true;
    const { publicAddress } = this.#settings;
    return publicAddress !== null && canonicalAddress(publicAddress) === key;
  }

  /** True for loopback and the addresses on our interfaces; not for a public address that is translated to us. */
  isOnThisMachine(address: string): boolean {
    const key = canonicalAddress(address);
    return this.#ownAddresses.has(key) || (familyOf(key) !== undefined && isLoopback(key));
  }
}
