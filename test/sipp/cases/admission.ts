// Who may call, and what is refused before a call exists: sip-interface.md 1.1, 1.2, RFC 3261 8.2.

import { describe, expect } from 'vitest';
import { domains, scenario, stayOnLine, user, type World } from '../world.ts';

export function admissionCases(world: () => World): void {
  describe.concurrent('admission', () => {
    scenario('a listed address may call, and the caller hangs up', world, async (story) => {
      story.answers(stayOnLine);
      await story.calls('uac-call-expect-200-then-bye');
      const asked = await story.asked();
      expect(asked.SipDomain).toBe(domains.listed);
      expect(asked.CallStatus).toBe('ringing');
      expect(asked.SipUsername).toBeUndefined();
    });

    scenario('the same over TCP', world, async (story) => {
      story.answers(stayOnLine);
      await story.calls('uac-call-expect-200-then-bye', { transport: 'tcp' });
    });

    scenario('a credential list: 407, never 401, then the call [sip 1.2 challenge-407]', world, async (story) => {
      story.answers(stayOnLine);
      await story.calls('uac-call-with-digest-expect-407-then-200', { domain: domains.guarded, ...user });
      expect((await story.asked()).SipUsername).toBe(user.username);
    });

    scenario(
      'a wrong password: 403 with 32202, the application is not asked [sip 1.2 one-challenge]',
      world,
      async (story) => {
        story.answers(stayOnLine);
        const options = { domain: domains.guarded, ...user, password: 'not-the-password' };
        await story.calls('uac-bad-password-expect-403', options);
        expect(story.requests()).toEqual([]);
      },
    );

    scenario(
      'an address that is not listed: 403 with 32201, the application is not asked [sip 1.2 acl-only]',
      world,
      async (story) => {
        story.answers(stayOnLine);
        await story.calls('uac-unlisted-address-expect-403', { domain: domains.elsewhere });
        expect(story.requests()).toEqual([]);
      },
    );

    scenario('a host that is no domain: 403 [sip 1.1 unknown-host]', world, async (story) => {
      await story.calls('uac-unknown-domain-expect-403', { domain: domains.unknown });
    });

    scenario(
      'a call to the bare IP address goes to the default domain [sip 1.1 default-domain]',
      world,
      async (story) => {
        story.answers(stayOnLine);
        await story.calls('uac-call-by-address-expect-default-domain');
        expect((await story.asked()).SipDomain).toBe(domains.listed);
      },
    );

    scenario('a domain without Voice URL: 404 [sip 1.4 no-voice-url]', world, async (story) => {
      await story.calls('uac-domain-without-application-expect-404', { domain: domains.silent });
    });

    scenario('RFC 3261 8.2.2.3: an unknown extension in Require gets 420', world, async (story) => {
      await story.calls('uac-unsupported-require-expect-420');
    });

    scenario('RFC 3261 16.3: Max-Forwards 0 gets 483', world, async (story) => {
      await story.calls('uac-max-forwards-zero-expect-483');
    });

    scenario(
      'sip-interface 1.5: an offer without PCMU and PCMA gets 415 [sip 1.5 415-no-codec]',
      world,
      async (story) => {
        await story.calls('uac-no-common-codec-expect-415');
        expect(story.requests()).toEqual([]);
      },
    );

    scenario(
      'UDP to a secure domain: 488 Secure SIP transport required, 32209 [sip 1.5 488-secure-transport]',
      world,
      async (story) => {
        story.answers(stayOnLine);
        await story.calls('uac-plain-to-secure-domain-expect-488', { domain: domains.secure });
        expect(story.requests()).toEqual([]);
      },
    );

    scenario(
      'SRTP over UDP: 488 Secure media not accepted, 32207 [sip 1.5 488-secure-unwanted]',
      world,
      async (story) => {
        story.answers(stayOnLine);
        await story.calls('uac-srtp-without-tls-expect-488');
        expect(story.requests()).toEqual([]);
      },
    );

    scenario('OPTIONS gets 200 with Allow [sip 1.6 options]', world, async (story) => {
      await story.calls('uac-options-expect-200');
    });

    scenario('RFC 3261 8.2.1: a method nobody knows gets 501', world, async (story) => {
      await story.calls('uac-unknown-method-expect-501');
    });

    scenario('RFC 3261 12.2.2, 9.2: BYE and CANCEL of no call get 481', world, async (story) => {
      await story.calls('uac-bye-without-dialog-expect-481');
    });
  });
}
