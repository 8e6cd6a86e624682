// Who is served first, on turns of the event loop and a clock that the test moves: what runs already is never held up, new calls take
// their turns, and what is refused is refused once and for all.

import { describe, expect, test } from 'vitest';
import { limits } from '../../../../src/base/limits.ts';
import { parseMessage } from '../../../../src/sip/grammar/parse.ts';
import { Intake, type IntakeFlow, type IntakeGuard, openGuard } from '../../../../src/sip/transport/intake.ts';
import { VirtualClock } from '../../../support/virtual-clock.ts';

interface TestFlow extends IntakeFlow {
  readonly sent: string[];
  isPaused: boolean;
}

function flow(isReliable = false): TestFlow {
  const made = {
    isReliable,
    remoteAddress: '192.0.2.7',
    remotePort: 5060,
    sent: [] as string[],
    isPaused: false,
    sendQuietly: (bytes: Buffer) => void made.sent.push(bytes.toString('latin1')),
    pauseReading: () => {
      made.isPaused = true;
    },
    resumeReading: () => {
      made.isPaused = false;
    },
  };
  return made as unknown as TestFlow;
}

/** `handlingMs`: what each message that is let through takes. */
function world({ guard = {} as Partial<IntakeGuard>, handlingMs = 4, sendingMs = 0 } = {}) {
  const clock = new VirtualClock();
  const turns: (() => void)[] = [];
  const delivered: string[] = [];
  const changes: boolean[] = [];
  const intake = new Intake<TestFlow, undefined>({
    clock,
    random: (sizeBytes) => Buffer.alloc(sizeBytes, 5),
    options: { targetMs: 100, serverHeader: 'S', errorValue: '10004 full', onChange: (is) => changes.push(is) },
    guard: () => ({ ...openGuard, ...guard }),
    parse: (bytes) => {
      const parsed = parseMessage(bytes);
      return parsed.ok ? parsed.value : undefined;
    },
    nextTurn: (run) => turns.push(run),
    idleMs: () => 0,
    kernelDatagrams: () => 10 * limits.datagramsPerPoll,
    deliver: (bytes) => {
      delivered.push(bytes.toString('latin1').split(' SIP')[0] ?? '');
      clock.advance(handlingMs);
    },
  });
  const peer = flow();
  if (sendingMs > 0) {
    const send = peer.sendQuietly.bind(peer);
    Object.assign(peer, {
      sendQuietly: (bytes: Buffer) => {
        send(bytes);
        clock.advance(sendingMs);
      },
    });
  }
  return {
    ...{ clock, delivered, changes, intake, peer, turns },
    take: (text: string, by = peer) => intake.take(Buffer.from(text), by, undefined),
    turn: () => turns.shift()?.(),
    drain() {
      for (let turn = 0; turns.length > 0 && turn < 100_000; turn++) turns.shift()!();
    },
  };
}

const message = (method: string, number: number, toTag = '', uri = `sip:${method}${number}@gw`): string =>
  `${method} ${uri} SIP/2.0\r\nVia: SIP/2.0/UDP pbx;branch=z9hG4bK${method}${number}\r\nFrom: <sip:a@b>;tag=f\r\n` +
  `To: <sip:x@gw>${toTag && `;tag=${toTag}`}\r\nCall-ID: call-${number}\r\nCSeq: 1 ${method}\r\nContent-Length: 0\r\n\r\n`;

type TestWorld = ReturnType<typeof world>;
const overloaded = (w: TestWorld): void => {
  for (let number = 0; number < 500; number++) w.take(message('INVITE', 10_000 + number));
  w.drain();
  w.delivered.length = 0;
};

describe('order', () => {
  test('one call that nobody is before is served at once', () => {
    const w = world();
    w.take(message('INVITE', 1));
    expect(w.delivered).toEqual(['INVITE sip:INVITE1@gw']);
  });

  test('responses, ACK, BYE, CANCEL and requests with a To tag pass by all that wait; REGISTER goes before INVITE', () => {
    const w = world();
    for (let number = 1; number <= 3; number++) w.take(message('INVITE', number));
    w.take(message('REGISTER', 4));
    w.take(message('BYE', 5, 't'));
    w.take('SIP/2.0 200 OK\r\n\r\n');
    w.take(message('INVITE', 6, 't'));
    w.take(message('ACK', 7, 't'));
    w.take(message('INFO', 8, 't'));
    expect(w.delivered).toEqual([
      'INVITE sip:INVITE1@gw',
      'BYE sip:BYE5@gw',
      'SIP/2.0 200 OK\r\n\r\n',
      'INVITE sip:INVITE6@gw',
      'ACK sip:ACK7@gw',
      'INFO sip:INFO8@gw',
    ]);
    w.delivered.length = 0;
    w.turn();
    expect(w.delivered).toEqual(['REGISTER sip:REGISTER4@gw']);
    w.turn();
    w.turn();
    expect(w.delivered.slice(1)).toEqual(['INVITE sip:INVITE2@gw', 'INVITE sip:INVITE3@gw']);
    expect(w.intake.report().waiting).toBe(0);
  });

  test('a REGISTER alone is served at once; those close behind it are gathered and served together', () => {
    const w = world({ handlingMs: 0 });
    for (let number = 1; number <= 3; number++) w.take(message('REGISTER', number));
    w.take(message('INVITE', 4));
    w.drain();
    expect(w.delivered).toEqual(['REGISTER sip:REGISTER1@gw', 'INVITE sip:INVITE4@gw']);
    w.clock.advance(limits.registersGatheredMs - 1);
    expect(w.turns).toHaveLength(0);
    w.take(message('REGISTER', 5));
    w.drain();
    expect(w.delivered).toHaveLength(2);
    w.clock.advance(1);
    w.drain();
    expect(w.delivered.slice(2)).toEqual([2, 3, 5].map((number) => `REGISTER sip:REGISTER${number}@gw`));
    w.clock.advance(limits.registersGatheredMs);
    w.take(message('REGISTER', 6));
    expect(w.delivered.at(-1)).toBe('REGISTER sip:REGISTER6@gw');
  });

  test('while REGISTERs are gathered, the end of intake is the end of them', () => {
    const w = world({ handlingMs: 0 });
    for (let number = 1; number <= 2; number++) w.take(message('REGISTER', number));
    w.drain();
    w.intake.stop();
    w.clock.advance(limits.registersGatheredMs);
    expect(w.turns).toHaveLength(0);
    expect(w.delivered).toHaveLength(1);
  });

  test('while the kernel has more, new calls wait, but not for ever', () => {
    const w = world({ handlingMs: 0 });
    w.take(message('INVITE', 0));
    const fill = () => {
      for (let number = 0; number < limits.datagramsPerPoll; number++) w.take(message('BYE', number, 't'));
    };
    w.take(message('INVITE', 1));
    fill();
    w.turn();
    expect(w.intake.report().waiting).toBe(1);
    w.clock.advance(limits.overloadStarvedMs);
    fill();
    w.turn();
    expect(w.intake.report().waiting).toBe(0);
  });

  test('a socket that is never empty: nothing is taken to be older than the kernel can keep it', () => {
    const w = world({ handlingMs: 0 });
    w.take(message('INVITE', 0));
    for (let turn = 0; turn < 5_000; turn++) {
      w.clock.advance(1);
      for (let number = 0; number < limits.datagramsPerPoll; number++) w.take(message('BYE', number, 't'));
      if (turn % 50 === 0) w.take(message('INVITE', 1 + turn));
      w.turn();
    }
    expect(w.delivered.filter((text) => text.startsWith('INVITE'))).toHaveLength(101);
    expect(w.intake.report().waitMs).toBeLessThan(2 * limits.overloadStarvedMs);
    expect(w.changes).toEqual([]);
  });

  test('while too many calls are being opened, the next ones wait without turning the loop', () => {
    let isBusy = true;
    const w = world({ guard: { isBusyOpening: () => isBusy } });
    for (let number = 1; number <= 3; number++) w.take(message('INVITE', number));
    w.drain();
    expect(w.delivered).toEqual([]);
    w.clock.advance(limits.overloadPauseMs);
    w.drain();
    expect(w.delivered).toEqual([]);
    isBusy = false;
    w.clock.advance(limits.overloadPauseMs);
    w.drain();
    expect(w.delivered).toHaveLength(3);
  });

  test('a CANCEL does not overtake its INVITE', () => {
    const w = world();
    for (let number = 1; number <= 3; number++) w.take(message('INVITE', number));
    w.take(message('CANCEL', 3));
    expect(w.delivered.slice(1)).toEqual(['INVITE sip:INVITE3@gw', 'CANCEL sip:CANCEL3@gw']);
  });

  test('an emergency call passes by', () => {
    const isEmergency = () => true;
    const w = world({ guard: { mayBeEmergency: (user) => user === '911', isEmergency } });
    for (let number = 1; number <= 500; number++) w.take(message('INVITE', number));
    w.take(message('INVITE', 911, '', 'sip:911@gw'));
    expect(w.delivered).toEqual(['INVITE sip:INVITE1@gw', 'INVITE sip:911@gw']);
  });

  test('before a connection is closed, what waits of it is served', () => {
    const w = world();
    const connection = flow(true);
    for (let number = 1; number <= 2; number++) w.take(message('INVITE', number));
    w.take(message('INVITE', 3), connection);
    w.intake.flush(connection);
    expect(w.delivered).toEqual(['INVITE sip:INVITE1@gw', 'INVITE sip:INVITE3@gw']);
    expect(w.intake.report().waiting).toBe(1);
  });
});

describe('refusals', () => {
  test('of a flood, as many are let in as will be served in time; each other one gets a 503 at once', () => {
    const w = world();
    for (let number = 0; number < 1_000; number++) w.take(message('INVITE', number));
    const { waiting, totals } = w.intake.report();
    expect(w.peer.sent).toHaveLength(totals.invite);
    expect(1 + waiting + totals.invite).toBe(1_000);
    expect(new Set(w.peer.sent.map((text) => text.slice(0, 35)))).toEqual(
      new Set(['SIP/2.0 503 Service Unavailable\r\nVi']),
    );
    expect(w.changes).toEqual([true]);
    w.drain();
    expect(w.delivered).toHaveLength(1 + waiting);
  });

  test('at ten times what it can do, it does what it can, and nobody who is let in waits much longer than the target', () => {
    const w = world();
    let number = 0;
    const waits: number[] = [];
    // One call takes 4 ms, so 250 a second; they come at 2,500.
    for (let at = 0; at < 3_000; at += 0.4) {
      while (w.clock.now() < at) {
        if (w.turns.length === 0) w.clock.advance(at - w.clock.now());
        else {
          const before = w.delivered.length;
          w.turn();
          if (w.delivered.length > before) waits.push(w.intake.report().waitMs);
        }
      }
      w.take(message('INVITE', number++));
    }
    expect(w.delivered.length).toBeGreaterThan(0.97 * 750);
    expect(w.peer.sent.length).toBeGreaterThan(0.85 * number);
    expect(Math.max(...waits.slice(200))).toBeLessThanOrEqual(130);
    expect(w.changes).toEqual([true]);
  });

  test('a refused INVITE that comes again is refused again, also when there is room', () => {
    const w = world();
    overloaded(w);
    const [refused] = w.peer.sent;
    const number = /Call-ID: call-(\d+)/.exec(refused!)![1]!;
    w.clock.advance(10_000);
    w.take(message('INVITE', Number(number)));
    expect(w.delivered).toEqual([]);
    expect(w.peer.sent.at(-1)).toBe(refused);
    expect(w.intake.report().totals.repeated).toBe(1);
  });

  test('its ACK is absorbed, the ACK of a call is not', () => {
    const w = world();
    overloaded(w);
    const tag = /To: [^\r]*;tag=(\w+)/.exec(w.peer.sent[0]!)![1]!;
    w.take(message('ACK', 1, tag));
    w.take(message('ACK', 2, 'another'));
    expect(w.delivered).toEqual(['ACK sip:ACK2@gw']);
    expect(w.intake.report().totals.acks).toBe(1);
  });

  test('a retransmission of a call that runs is handed to its transaction', () => {
    const w = world({ guard: { isKnown: ({ branch }) => branch === 'z9hG4bKINVITE7' } });
    overloaded(w);
    for (let number = 0; number < 300; number++) w.take(message('INVITE', 20_000 + number));
    w.delivered.length = 0;
    w.take(message('INVITE', 7));
    expect(w.delivered).toEqual(['INVITE sip:INVITE7@gw']);
  });

  test('who may not talk gets silence', () => {
    const w = world({ guard: { mayTalk: () => false } });
    overloaded(w);
    expect(w.peer.sent).toEqual([]);
    expect(w.intake.report().totals.dropped).toBeGreaterThan(100);
  });

  test('OPTIONS is answered while calm, and refused while overloaded: a balancer takes its load elsewhere', () => {
    const w = world();
    w.take(message('OPTIONS', 1));
    expect(w.delivered).toEqual(['OPTIONS sip:OPTIONS1@gw']);
    overloaded(w);
    w.take(message('OPTIONS', 2));
    expect(w.delivered).toEqual([]);
    expect(w.peer.sent.at(-1)).toContain('CSeq: 1 OPTIONS');
  });

  test('REGISTERs are refused only when they themselves are too many', () => {
    const w = world({ handlingMs: 1 });
    for (let number = 0; number < 2_000; number++) w.take(message('INVITE', number));
    for (let number = 0; number < 100; number++) w.take(message('REGISTER', number));
    expect(w.intake.report().totals.register).toBe(0);
    for (let number = 0; number < 2_000; number++) w.take(message('REGISTER', 100 + number));
    expect(w.intake.report().totals.register).toBeGreaterThan(1_000);
    expect(w.peer.sent.at(-1)).toMatch(/CSeq: 1 REGISTER\r\nServer: S\r\nRetry-After: \d+\r\nContent-Length: 0/);
  });

  test('when refusing itself takes too long: silence over UDP, a connection is answered and read later', () => {
    const w = world({ sendingMs: 1 });
    const connection = flow(true);
    overloaded(w);
    w.clock.advance(limits.overloadWindowMs);
    for (let number = 0; number < 200; number++) w.take(message('INVITE', 20_000 + number));
    const { dropped } = w.intake.report().totals;
    expect(dropped).toBeGreaterThan(50);
    w.take(message('INVITE', 30_000), connection);
    expect(connection.sent).toHaveLength(1);
    expect(connection.isPaused).toBe(true);
    w.clock.advance(2 * limits.overloadWindowMs);
    expect(connection.isPaused).toBe(false);
  });

  test('it is over by itself when nothing comes any more', () => {
    const w = world();
    overloaded(w);
    for (let ms = 0; ms < 2 * limits.overloadCalmMs; ms += 50) {
      w.clock.advance(50);
      w.turn();
    }
    expect(w.changes).toEqual([true, false]);
    expect(w.clock.pendingTimers).toBe(0);
    expect(w.turns).toHaveLength(0);
  });

  test('stopped: nothing that waits is served, connections are read again', () => {
    const w = world();
    for (let number = 0; number < 5; number++) w.take(message('INVITE', number));
    w.intake.stop();
    w.drain();
    expect(w.delivered).toHaveLength(1);
    expect(w.intake.report().waiting).toBe(0);
  });
});
