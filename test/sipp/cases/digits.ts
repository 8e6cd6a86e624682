// Keys of the caller reach Gather: RFC 4733 events and SIP INFO (twiml.md 5.4, design.md 10).

import { readFileSync } from 'node:fs';
import { describe, expect } from 'vitest';
import { scenario, type World } from '../world.ts';

const gather = (count: number) => `<Response><Gather action="/after" numDigits="${count}" timeout="20"/></Response>`;

/** CAP_NET_RAW is capability 13: SIPp sends what it plays from a raw socket. */
function maySendRaw(): boolean {
  const mask = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0';
  return (BigInt(`0x${mask}`) & (1n << 13n)) !== 0n;
}

export function digitCases(world: () => World): void {
  describe.concurrent('digits', () => {
    scenario(
      'RFC 4733: telephone events are collected, each once',
      world,
      async (story) => {
        story.answers(gather(4));
        await story.calls('uac-rfc2833-digits-expect-gathered');
        expect((await story.asked('/after')).Digits).toBe('1739');
      },
      () => (maySendRaw() ? undefined : 'SIPp plays RTP from a raw socket, which needs root'),
    );

    scenario('SIP INFO, application/dtmf-relay [sip 0 dtmf-info]', world, async (story) => {
      story.answers(gather(2));
      await story.calls('uac-info-digits-expect-gathered');
      expect((await story.asked('/after')).Digits).toBe('42');
    });
  });
}
