// Click to call: REST calls the one who clicked, then the other side; the page is told how it goes.

import { expect, test } from 'vitest';
import { world } from '../../support/world.ts';
import { application, ended, hears, hums, waiter } from './kit.ts';

const WAIT_HZ = 500;

test('the one who clicked is called, then joined with sales; each event is told in order [rest 9.1 events] [rest 9.1 instructions]', async () => {
  const w = await world();
  application(w, {
    '/outbound/sales': `<Play>/tone/${WAIT_HZ}</Play><Play>/tone/${WAIT_HZ}</Play><Dial callerId="sip:shop@office.sip.localhost"><Sip statusCallback="/sales" statusCallbackEvent="answered completed">sip:bob@office.sip.localhost</Sip></Dial>`,
  });
  w.app.on('/clicked', { status: 204 });
  w.app.on('/sales', { status: 204 });
  const clicked = await waiter(w, 'alice');
  const sales = await waiter(w, 'bob');
  const made = await w.rest('/Calls.json', {
    To: 'sip:alice@office.sip.localhost',
    From: 'sip:shop@office.sip.localhost',
    Url: w.app.url('/outbound/sales'),
    StatusCallback: w.app.url('/clicked'),
    StatusCallbackEvent: 'initiated ringing answered completed',
  });
  expect(made).toMatchObject({ status: 201, body: { status: 'queued', direction: 'outbound-api' } });
  const alice = await clicked.inbox.next('answer');
  await hears(w, alice, WAIT_HZ);
  const bob = await sales.inbox.next('answer');
  hums(alice, 1_100);
  hums(bob, 1_300);
  await hears(w, bob, 1_100);
  await hears(w, alice, 1_300);
  alice.leg.hangUp();
  await ended(bob);
  const last = await w.asked('/clicked', 4);
  expect(last.params).toMatchObject({ CallSid: made.body.sid, CallStatus: 'completed', Direction: 'outbound-api' });
  expect(w.app.requestsTo('/clicked').map(({ params }) => [params.CallStatus, params.SequenceNumber])).toEqual([
    ['initiated', '0'],
    ['ringing', '1'],
    ['in-progress', '2'],
    ['completed', '3'],
  ]);
  expect((await w.asked('/sales', 2)).params).toMatchObject({ CallStatus: 'completed', ParentCallSid: made.body.sid });
  await w.isIdle();
});

test('the one who clicked does not answer: sales is left alone [rest 9.1 events]', async () => {
  const w = await world();
  application(w, { '/outbound/sales': '<Dial><Client>bob</Client></Dial>' });
  w.app.on('/clicked', { status: 204 });
  const clicked = await waiter(w, 'alice');
  const made = await w.rest('/Calls.json', {
    To: 'sip:alice@office.sip.localhost',
    From: 'sip:shop@office.sip.localhost',
    Url: w.app.url('/outbound/sales'),
    StatusCallback: w.app.url('/clicked'),
  });
  (await clicked.inbox.next('ring')).leg.refuse(486);
  expect((await w.asked('/clicked')).params).toMatchObject({ CallSid: made.body.sid, CallStatus: 'busy' });
  expect(w.app.requestsTo('/outbound/sales')).toEqual([]);
  await w.isIdle();
});
