// What the trace keeps: families, bounds, and that nobody pushes calls out by sending other things.

import { describe, expect, test } from 'vitest';
import type { CallEvent } from '../../../src/base/events.ts';
import { limits } from '../../../src/base/limits.ts';
import type { Message } from '../../../src/sip/grammar/message.ts';
import { parseMessage } from '../../../src/sip/grammar/parse.ts';
import { createTrace, type TraceBounds } from '../../../src/trace/trace.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

const flow = {
  transport: 'udp',
  localAddress: '192.0.2.1',
  localPort: 5060,
  remoteAddress: '192.0.2.2',
  remotePort: 5060,
};

function message(callId: string, headers = ''): { bytes: Buffer; message: Message } {
  const bytes = Buffer.from(
    `INVITE sip:b@example.com SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\nFrom: <sip:a@example.com>;tag=1\r\n` +
      `To: <sip:b@example.com>\r\nCall-ID: ${callId}\r\nCSeq: 1 INVITE\r\n${headers}Content-Length: 0\r\n\r\n`,
  );
  const parsed = parseMessage(bytes);
  if (!parsed.ok) throw new Error(parsed.error.detail);
  return { bytes, message: parsed.value };
}

function world(bounds?: TraceBounds) {
  const clock = new VirtualClock();
  const trace = bounds ? createTrace(clock, bounds) : createTrace(clock);
  const sip = (direction: 'in' | 'out', callId: string, headers?: string) => {
    const one = message(callId, headers);
    trace.onMessage(direction, one.bytes, flow, one.message);
    clock.advance(1);
  };
  const event = (callSid: string, body: object) => {
    trace.onEvent({ callSid, atMs: 0, wall: 0, ...body } as CallEvent);
    clock.advance(1);
  };
  const created = (callSid: string, sipCallId: string | null, parentCallSid: string | null = null) =>
    event(callSid, { type: 'created', accountSid: 'AC1', sipCallId, parentCallSid });
  return { clock, trace, sip, event, created };
}

describe('families', () => {
  test('a call, its children and theirs are one, by any of their ids, in order of time', () => {
    const { trace, sip, created } = world();
    sip('in', 'caller');
    created('CA1', 'caller');
    created('CA2', null, 'CA1');
    sip('out', 'callee', 'X-Twilio-CallSid: CA2\r\n');
    sip('in', 'callee');
    created('CA3', null, 'CA2');
    sip('out', 'third', 'X-Twilio-CallSid: CA3\r\n');
    for (const id of ['CA1', 'CA2', 'CA3', 'caller', 'callee', 'third']) {
      const family = trace.family(id)!;
      expect(family.callSids).toEqual(['CA1', 'CA2', 'CA3']);
      const sipEntries = family.entries.filter((entry) => entry.kind === 'sip');
      expect(sipEntries.map((entry) => entry.callId)).toEqual(['caller', 'callee', 'callee', 'third']);
    }
    expect(trace.rootOf('CA3')).toBe('CA1');
    expect(trace.accountOf('third')).toBe('AC1');
  });

  test('it is over when all of its calls are', () => {
    const { trace, event, created } = world();
    created('CA1', 'caller');
    created('CA2', null, 'CA1');
    event('CA1', { type: 'ended' });
    expect(trace.family('CA1')!.isOver).toBe(false);
    event('CA2', { type: 'ended' });
    expect(trace.family('CA1')!.isOver).toBe(true);
  });
});

describe('bounds', () => {
  const bounds = { calls: 2, strangers: 3, bytes: 1_000_000 };

  test('in a storm of strangers fewer are kept, and as many as ever a second later', () => {
    const { clock, trace } = world();
    let count = 0;
    const come = (strangers: number) => {
      for (const last = count + strangers; count < last; count++) {
        const one = message(`stranger-${count}`);
        trace.onMessage('in', one.bytes, flow, one.message);
      }
      return Array.from({ length: count }, (_, index) => trace.family(`stranger-${index}`)).filter(Boolean).length;
    };
    expect(come(900)).toBe(900);
    clock.advance(1_000);
    expect(come(900)).toBe(1_800);
    expect(come(200)).toBe(limits.tracedStrangersInStorm);
    clock.advance(1_000);
    // A second must pass without a storm.
    expect(come(500)).toBe(limits.tracedStrangersInStorm);
    clock.advance(1_000);
    expect(come(800)).toBe(limits.tracedStrangersInStorm + 800);
    // A storm of long ago is none.
    clock.advance(1_000);
    expect(come(1_100)).toBe(limits.tracedStrangersInStorm);
    clock.advance(3_600_000);
    expect(come(100)).toBe(limits.tracedStrangersInStorm + 100);
  });

  test('registrations and strangers push no call out', () => {
    const { trace, sip, created } = world(bounds);
    sip('in', 'caller');
    created('CA1', 'caller');
    for (let count = 0; count < 50; count++) sip('in', `stranger-${count}`);
    expect(trace.family('CA1')!.entries).toHaveLength(2);
    expect(trace.family('stranger-46')).toBeUndefined();
    expect(trace.family('stranger-49')!.entries).toHaveLength(1);
  });

  test('the oldest call goes first, with all that belongs to it', () => {
    const { trace, sip, created } = world(bounds);
    for (const name of ['1', '2', '3']) {
      sip('in', `leg-${name}`);
      created(`CA${name}`, `leg-${name}`);
    }
    expect(trace.family('CA1')).toBeUndefined();
    expect(trace.accountOf('leg-1')).toBeUndefined();
    expect(trace.family('leg-2')!.callSids).toEqual(['CA2']);
  });

  test('in bytes, which are zero again when all is forgotten', () => {
    const { trace, sip, created } = world({ ...bounds, calls: 100, bytes: 3_000 });
    for (let count = 0; count < 20; count++) {
      sip('in', `leg-${count}`);
      created(`CA${count}`, `leg-${count}`);
    }
    expect(trace.counts().bytes).toBeLessThanOrEqual(3_000);
    expect(trace.counts().tracedCalls).toBeLessThan(5);
  });

  test('a long call keeps how it began and how it ends', () => {
    const { trace, sip, created } = world();
    sip('in', 'caller', 'Subject: first\r\n');
    created('CA1', 'caller');
    for (let count = 0; count < limits.traceEntriesPerCall + 10; count++) sip('in', 'caller');
    sip('in', 'caller', 'Subject: last\r\n');
    const { entries, dropped } = trace.family('CA1')!;
    const sent = entries.flatMap((entry) => (entry.kind === 'sip' ? [entry.text] : []));
    expect([sent[0]!.includes('first'), sent.at(-1)!.includes('last')]).toEqual([true, true]);
    expect(sent).toHaveLength(limits.traceEntriesPerCall);
    expect(dropped).toBe(12);
  });
});
