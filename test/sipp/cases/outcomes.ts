// How calls end that are not answered, and what the application is told: sip-interface.md 1.4, 8.3, twiml.md 3.3.

import { describe, expect } from 'vitest';
import { dial, type Story, scenario, type World } from '../world.ts';

/** A caller that the gateway answers, and a Dial to `scenario`: gives the parameters of the Dial's action. */
async function dialled(story: Story, callee: string, attributes = ''): Promise<Readonly<Record<string, string>>> {
  const far = await story.callee(callee);
  story.answers(dial([far], { attributes }));
  const near = await story.caller('uac-answered-expect-bye');
  const outcome = await story.asked('/after');
  await Promise.all([near.finished, far.finished]);
  return outcome;
}

export function outcomeCases(world: () => World): void {
  describe.concurrent('outcomes', () => {
    scenario('Reject: 404 [sip 1.4 reject-default]', world, async (story) => {
      story.answers('<Response><Reject/></Response>');
      await story.calls('uac-rejected-expect-404');
    });

    scenario('Reject busy: 486 [sip 1.4 reject-busy]', world, async (story) => {
      story.answers('<Response><Reject reason="busy"/></Response>');
      await story.calls('uac-rejected-as-busy-expect-486');
    });

    scenario('an application that fails: the caller hears so and is hung up on', world, async (story) => {
      story.answers({ status: 500, body: 'broken' });
      await story.calls('uac-answered-expect-bye');
    });

    scenario('the callee is busy (486): DialCallStatus busy', world, async (story) => {
      const outcome = await dialled(story, 'uas-busy-486');
      expect(outcome).toMatchObject({ DialCallStatus: 'busy', DialSipResponseCode: '486', DialBridged: 'false' });
    });

    scenario('the callee declines (603) with a header of its own', world, async (story) => {
      const outcome = await dialled(story, 'uas-decline-603-with-reason-header');
      expect(outcome).toMatchObject({ DialCallStatus: 'busy', 'DialSipHeader_X-Reason': 'asleep' });
    });

    scenario('the callee is out of service (503): DialCallStatus failed', world, async (story) => {
      const outcome = await dialled(story, 'uas-unavailable-503');
      expect(outcome).toMatchObject({ DialCallStatus: 'failed', DialBridged: 'false' });
    });

    scenario(
      'nobody answers within the timeout: CANCEL to the callee, DialCallStatus no-answer',
      world,
      async (story) => {
        const outcome = await dialled(story, 'uas-ring-until-cancel', 'timeout="5"');
        expect(outcome).toMatchObject({ DialCallStatus: 'no-answer', DialBridged: 'false' });
      },
    );

    scenario('RFC 3261 9.1: a 200 that crosses our CANCEL is acknowledged and ended with BYE', world, async (story) => {
      const outcome = await dialled(story, 'uas-answer-crosses-cancel', 'timeout="5"');
      expect(outcome).toMatchObject({ DialCallStatus: 'no-answer', DialBridged: 'false' });
    });

    scenario('RFC 3261 13.2.1: a 200 without SDP is acknowledged and ended', world, async (story) => {
      const outcome = await dialled(story, 'uas-answer-without-sdp-expect-bye');
      expect(outcome).toMatchObject({ DialCallStatus: 'failed', DialBridged: 'false' });
    });

    scenario('two callees ring at once: the first to answer wins, the other is cancelled', world, async (story) => {
      const ringing = await story.callee('uas-ring-until-cancel');
      const answering = await story.callee('uas-answer-then-hang-up');
      story.answers(dial([ringing, answering]));
      const near = await story.caller('uac-answered-expect-bye');
      await Promise.all([near.finished, ringing.finished, answering.finished]);
      expect(await story.asked('/after')).toMatchObject({ DialCallStatus: 'completed', DialBridged: 'true' });
    });

    scenario(
      'the caller cancels while it rings: 487, and the callee is cancelled [sip 1.4 cancel]',
      world,
      async (story) => {
        const far = await story.callee('uas-ring-until-cancel');
        story.answers(dial([far], { attributes: 'answerOnBridge="true"' }));
        const near = await story.caller('uac-cancel-while-ringing-expect-487');
        await Promise.all([near.finished, far.finished]);
      },
    );
  });
}
