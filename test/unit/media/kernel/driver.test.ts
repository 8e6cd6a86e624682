// The driver of the kernel's relays against a kernel of paper: what goes into which transaction, and what becomes of what fails.

import { beforeEach, expect, test } from 'vitest';
import { limits } from '../../../../src/base/limits.ts';
import { err, ok, type Result } from '../../../../src/base/result.ts';
import { KernelDriver } from '../../../../src/media/kernel/driver.ts';
import { type PlainFlow, Slots, slotMemory, slotState } from '../../../../src/media/kernel/slots.ts';
import { VirtualClock } from '../../../support/virtual-clock.ts';

const TABLE = 'hookswitch_media_20000';
const SSRC = 0x01020304;

/** Takes element commands into sets, refuses what nft would refuse, counts as it is told. */
class PaperKernel {
  readonly elements = new Map<string, number>();
  readonly runs: string[] = [];
  /** Packets per element. */
  arrived = 0;
  departed = 0;
  refuses: (text: string) => boolean = () => false;

  nft = async (args: readonly string[], input = ''): Promise<Result<string, string>> => {
    this.runs.push(args.includes('list') ? 'list' : input);
    await Promise.resolve();
    if (args[0] === '-t') return this.isThere ? ok('') : err('No such file or directory');
    if (args.includes('list')) return this.isThere ? ok(this.#listing(args.at(-1)!)) : err('No such file or directory');
    if (input.startsWith('table')) {
      this.elements.clear();
      this.isThere = true;
      return ok('');
    }
    if (!this.isThere || this.refuses(input)) return err('Could not process rule');
    return this.#change(input);
  };

  isThere = true;

  #change(input: string): Result<string, string> {
    for (const [, verb, map, body] of input.matchAll(/^(add|delete) element inet \S+ (\S+) \{ (.*) \}$/gm)) {
      for (const part of body!.split(', ')) {
        const [key, value] = part.split(' : ');
        const name = `${map} ${key}`;
        if (verb === 'delete' && !this.elements.delete(name)) return err('No such file or directory');
        if (verb === 'add') this.elements.set(name, Number(value));
      }
    }
    return ok('');
  }

  #listing(wanted: string): string {
    const elem = [...this.elements].flatMap(([name, value]) => {
      const [map, ...key] = name.split(' ');
      if (map !== wanted) return [];
      const concat = key
        .join(' ')
        .split(' . ')
        .map((part) => (/^\d+$/.test(part) ? Number(part) : part));
      const packets = wanted.startsWith('own_port') ? this.departed : concat.at(-1) === SSRC ? 0 : this.arrived;
      return [[{ elem: { val: { concat }, counter: { packets, bytes: packets * 200 } } }, value]];
    });
    return JSON.stringify({ nftables: [{ map: { name: wanted, elem } }] });
  }
}

const flows = (call: number): readonly [PlainFlow, PlainFlow] => {
  const [a, b] = [
    { address: '192.0.2.10', port: 4000 + 2 * call },
    { address: '198.51.100.2', port: 4000 + 2 * call },
  ];
  const [inner, outer] = [
    { address: '192.0.2.1', port: 20000 + 4 * call },
    { address: '198.51.100.1', port: 20002 + 4 * call },
  ];
  const one = (from: typeof a, at: typeof a, out: typeof a, to: typeof a): PlainFlow => ({
    ...{ sourceAddress: from.address, sourcePort: from.port, arrivalAddress: at.address, arrivalPort: at.port },
    ...{ ssrc: SSRC, payloadType: 0, departureAddress: out.address, departurePort: out.port },
    ...{ targetAddress: to.address, targetPort: to.port },
  });
  return [one(a, inner, outer, b), one(b, outer, inner, a)];
};

const warnings: string[] = [];
const log = {
  warn: (_: unknown, text: string) => warnings.push(text),
  error: (_: unknown, text: string) => warnings.push(text),
};
let kernel: PaperKernel;
let clock: VirtualClock;
let driver: KernelDriver;
let slots: Slots;

const create = (count = 100): KernelDriver =>
  new KernelDriver({
    nft: kernel.nft,
    table: {
      ...{ table: TABLE, mediaPorts: { first: 20000, last: 20999 }, flows: count },
      ...{ mediaDscp: null, signallingDscp: null, sipPorts: [] },
    },
    ...{
      clock,
      log,
      ownAddresses: () => ['192.0.2.1', '198.51.100.1', '127.0.0.1'],
      forwards: (family) => family === 4,
    },
  });

/** Lets what was begun end, and time pass. */
async function pass(ms = 0): Promise<void> {
  for (let turn = 0; turn < 200; turn++) await Promise.resolve();
  if (ms === 0) return;
  await clock.advance(ms);
  for (let turn = 0; turn < 200; turn++) await Promise.resolve();
}

const add = (...calls: number[]) =>
  driver.receive(
    1,
    slots,
    calls.map((call) => ({ type: 'add', slot: begin(call), flows: flows(call) })),
  );
const remove = (...calls: number[]) =>
  driver.receive(
    1,
    slots,
    calls.map((slot) => ({ type: 'remove', slot })),
  );
const begin = (slot: number): number => {
  slots.begin(slot);
  return slot;
};
const states = (...calls: number[]) => calls.map((call) => slots.state(call));

/** The first call that shows that packets get through between the two addresses. */
async function prove(): Promise<void> {
  add(99);
  await pass();
  kernel.arrived = 2;
  kernel.departed = 2;
  await pass(2 * limits.kernelTrialPollMs);
  remove(99);
  await pass();
  kernel.runs.length = 0;
}

beforeEach(() => {
  kernel = new PaperKernel();
  clock = new VirtualClock();
  slots = new Slots(slotMemory(100));
  driver = create();
  warnings.length = 0;
});

test('while it is not known whether packets get through, one call tries; then many go in one transaction', async () => {
  add(1, 2);
  expect(states(1, 2)).toEqual([slotState.waiting, slotState.failed]);
  await pass();
  expect(states(1)).toEqual([slotState.active]);
  kernel.arrived = 10;
  kernel.departed = 10;
  await pass(2 * limits.kernelTrialPollMs);
  kernel.runs.length = 0;
  add(3, 4, 5);
  await pass();
  expect(states(3, 4, 5)).toEqual([slotState.active, slotState.active, slotState.active]);
  expect(kernel.runs.filter((run) => run.startsWith('add'))).toHaveLength(1);
});

test('counters come to the slots, and the slots are free after the end', async () => {
  await prove();
  add(1);
  await pass();
  kernel.arrived = 40;
  kernel.departed = 40;
  await pass(2 * limits.kernelPollMs);
  expect(slots.reads(1)).toBeGreaterThan(0);
  // The order of the SSRC is known by now: one element of it for each flow.
  expect([...kernel.elements.keys()].filter((name) => name.startsWith('flow'))).toHaveLength(2);
  expect([slots.packets(1, 0), slots.packets(1, 1), slots.bytes(1, 0)]).toEqual([40, 40, 40 * 160]);
  remove(1);
  await pass();
  expect(states(1)).toEqual([slotState.free]);
  expect([kernel.elements.size, driver.size]).toEqual([0, 0]);
});

test('packets that arrive and do not leave: the call is given back, and nobody tries there for a while', async () => {
  add(1);
  await pass();
  kernel.arrived = 10;
  await pass(2 * limits.kernelTrialPollMs);
  expect(states(1)).toEqual([slotState.failed]);
  expect(kernel.elements.size).toBe(0);
  expect(warnings.join()).toContain('the kernel drops relayed packets');
  remove(1);
  expect(states(1)).toEqual([slotState.free]);
  add(2);
  expect(states(2)).toEqual([slotState.failed]);
  await pass(limits.kernelBlockedMs);
  add(3);
  expect(states(3)).toEqual([slotState.waiting]);
});

test('one that the kernel refuses does not keep the others out', async () => {
  await prove();
  kernel.refuses = (text) => text.includes('. 4004 ');
  add(1, 2, 3);
  await pass();
  expect(states(1, 2, 3)).toEqual([slotState.active, slotState.failed, slotState.active]);
});

test('asked and ended at once: nothing stays', async () => {
  await prove();
  add(1);
  remove(1);
  await pass();
  expect([states(1), driver.size, kernel.elements.size]).toEqual([[slotState.free], 0, 0]);
});

test('a table that others have removed is made anew, and all calls are given back', async () => {
  await prove();
  add(1, 2);
  await pass();
  kernel.elements.clear();
  kernel.isThere = false;
  await pass(2 * limits.kernelPollMs);
  expect(states(1, 2)).toEqual([slotState.failed, slotState.failed]);
  expect(kernel.isThere).toBe(true);
  add(3);
  await pass();
  expect(states(3)).toEqual([slotState.active]);
});

test('a table that was removed while no call was in it is made anew for the next one', async () => {
  await prove();
  kernel.isThere = false;
  add(1);
  await pass();
  expect([states(1), kernel.isThere]).toEqual([[slotState.failed], true]);
  add(2);
  await pass();
  expect(states(2)).toEqual([slotState.active]);
});

test('of many that are refused together some are tried alone, the others come again', async () => {
  await prove();
  kernel.refuses = (text) => text.includes('. 4002 ');
  const calls = Array.from({ length: limits.kernelRetries + 4 }, (_, index) => index + 1);
  add(...calls);
  await pass();
  const expected = calls.map((call) =>
    call === 1 || call > limits.kernelRetries ? slotState.failed : slotState.active,
  );
  expect(states(...calls)).toEqual(expected);
});

test('a worker that is gone leaves nothing behind', async () => {
  await prove();
  add(1, 2);
  await pass();
  driver.disconnected(1);
  await pass();
  expect([driver.size, kernel.elements.size]).toEqual([0, 0]);
});

test('not taken: a peer on this machine, a family that is not forwarded, the same addresses twice, more than there is room for', async () => {
  await prove();
  const [first, second] = flows(1);
  const local = { ...second, sourceAddress: '198.51.100.1' };
  driver.receive(1, slots, [{ type: 'add', slot: begin(1), flows: [first, local] }]);
  const six = (flow: PlainFlow): PlainFlow => ({
    ...flow,
    ...{ sourceAddress: '2001:db8::1', arrivalAddress: '2001:db8::2' },
    ...{ departureAddress: '2001:db8::3', targetAddress: '2001:db8::4' },
  });
  driver.receive(1, slots, [{ type: 'add', slot: begin(2), flows: [six(first), six(second)] }]);
  add(3);
  driver.receive(1, slots, [{ type: 'add', slot: begin(4), flows: flows(3) }]);
  expect(states(1, 2, 3, 4)).toEqual([slotState.failed, slotState.failed, slotState.waiting, slotState.failed]);
  driver = create(1);
  driver.receive(2, slots, [{ type: 'add', slot: begin(5), flows: flows(5) }]);
  expect(states(5)).toEqual([slotState.failed]);
});

test('after stop nothing is asked of the kernel any more', async () => {
  await driver.stop();
  add(1);
  await pass(2 * limits.kernelPollMs);
  expect([kernel.runs, states(1)]).toEqual([[], [slotState.failed]]);
});
