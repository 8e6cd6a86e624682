// Client with Parameter children, on the wire: what a registered SIP phone is sent (twiml.md 6.7).

import { expect, onTestFinished, test } from 'vitest';
import { registerOverTcp } from '../../support/tcp-registrant.ts';
import { until } from '../../support/until.ts';
import { DEADLINE_MS, dials, PASSWORD, world } from '../../support/world.ts';

test('[twiml 6.7 parameters-delivered] each parameter is an X- header of the INVITE; none can forge another line', async () => {
  const w = await world();
  const bob = await registerOverTcp({
    port: w.port('tcp'),
    user: 'bob',
    password: PASSWORD,
    domain: 'office.sip.localhost',
  });
  onTestFinished(() => void bob.socket.destroy());
  w.answers(
    '<Dial><Client><Identity>bob</Identity><Parameter name="color" value="blue &amp; żółty"/>' +
      '<Parameter name="X-Order" value="7"/><Parameter name="bad name" value="1"/>' +
      '<Parameter name="line" value="1&#13;&#10;X-Evil: 2"/><Parameter name="Twilio-CallSid" value="CA0"/></Client></Dial>',
  );
  const alice = await w.phone('alice');
  const call = dials(alice, w.uri('1000'));
  const invite = await until(
    () =>
      bob
        .received()
        .split('\r\n\r\n')
        .find((message) => message.includes('INVITE sip:')),
    DEADLINE_MS,
    bob.received,
  );
  const headers = Buffer.from(invite, 'latin1')
    .toString('utf8')
    .split('\r\n')
    .filter((line) => /^x-/i.test(line));
  expect(headers).toContain('X-color: blue & żółty');
  expect(headers).toContain('X-Order: 7');
  expect(headers.filter((line) => /evil|bad|line|CA0$/i.test(line))).toEqual([]);
  const { CallSid } = (await w.asked('/voice')).params;
  const { body } = await w.rest(`/Calls/${CallSid}/Notifications.json`);
  const codes = (body.notifications as { error_code: string }[]).map(({ error_code }) => error_code);
  expect(codes.filter((code) => code === '13252')).toHaveLength(3);
  call.leg.hangUp();
  await w.isIdle();
});
