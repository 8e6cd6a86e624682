// Secure media on the way out (sip-interface.md 4): `secure=true`, what a TLS registration is offered, and `sips:`.

import { expect, test } from 'vitest';
import { until } from '../../support/until.ts';
import {
  DEADLINE_MS,
  dials,
  expectEvent,
  Inbox,
  type PhoneSetup,
  shareHeard,
  type World,
  world,
} from '../../support/world.ts';

const OFFICE = 'office.sip.localhost';

/** Alice calls, the application dials bob by this URI. */
async function dialled(w: World, uri: string, bobSetup: PhoneSetup) {
  w.answers(`<Dial action="/after"><Sip>${uri}</Sip></Dial>`);
  w.answers('<Hangup/>', '/after');
  const alice = await w.phone('alice');
  const bob = await w.phone('bob', bobSetup);
  return { alice, bob, inbox: new Inbox(bob, 'bob'), caller: dials(alice, w.uri('1000')) };
}

const warnings = (w: World): number[] =>
  w.log.flatMap((line) => {
    const { errorCode } = JSON.parse(line) as { errorCode?: number };
    return errorCode === undefined ? [] : [errorCode];
  });

test('[sip 4 secure-true] a binding over TLS is offered RTP/SAVP and nothing else', async () => {
  const w = await world({ tls: true });
  const { alice, inbox, caller } = await dialled(w, `sip:bob@${OFFICE};secure=true`, {
    transport: 'tls',
    secureMedia: true,
  });
  const callee = await inbox.next('answer');
  await expectEvent(alice, caller, 'answered');
  expect(await shareHeard(w, callee, caller, 1_000)).toBeGreaterThan(0.95);
  caller.leg.hangUp();
  await w.isIdle();
});

test('[sip 4 secure-true] [sip 4 mismatch-outbound] a phone that takes no SRTP is not asked again without it: 488', async () => {
  const w = await world({ tls: true, domain: { secure: false } });
  const { inbox } = await dialled(w, `sip:bob@${OFFICE};secure=true`, { transport: 'tls' });
  const callee = await inbox.next('leave');
  callee.leg.refuse(488);
  expect((await w.asked('/after')).params).toMatchObject({ DialCallStatus: 'failed', DialSipResponseCode: '488' });
  expect(inbox.calls).toHaveLength(1);
  await w.isIdle();
});

test('[sip 3 secure-needs-tls] a binding over UDP alone: 32209, nobody rings', async () => {
  const w = await world({ tls: true });
  const { inbox } = await dialled(w, `sip:bob@${OFFICE};secure=true`, { transport: 'udp' });
  expect((await w.asked('/after')).params).toMatchObject({ DialCallStatus: 'failed' });
  expect(inbox.calls).toEqual([]);
  expect(warnings(w)).toContain(32209);
  await w.isIdle();
});

test('[sip 0 sips] is dialled as sip over TLS, with a warning', async () => {
  const w = await world({ tls: true });
  // Nobody listens there: what matters is how it was tried.
  w.answers('<Dial action="/after" timeout="5"><Sip>sips:bob@127.0.0.1:9</Sip></Dial>');
  w.answers('<Hangup/>', '/after');
  const alice = await w.phone('alice');
  const caller = dials(alice, w.uri('1000'));
  expect((await w.asked('/after')).params).toMatchObject({ DialCallStatus: 'failed' });
  await expectEvent(alice, caller, 'ended');
  await until(
    () => warnings(w).includes(32114),
    DEADLINE_MS,
    () => `warnings ${warnings(w).join(' ')}`,
  );
  const { body } = await w.rest('/Calls.json');
  expect((body.calls as { to: string }[]).map(({ to }) => to)).toContain('sip:bob@127.0.0.1:9;transport=tls');
  await w.isIdle();
});
