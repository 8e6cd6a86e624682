// Certificates of a running gateway: the root for phones, and a renewal that reaches HTTPS and SIP over TLS within 5 s while the call and
// the connections that stand go on (design.md 3).

import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { type Agent, Agent as HttpsAgent, request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { expect, onTestFinished, test } from 'vitest';
import { realClock } from '../../../src/base/clock.ts';
import { cryptoRandom } from '../../../src/base/ids.ts';
import { silentLog } from '../../../src/base/log.ts';
import { ensureCertificates } from '../../../src/certs/authority.ts';
import { freePorts } from '../../support/ports.ts';
import { until } from '../../support/until.ts';
import { bridged, shareHeard, world } from '../../support/world.ts';

const RELOAD_DEADLINE_MS = 5_000;

/** Serial number of the certificate that a TLS port serves now. */
const servedSerial = (port: number): Promise<string> =>
  new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false }, () => {
      resolve(socket.getPeerX509Certificate()!.serialNumber);
      socket.destroy();
    });
    socket.on('error', reject);
  });

function get(port: number, path: string, agent: Agent): Promise<{ status: number; body: string; isReused: boolean }> {
  return new Promise((resolve, reject) => {
    const sent = request({ port, host: '127.0.0.1', path, agent, rejectUnauthorized: false }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        body += chunk;
      });
      response.on('end', () => resolve({ status: response.statusCode!, body, isReused: sent.reusedSocket }));
    });
    sent.on('error', reject).end();
  });
}

test('[sip 0 cert-renewal] new certificates reach HTTPS and SIP within 5 s; the call, its flows and an HTTPS connection go on', async () => {
  const https = await freePorts(1);
  const w = await world({ tls: true, settings: { httpsListen: `127.0.0.1:${https}` } });
  const { alice, caller, callee } = await bridged(w, undefined, {
    alice: { transport: 'tls', secureMedia: true },
    bob: { transport: 'tls', secureMedia: true },
  });
  const flows = () => (w.gateway.counts() as { flows: { flows: number } }).flows.flows;
  const before = { https: await servedSerial(https), sips: await servedSerial(w.port('tls')), flows: flows() };
  const agent = new HttpsAgent({ keepAlive: true, maxSockets: 1 });
  onTestFinished(() => agent.destroy());
  expect((await get(https, '/healthz', agent)).status).toBe(200);

  const other = mkdtempSync(join(tmpdir(), 'hookswitch-test-'));
  onTestFinished(() => rmSync(other, { recursive: true, force: true }));
  const made = await ensureCertificates({
    directory: other,
    names: ['renewed.example'],
    addresses: [],
    clock: realClock,
    random: cryptoRandom,
    log: silentLog,
  });
  expect(made.ok).toBe(true);
  for (const name of ['server.pem', 'server.key', 'server-ec.pem', 'server-ec.key']) {
    writeFileSync(join(w.config.certDir, 'incoming'), readFileSync(join(other, name)));
    renameSync(join(w.config.certDir, 'incoming'), join(w.config.certDir, name));
  }
  for (const [port, serial] of [
    [https, before.https],
    [w.port('tls'), before.sips],
  ] as const)
    await until(
      async () => (await servedSerial(port)) !== serial,
      RELOAD_DEADLINE_MS,
      () => `port ${port} serves the old certificate`,
    );
  expect(await get(https, '/healthz', agent)).toMatchObject({ status: 200, isReused: true });
  await until(
    () => flows() === before.flows,
    RELOAD_DEADLINE_MS,
    () => `${flows()} flows, there were ${before.flows}`,
  );
  expect(await shareHeard(w, callee, caller, 1_000)).toBeGreaterThan(0.95);
  // In-dialog requests still go by the old connections.
  expect(await caller.offer('sendonly')).toBe(true);
  caller.leg.hangUp();
  await callee.waitFor(5_000, 'ended');
  expect(callee.isOver).toBe(true);
  expect(alice.ladder(caller.callId)).toContain('BYE');
  await w.isIdle();
});

test('[sip 0 ca-download] GET /ca.pem needs no credentials and has the root that signed the served certificate', async () => {
  const w = await world({ tls: true });
  const answer = await fetch(`${w.gateway.info.apiUrl}/ca.pem`);
  expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'application/x-pem-file']);
  const root = new X509Certificate(await answer.text());
  expect(root.ca).toBe(true);
  const served = new X509Certificate(readFileSync(join(w.config.certDir, 'server.pem')));
  expect(served.verify(root.publicKey)).toBe(true);
});

test('[sip 0 ca-download] without TLS there is none: 404', async () => {
  const w = await world();
  expect((await fetch(`${w.gateway.info.apiUrl}/ca.pem`)).status).toBe(404);
});

test('[sip 0 tls-client-certificate] a listener for them without their authority is told at the start', async () => {
  await expect(world({ tls: true, settings: { sipsClientListen: '127.0.0.1:0' } })).rejects.toThrow(
    /sipsClientListen needs sipsClientCa/,
  );
});

test('[sip 0 tls-client-certificate] a file that is none is told at the start, with its setting', async () => {
  await expect(world({ tls: true, settings: { sipsClientCa: '/nowhere/ca.pem' } })).rejects.toThrow(
    /sipsClientCa \/nowhere\/ca\.pem is no PEM certificate/,
  );
});
