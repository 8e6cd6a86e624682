// A caller id is verified by a real call over a trunk: the phone at its end keys in the code (rest-api.md 13).

import { expect, test } from 'vitest';
import { declaredSchema } from '../../../src/config-declared.ts';
import type { Phone } from '../../../src/demo/phone.ts';
import { DEADLINE_MS, expectEvent, Inbox, type World, world } from '../../support/world.ts';

/** All numbers go to this phone. */
async function trunkTo(w: World, carrier: Phone): Promise<void> {
  const { trunks } = declaredSchema.parse({
    trunks: [{ name: 'carrier', host: '127.0.0.1', port: carrier.port, allowedPrefixes: ['+49'], optionsSeconds: 0 }],
  });
  await w.gateway.applySettings({ ...w.config, declared: { ...w.config.declared, trunks } });
}

const validate = (w: World, PhoneNumber: string) =>
  w.rest('/OutgoingCallerIds.json', { PhoneNumber, StatusCallback: w.app.url('/verified') });

test('the right code: verified, told, listed, and shown from then on [rest 13 validation]', async () => {
  const w = await world({ settings: { callerIds: 'owned' } });
  w.app.on('/verified', { status: 204 });
  const carrier = await w.phone('bob', { registered: false });
  const inbox = new Inbox(carrier);
  await trunkTo(w, carrier);
  const started = await validate(w, '+4930123');
  expect(started).toMatchObject({
    status: 200,
    body: { phone_number: '+4930123', validation_code: expect.stringMatching(/^\d{6}$/) },
  });
  const shown = { To: '+4930999', From: '+4930123', Twiml: '<Response/>' };
  expect(await w.rest('/Calls.json', shown)).toMatchObject({ status: 400, body: { code: 21210 } });
  const call = await inbox.next('answer');
  await call.play([{ kind: 'digits', digits: String(started.body.validation_code) }], DEADLINE_MS);
  const { params } = await w.asked('/verified');
  expect(params).toMatchObject({ VerificationStatus: 'success', CallSid: started.body.call_sid, To: '+4930123' });
  await expectEvent(carrier, call, 'ended');
  const listed = await w.rest('/OutgoingCallerIds.json?PhoneNumber=%2B4930123');
  expect(listed.body.outgoing_caller_ids).toMatchObject([{ sid: params.OutgoingCallerIdSid }]);
  expect(await validate(w, '+4930123')).toMatchObject({ status: 400, body: { code: 21450 } });
  expect((await w.rest('/Calls.json', shown)).status).toBe(201);
  (await inbox.next('leave')).leg.refuse(486);
  await w.isIdle();
});

test('a number that does not answer is not verified', async () => {
  const w = await world();
  w.app.on('/verified', { status: 204 });
  const carrier = await w.phone('bob', { registered: false });
  const inbox = new Inbox(carrier);
  await trunkTo(w, carrier);
  await validate(w, '+4930123');
  (await inbox.next('leave')).leg.refuse(486);
  expect((await w.asked('/verified')).params).toMatchObject({ VerificationStatus: 'failed', CallStatus: 'busy' });
  expect((await w.rest('/OutgoingCallerIds.json')).body.outgoing_caller_ids).toEqual([]);
  await w.isIdle();
});
