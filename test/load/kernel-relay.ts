// CPU of a packet that the kernel relays by our nftables rules, against a relay in C with connected sockets, between the same three
// network namespaces. What the sender and the receiver themselves cost is measured over one hop, and taken off both.
//
//   office 10.77.0.2 ── gateway ── 198.51.100.2 carrier      packets of G.711, 20 ms apart on each flow, one way
//   hop      office ─▶ a socket in the gateway's network     relay in C, kernel      office ─▶ carrier
//
// Time of softirqs counts for the process in which they run, so the sender's time holds the kernel's work on its packets.
// Run as root: node test/load/kernel-relay.ts [--flows 400] [--seconds 3] [--rounds 5]. Needs iproute2, nftables and a C compiler.

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { changeText, type Flow } from '../../src/media/kernel/flow.ts';
import { removalText, tableText } from '../../src/media/kernel/rules.ts';
import { createTwoNetworks, TWO_NETWORKS } from '../support/namespaces.ts';
import { RELAY_PROGRAM } from './kernel-relay-source.ts';

const { values } = parseArgs({
  options: {
    flows: { type: 'string', default: '400' },
    seconds: { type: 'string', default: '3' },
    rounds: { type: 'string', default: '5' },
  },
});
const flowCount = Number(values.flows);
const TABLE = 'hookswitch_media_20000';
const SSRC = 0x11223344;
const { office, carrier } = TWO_NETWORKS;

const flow = (index: number): Flow => ({
  ...{ id: index + 1, ssrc: SSRC, ssrcOrder: 'both', payloadType: 0 },
  ...{
    sourceAddress: office.peer,
    sourcePort: 30_000 + index,
    arrivalAddress: office.gateway,
    arrivalPort: 20_000 + index,
  },
  ...{ departureAddress: carrier.gateway, departurePort: 20_000 + index },
  ...{ targetAddress: carrier.peer, targetPort: 30_000 + index },
});
const flows = Array.from({ length: flowCount }, (_, index) => flow(index));

const folder = mkdtempSync(join(tmpdir(), 'hookswitch-kernel-'));
const networks = createTwoNetworks();
const nameOf = (place: 'office' | 'carrier' | 'gateway') => networks.inside(place).at(-1)!;
const program = join(folder, 'relay');

/** Runs in the gateway's network. */
function inGateway(args: readonly string[], input = ''): void {
  const [command, ...prefix] = networks.inside('gateway');
  execFileSync(command!, [...prefix, ...args], { input });
}

/** Sends, receives; microseconds of CPU per packet that was received. */
function send(to: 'gateway' | 'carrier'): number {
  const target = to === 'gateway' ? office.gateway : carrier.peer;
  const port = to === 'gateway' ? '20000' : '30000';
  const places = [nameOf('office'), office.peer, office.gateway, nameOf(to), target, port];
  const output = execFileSync(program, ['send', ...places, values.flows, values.seconds], { encoding: 'utf8' });
  const [sent = 0, received = 0, micros = 0] = output.trim().split(' ').map(Number);
  if (received < sent * 0.999) console.log(`  ${sent - received} of ${sent} packets lost: this round is no measure`);
  return micros / received;
}

async function relay(): Promise<number> {
  const [command, ...prefix] = networks.inside('gateway');
  const places = [office.gateway, office.peer, carrier.gateway, carrier.peer];
  const child: ChildProcess = spawn(command!, [...prefix, program, 'relay', ...places, values.flows], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  child.stdout!.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  await once(child.stdout!, 'data');
  const peers = send('carrier');
  child.kill('SIGTERM');
  await once(child, 'close');
  const [packets = 1, micros = 0] = said.trim().split('\n').at(-1)!.split(' ').map(Number);
  return peers + micros / packets;
}

function kernel(): number {
  const table = { table: TABLE, mediaPorts: { first: 20_000, last: 29_999 }, flows: flowCount };
  const text = tableText({ ...table, mediaDscp: null, signallingDscp: null, sipPorts: [] });
  inGateway(['nft', '-f', '-'], text + changeText(TABLE, [], flows));
  try {
    return send('carrier');
  } finally {
    inGateway(['nft', '-f', '-'], removalText(TABLE));
  }
}

const median = (numbers: readonly number[]): number =>
  numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)]!;

try {
  writeFileSync(`${program}.c`, RELAY_PROGRAM);
  execFileSync('cc', ['-O2', '-o', program, `${program}.c`]);
  inGateway(['sysctl', '-qw', 'net.ipv4.ip_forward=1']);
  const ratios: number[] = [];
  for (let round = 1; round <= Number(values.rounds); round++) {
    const hop = send('gateway');
    const [inC, inKernel] = [(await relay()) - hop, kernel() - hop];
    ratios.push(inKernel / inC);
    const [c, k] = [inC.toFixed(2), inKernel.toFixed(2)];
    console.log(`round ${round}: relay in C ${c} µs, kernel ${k} µs per packet, ratio ${(inKernel / inC).toFixed(2)}`);
  }
  console.log(`median ratio ${median(ratios).toFixed(2)} (${flowCount} flows, ${values.seconds} s each)`);
} finally {
  networks.remove();
  rmSync(folder, { recursive: true, force: true });
}
