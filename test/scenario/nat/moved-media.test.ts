// A phone behind NAT moves its media to another port by re-INVITE: what the gateway sends follows, although the address in its session
// description is private and the NAT gives the new port a number of its own (design.md 6, latching).

import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, onTestFailed, onTestFinished } from 'vitest';
import { stringify } from 'yaml';
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
const PEERS = resolve(import.meta.dirname, '../../support/nat-peers.ts');
const ECHO_PORT = 5070;
const DEADLINE_MS = 15_000;

/** A process in a namespace, whose output is kept; ended with the test. */
function inNamespace(network: NatNetwork, place: 'outside' | 'A', arguments_: readonly string[], folder: string) {
  const [command, ...prefix] = network.inside(place);
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('HOOKSWITCH_'));
  const child = spawn(command!, [...prefix, process.execPath, ...arguments_], {
    env: {
      ...Object.fromEntries(inherited),
      HOOKSWITCH_DATA_DIR: join(folder, 'data'),
      HOOKSWITCH_CERT_DIR: join(folder, 'certs'),
    },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
  onTestFinished(async () => {
    if (child.exitCode !== null) return;
    const gone = new Promise<void>((done) => child.once('exit', () => done()));
    child.kill('SIGTERM');
    await gone;
  });
  return { output: () => output };
}

testUnless(namespacesMissing())(
  '[sip 1.6 media-port] the media of a phone behind NAT moves by re-INVITE: both ways on the new port, nothing on the old one',
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'hookswitch-nat-'));
    const network = createNatNetwork();
    onTestFinished(() => {
      network.remove();
      rmSync(folder, { recursive: true, force: true });
    });
    const file = join(folder, 'hookswitch.yaml');
    const settings = {
      sipListen: `${GATEWAY_ADDRESS}:5060`,
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
          twiml: `<Response><Dial><Sip>sip:echo@${GATEWAY_ADDRESS}:${ECHO_PORT}</Sip></Dial></Response>`,
          ipAccessControlLists: ['all'],
        },
      ],
    };
    writeFileSync(file, stringify(settings));
    const gateway = inNamespace(network, 'outside', [MAIN, 'serve', '--config', file], folder);
    onTestFailed(() => console.error(gateway.output().slice(-4_000)));
    const echo = inNamespace(network, 'outside', [PEERS, 'echo', GATEWAY_ADDRESS, String(ECHO_PORT)], folder);
    await until(
      () => gateway.output().includes('is running') && echo.output().includes('ready'),
      DEADLINE_MS,
      () => gateway.output() + echo.output(),
    );
    const phone = inNamespace(network, 'A', [PEERS, 'moving-phone', GATEWAY_ADDRESS, PHONE_ADDRESS], folder);
    const result = await until(
      () => /^\{.*\}$/m.exec(phone.output())?.[0],
      DEADLINE_MS,
      () => `phone: ${phone.output()}`,
    );
    const { echoed, lateOnOld } = JSON.parse(result) as { echoed: number[]; lateOnOld: number };
    expect(echoed[1]).toBeGreaterThanOrEqual(40);
    expect(lateOnOld).toBe(0);
  },
);
