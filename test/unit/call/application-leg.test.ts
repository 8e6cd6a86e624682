// The leg of an application that is dialled, on a fake engine: what is opened is closed, whatever ends it (twiml.md 6.8).

import { describe, expect, test } from 'vitest';
import { err, ok } from '../../../src/base/result.ts';
import { ApplicationLeg } from '../../../src/call/application-leg.ts';
import type { LegEvent } from '../../../src/call/leg-driver.ts';
import type { EndpointId, MediaEvent } from '../../../src/media/engine.ts';
import { settle } from '../../support/virtual-clock.ts';

class Bench {
  readonly open = new Set<EndpointId>();
  readonly owners = new Map<EndpointId, (event: MediaEvent) => void>();
  readonly events: LegEvent[] = [];
  runs = 0;
  /** How many endpoints can be opened. */
  ports = 2;
  #next = 0;
  readonly leg = new ApplicationLeg(
    {
      engine: {
        open: async () => {
          if (this.open.size >= this.ports) return err({ code: 'noPorts' as const, detail: 'none' });
          const id = `e${++this.#next}`;
          this.open.add(id);
          return ok({ id, localAddress: '127.0.0.1', rtpPort: 2 * this.#next, rtcpPort: 2 * this.#next + 1 });
        },
        close: (endpoint) => void this.open.delete(endpoint),
        configure: () => {},
        expectSilence: () => {},
      },
      router: {
        own: (endpoint, owner) => void this.owners.set(endpoint, owner),
        forget: (endpoint) => void this.owners.delete(endpoint),
      },
    },
    { callSid: 'CA1', near: undefined, run: () => this.runs++ },
  );

  constructor() {
    this.leg.onEvent((event) => this.events.push(event));
  }
  get types(): string[] {
    return this.events.map(({ type }) => type);
  }
  nothingIsLeft(): void {
    expect([this.open.size, this.owners.size, this.leg.endpoint, this.leg.bridgeEndpoint]).toEqual([
      0,
      0,
      undefined,
      undefined,
    ]);
  }
}

describe('an application that is dialled', () => {
  test('two endpoints, then it rings, and its document runs', async () => {
    const b = new Bench();
    b.leg.start();
    b.leg.start();
    await settle();
    expect([b.types, b.runs, b.open.size]).toEqual([['ringing'], 1, 2]);
    expect(b.leg.endpoint).not.toBe(b.leg.bridgeEndpoint);
  });

  test('its answer is done when the bridge has it', async () => {
    const b = new Bench();
    b.leg.start();
    await settle();
    let outcome: unknown;
    void b.leg.answer().then((done) => {
      outcome = done;
    });
    await settle();
    expect([b.types, outcome]).toEqual([['ringing', 'answered'], undefined]);
    b.leg.bridged();
    await settle();
    expect(outcome).toMatchObject({ ok: true });
    expect(await b.leg.answer()).toMatchObject({ ok: true });
    b.leg.hangUp();
    b.leg.hangUp();
    expect(b.types).toEqual(['ringing', 'answered', 'ended']);
    b.nothingIsLeft();
  });

  test('given up between its answer and the bridge: the answer fails', async () => {
    const b = new Bench();
    b.leg.start();
    await settle();
    const answering = b.leg.answer();
    b.leg.hangUp();
    expect(await answering).toMatchObject({ ok: false });
    b.nothingIsLeft();
  });

  test.each([0, 1])('no port for the %ith endpoint: 503, and what was opened is closed', async (ports) => {
    const b = new Bench();
    b.ports = ports;
    b.leg.start();
    await settle();
    expect(b.events).toMatchObject([{ type: 'failed', status: 503 }]);
    expect(b.runs).toBe(0);
    b.nothingIsLeft();
  });

  test('given up before it was started, and while it opens', async () => {
    const idle = new Bench();
    idle.leg.hangUp();
    expect(idle.events).toMatchObject([{ type: 'failed', status: 487, cause: 'canceled' }]);
    const opening = new Bench();
    opening.leg.start();
    opening.leg.hangUp();
    await settle();
    expect(opening.types).toEqual(['failed']);
    expect(opening.runs).toBe(0);
    opening.nothingIsLeft();
    expect(await opening.leg.answer()).toMatchObject({ ok: false });
  });

  test('refused by its document: closed without a word, which the call has', async () => {
    const b = new Bench();
    b.leg.start();
    await settle();
    b.leg.refuse();
    expect(b.types).toEqual(['ringing']);
    b.nothingIsLeft();
  });

  test('keys and plays of the inner endpoint are the call’s; those of the outer one are not', async () => {
    const b = new Bench();
    b.leg.start();
    await settle();
    for (const [endpoint, tell] of b.owners) {
      tell({ type: 'digit', endpoint, digit: '5', durationMs: 100 });
      tell({ type: 'playEnded', endpoint, play: 'p1', outcome: 'finished' });
    }
    expect(b.types).toEqual(['ringing', 'digit', 'playEnded']);
  });

  test('a worker that fails takes it with it', async () => {
    const b = new Bench();
    b.leg.start();
    await settle();
    const [[endpoint, tell]] = [...b.owners] as [[EndpointId, (event: MediaEvent) => void]];
    tell({ type: 'rtpTimeout', endpoint });
    expect(b.types).toEqual(['ringing', 'mediaTimeout']);
  });
});
