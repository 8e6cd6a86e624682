// Calls that are answered: both ends, holds, re-INVITEs, lost and repeated messages (RFC 3261 13, 14, 17; RFC 3262, 3264, 3311, 4028).

import { describe, expect } from 'vitest';
import { dial, type Story, scenario, stayOnLine, type World } from '../world.ts';

/** Longer than any session interval of these scenarios. */
const stayForTwoMinutes = '<Response><Pause length="1"/><Gather action="/after" timeout="120"/></Response>';

/** Runs a caller and a callee against each other, joined by a Dial. */
async function joined(
  story: Story,
  caller: string,
  callee: string,
  options: Parameters<typeof dial>[1] & { readonly transport?: 'udp' | 'tcp' } = {},
): Promise<void> {
  const { transport = 'udp' } = options;
  const far = await story.callee(callee, { transport });
  story.answers(dial([far], { uri: transport === 'tcp' ? ';transport=tcp' : '', ...options }));
  const near = await story.caller(caller, { transport });
  await Promise.all([near.finished, far.finished]);
}

export function dialogCases(world: () => World): void {
  describe.concurrent('dialogs', () => {
    scenario('the caller hangs up: BYE reaches the callee', world, async (story) => {
      await joined(story, 'uac-call-expect-200-then-bye', 'uas-answer-expect-bye');
    });

    scenario('the callee hangs up: the Dial is over and the caller gets BYE', world, async (story) => {
      await joined(story, 'uac-answered-expect-bye', 'uas-answer-then-hang-up');
      expect(await story.asked('/after')).toMatchObject({ DialCallStatus: 'completed', DialBridged: 'true' });
    });

    scenario(
      'X-headers and User-to-User reach the application, those of the URI the callee, those of its BYE the action [sip 1.3 sip-header-names] [sip 1.3 user-to-user] [sip 2.5 action-headers]',
      world,
      async (story) => {
        await joined(story, 'uac-sends-own-headers-expect-bye', 'uas-answers-and-leaves-with-own-headers', {
          uri: '?X-Order=77',
        });
        const asked = await story.asked();
        expect(asked).toMatchObject({
          'SipHeader_X-Account': '42;plan=gold',
          'SipHeader_User-to-User': '4142;encoding=hex',
        });
        expect(Object.keys(asked).filter((name) => name.includes('Subject'))).toEqual([]);
        expect(await story.asked('/after')).toMatchObject({
          DialCallStatus: 'completed',
          'DialSipHeader_X-Outcome': 'done',
        });
      },
    );

    scenario('both legs over TCP', world, async (story) => {
      await joined(story, 'uac-answered-expect-bye', 'uas-answer-then-hang-up', { transport: 'tcp' });
    });

    scenario(
      'the callee asks for credentials and gets those of the Sip noun [sip 2.1 credentials]',
      world,
      async (story) => {
        const noun = ' username="carol" password="right"';
        await joined(story, 'uac-call-expect-200-then-bye', 'uas-challenge-401-then-answer', {
          noun,
          attributes: 'answerOnBridge="true"',
        });
      },
    );

    scenario(
      'early media with answerOnBridge: 183 with SDP, 200 when the callee answers [sip 1.6 early-media]',
      world,
      async (story) => {
        await joined(story, 'uac-early-media-expect-183-then-200', 'uas-early-media-183-then-answer', {
          attributes: 'answerOnBridge="true"',
        });
      },
    );

    scenario('a callee that sends several provisional responses', world, async (story) => {
      await joined(story, 'uac-call-expect-200-then-bye', 'uas-two-ringing-responses-then-answer', {
        attributes: 'answerOnBridge="true"',
      });
    });

    scenario('RFC 3264 8.4: hold and resume by re-INVITE reach the other side [sip 1.6 hold]', world, async (story) => {
      await joined(story, 'uac-hold-and-resume', 'uas-expect-hold-and-resume');
    });

    scenario(
      'RFC 3261 13.2.2.4: each repeated 200 of the callee gets its ACK again [sip 2.4 lost-ack]',
      world,
      async (story) => {
        const far = await story.callee('uas-lose-first-acks-expect-another', { flags: ['-pause_msg_ign'] });
        story.answers(dial([far]));
        const near = await story.caller('uac-call-for-3-s-expect-200-then-bye');
        await Promise.all([near.finished, far.finished]);
      },
    );

    scenario('RFC 3261 14.2: a re-INVITE without SDP gets an offer in the 200', world, async (story) => {
      story.answers(stayOnLine);
      await story.calls('uac-reinvite-without-sdp-expect-offer');
    });

    scenario('RFC 3311: UPDATE with an offer, and OPTIONS inside the dialog [sip 1.6 update]', world, async (story) => {
      story.answers(stayOnLine);
      await story.calls('uac-update-expect-200');
    });

    scenario(
      'RFC 3261 13.2.1: an INVITE without SDP gets the offer in the 200 [sip 1.6 late-offer]',
      world,
      async (story) => {
        story.answers(stayOnLine);
        await story.calls('uac-late-offer-expect-offer-in-200');
      },
    );

    scenario('RFC 3261 17.2.1: a repeated INVITE makes one call', world, async (story) => {
      story.answers(stayOnLine);
      await story.calls('uac-repeated-invite-expect-one-call');
      expect(story.requests()).toHaveLength(1);
    });

    scenario('RFC 3261 13.3.1.4: the 200 is repeated until its ACK comes', world, async (story) => {
      story.answers(stayOnLine);
      const near = await story.calls('uac-lost-ack-expect-repeated-200');
      expect(near.countReceived('SIP/2.0 200', 'INVITE')).toBeGreaterThan(1);
    });

    scenario('RFC 3261 13.3.1.4: without any ACK the call is ended with BYE [sip 1.4 no-ack]', world, async (story) => {
      story.answers(stayOnLine);
      const near = await story.calls('uac-never-acks-expect-bye', { seconds: 60 });
      expect(near.countReceived('SIP/2.0 200', 'INVITE')).toBeGreaterThan(5);
    });

    scenario(
      'RFC 3262: a caller that requires 100rel gets a reliable 180 [sip 1.6 reliable-provisional]',
      world,
      async (story) => {
        // The pause keeps the call ringing until the PRACK is through.
        story.answers(`<Response><Pause length="1"/><Gather timeout="60"/></Response>`);
        await story.calls('uac-require-100rel-expect-reliable-180');
      },
    );

    scenario('RFC 4028 9: a session timer is agreed to and its refresh answered', world, async (story) => {
      story.answers(stayOnLine);
      await story.calls('uac-session-timer-refresh-expect-200');
    });

    scenario(
      '[sip 1.6 session-timer-422] too small an interval: 422, then the larger one is taken',
      world,
      async (story) => {
        story.answers(stayOnLine);
        await story.calls('uac-session-interval-too-small-expect-422');
      },
    );

    // An interval of 90 s is the smallest that there is: these two take most of a minute, and more.
    const patient = { seconds: 90, flags: ['-recv_timeout', '80000'] };

    scenario('[sip 1.6 session-timer-ours] the gateway refreshes at half time by UPDATE', world, async (story) => {
      story.answers(stayForTwoMinutes);
      await story.calls('uac-lets-gateway-refresh-expect-update', patient);
    });

    scenario(
      '[sip 1.6 session-timer-peer] a session that the caller does not refresh is ended',
      world,
      async (story) => {
        story.answers(stayForTwoMinutes);
        await story.calls('uac-never-refreshes-expect-bye', patient);
      },
    );
  });
}
