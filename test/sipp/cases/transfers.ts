// Transfers: Refer, REFER of a callee, attended transfer by Replaces, and what is refused (sip-interface.md 5; RFC 3515, 3891).

import { describe, expect } from 'vitest';
import { until } from '../../support/until.ts';
import type { Sipp } from '../sipp.ts';
import { dial, type Story, scenario, stayOnLine, type World } from '../world.ts';

const TARGET = 'carol@pbx.example.com';
const CALL_DEADLINE_MS = 15_000;

/** A caller joined with `callee`, whose REFER leads to `target`. */
async function transferred(
  story: Story,
  options: { callee: string; target: Sipp | undefined; attributes?: string; caller?: string },
): Promise<{ near: Sipp; far: Sipp }> {
  const { callee, target, attributes = '', caller = 'uac-answered-expect-bye' } = options;
  const far = await story.callee(callee, { keys: { target: TARGET } });
  const refer = target && `<Response><Dial><Sip>sip:carol@127.0.0.1:${target.port}</Sip></Dial></Response>`;
  if (refer) story.answersRefer(refer);
  story.answers(dial([far], { attributes: `${attributes} ${refer ? 'referUrl="/refer"' : ''}` }));
  const near = await story.caller(caller);
  return { near, far };
}

/** The value of Replaces for the dialog of a SIPp caller whose call was answered: the gateway's tag is the To tag. */
async function replacesOf(caller: Sipp): Promise<string> {
  const answer = () => /\nSIP\/2\.0 200 [\s\S]*?\r?\n\r?\n/.exec(caller.messages)?.[0];
  const text = await until(
    () => (/\nACK sip:/.test(caller.messages) ? answer() : undefined),
    CALL_DEADLINE_MS,
    () => `${caller.scenario} is answered`,
  );
  const field = (name: string) => new RegExp(`^${name}:\\s*(.*?)\\r?$`, 'im').exec(text)?.[1] ?? '';
  const tag = (name: string) => /;tag=([^;\s>]+)/.exec(field(name))?.[1] ?? '';
  return `${field('Call-ID')};to-tag=${tag('To')};from-tag=${tag('From')}`;
}

export function transferCases(world: () => World): void {
  describe.concurrent('transfers', () => {
    scenario('[sip 5.1 refer-notify-486] Refer to a phone that finds its target busy', world, async (story) => {
      const sip = '<Sip>sip:carol@example.com?X-Reason=help</Sip>';
      story.answers(`<Response><Refer action="/after">${sip}</Refer></Response>`);
      await story.calls('uac-asked-to-refer-tells-busy');
      expect(await story.asked('/after')).toMatchObject({
        ReferCallStatus: 'busy',
        ReferSipResponseCode: '202',
        NotifySipResponseCode: '486',
      });
    });

    scenario('[sip 5.1 refer-refused] Refer to a phone that does not know REFER', world, async (story) => {
      story.answers('<Response><Refer action="/after"><Sip>sip:carol@example.com</Sip></Refer></Response>');
      await story.calls('uac-asked-to-refer-refuses-405');
      const params = await story.asked('/after');
      expect(params).toMatchObject({ ReferCallStatus: 'failed', ReferSipResponseCode: '405' });
      expect(params).not.toHaveProperty('NotifySipResponseCode');
    });

    for (const [mode, attributes] of [
      ['false', ''],
      ['true', 'answerOnBridge="true"'],
    ] as const) {
      scenario(
        `[sip 5.2 refer-sipp] answerOnBridge=${mode}: the callee transfers and is let go`,
        world,
        async (story) => {
          const target = await story.callee('uas-answer-then-hang-up');
          const callee = 'uas-refer-expect-notify-200-and-bye';
          const { near, far } = await transferred(story, { callee, target, attributes });
          await Promise.all([near.finished, far.finished, target.finished]);
          expect(await story.asked('/refer')).toMatchObject({ ReferTransferTarget: `<sip:${TARGET}>` });
        },
      );
    }

    scenario('[sip 5.2 refer-attempt-busy] the target is busy: NOTIFY 486, the call goes on', world, async (story) => {
      const target = await story.callee('uas-busy-486');
      const callee = 'uas-refer-target-busy-expect-notify-486';
      const { near, far } = await transferred(story, { callee, target, attributes: 'answerOnBridge="true"' });
      await Promise.all([near.finished, far.finished, target.finished]);
      expect(await story.asked('/after')).toMatchObject({ DialCallStatus: 'completed', DialBridged: 'true' });
    });

    scenario('[sip 5.2 refer-several] a second REFER meanwhile: 491', world, async (story) => {
      const target = await story.callee('uas-ring-until-cancel');
      const callee = 'uas-refer-twice-expect-491';
      const caller = 'uac-call-for-3-s-expect-200-then-bye';
      const attributes = 'answerOnBridge="true"';
      const { near, far } = await transferred(story, { callee, target, attributes, caller });
      await Promise.all([near.finished, far.finished, target.finished]);
    });

    scenario('[sip 5.2 refer-no-url] no referUrl: 603, the call goes on', world, async (story) => {
      const callee = 'uas-refer-without-refer-url-expect-603';
      const { near, far } = await transferred(story, { callee, target: undefined });
      await Promise.all([near.finished, far.finished]);
      expect(await story.asked('/after')).toMatchObject({ DialCallStatus: 'completed' });
    });

    scenario('[sip 5.2 refer-target] nonsense in Refer-To: 400, the call goes on', world, async (story) => {
      const { near, far } = await transferred(story, { callee: 'uas-refer-nonsense-expect-400', target: undefined });
      await Promise.all([near.finished, far.finished]);
    });

    scenario('[sip 5.2 refer-stray] REFER and NOTIFY outside of dialogs', world, async (story) => {
      await story.calls('uac-refer-outside-dialog-expect-405');
    });

    scenario('[sip 5.2 attended] a caller of two joins the two', world, async (story) => {
      const carol = await story.callee('uas-answer-expect-bye');
      const alice = await story.callee('uas-answer-for-4-s-then-hang-up');
      const consults = `${story.called}-carol`;
      story.world.answers(consults, dial([carol]));
      story.answers(dial([alice]));
      const second = await story.caller('uac-answered-expect-bye', { service: consults });
      const replaces = encodeURIComponent(await replacesOf(second));
      const first = await story.caller('uac-refer-with-replaces-expect-notify-200-and-bye', { keys: { replaces } });
      await Promise.all([first.finished, second.finished, alice.finished, carol.finished]);
    });

    scenario('[rfc 3891 3 confirmed] an INVITE takes the place of a leg', world, async (story) => {
      const carol = await story.callee('uas-answer-expect-bye');
      story.answers(dial([carol]));
      const replaced = await story.caller('uac-answered-expect-bye');
      const replaces = await replacesOf(replaced);
      await until(
        () => /\nACK sip:/.test(carol.messages),
        CALL_DEADLINE_MS,
        () => 'carol is on the line',
      );
      await story.calls('uac-invite-with-replaces-expect-200-then-bye', { keys: { replaces } });
      await Promise.all([replaced.finished, carol.finished]);
    });

    scenario('[rfc 3891 3 unknown] Replaces names no dialog: 481, no call', world, async (story) => {
      story.answers(stayOnLine);
      await story.calls('uac-invite-with-unknown-replaces-expect-481');
      expect(story.requests()).toEqual([]);
    });
  });
}
