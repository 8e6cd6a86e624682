// Webhooks over TLS: which certificate fault gets which number (twiml.md 2.4), and the `sni` override (2.3).

import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { lookup } from 'node:dns';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import forge from 'node-forge';
import { afterEach, describe, expect, test } from 'vitest';
import { realClock } from '../../../src/base/clock.ts';
import { silentLog } from '../../../src/base/log.ts';
import { createWebhookClient, type WebhookClientOptions, type WebhookSettings } from '../../../src/webhook/client.ts';
import { FakeApp, xml } from '../../support/fake-app.ts';

const DAY_MS = 86_400_000;
const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const pem = (key: KeyObject, type: 'pkcs1' | 'spki') => key.export({ type, format: 'pem' }).toString();
const keyPair = () => generateKeyPairSync('rsa', { modulusLength: 2048 });
type KeyPair = ReturnType<typeof keyPair>;

interface CertificateOptions {
  readonly subject: string;
  readonly keys: KeyPair;
  readonly issuer: string;
  readonly issuerKeys: KeyPair;
  readonly fromDays: number;
  readonly toDays: number;
  readonly isAuthority: boolean;
}

function certificate(options: CertificateOptions): string {
  const cert = forge.pki.createCertificate();
  cert.publicKey = forge.pki.publicKeyFromPem(pem(options.keys.publicKey, 'spki'));
  cert.serialNumber = `01${Math.abs(options.toDays).toString(16).padStart(4, '0')}`;
  cert.validity.notBefore = new Date(realClock.wall() + options.fromDays * DAY_MS);
  cert.validity.notAfter = new Date(realClock.wall() + options.toDays * DAY_MS);
  cert.setSubject([{ name: 'commonName', value: options.subject }]);
  cert.setIssuer([{ name: 'commonName', value: options.issuer }]);
  cert.setExtensions([
    { name: 'basicConstraints', cA: options.isAuthority },
    { name: 'subjectAltName', altNames: [{ type: 2, value: options.subject }] },
  ]);
  cert.sign(forge.pki.privateKeyFromPem(pem(options.issuerKeys.privateKey, 'pkcs1')), forge.md.sha256.create());
  return forge.pki.certificateToPem(cert);
}

const authorityKeys = keyPair();
const serverKeys = keyPair();
const authority = { issuer: 'test authority', issuerKeys: authorityKeys };
const young = { fromDays: -1, toDays: 1 };
const authorityCert = certificate({
  ...authority,
  ...young,
  subject: 'test authority',
  keys: authorityKeys,
  isAuthority: true,
});
const issued = (subject: string, validity = young) =>
  certificate({ ...authority, ...validity, subject, keys: serverKeys, isAuthority: false });

const loopback: WebhookClientOptions['dnsLookup'] = (_host, options, callback) => {
  if (options.all) callback(null, [{ address: '127.0.0.1', family: 4 }]);
  else callback(null, '127.0.0.1', 4);
};

function startClient(settings: WebhookSettings) {
  const client = createWebhookClient({ clock: realClock, log: silentLog, dnsLookup: loopback, settings });
  closing.push(() => client.stop());
  return client;
}

const request = (url: string) =>
  ({
    url,
    method: 'POST',
    params: new Map(),
    authToken: 't',
    accountSid: 'AC1',
    callSid: 'CA1',
    purpose: 'document',
  }) as const;

const trusting: WebhookSettings = { certificateAuthorities: [authorityCert] };

// Certificate of the server, settings of the client, error number (0 = answered).
const rows: [name: string, cert: string, settings: WebhookSettings, code: number][] = [
  ['a good one', issued('app.example.test'), trusting, 0],
  ['for another name', issued('other.example.test'), trusting, 11235],
  ['expired', issued('app.example.test', { fromDays: -3, toDays: -2 }), trusting, 11236],
  ['from an unknown authority', issued('app.example.test'), {}, 11237],
  ['anything, checks switched off', issued('other.example.test'), { verifyTls: false }, 0],
];

describe('twiml.md 2.4 TLS', () => {
  test.each(rows)('certificate: %s [twiml 2.4 tls] [twiml 2.4 self-signed]', async (_name, cert, settings, code) => {
    const app = await FakeApp.start({ key: pem(serverKeys.privateKey, 'pkcs1'), cert });
    closing.push(() => app.stop());
    app.on('/a', xml('<Response/>'));
    const result = await startClient(settings).request(request(`https://app.example.test:${app.port}/a`));
    expect(result.ok ? 0 : result.error.errorCode).toBe(code);
    expect(app.requests).toHaveLength(code === 0 ? 1 : 0);
  });

  test('a server that speaks no TLS: 11220 [twiml 2.4 tls]', async () => {
    const app = await FakeApp.start();
    closing.push(() => app.stop());
    const result = await startClient(trusting).request(request(`https://app.example.test:${app.port}/a`));
    expect(!result.ok && result.error.errorCode).toBe(11220);
  });
});

describe('twiml.md 2.3 sni', () => {
  test.each([
    ['', 'app.example.test'],
    ['#sni=y', 'app.example.test'],
    ['#sni=n', false],
  ])('fragment "%s": server name %s [twiml 2.3 sni]', async (fragment, name) => {
    const key = pem(serverKeys.privateKey, 'pkcs1');
    const server = createServer({ key, cert: issued('app.example.test') }, (_request, response) => {
      response.writeHead(200, { 'Content-Type': 'text/xml' }).end('<Response/>');
    });
    const names: unknown[] = [];
    server.on('secureConnection', (socket: TLSSocket) => names.push(socket.servername));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    closing.push(() => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    });
    const { port } = server.address() as AddressInfo;
    const result = await startClient(trusting).request(request(`https://app.example.test:${port}/a${fragment}`));
    expect(result.ok).toBe(true);
    expect(names).toEqual([name]);
  });
});

test('a real resolver has the shape that is asked for', async () => {
  const app = await FakeApp.start();
  closing.push(() => app.stop());
  app.on('/a', xml('<Response/>'));
  const dnsLookup = lookup as WebhookClientOptions['dnsLookup'];
  const client = createWebhookClient({ clock: realClock, log: silentLog, dnsLookup, settings: {} });
  closing.push(() => client.stop());
  expect((await client.request(request(`http://localhost:${app.port}/a`))).ok).toBe(true);
});
