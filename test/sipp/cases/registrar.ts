// Registration: sip-interface.md 3, RFC 3261 10.

import { describe, expect } from 'vitest';
import { domains, scenario, user, type World } from '../world.ts';

export function registrarCases(world: () => World): void {
  describe.concurrent('registrar', () => {
    const phone = { domain: domains.guarded, service: user.username, ...user };

    scenario(
      'RFC 3261 10.2: a phone registers with a digest and removes its binding [sip 3 unregister]',
      world,
      async (story) => {
        await story.calls('register-and-remove-expect-200', { ...phone });
      },
    );

    scenario('a wrong password gets one challenge, then 403 [sip 3 challenge-401]', world, async (story) => {
      const options = { ...phone, password: 'not-the-password' };
      const run = await story.calls('register-bad-password-expect-403', options);
      expect(run.countReceived('SIP/2.0 401', 'REGISTER')).toBe(1);
    });

    scenario(
      'RFC 3261 10.3 step 7: 60 seconds are too brief, 423 names 600 [sip 3 expires-min]',
      world,
      async (story) => {
        await story.calls('register-expires-too-small-expect-423', { ...phone });
      },
    );

    scenario('ten bindings are the most, the eleventh is refused [sip 3 bindings-max]', world, async (story) => {
      await story.calls('register-eleven-bindings-expect-403', { ...phone });
    });

    scenario('a host that is no domain gets 403 and no challenge', world, async (story) => {
      const options = { domain: domains.unknown };
      await story.calls('register-unknown-domain-expect-403', options);
    });
  });

  describe('registered users', () => {
    scenario(
      'a user with two bindings rings on both; the one that does not answer is cancelled [sip 3 all-ring]',
      world,
      async (story) => {
        const phone = { domain: domains.guarded, service: user.username, ...user };
        const callees = [];
        for (const scenarioOfPhone of ['uas-answer-expect-bye', 'uas-ring-until-cancel']) {
          // The gateway calls a phone where its REGISTER came from, so both runs of a phone have the same port.
          const { port } = await story.calls('register-expect-200', phone);
          callees.push(await story.callee(scenarioOfPhone, { port }));
        }
        const target = `sip:${user.username}@${domains.guarded}`;
        story.answers(`<Response><Dial action="/after"><Sip>${target}</Sip></Dial></Response>`);
        // The guarded domain admits by digest, so the caller shows its own.
        const caller = await story.caller('uac-call-with-digest-expect-407-then-200', {
          domain: domains.guarded,
          ...user,
        });
        await Promise.all([caller, ...callees].map((one) => one.finished));
        expect((await story.asked('/after')).DialCallStatus).toBe('completed');
      },
    );
  });
}
