// A gateway in two networks: each peer is told the address of its own side in Via, Contact and SDP; outside of the local networks the
// public address where one is set (design.md 4).

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, onTestFailed, onTestFinished } from 'vitest';
import { stringify } from 'yaml';
import { createTwoNetworks, namespacesMissing, TWO_NETWORKS, type TwoNetworks } from '../../support/namespaces.ts';
import { testUnless } from '../../support/skip.ts';
import { until } from '../../support/until.ts';

const MAIN = resolve(import.meta.dirname, '../../../src/main.ts');
const DEADLINE_MS = 15_000;
const PUBLIC_ADDRESS = '203.0.113.5';
const testInNamespaces = testUnless(namespacesMissing());

function startGateway(networks: TwoNetworks, folder: string, more: Readonly<Record<string, unknown>>) {
  const file = join(folder, 'hookswitch.yaml');
  writeFileSync(
    file,
    stringify({
      sipListen: '0.0.0.0:5060',
      sipsListen: '',
      httpListen: '127.0.0.1:7080',
      mediaPorts: '20000-20099',
      mediaWorkers: 1,
      drainSeconds: 0,
      defaultDomain: 'office.sip.localhost',
      ipAccessControlLists: [{ name: 'all', addresses: ['0.0.0.0/0'] }],
      domains: [
        {
          name: 'office.sip.localhost',
          // The caller's network calls into the other one.
          twiml: `<Response><Dial timeout="5"><Sip>sip:bob@${TWO_NETWORKS.carrier.peer}</Sip></Dial></Response>`,
          ipAccessControlLists: ['all'],
        },
      ],
      ...more,
    }),
  );
  const [command, ...prefix] = networks.inside('gateway');
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('HOOKSWITCH_'));
  const child: ChildProcess = spawn(command!, [...prefix, process.execPath, MAIN, 'serve', '--config', file], {
    env: {
      ...Object.fromEntries(inherited),
      HOOKSWITCH_DATA_DIR: join(folder, 'data'),
      HOOKSWITCH_CERT_DIR: join(folder, 'certs'),
    },
  });
  let log = '';
  for (const stream of [child.stdout!, child.stderr!])
    stream.on('data', (chunk: Buffer) => {
      log += chunk.toString();
    });
  return { child, log: () => log };
}

/** A few lines of Node that speak UDP on port 5060 of a peer; what came is printed as JSON, one text per line. */
function peer(networks: TwoNetworks, place: 'office' | 'carrier', script: string) {
  const program = `
    const socket = require('node:dgram').createSocket('udp4');
    socket.on('message', (bytes, from) => { console.log(JSON.stringify(bytes.toString())); onMessage(bytes.toString(), from); });
    ${script}`;
  const [command, ...prefix] = networks.inside(place);
  const child = spawn(command!, [...prefix, process.execPath, '-e', program]);
  const lines: string[] = [];
  let rest = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    const parts = (rest + chunk).split('\n');
    rest = parts.pop()!;
    lines.push(...parts.map((line) => JSON.parse(line) as string));
  });
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  return lines;
}

const invite = (to: string, from: string): string =>
  [
    `INVITE sip:1000@${to} SIP/2.0`,
    `Via: SIP/2.0/UDP ${from}:5060;branch=z9hG4bK1;rport`,
    `From: <sip:alice@${from}>;tag=a`,
    `To: <sip:1000@${to}>`,
    'Call-ID: two-networks',
    'CSeq: 1 INVITE',
    `Contact: <sip:alice@${from}>`,
    'Max-Forwards: 70',
    'Content-Type: application/sdp',
  ].join('\\r\\n');

/** What the gateway told each of its peers of itself. */
async function addressesTold(more: Readonly<Record<string, unknown>>) {
  const folder = mkdtempSync(join(tmpdir(), 'hookswitch-test-'));
  const networks = createTwoNetworks();
  onTestFinished(() => {
    networks.remove();
    rmSync(folder, { recursive: true, force: true });
  });
  // Packets to the public address would leave; nothing here answers them.
  const [ip, ...arguments_] = networks.inside('gateway');
  spawnSync(ip!, [...arguments_, 'ip', 'route', 'add', 'default', 'via', TWO_NETWORKS.carrier.peer]);
  const gateway = startGateway(networks, folder, more);
  onTestFinished(async () => {
    const gone = new Promise<void>((done) => gateway.child.once('exit', () => done()));
    gateway.child.kill('SIGTERM');
    await gone;
  });
  onTestFailed(() => console.error(gateway.log().slice(-4000)));
  await until(
    () => gateway.log().includes('is running'),
    DEADLINE_MS,
    () => gateway.log(),
  );
  const { office } = TWO_NETWORKS;
  const called = peer(networks, 'carrier', 'const onMessage = () => {}; socket.bind(5060);');
  const sdp = [
    'v=0',
    `o=a 1 1 IN IP4 ${office.peer}`,
    's=-',
    `c=IN IP4 ${office.peer}`,
    't=0 0',
    'm=audio 4000 RTP/AVP 0',
    '',
  ].join('\\r\\n');
  const caller = peer(
    networks,
    'office',
    `const onMessage = () => {};
     const sdp = '${sdp}';
     socket.bind(5060, () => socket.send('${invite(office.gateway, office.peer)}\\r\\nContent-Length: ' + sdp.length + '\\r\\n\\r\\n' + sdp, 5060, '${office.gateway}'));`,
  );
  const find = (lines: readonly string[], start: string) => () => lines.find((line) => line.startsWith(start));
  const answer = await until(find(caller, 'SIP/2.0 200'), DEADLINE_MS, () => `office: ${caller.join('\n')}`);
  const request = await until(find(called, 'INVITE '), DEADLINE_MS, () => `carrier: ${called.join('\n')}`);
  const told = (text: string) => ({
    contact: /^Contact:.*?@([\d.]+)/im.exec(text)?.[1],
    media: /^c=IN IP4 (\S+)/m.exec(text)?.[1],
  });
  return {
    office: told(answer),
    carrier: { ...told(request), via: /^Via: SIP\/2.0\/UDP ([\d.]+)/im.exec(request)?.[1] },
  };
}

testInNamespaces(
  '[sip 10 two-networks] without a public address each side is told the address of its own side',
  async () => {
    const { office, carrier } = TWO_NETWORKS;
    expect(await addressesTold({ localNetworks: '10.77.0.0/24' })).toEqual({
      office: { contact: office.gateway, media: office.gateway },
      carrier: { contact: carrier.gateway, media: carrier.gateway, via: carrier.gateway },
    });
  },
);

testInNamespaces('[sip 10 two-networks] with one the outer side is told it, the local networks are not', async () => {
  const { office } = TWO_NETWORKS;
  expect(await addressesTold({ localNetworks: '10.77.0.0/24', publicAddress: PUBLIC_ADDRESS })).toEqual({
    office: { contact: office.gateway, media: office.gateway },
    carrier: { contact: PUBLIC_ADDRESS, media: PUBLIC_ADDRESS, via: PUBLIC_ADDRESS },
  });
});
