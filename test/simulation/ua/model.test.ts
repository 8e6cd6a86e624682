// Random commands to both ends of a call over a bad network (house style 2.8, "model"). Whatever is done in whatever order:
// each session ends exactly once, says nothing afterwards, and nothing is left behind.

import { expect, test } from 'vitest';
import { makeSipUri } from '../../../src/sip/grammar/uri.ts';
import type { InviteSession, SessionEvent } from '../../../src/sip/ua/ua.ts';
import { seededRandom } from '../../support/network.ts';
import { Events, sipWorld } from '../../support/sip-world.ts';

const SDP = 'v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\n';
const LAST = new Set<SessionEvent['type']>(['ended', 'rejected', 'canceled']);

type Command = (session: InviteSession, events: Events) => void;

const any: Readonly<Record<string, Command>> = {
  end: (session) => session.end(),
  info: (session) => void session.request('INFO', { contentType: 'text/plain', body: Buffer.from('x') }),
  reinvite: (session) => void session.reinvite(SDP),
  acceptOffer: (_session, events) => {
    for (const event of events.all) if (event.type === 'offer') event.accept(SDP);
  },
  refuseOffer: (_session, events) => {
    for (const event of events.all) if (event.type === 'offer') event.refuse(488);
  },
};
const callee: Readonly<Record<string, Command>> = {
  ...any,
  ring: (session) => session.progress(180),
  early: (session) => session.progress(183, { sdp: SDP }),
  accept: (session) => session.accept({ sdp: SDP }),
  acceptAgain: (session) => session.accept({ sdp: SDP }),
  reject: (session) => session.reject(486),
};
const caller: Readonly<Record<string, Command>> = { ...any, acknowledge: (session) => session.acknowledge(SDP) };

/** `end` and `reject` are rare, or no call would live. */
function pick(commands: Readonly<Record<string, Command>>, next: () => number): [string, Command] {
  const entries = Object.entries(commands);
  for (;;) {
    const entry = entries[Math.floor(next() * entries.length)]!;
    if ((entry[0] !== 'end' && entry[0] !== 'reject') || next() < 0.3) return entry;
  }
}

test.each(Array.from({ length: 60 }, (_, seed) => seed + 1))('random commands, seed %i', async (seed) => {
  const { next } = seededRandom(seed * 7919);
  const loss = [0, 0.1, 0.3][seed % 3]!;
  const world = sipWorld({ seed, loss, duplication: loss / 2, minDelayMs: 1, maxDelayMs: loss === 0 ? 1 : 300 });
  await world.network.explain(async () => {
    const alice = await world.gateway('alice');
    const bob = await world.gateway('bob');
    const commands: string[] = [];
    const session = alice.ua.invite({
      target: { kind: 'uri', uri: makeSipUri({ user: 'bob', host: bob.address }) },
      from: { displayName: undefined, user: 'alice', host: undefined },
      sdp: next() < 0.7 ? SDP : undefined,
      headers: next() < 0.3 ? [{ name: 'Require', value: '100rel' }] : [],
      credentials: undefined,
      maxForwards: 70,
    });
    const ends: { session: InviteSession; events: Events; commands: typeof any }[] = [
      { session, events: new Events(session), commands: caller },
    ];
    for (let step = 0; step < 25; step++) {
      await world.pass(Math.floor(next() * 2_000));
      for (const invite of bob.invites.splice(0))
        ends.push({ session: invite.session, events: new Events(invite.session), commands: callee });
      const end = ends[Math.floor(next() * ends.length)]!;
      const [name, command] = pick(end.commands, next);
      commands.push(`${end.session.role}.${name}`);
      command(end.session, end.events);
    }
    for (const end of ends) end.session.end();
    await world.pass(200_000);
    expect(ends.length, commands.join(' ')).toBeLessThanOrEqual(2);
    for (const { session: over, events } of ends) {
      const types = events.types();
      const wasRejected = over.role === 'uas' && commands.includes('uas.reject');
      const lasts = types.filter((type) => LAST.has(type as SessionEvent['type']));
      expect(over.state).toBe('ended');
      expect(lasts.length, `${over.role}: ${types.join(' ')}; ${commands.join(' ')}`).toBeGreaterThanOrEqual(
        wasRejected ? 0 : 1,
      );
      expect(lasts.length, `${over.role}: ${types.join(' ')}`).toBeLessThanOrEqual(1);
      if (lasts.length === 1) expect(LAST.has(types.at(-1) as SessionEvent['type']), types.join(' ')).toBe(true);
    }
    for (const gateway of [alice, bob]) {
      expect(gateway.ua.counts()).toMatchObject({ dialogs: 0, sessions: 0 });
      expect(Object.values(gateway.transactions.counts()).every((count) => count === 0)).toBe(true);
    }
    expect(world.clock.pendingTimers).toBe(0);
  });
});
