// A carrier over TLS whose certificate nobody here knows: its trunk takes it where it says so, and a call proves it.

import { expect, onTestFinished, test } from 'vitest';
import type { Request } from '../../../src/sip/grammar/message.ts';
import { carrierResponse } from '../../support/raw-carrier.ts';
import { until } from '../../support/until.ts';
import { DEADLINE_MS, dials, expectEvent, world } from '../../support/world.ts';
import { MaterialSource, makeCertificates, openTransport, removeCertificates } from '../transport/kit.ts';

/** A carrier with certificates of an authority of its own. */
async function foreignCarrier() {
  const certificates = await makeCertificates();
  onTestFinished(() => removeCertificates(certificates));
  const { transport, port } = await openTransport({
    sipsListen: [{ address: '127.0.0.1', port: 0 }],
    tls: new MaterialSource(certificates.material),
  });
  const requests: Request[] = [];
  transport.onMessage((message, flow) => {
    if (message.kind !== 'request') return;
    requests.push(message);
    if (message.method === 'ACK') return;
    void transport.send(carrierResponse(message, `sip:carrier@127.0.0.1:${port('tls')};transport=tls`), flow);
  });
  const methods = () => requests.map(({ method }) => method);
  return { port: port('tls'), requests, methods };
}

/** Alice dials a number that leaves by the foreign carrier. */
async function dialled(tlsVerify: boolean | undefined) {
  const carrier = await foreignCarrier();
  const trunk = { name: 'foreign', host: '127.0.0.1', port: carrier.port, transport: 'tls', optionsSeconds: 0 };
  const w = await world({
    tls: true,
    settings: {
      trunks: [{ ...trunk, allowedPrefixes: ['+49'], ...(tlsVerify === undefined ? {} : { tlsVerify }) }],
    },
  });
  w.answers('<Dial action="/after" answerOnBridge="true" callerId="+4989777"><Number>+4930123</Number></Dial>');
  w.answers('<Hangup/>', '/after');
  const alice = await w.phone('alice');
  return { w, carrier, alice, caller: dials(alice, w.uri('1000')) };
}

test('[sip 0 tls-verify] tlsVerify: false on a trunk: a call stands over TLS with a foreign certificate, and ends', async () => {
  const { w, carrier, alice, caller } = await dialled(false);
  await expectEvent(alice, caller, 'answered');
  expect(carrier.requests[0]).toMatchObject({ method: 'INVITE', uri: { user: '+4930123' }, via: { transport: 'tls' } });
  await until(
    () => carrier.methods().includes('ACK'),
    DEADLINE_MS,
    () => `ACK; got ${carrier.methods().join(' ')}`,
  );
  caller.leg.hangUp();
  await until(
    () => carrier.methods().includes('BYE'),
    DEADLINE_MS,
    () => `BYE; got ${carrier.methods().join(' ')}`,
  );
  await w.isIdle();
});

for (const tlsVerify of [true, undefined]) {
  test(`[sip 0 tls-verify] tlsVerify ${tlsVerify ?? 'not given'}: the carrier hears nothing, the Dial fails`, async () => {
    const { w, carrier, alice, caller } = await dialled(tlsVerify);
    expect((await w.asked('/after')).params).toMatchObject({ DialCallStatus: 'failed' });
    await expectEvent(alice, caller, 'ended');
    expect(carrier.methods()).toEqual([]);
    await w.isIdle();
  });
}
