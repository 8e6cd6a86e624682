// Two private networks behind NAT and a gateway outside, as network namespaces of this machine:
//
//   hsA-phone 192.168.7.2 ── 192.168.7.1 hsA-nat 198.51.100.11 ──┐
//                                                                ├─ 198.51.100.1 hs-out (the gateway)
//   hsB-phone 192.168.7.2 ── 192.168.7.1 hsB-nat 198.51.100.12 ──┘        both phones have the same private address
//
// The NATs masquerade and drop what nobody inside asked for, as a home router does. Needs root, iproute2 and nftables.

import { spawnSync } from 'node:child_process';

export const GATEWAY_ADDRESS = '198.51.100.1';
export const PHONE_ADDRESS = '192.168.7.2';

function run(command: string): string {
  const result = spawnSync('sh', ['-ec', command], { encoding: 'utf8' });
  if (result.status !== 0) throw new Error(`${command}\n${result.stderr}`);
  return result.stdout;
}

/** Why namespaces cannot be made here, or undefined when they can. */
export function namespacesMissing(): string | undefined {
  const name = `hs-try-${process.pid}`;
  try {
    run(`ip netns add ${name} && ip netns exec ${name} nft add table ip try`);
    return undefined;
  } catch {
    return 'network namespaces with nftables cannot be made here (needs root, iproute2 and nftables)';
  } finally {
    spawnSync('ip', ['netns', 'del', name]);
  }
}

export interface NatNetwork {
  /** Command prefix that runs something in the namespace of the gateway, or of a phone. */
  readonly inside: (place: 'outside' | 'A' | 'B') => readonly string[];
  remove(): void;
}

/** Builds the picture above. Names carry the process id, so that two runs do not meet. */
export function createNatNetwork(): NatNetwork {
  const id = process.pid % 100_000;
  const outside = `hs${id}out`;
  const names = [outside];
  try {
    run(`ip netns add ${outside} && ip -n ${outside} link set lo up`);
    run(
      `ip -n ${outside} link add br0 type bridge && ip -n ${outside} addr add ${GATEWAY_ADDRESS}/24 dev br0 && ip -n ${outside} link set br0 up`,
    );
    for (const [index, side] of ['A', 'B'].entries()) {
      const nat = `hs${id}nat${side}`;
      const phone = `hs${id}ph${side}`;
      names.push(nat, phone);
      run(
        `ip netns add ${nat} && ip netns add ${phone} && ip -n ${nat} link set lo up && ip -n ${phone} link set lo up`,
      );
      run(`ip -n ${nat} link add wan type veth peer name to${side} netns ${outside}`);
      run(`ip -n ${outside} link set to${side} master br0 && ip -n ${outside} link set to${side} up`);
      run(`ip -n ${nat} addr add 198.51.100.${11 + index}/24 dev wan && ip -n ${nat} link set wan up`);
      run(`ip -n ${nat} link add lan type veth peer name eth0 netns ${phone}`);
      run(`ip -n ${nat} addr add 192.168.7.1/24 dev lan && ip -n ${nat} link set lan up`);
      run(
        `ip -n ${phone} addr add ${PHONE_ADDRESS}/24 dev eth0 && ip -n ${phone} link set eth0 up && ip -n ${phone} route add default via 192.168.7.1`,
      );
      run(`ip netns exec ${nat} sysctl -qw net.ipv4.ip_forward=1`);
      run(
        `ip netns exec ${nat} nft -f - <<'RULES'
table ip home {
  chain out { type nat hook postrouting priority 100; oifname "wan" masquerade random; }
  chain through { type filter hook forward priority 0; policy drop; iifname "lan" accept; ct state established,related accept; }
}
RULES`,
      );
    }
  } catch (fault) {
    removeAll(names);
    throw fault;
  }
  const prefix = (name: string) => ['ip', 'netns', 'exec', name];
  return {
    inside: (place) => prefix(place === 'outside' ? outside : `hs${id}ph${place}`),
    remove: () => removeAll(names),
  };
}

function removeAll(names: readonly string[]): void {
  for (const name of names) spawnSync('ip', ['netns', 'del', name]);
}

/** Addresses of the gateway with two networks, and of its peers there. */
export const TWO_NETWORKS = {
  office: { gateway: '10.77.0.1', peer: '10.77.0.2' },
  carrier: { gateway: '198.51.100.1', peer: '198.51.100.2' },
} as const;

export interface TwoNetworks {
  readonly inside: (place: 'gateway' | 'office' | 'carrier') => readonly string[];
  remove(): void;
}

/**
 * A gateway that stands in two networks:
 *
 *   office peer 10.77.0.2 ── 10.77.0.1 gateway 198.51.100.1 ── 198.51.100.2 carrier peer
 */
export function createTwoNetworks(): TwoNetworks {
  const id = process.pid % 100_000;
  const name = (place: string) => `hs${id}${place}`;
  const names = ['gateway', 'office', 'carrier'].map(name);
  try {
    for (const one of names) run(`ip netns add ${one} && ip -n ${one} link set lo up`);
    for (const place of ['office', 'carrier'] as const) {
      const { gateway, peer } = TWO_NETWORKS[place];
      run(`ip -n ${name('gateway')} link add to-${place} type veth peer name eth0 netns ${name(place)}`);
      run(
        `ip -n ${name('gateway')} addr add ${gateway}/24 dev to-${place} && ip -n ${name('gateway')} link set to-${place} up`,
      );
      run(`ip -n ${name(place)} addr add ${peer}/24 dev eth0 && ip -n ${name(place)} link set eth0 up`);
    }
  } catch (fault) {
    removeAll(names);
    throw fault;
  }
  return { inside: (place) => ['ip', 'netns', 'exec', name(place)], remove: () => removeAll(names) };
}
