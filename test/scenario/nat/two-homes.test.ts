// Two phones behind two NATs with the same private address, the gateway outside: they register, call, and hear each other, though
// their SDP and Contact name addresses that nobody outside can reach (design.md 6, interop.md).

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, onTestFailed, onTestFinished } from 'vitest';
import { stringify } from 'yaml';
import { Baresip, baresipMissing } from '../../support/baresip.ts';
import {
  createNatNetwork,
  GATEWAY_ADDRESS,
  type NatNetwork,
  namespacesMissing,
  PHONE_ADDRESS,
} from '../../support/namespaces.ts';
import { testUnless } from '../../support/skip.ts';
import { until } from '../../support/until.ts';

const MAIN = resolve(import.meta.dirname, '../../../src/main.ts');
const DOMAIN = 'office.sip.localhost';
const PASSWORD = 'Correct-Horse-9';
const DEADLINE_MS = 15_000;

const testBehindNat = testUnless(baresipMissing() ?? namespacesMissing());

async function startGateway(network: NatNetwork, folder: string): Promise<{ child: ChildProcess; log: () => string }> {
  const file = join(folder, 'hookswitch.yaml');
  writeFileSync(
    file,
    stringify({
      sipListen: `${GATEWAY_ADDRESS}:5060`,
      sipsListen: '',
      httpListen: '127.0.0.1:7080',
      mediaPorts: '20000-20099',
      mediaWorkers: 1,
      drainSeconds: 0,
      credentialLists: [
        { name: 'users', users: ['alice', 'bob'].map((username) => ({ username, password: PASSWORD })) },
      ],
      domains: [
        {
          name: DOMAIN,
          twiml: '<Response><Dial answerOnBridge="true"><Client>bob</Client></Dial></Response>',
          sipRegistration: true,
          credentialLists: ['users'],
          registrationCredentialLists: ['users'],
        },
      ],
    }),
  );
  const [command, ...prefix] = network.inside('outside');
  // Settings of whoever runs the tests must not win over the file.
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('HOOKSWITCH_'));
  const environment = {
    ...Object.fromEntries(inherited),
    HOOKSWITCH_DATA_DIR: join(folder, 'data'),
    HOOKSWITCH_CERT_DIR: join(folder, 'certs'),
  };
  const child = spawn(command!, [...prefix, process.execPath, MAIN, 'serve', '--config', file], { env: environment });
  let log = '';
  child.stdout.on('data', (chunk: Buffer) => {
    log += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    log += chunk.toString();
  });
  await until(
    () => log.includes('is running'),
    DEADLINE_MS,
    () => log,
  );
  return { child, log: () => log };
}

testBehindNat(
  'phones behind two NATs with equal private addresses hear each other (design.md 6, latching)',
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'hookswitch-nat-'));
    const network = createNatNetwork();
    onTestFinished(() => {
      network.remove();
      rmSync(folder, { recursive: true, force: true });
    });
    const gateway = await startGateway(network, folder);
    onTestFinished(async () => {
      const gone = new Promise<void>((done) => gateway.child.once('exit', () => done()));
      gateway.child.kill('SIGTERM');
      await gone;
    });
    onTestFailed(() => console.error(gateway.log().slice(-4000)));
    const phone = async (user: 'alice' | 'bob', place: 'A' | 'B', tone: number) => {
      const baresip = Baresip.start({
        folder: join(folder, user),
        user,
        password: PASSWORD,
        domain: DOMAIN,
        proxy: `${GATEWAY_ADDRESS}:5060`,
        transport: 'udp',
        localAddress: PHONE_ADDRESS,
        sipPort: 5060,
        controlPort: 4444,
        rtpPorts: '10000-10050',
        tone,
        autoAnswer: user === 'bob',
        secureMedia: false,
        caFile: null,
        prefix: network.inside(place),
      });
      onTestFinished(() => baresip.stop());
      await baresip.logged(/200 OK \(Hookswitch\) \[1 binding\]/, DEADLINE_MS);
      return baresip;
    };
    const alice = await phone('alice', 'A', 1000);
    const bob = await phone('bob', 'B', 440);
    await alice.command('dial', `sip:bob@${DOMAIN}`);
    await alice.logged(/Call established/, DEADLINE_MS);
    await until(
      () => alice.heard(440).seconds > 2.5 && bob.heard(1000).seconds > 2.5,
      DEADLINE_MS,
      () => `alice heard ${alice.heard(440).seconds} s, bob ${bob.heard(1000).seconds} s`,
    );
    expect(alice.heard(440).share).toBeGreaterThan(0.95);
    expect(bob.heard(1000).share).toBeGreaterThan(0.95);
    await bob.command('hangup');
    await alice.logged(/BYE sip:/, DEADLINE_MS);
    const [command, ...prefix] = network.inside('outside');
    const counts = () =>
      JSON.parse(
        spawnSync(command!, [...prefix, 'curl', '-s', 'http://127.0.0.1:7080/debug/counts']).stdout.toString(),
      );
    await until(
      () => counts().calls === 0 && counts().media.endpoints === 0,
      DEADLINE_MS,
      () => JSON.stringify(counts()),
    );
  },
);
