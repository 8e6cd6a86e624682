// A peer of RFC 2543: no tags in From and To, no branch in Via. It calls and is called, either side ends the call, and nothing is left
// (RFC 3261 12.1.1, 12.1.2, 17.2.3: such peers are to be served).

import { describe, expect, onTestFinished, test } from 'vitest';
import { openWorld, plainSdp, RawPhone } from '../../support/raw-phone.ts';
import { dials, expectEvent, type World, world } from '../../support/world.ts';

async function oldPhone(w: World): Promise<RawPhone> {
  const raw = await RawPhone.open(w.port('udp'), '1000', true);
  onTestFinished(() => raw.close());
  return raw;
}

describe('it calls', () => {
  async function answered(verbs: string) {
    const w = await world(openWorld);
    w.answers(verbs);
    const raw = await oldPhone(w);
    const invite = raw.send('INVITE', { sdp: plainSdp(4_000) });
    const answer = await raw.final('INVITE');
    expect([invite.from.params.get('tag'), answer.status, answer.from.params.get('tag')]).toEqual([
      undefined,
      200,
      undefined,
    ]);
    raw.acknowledge(invite, answer);
    return { w, raw };
  }

  test('[sip 1.4 rfc2543] and hangs up: its BYE is found by Call-ID and our tag alone', async () => {
    const { w, raw } = await answered('<Gather timeout="60"/>');
    raw.send('UPDATE', { sdp: plainSdp(4_000) });
    expect((await raw.final('UPDATE')).status).toBe(200);
    raw.send('BYE');
    expect((await raw.final('BYE')).status).toBe(200);
    await w.isIdle();
  });

  test('[sip 1.4 rfc2543] and the gateway hangs up: its BYE has no tag in To', async () => {
    const { w, raw } = await answered('<Pause length="1"/>');
    const bye = await raw.request('BYE');
    expect([bye.to.params.get('tag'), typeof bye.from.params.get('tag')]).toEqual([undefined, 'string']);
    raw.accept(bye);
    await w.isIdle();
  });

  test('[sip 1.4 rfc2543] and is refused: its ACK ends the transaction', async () => {
    const w = await world(openWorld);
    w.answers('<Reject reason="busy"/>');
    const raw = await oldPhone(w);
    raw.send('INVITE', { sdp: plainSdp(4_000) });
    expect((await raw.final('INVITE')).status).toBe(486);
    await w.isIdle();
  });
});

describe('it is called', () => {
  async function called() {
    const w = await world();
    const raw = await oldPhone(w);
    w.answers(`<Dial action="/after" answerOnBridge="true"><Sip>sip:old@127.0.0.1:${raw.port}</Sip></Dial>`);
    w.answers('<Hangup/>', '/after');
    const alice = await w.phone('alice');
    const caller = dials(alice, w.uri('1000'));
    const invite = await raw.request('INVITE');
    raw.accept(invite, plainSdp(4_000));
    await expectEvent(alice, caller, 'answered');
    await raw.request('ACK');
    return { w, raw, alice, caller, invite };
  }

  test('[sip 1.4 rfc2543] answers without a To tag, and the caller hangs up', async () => {
    const { w, raw, caller } = await called();
    caller.leg.hangUp();
    const bye = await raw.request('BYE');
    expect(bye.to.params.get('tag')).toBeUndefined();
    raw.accept(bye);
    await w.isIdle();
  });

  test('[sip 1.4 rfc2543] and hangs up', async () => {
    const { w, raw, alice, caller, invite } = await called();
    raw.hangUp(invite, []);
    expect((await w.asked('/after')).params).toMatchObject({ DialCallStatus: 'completed' });
    await expectEvent(alice, caller, 'ended');
    await w.isIdle();
  });
});
