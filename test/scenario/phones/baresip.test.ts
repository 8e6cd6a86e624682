// A phone that we did not write: baresip registers, calls, is heard, holds, presses digits, hangs up; over UDP, and over TLS with SRTP.

import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFailed, onTestFinished } from 'vitest';
import { Baresip, type BaresipOptions, baresipMissing } from '../../support/baresip.ts';
import { FakeApp, xml } from '../../support/fake-app.ts';
import { GatewayProcess } from '../../support/gateway-process.ts';
import { freePorts } from '../../support/ports.ts';
import { testUnless } from '../../support/skip.ts';
import { until } from '../../support/until.ts';

const DOMAIN = 'office.sip.localhost';
const PASSWORD = 'Correct-Horse-9';
const TONES = { alice: 1000, bob: 440 } as const;
const DEADLINE_MS = 10_000;
/** Enough speech for a tone to be measured. */
const TALK_SECONDS = 2.5;
const missing = baresipMissing();
const testWithPhone = testUnless(missing);

let gateway: GatewayProcess;
let app: FakeApp;

beforeAll(async () => {
  if (missing) return;
  app = await FakeApp.start();
  gateway = await GatewayProcess.start({
    tls: true,
    credentialLists: [
      { name: 'users', users: Object.keys(TONES).map((username) => ({ username, password: PASSWORD })) },
    ],
    domains: [
      {
        name: DOMAIN,
        voiceUrl: app.url('/voice'),
        voiceStatusCallbackUrl: app.url('/status'),
        sipRegistration: true,
        credentialLists: ['users'],
        registrationCredentialLists: ['users'],
      },
    ],
  });
});

afterAll(async () => {
  if (gateway) await isQuiet();
  await gateway?.stop();
  await app?.stop();
}, 90_000);

async function phones(transport: 'udp' | 'tcp' | 'tls'): Promise<{ alice: Baresip; bob: Baresip }> {
  const port = transport === 'tls' ? gateway.ports.sips : gateway.ports.sip;
  const start = async (user: keyof typeof TONES) => {
    const ports = await freePorts(24);
    const options: BaresipOptions = {
      folder: join(gateway.folder, `${user}-${transport}-${ports}`),
      user,
      password: PASSWORD,
      domain: DOMAIN,
      proxy: `127.0.0.1:${port}`,
      transport,
      localAddress: '127.0.0.1',
      // It listens for TLS on the next port.
      sipPort: ports,
      controlPort: ports + 2,
      rtpPorts: `${ports + 4}-${ports + 23}`,
      tone: TONES[user],
      autoAnswer: user === 'bob',
      secureMedia: transport === 'tls',
      caFile: join(gateway.certDir, 'ca.pem'),
      prefix: [],
    };
    const phone = Baresip.start(options);
    onTestFinished(() => phone.stop());
    await phone.logged(/200 OK \(Hookswitch\) \[1 binding\]/, DEADLINE_MS);
    return phone;
  };
  const pair = { alice: await start('alice'), bob: await start('bob') };
  onTestFailed(async () => {
    console.error(gateway.logText.slice(-4000));
    for (const sid of new Set(gateway.logText.match(/CA[0-9a-f]{32}/g) ?? [])) console.error(await gateway.ladder(sid));
  });
  return pair;
}

/** Nothing is left but transactions, which rest for up to 32 s (RFC 3261 timers). */
const isQuiet = () =>
  until(
    async () =>
      (await gateway.busyCounts()).every((count) => count.startsWith('transactions') || count.includes('Resting')),
    DEADLINE_MS,
    () => 'calls, sessions or endpoints are left',
  );

describe.each(['udp', 'tcp', 'tls'] as const)('baresip over %s', (transport) => {
  testWithPhone(
    `both register, alice calls bob, each hears the other's tone${transport === 'tls' ? ' through SRTP' : ''}, bob hangs up`,
    async () => {
      app.on('/voice', xml('<Response><Dial answerOnBridge="true"><Client>bob</Client></Dial></Response>'));
      const { alice, bob } = await phones(transport);
      await alice.command('dial', `sip:bob@${DOMAIN}`);
      await alice.logged(/Call established/, DEADLINE_MS);
      await until(
        () => alice.heard(TONES.bob).seconds > TALK_SECONDS && bob.heard(TONES.alice).seconds > TALK_SECONDS,
        DEADLINE_MS,
        () => `alice heard ${alice.heard(440).seconds} s, bob ${bob.heard(1000).seconds} s`,
      );
      expect(alice.heard(TONES.bob).share).toBeGreaterThan(0.95);
      expect(bob.heard(TONES.alice).share).toBeGreaterThan(0.95);
      const status = app.next('/status');
      await bob.command('hangup');
      expect((await status).params.CallStatus).toBe('completed');
    },
  );
});

describe.each(['udp', 'tcp', 'tls'] as const)('baresip over %s', (transport) => {
  testWithPhone(
    '[sip 1.6 hold] it reaches the other side as sendonly and resume ends it; the caller hangs up',
    async () => {
      app.on('/voice', xml('<Response><Dial><Client>bob</Client></Dial></Response>'));
      const { alice, bob } = await phones(transport);
      await alice.command('dial', `sip:bob@${DOMAIN}`);
      await alice.logged(/Call established/, DEADLINE_MS);
      await bob.logged(/Call established/, DEADLINE_MS);
      await alice.command('hold');
      // interop.md: judge hold on the wire.
      await bob.logged(/a=sendonly/, DEADLINE_MS);
      await bob.logged(/a=recvonly/, DEADLINE_MS);
      await alice.command('resume');
      await bob.logged(/a=recvonly[\s\S]*INVITE[\s\S]*a=sendrecv/, DEADLINE_MS);
      // Over TLS each of the descriptions is RTP/SAVP with one key; the same key goes on, and so do the packets.
      const profiles = [...bob.log.matchAll(/m=audio \d+ (\S+)/g)].map((match) => match[1]);
      expect(new Set(profiles)).toEqual(new Set([transport === 'tls' ? 'RTP/SAVP' : 'RTP/AVP']));
      await alice.command('hangup');
      await bob.logged(/BYE sip:/, DEADLINE_MS);
      expect(alice.log).not.toMatch(/auth(entication)? (error|fail)|decrypt/i);
    },
  );
});

describe('baresip over UDP', () => {
  testWithPhone('digits pressed by alice reach a Gather', async () => {
    app.on('/voice', xml('<Response><Gather numDigits="3" timeout="9" action="/digits"/></Response>'));
    app.on('/digits', xml('<Response><Hangup/></Response>'));
    const { alice } = await phones('udp');
    const action = app.next('/digits');
    await alice.command('dial', `sip:700@${DOMAIN}`);
    await alice.logged(/Call established/, DEADLINE_MS);
    await until(
      async () => (await gateway.counts()).calls === 1,
      DEADLINE_MS,
      () => 'no call',
    );
    for (const digit of ['4', '2', '#']) await alice.command('sndcode', digit);
    // The # ends the input before the third digit.
    expect((await action).params).toMatchObject({ Digits: '42', FinishedOnKey: '#' });
  });
});
