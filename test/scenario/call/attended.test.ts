// Attended transfer and Replaces inside a domain (RFC 3891, RFC 3515; design.md 10): who called whom does not matter, media flows without a
// new offer to the far sides, and what cannot be replaced gets the status of RFC 3891 3.

import { describe, expect, test } from 'vitest';
import type { Phone, PhoneCall } from '../../../src/demo/phone.ts';
import {
  bridges,
  dials,
  expectEvent,
  Inbox,
  shareHeard,
  type World,
  type WorldOptions,
  world,
} from '../../support/world.ts';

const DOMAIN = 'office.sip.localhost';

/** The dialog of a phone's call as the gateway knows it: Replaces names our tag first (RFC 3891 3). */
function dialogOf(call: PhoneCall): { callId: string; toTag: string; fromTag: string } {
  const [dialog] = call.leg.dialogs;
  if (!dialog) throw new Error('the call has no dialog');
  return { callId: dialog.callId, toTag: dialog.remoteTag, fromTag: dialog.localTag };
}

const replacesOf = ({ callId, toTag, fromTag }: ReturnType<typeof dialogOf>, more = '') =>
  `${callId};to-tag=${toTag};from-tag=${fromTag}${more}`;

const withReplaces = (user: string, call: PhoneCall) =>
  `sip:${user}@${DOMAIN}?Replaces=${encodeURIComponent(replacesOf(dialogOf(call)))}`;

async function refers(call: PhoneCall, target: string) {
  const sent = call.leg.refer(target);
  if (!sent) throw new Error('the leg is not answered');
  return sent.result;
}

interface Three {
  readonly w: World;
  readonly phones: Readonly<Record<'alice' | 'bob' | 'carol', Phone>>;
  readonly inboxes: Readonly<Record<'alice' | 'bob' | 'carol', Inbox>>;
}

/** Three phones; the application dials whoever is called. */
async function three(options: WorldOptions = {}): Promise<Three> {
  const w = await world(options);
  w.app.on('/voice', (request) => {
    const user = /^sip:([^@]+)@/.exec(request.params.To ?? '')?.[1] ?? '';
    const body = `<Response><Dial action="/after"><Client>${user}</Client></Dial></Response>`;
    return { headers: { 'Content-Type': 'text/xml' }, body };
  });
  w.answers('<Hangup/>', '/after');
  const phones = { alice: await w.phone('alice'), bob: await w.phone('bob'), carol: await w.phone('carol') };
  const inboxes = {
    alice: new Inbox(phones.alice, 'alice'),
    bob: new Inbox(phones.bob, 'bob'),
    carol: new Inbox(phones.carol, 'carol'),
  };
  return { w, phones, inboxes };
}

type User = keyof Three['phones'];

/** `from` calls `to`; both ends of the call, answered and joined. */
async function calls({ w, phones, inboxes }: Three, from: User, to: User, bridgesThen: number) {
  const caller = dials(phones[from], w.uri(to));
  const callee = await inboxes[to].next('answer');
  await expectEvent(phones[from], caller, 'answered');
  await bridges(w, bridgesThen);
  return { caller, callee };
}

async function hear(w: World, a: PhoneCall, b: PhoneCall) {
  expect(await shareHeard(w, a, b, 1_000)).toBeGreaterThan(0.9);
  expect(await shareHeard(w, b, a, 440)).toBeGreaterThan(0.9);
}

/** Bob's two calls by who called whom; then which ends are bob's and which the others'. */
const shapes = [
  { name: 'was called, then called', first: ['alice', 'bob'], second: ['bob', 'carol'] },
  { name: 'called both', first: ['bob', 'alice'], second: ['bob', 'carol'] },
  { name: 'was called by both', first: ['alice', 'bob'], second: ['carol', 'bob'] },
  { name: 'called, then was called', first: ['bob', 'alice'], second: ['carol', 'bob'] },
] as const;

describe('attended transfer', () => {
  for (const { name, first, second } of shapes) {
    for (const leaver of ['alice', 'carol'] as const) {
      test(`[sip 5.2 attended] bob ${name}, and joins alice with carol; ${leaver} hangs up`, async () => {
        const stage = await three();
        const { w, phones } = stage;
        const one = await calls(stage, first[0], first[1], 1);
        const two = await calls(stage, second[0], second[1], 2);
        const [bobs1, alices] = first[0] === 'bob' ? [one.caller, one.callee] : [one.callee, one.caller];
        const [bobs2, carols] = second[0] === 'bob' ? [two.caller, two.callee] : [two.callee, two.caller];
        const offersBefore = [alices, carols].map((call) => call.events.length);
        expect(await refers(bobs1, withReplaces('carol', bobs2))).toEqual({
          status: 202,
          notified: 200,
          end: 'notified',
        });
        await expectEvent(phones.bob, bobs1, 'ended');
        await expectEvent(phones.bob, bobs2, 'ended');
        await bridges(w, 1);
        await hear(w, alices, carols);
        // Nothing was renegotiated with the far sides.
        const changes = [alices, carols].flatMap((call, index) => call.events.slice(offersBefore[index]));
        expect(changes.filter((event) => event.type === 'direction')).toEqual([]);
        const [leaves, stays] = leaver === 'alice' ? [alices, carols] : [carols, alices];
        leaves.leg.hangUp();
        await expectEvent(phones[leaver === 'alice' ? 'carol' : 'alice'], stays, 'ended');
        await w.isIdle();
      });
    }
  }

  test('[sip 5.2 attended-held] the transferor held both: they are not held any more', async () => {
    const stage = await three();
    const { w, phones } = stage;
    const one = await calls(stage, 'alice', 'bob', 1);
    expect(await one.callee.offer('sendonly')).toBe(true);
    const two = await calls(stage, 'bob', 'carol', 2);
    expect(await two.caller.offer('sendonly')).toBe(true);
    expect(await refers(one.callee, withReplaces('carol', two.caller))).toMatchObject({ notified: 200 });
    await expectEvent(phones.bob, one.callee, 'ended');
    await hear(w, one.caller, two.callee);
    one.caller.leg.hangUp();
    await w.isIdle();
  });

  test('[sip 5.2 attended-twice] who was joined can join again', async () => {
    const stage = await three();
    const { w, phones } = stage;
    const one = await calls(stage, 'alice', 'bob', 1);
    const two = await calls(stage, 'bob', 'carol', 2);
    expect(await refers(one.callee, withReplaces('carol', two.caller))).toMatchObject({ notified: 200 });
    await expectEvent(phones.bob, two.caller, 'ended');
    const third = await calls(stage, 'carol', 'bob', 2);
    expect(await refers(two.callee, withReplaces('bob', third.caller))).toMatchObject({ notified: 200 });
    await expectEvent(phones.carol, two.callee, 'ended');
    await bridges(w, 1);
    await hear(w, one.caller, third.callee);
    one.caller.leg.hangUp();
    await expectEvent(phones.bob, third.callee, 'ended');
    await w.isIdle();
  });

  test('[sip 5.2 attended-unknown] RFC 3515 2.4.4: Replaces names no dialog of ours: NOTIFY 481, and the call goes on', async () => {
    const stage = await three();
    const { w } = stage;
    const { caller, callee } = await calls(stage, 'alice', 'bob', 1);
    const target = `sip:carol@${DOMAIN}?Replaces=${encodeURIComponent('x@y;to-tag=1;from-tag=2')}`;
    expect(await refers(callee, target)).toEqual({ status: 202, notified: 481, end: 'notified' });
    await hear(w, caller, callee);
    expect(await refers(callee, `sip:carol@${DOMAIN}?Replaces=nonsense`)).toMatchObject({ status: 400 });
    expect(await refers(callee, withReplaces('bob', callee))).toMatchObject({ status: 400 });
    caller.leg.hangUp();
    await w.isIdle();
  });

  test('[sip 5.2 attended-off] with attendedTransfer: false the vendor’s rule: no referUrl, 603', async () => {
    const stage = await three({ domain: { attendedTransfer: false } });
    const { w } = stage;
    const one = await calls(stage, 'alice', 'bob', 1);
    const two = await calls(stage, 'bob', 'carol', 2);
    expect(await refers(one.callee, withReplaces('carol', two.caller))).toMatchObject({ status: 603 });
    await hear(w, one.caller, one.callee);
    one.caller.leg.hangUp();
    two.caller.leg.hangUp();
    await w.isIdle();
  });
});

describe('INVITE with Replaces', () => {
  const invites = (
    { w, phones }: Three,
    from: User,
    replaces: string,
    headers: Readonly<Record<string, string>> = {},
  ) => dials(phones[from], w.uri('anybody'), { Replaces: replaces, Require: 'replaces', ...headers });

  for (const replaced of ['callee', 'caller'] as const) {
    test(`[rfc 3891 3 confirmed] carol takes the place of the ${replaced}; it gets BYE, the far side hears carol`, async () => {
      const stage = await three();
      const { w, phones } = stage;
      const pair = await calls(stage, 'alice', 'bob', 1);
      const [leaves, stays] = replaced === 'callee' ? [pair.callee, pair.caller] : [pair.caller, pair.callee];
      const carols = invites(stage, 'carol', replacesOf(dialogOf(leaves)));
      await expectEvent(phones.carol, carols, 'answered');
      await expectEvent(replaced === 'callee' ? phones.bob : phones.alice, leaves, 'ended');
      await bridges(w, 1);
      await hear(w, stays, carols);
      // The application was asked about the first call only.
      expect(w.app.requestsTo('/voice')).toHaveLength(1);
      carols.leg.hangUp();
      await expectEvent(replaced === 'callee' ? phones.alice : phones.bob, stays, 'ended');
      await w.isIdle();
    });
  }

  test('[rfc 3891 3 early] pick-up: the phone that rings gets CANCEL, who picked up talks with the caller', async () => {
    const stage = await three();
    const { w, phones, inboxes } = stage;
    const alices = dials(phones.alice, w.uri('bob'));
    const rings = await inboxes.bob.next('ring');
    await expectEvent(phones.alice, alices, 'answered');
    const carols = invites(stage, 'carol', replacesOf(dialogOf(rings), ';early-only'));
    await expectEvent(phones.carol, carols, 'answered');
    await expectEvent(phones.bob, rings, 'canceled');
    await bridges(w, 1);
    await hear(w, alices, carols);
    alices.leg.hangUp();
    await expectEvent(phones.carol, carols, 'ended');
    await w.isIdle();
  });

  test('[rfc 3891 3 early-only] 486 when the dialog was answered', async () => {
    const stage = await three();
    const { w, phones } = stage;
    const { caller, callee } = await calls(stage, 'alice', 'bob', 1);
    const carols = invites(stage, 'carol', replacesOf(dialogOf(callee), ';early-only'));
    expect(await expectEvent(phones.carol, carols, 'failed')).toMatchObject({ status: 486 });
    await hear(w, caller, callee);
    caller.leg.hangUp();
    await w.isIdle();
  });

  test('[rfc 3891 3 unknown] 481 for what matches no dialog: each part counts', async () => {
    const stage = await three();
    const { w, phones } = stage;
    const { caller, callee } = await calls(stage, 'alice', 'bob', 1);
    const dialog = dialogOf(callee);
    const swapped = { ...dialog, toTag: dialog.fromTag, fromTag: dialog.toTag };
    for (const wrong of [{ ...dialog, callId: 'x' }, { ...dialog, toTag: 'x' }, { ...dialog, fromTag: 'x' }, swapped]) {
      const carols = invites(stage, 'carol', replacesOf(wrong));
      expect(await expectEvent(phones.carol, carols, 'failed')).toMatchObject({ status: 481 });
    }
    caller.leg.hangUp();
    await w.isIdle();
  });

  test('[rfc 3891 3 ended] 603 for a dialog that has just ended', async () => {
    const stage = await three();
    const { w, phones } = stage;
    const { caller, callee } = await calls(stage, 'alice', 'bob', 1);
    const replaces = replacesOf(dialogOf(callee));
    caller.leg.hangUp();
    await w.isIdle();
    const carols = invites(stage, 'carol', replaces);
    expect(await expectEvent(phones.carol, carols, 'failed')).toMatchObject({ status: 603 });
    await w.isIdle();
  });

  test('[rfc 3891 3 nonsense] 400 for a Replaces that cannot be read, and beside Join', async () => {
    const stage = await three();
    const { w, phones } = stage;
    const { caller, callee } = await calls(stage, 'alice', 'bob', 1);
    const replaces = replacesOf(dialogOf(callee));
    for (const headers of [{ Replaces: 'no tags' }, { Replaces: `${replaces}, ${replaces}` }, { Join: replaces }]) {
      const carols = invites(stage, 'carol', replaces, headers);
      expect(await expectEvent(phones.carol, carols, 'failed')).toMatchObject({ status: 400 });
    }
    caller.leg.hangUp();
    await w.isIdle();
  });

  test('[rfc 3891 3 off] with attendedTransfer: false: 420 where it is required, a call of its own where not', async () => {
    const stage = await three({ domain: { attendedTransfer: false } });
    const { w, phones, inboxes } = stage;
    const { caller, callee } = await calls(stage, 'alice', 'bob', 1);
    const replaces = replacesOf(dialogOf(callee));
    const refused = invites(stage, 'carol', replaces);
    expect(await expectEvent(phones.carol, refused, 'failed')).toMatchObject({ status: 420 });
    const own = dials(phones.carol, w.uri('bob'), { Replaces: replaces });
    const second = await inboxes.bob.next('answer');
    await expectEvent(phones.carol, own, 'answered');
    expect(callee.isOver).toBe(false);
    for (const call of [own, caller]) call.leg.hangUp();
    await expectEvent(phones.bob, second, 'ended');
    await w.isIdle();
  });
});
