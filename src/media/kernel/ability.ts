// What this machine allows: whether packets can be marked, and whether they can be relayed by the kernel. Changes nothing: `doctor`
// asks too.

import { readFileSync } from 'node:fs';
import { err, ok, type Result } from '../../base/result.ts';
import { type Nft, nftProgram, runsNft } from './nft.ts';
import { tableText } from './rules.ts';

export interface KernelAbility {
  /** Null: rules cannot be made at all. */
  readonly nft: Nft | null;
  /** The error is why not, with what to do about it. */
  readonly marks: Result<string, string>;
  readonly relays: Result<string, string>;
}

const FORWARDING = { 4: '/proc/sys/net/ipv4/ip_forward', 6: '/proc/sys/net/ipv6/conf/all/forwarding' } as const;
const TRIED = { table: 'hookswitch_media_0', mediaPorts: { first: 2, last: 3 }, sipPorts: [1] };

export async function kernelAbility(): Promise<KernelAbility> {
  const program = nftProgram();
  if (process.platform !== 'linux' || program === undefined) {
    const reason = process.platform === 'linux' ? 'nftables (the program nft) is not installed' : 'this is not Linux';
    return { nft: null, marks: err(reason), relays: err(reason) };
  }
  const nft = runsNft(program);
  const check = (flows: number) =>
    nft(['-c', '-f', '-'], tableText({ ...TRIED, flows, mediaDscp: 46, signallingDscp: 24 }));
  const marks = await check(0);
  if (!marks.ok) {
    const reason = `nft refused, it needs CAP_NET_ADMIN: ${marks.error}`;
    return { nft: null, marks: err(reason), relays: err(reason) };
  }
  const relays = await check(1);
  const version = ok('nftables with CAP_NET_ADMIN');
  if (!relays.ok) return { nft, marks: version, relays: err(`nft refused: ${relays.error}`) };
  return { nft, marks: version, relays: forwarding() };
}

/** A relayed packet is a forwarded one. The setting of the system is the administrator's: it is never changed here. */
function forwarding(): Result<string, string> {
  const families = ([4, 6] as const).filter((family) => forwards(family));
  if (families.length === 0) return err('the system forwards no packets: sysctl net.ipv4.ip_forward=1');
  return ok(`nftables with CAP_NET_ADMIN, forwarding of ${families.map((family) => `IPv${family}`).join(' and ')}`);
}

/** Whether the system forwards packets of this family. */
export function forwards(family: 4 | 6): boolean {
  try {
    return readFileSync(FORWARDING[family], 'utf8').trim() !== '0';
  } catch {
    return false;
  }
}
