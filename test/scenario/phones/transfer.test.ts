// Blind transfer by a phone that we did not write (baresip), over UDP, TCP, and TLS with SRTP: alice called bob; one of the two transfers the other to carol, and the one
// who stays and carol hear each other's tone.

import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFailed, onTestFinished } from 'vitest';
import { Baresip, baresipMissing } from '../../support/baresip.ts';
import { FakeApp, xml } from '../../support/fake-app.ts';
import { GatewayProcess } from '../../support/gateway-process.ts';
import { freePorts } from '../../support/ports.ts';
import { testUnless } from '../../support/skip.ts';
import { until } from '../../support/until.ts';

const DOMAIN = 'office.sip.localhost';
const PASSWORD = 'Correct-Horse-9';
const TONES = { alice: 1000, bob: 440, carol: 700 } as const;
type User = keyof typeof TONES;
type Transport = 'udp' | 'tcp' | 'tls';
const DEADLINE_MS = 15_000;
/** Enough speech for a tone to be measured. */
const TALK_SECONDS = 2.5;
const testWithPhone = testUnless(baresipMissing());

let gateway: GatewayProcess;
let app: FakeApp;

beforeAll(async () => {
  if (baresipMissing()) return;
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
        sipRegistration: true,
        credentialLists: ['users'],
        registrationCredentialLists: ['users'],
      },
    ],
  });
});

afterAll(async () => {
  await gateway?.stop();
  await app?.stop();
}, 90_000);

async function phone(user: User, transport: Transport = 'udp'): Promise<Baresip> {
  const ports = await freePorts(24);
  const started = Baresip.start({
    folder: join(gateway.folder, `${user}-${ports}`),
    user,
    password: PASSWORD,
    domain: DOMAIN,
    proxy: `127.0.0.1:${transport === 'tls' ? gateway.ports.sips : gateway.ports.sip}`,
    transport,
    localAddress: '127.0.0.1',
    // It listens for TLS on the next port.
    sipPort: ports,
    controlPort: ports + 2,
    rtpPorts: `${ports + 4}-${ports + 23}`,
    tone: TONES[user],
    autoAnswer: user !== 'alice',
    secureMedia: transport === 'tls',
    caFile: join(gateway.certDir, 'ca.pem'),
    prefix: [],
  });
  onTestFinished(() => started.stop());
  await started.logged(/200 OK \(Hookswitch\) \[1 binding\]/, DEADLINE_MS);
  return started;
}

/** Alice's call to bob stands, and carol's phone waits. */
async function threePhones(attributes: string, transport: Transport) {
  app.on('/voice', xml(`<Response><Dial referUrl="/refer" ${attributes}><Client>bob</Client></Dial></Response>`));
  app.on('/refer', xml('<Response><Dial><Client>carol</Client></Dial></Response>'));
  const [alice, bob, carol] = await Promise.all([
    phone('alice', transport),
    phone('bob', transport),
    phone('carol', transport),
  ]);
  const phones = { alice, bob, carol };
  onTestFailed(async () => {
    for (const [user, one] of Object.entries(phones)) console.error(`--- ${user}\n${one.log.slice(-2500)}`);
    for (const sid of new Set(gateway.logText.match(/CA[0-9a-f]{32}/g) ?? [])) console.error(await gateway.ladder(sid));
  });
  await phones.alice.command('dial', `sip:bob@${DOMAIN}`);
  await phones.alice.logged(/Call established/, DEADLINE_MS);
  await phones.bob.logged(/Call established/, DEADLINE_MS);
  return phones;
}

async function hears(listener: Baresip, speaker: User): Promise<void> {
  // Who stayed heard somebody else before: the last part counts.
  await until(
    () => listener.heardLately(TONES[speaker], TALK_SECONDS) > 0.95,
    DEADLINE_MS,
    () => `the tone of ${speaker}: share ${listener.heardLately(TONES[speaker], TALK_SECONDS)}`,
  );
}

describe('baresip is asked to transfer itself', () => {
  testWithPhone(
    '[sip 5.1 refer-baresip] Refer: it calls carol by itself and tells of it; the action hears in-progress',
    async () => {
      app.on('/voice', (request) =>
        request.params.To?.startsWith('sip:carol@')
          ? xml('<Response><Dial answerOnBridge="true"><Client>carol</Client></Dial></Response>')
          : xml(`<Response><Refer action="/referred"><Sip>sip:carol@${DOMAIN}</Sip></Refer></Response>`),
      );
      app.on('/referred', xml('<Response><Hangup/></Response>'));
      const alice = await phone('alice');
      const carol = await phone('carol');
      onTestFailed(() => console.error(`--- alice\n${alice.log.slice(-5000)}\n${gateway.logText.slice(-3000)}`));
      const referred = app.next('/referred');
      await alice.command('dial', `sip:700@${DOMAIN}`);
      await carol.logged(/Call established/, DEADLINE_MS);
      expect((await referred).params).toMatchObject({
        ReferCallStatus: 'in-progress',
        ReferSipResponseCode: '202',
        NotifySipResponseCode: '200',
      });
      await hears(carol, 'alice');
      await carol.command('hangup');
      await until(
        async () => (await gateway.counts()).calls === 0,
        DEADLINE_MS,
        () => 'calls are left',
      );
    },
  );
});

/** Over each transport the transfer is the same; over TCP and TLS with SRTP one way of it shows that. */
const transfers = [
  ['udp', 'bob', 'alice', 'leaves at once', ''],
  ['udp', 'bob', 'alice', 'leaves when carol answers', 'answerOnBridge="true"'],
  ['udp', 'alice', 'bob', 'leaves at once', ''],
  ['udp', 'alice', 'bob', 'leaves when carol answers', 'answerOnBridge="true"'],
  ['tcp', 'bob', 'alice', 'leaves at once', ''],
  ['tls', 'alice', 'bob', 'leaves when carol answers', 'answerOnBridge="true"'],
] as const;

describe('baresip transfers', () => {
  for (const [transport, transferor, stays, mode, attributes] of transfers) {
    const by = transport === 'tls' ? 'tls with SRTP' : transport;
    testWithPhone(`[sip 5.2 refer-baresip] ${by}: ${transferor} transfers ${stays} to carol and ${mode}`, async () => {
      const phones = await threePhones(attributes, transport);
      const asked = app.next('/refer');
      await phones[transferor].command('transfer', `sip:carol@${DOMAIN}`);
      expect((await asked).params.ReferTransferTarget).toMatch(/^<?sip:carol@office\.sip\.localhost>?$/);
      await phones.carol.logged(/Call established/, DEADLINE_MS);
      await hears(phones.carol, stays);
      await hears(phones[stays], 'carol');
      // interop.md: it hangs up by itself when the NOTIFY says 200, or gets our BYE.
      await phones[transferor].logged(/NOTIFY sip:[\s\S]*SIP\/2\.0 200 OK[\s\S]*BYE sip:/, DEADLINE_MS);
      await phones.carol.command('hangup');
      await until(
        async () => (await gateway.counts()).calls === 0,
        DEADLINE_MS,
        () => 'calls are left',
      );
    });
  }
});
