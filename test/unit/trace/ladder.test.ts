// The ring of what happened, and the picture that is drawn of it (house style 2.9).

import { describe, expect, test } from 'vitest';
import type { CallEvent } from '../../../src/base/events.ts';
import { limits } from '../../../src/base/limits.ts';
import { parseMessage } from '../../../src/sip/grammar/parse.ts';
import { drawLadder } from '../../../src/trace/ladder.ts';
import { createTrace, type Trace, type TraceBounds } from '../../../src/trace/trace.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

const bounds: TraceBounds = { calls: 100, strangers: 100, bytes: 1 << 20 };
const PARENT = `CA${'1'.repeat(32)}`;
const CHILD = `CA${'2'.repeat(32)}`;

const flow = {
  transport: 'udp',
  localAddress: '192.0.2.1',
  localPort: 5060,
  remoteAddress: '192.0.2.7',
  remotePort: 5070,
};

const created = (callSid: string, sipCallId: string | null, parentCallSid: string | null = null): CallEvent => ({
  type: 'created',
  callSid,
  atMs: 0,
  wall: 0,
  accountSid: 'AC1',
  direction: parentCallSid === null ? 'inbound' : 'outbound-dial',
  from: '',
  to: '',
  parentCallSid,
  domainSid: null,
  sipCallId,
});

function sip(trace: Trace, direction: 'in' | 'out', callId: string, startLine: string, ...more: string[]): void {
  const method = /^SIP/.test(startLine) ? 'INVITE' : startLine.split(' ')[0]!;
  const body = more.find((line) => line.startsWith('v=0')) ?? '';
  const lines = [
    startLine,
    'Via: SIP/2.0/UDP 192.0.2.7;branch=z9hG4bK1',
    'From: <sip:alice@office.example>;tag=1',
    'To: <sip:bob@office.example>',
    `Call-ID: ${callId}`,
    `CSeq: 1 ${method}`,
    'Max-Forwards: 70',
    ...more.filter((line) => !line.startsWith('v=0')),
    ...(body === '' ? [] : ['Content-Type: application/sdp']),
    `Content-Length: ${body.length}`,
  ];
  const bytes = Buffer.from(`${lines.join('\r\n')}\r\n\r\n${body}`);
  const parsed = parseMessage(bytes);
  if (!parsed.ok) throw new Error(startLine);
  trace.onMessage(direction, bytes, flow, parsed.value);
}

describe('the ring', () => {
  test('a family is found by CallSid and by Call-ID of any of its legs, in order of time', () => {
    const clock = new VirtualClock();
    const trace = createTrace(clock, bounds);
    sip(trace, 'in', 'caller', 'INVITE sip:1000@gw SIP/2.0');
    clock.advance(1);
    trace.onEvent(created(PARENT, 'caller'));
    clock.advance(1);
    trace.onEvent(created(CHILD, null, PARENT));
    clock.advance(1);
    sip(trace, 'out', 'callee', 'INVITE sip:bob@192.0.2.7 SIP/2.0', `X-Twilio-CallSid: ${CHILD}`);
    clock.advance(1);
    sip(trace, 'in', 'callee', 'SIP/2.0 180 Ringing');
    for (const id of [PARENT, CHILD, 'caller', 'callee']) {
      const family = trace.family(id);
      expect(family?.callSids).toEqual([PARENT, CHILD]);
      expect(family?.entries.map((entry) => entry.atMs)).toEqual([0, 1, 2, 3, 4]);
      expect(Object.fromEntries(family!.owners)).toEqual({ caller: PARENT, callee: CHILD });
    }
    expect(trace.family('nobody')).toBeUndefined();
  });

  test('a long call keeps how it began and how it ends; what was dropped is counted', () => {
    const clock = new VirtualClock();
    const trace = createTrace(clock, bounds);
    trace.onEvent(created(PARENT, null));
    for (let count = 1; count < limits.traceEntriesPerCall + 10; count++) {
      clock.advance(1);
      trace.onEvent({ type: 'digit', callSid: PARENT, atMs: count, wall: 0, digit: '1', durationMs: 1 });
    }
    const family = trace.family(PARENT)!;
    expect(family.entries).toHaveLength(limits.traceEntriesPerCall);
    expect(family.dropped).toBe(10);
    expect([family.entries[0]!.atMs, family.entries.at(-1)!.atMs]).toEqual([0, limits.traceEntriesPerCall + 9]);
    expect(drawLadder(family)).toContain('(10 entries in the middle were dropped)');
  });

  test('beyond its number of calls the oldest goes, with its Call-IDs', () => {
    const trace = createTrace(new VirtualClock(), { ...bounds, calls: 2 });
    for (let index = 0; index < 3; index++) {
      sip(trace, 'in', `id${index}`, 'INVITE sip:1000@gw SIP/2.0');
      trace.onEvent(created(`CA${index}`, `id${index}`));
    }
    expect([0, 1, 2].map((index) => trace.family(`CA${index}`) !== undefined)).toEqual([false, true, true]);
    expect(trace.family('id0')).toBeUndefined();
    expect(trace.counts().tracedCalls).toBe(2);
  });

  test('strangers push no call out', () => {
    const trace = createTrace(new VirtualClock(), { ...bounds, calls: 2, strangers: 5 });
    trace.onEvent(created(PARENT, null));
    for (let index = 0; index < 50; index++) sip(trace, 'in', `stranger${index}`, 'OPTIONS sip:gw SIP/2.0');
    expect(trace.family(PARENT)).toBeDefined();
    expect([trace.family('stranger0'), trace.family('stranger49')?.entries.length]).toEqual([undefined, 1]);
  });

  test('beyond its bytes the oldest go, and the count is right', () => {
    const trace = createTrace(new VirtualClock(), { ...bounds, bytes: 20_000 });
    for (let index = 0; index < 200; index++) sip(trace, 'in', `s${index}`, 'OPTIONS sip:gw SIP/2.0');
    expect(trace.counts().bytes).toBeLessThanOrEqual(20_000);
    expect(trace.family('s199')).toBeDefined();
    expect(trace.family('s0')).toBeUndefined();
  });
});

function story() {
  const clock = new VirtualClock();
  const trace = createTrace(clock, bounds);
  const at = (callSid: string) => ({ callSid, atMs: clock.now(), wall: 0 });
  sip(
    trace,
    'in',
    'caller',
    'INVITE sip:1000@gw SIP/2.0',
    'Authorization: Digest response="f00dbabe"',
    'v=0\r\na=crypto:1 X inline:f00dbabe\r\n',
  );
  clock.advance(1);
  trace.onEvent(created(PARENT, 'caller'));
  clock.advance(2);
  sip(trace, 'out', 'caller', 'SIP/2.0 180 Ringing');
  clock.advance(1);
  trace.onEvent({
    type: 'webhookRequest',
    ...at(PARENT),
    method: 'POST',
    url: 'http://app/voice?Digits=f00dbabe',
    purpose: 'document',
  });
  clock.advance(30);
  trace.onEvent({
    type: 'webhookResponse',
    ...at(PARENT),
    url: 'http://app/voice',
    status: 200,
    durationMs: 30,
    errorCode: null,
  });
  clock.advance(1);
  trace.onEvent({ type: 'verbStarted', ...at(PARENT), verb: 'Dial', detail: 'sip:bob:f00dbabe@office' });
  clock.advance(1);
  trace.onEvent(created(CHILD, null, PARENT));
  clock.advance(1);
  sip(trace, 'out', 'callee', 'INVITE sip:bob@192.0.2.9 SIP/2.0', `X-Twilio-CallSid: ${CHILD}`);
  clock.advance(1);
  trace.onEvent({ type: 'digit', ...at(PARENT), digit: '7', durationMs: 120 });
  clock.advance(5);
  sip(trace, 'in', 'callee', 'SIP/2.0 486 Busy Here');
  clock.advance(1);
  trace.onEvent({
    type: 'ended',
    ...at(CHILD),
    status: 'busy',
    sipResponseCode: 486,
    durationSeconds: 0,
    answered: false,
    reason: 'Busy Here',
  });
  return trace.family(PARENT)!;
}

describe('the ladder', () => {
  test('SIP of both legs, webhook, verbs and notes on one time line', () => {
    const drawn = drawLadder(story(), { width: 120 });
    expect(drawn).toMatchInlineSnapshot(`
      " t(ms)  alice 192.0.2.7:5070    gateway                 bob 192.0.2.7:5070      web app
           0  │─ INVITE (SDP) ───────▶│                       │                       │
           3  │◀─────── 180 Ringing ──│                       │                       │
           4  │                       │─ POST /voice ────────────────────────────────▶│
          34  │                       │◀─────────────────────────────────────── 200 ──│
          35  │                       │ <Dial> sip:bob:[hidden]@office
          37  │                       │─ INVITE ─────────────▶│                       │
          38  │                       │ digit, 120 ms
          43  │                       │◀───── 486 Busy Here ──│                       │
          44  │                       │ busy: Busy Here"
    `);
  });

  test('design.md 9: no secret and no digit', () => {
    const drawn = drawLadder(story());
    expect(drawn).not.toContain('f00dbabe');
    expect(drawn).not.toMatch(/digit.*7/);
  });

  test('a hostile label does not break lines or reach the terminal', () => {
    const clock = new VirtualClock();
    const trace = createTrace(clock, bounds);
    trace.onEvent(created(PARENT, null));
    const message = 'red \u001b[31m\r\nand a line';
    trace.onEvent({
      type: 'notification',
      callSid: PARENT,
      atMs: 0,
      wall: 0,
      level: 'error',
      errorCode: 1,
      message,
      requestUrl: null,
    });
    const drawn = drawLadder(trace.family(PARENT)!);
    expect(drawn).not.toContain('\u001b');
    expect(drawn.split('\n')).toHaveLength(2);
  });
});
