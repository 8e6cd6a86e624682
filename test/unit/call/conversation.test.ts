// Conversations and their transfers on fake legs and a virtual clock: what the scenarios cannot bring about at will.

import { describe, expect, test } from 'vitest';
import { limits } from '../../../src/base/limits.ts';
import { Attended } from '../../../src/call/attended.ts';
import { Bridge } from '../../../src/call/bridge.ts';
import type { Call } from '../../../src/call/call.ts';
import { type ConversationEnd, type ConversationOptions, converse } from '../../../src/call/conversation.ts';
import { keepOrphans } from '../../../src/call/orphans.ts';
import type { TransferDocument, TransferHooks, TransferRunEnd } from '../../../src/call/transfer.ts';
import { parseReferTo } from '../../../src/sip/grammar/refer.ts';
import type { DialogName, ReferAnswer } from '../../../src/sip/ua/ua.ts';
import { CallBench, domainRecord, type FakeLeg } from '../../support/call-fakes.ts';
import { settle } from '../../support/virtual-clock.ts';

/** How a REFER was answered: `202`, `refuse 603`, `200` … */
class FakeAnswer implements ReferAnswer {
  readonly done: string[] = [];
  /** Holds back the answer to the last NOTIFY. */
  isSlow = false;
  isOpen = true;
  accept(): void {
    this.isOpen = false;
    this.done.push('202');
  }
  refuse(status: number): void {
    this.isOpen = false;
    this.done.push(`refuse ${status}`);
  }
  async progress(): Promise<void> {}
  #isFinished = false;
  finish(status: number): Promise<void> {
    if (!this.#isFinished) this.done.push(`notify ${status}`);
    this.#isFinished = true;
    return this.isSlow ? new Promise(() => {}) : Promise.resolve();
  }
}

interface Leg {
  readonly call: Call;
  readonly leg: FakeLeg;
}

const office = domainRecord();
const nameOf = new WeakMap<FakeLeg, DialogName>();
let nextDialog = 0;

class Bench extends CallBench {
  readonly attended = new Attended(this.calls, this);
  readonly runs: {
    call: Call;
    document: TransferDocument;
    hooks: TransferHooks;
    end: (end?: Partial<TransferRunEnd>) => void;
  }[] = [];

  /** An answered leg with a dialog of its own. */
  async answered(direction: 'inbound' | 'outbound', domain = office): Promise<Leg> {
    const made = this[direction]({ domain });
    const number = ++nextDialog;
    const dialog: DialogName = {
      callId: `c${number}`,
      localTag: `l${number}`,
      remoteTag: `r${number}`,
      state: 'confirmed',
    };
    nameOf.set(made.leg, dialog);
    Object.defineProperty(made.leg, 'dialogs', { value: [dialog] });
    if (direction === 'inbound') await made.call.answer();
    else {
      made.call.start();
      made.leg.answers();
    }
    return made;
  }

  async pair(domain = office) {
    const parent = await this.answered('inbound', domain);
    const child = await this.answered('outbound', domain);
    const bridge = new Bridge(parent.call, child.call, this);
    this.attended.note(bridge);
    bridge.start();
    return { parent, child, bridge };
  }

  readonly runTransfer = (call: Call, document: TransferDocument, hooks: TransferHooks): Promise<TransferRunEnd> =>
    new Promise((resolve) => {
      const end = (part: Partial<TransferRunEnd> = {}) => resolve({ isReplaced: false, sipStatus: undefined, ...part });
      this.runs.push({ call, document, hooks, end });
      hooks.signal.addEventListener('abort', () => end(), { once: true });
    });

  /** A conversation of the parent; `ended` once it is over. */
  talk(bridge: Bridge, caller: Call, changes: Partial<ConversationOptions> = {}) {
    const document = new AbortController();
    caller.signal.addEventListener('abort', () => document.abort(), { once: true });
    const told: { end: ConversationEnd | undefined } = { end: undefined };
    const options: ConversationOptions = {
      timeLimitSeconds: 14_400,
      answerOnBridge: true,
      refer: { url: 'http://app.example/refer', method: 'POST' },
      ...changes,
    };
    const services = { clock: this.clock, runTransfer: this.runTransfer, attended: this.attended };
    void converse(bridge, caller, options, services, document.signal).then((end) => {
      told.end = end;
    });
    return { told, document };
  }
}

function refers(from: Leg, target = '<sip:carol@office.example>'): FakeAnswer {
  const answer = new FakeAnswer();
  const referTo = parseReferTo(target);
  if (!referTo.ok) throw new Error('test target');
  from.leg.emit({ type: 'refer', referTo: referTo.value, answer });
  return answer;
}

function replacing(leg: Leg): string {
  const { callId, localTag, remoteTag } = nameOf.get(leg.leg)!;
  return `<sip:x@office.example?Replaces=${encodeURIComponent(`${callId};to-tag=${localTag};from-tag=${remoteTag}`)}>`;
}

describe('a blind transfer', () => {
  test('a transferor that does not answer its last NOTIFY gets BYE after 2 s', async () => {
    const bench = new Bench();
    const { parent, child, bridge } = await bench.pair();
    const { told } = bench.talk(bridge, parent.call, { answerOnBridge: false });
    const answer = refers(child);
    answer.isSlow = true;
    bench.runs[0]!.hooks.onFetched(true);
    await bench.clock.advanceAsync(limits.transferorLeaveMs - 1);
    expect(child.call.isOver).toBe(false);
    await bench.clock.advanceAsync(1);
    expect(child.call.isOver).toBe(true);
    bench.runs[0]!.end();
    await settle();
    expect(told.end).toEqual({ how: 'transferred' });
    expect(answer.done).toEqual(['202', 'notify 200']);
  });

  test('design.md 6: parked, each side gets silence, holds and digits are not relayed; back again, a hold counts', async () => {
    const bench = new Bench();
    const { parent, child, bridge } = await bench.pair();
    bench.talk(bridge, parent.call);
    const answer = refers(child);
    bench.runs[0]!.hooks.onFetched(true);
    expect([bridge.isParked, bench.engine.bridgesNow.size]).toEqual([true, 0]);
    parent.leg.done.length = 0;
    child.leg.offers('sendonly');
    child.leg.emit({ type: 'digit', digit: '5', durationMs: 100, inSignalling: true });
    expect(parent.leg.done).toEqual([]);
    bench.runs[0]!.end({ sipStatus: 486 });
    await settle();
    expect(answer.done).toEqual(['202', 'notify 486']);
    expect([bridge.isParked, bench.engine.bridgesNow.size]).toEqual([false, 1]);
    expect(parent.leg.done).toEqual(['limit sendonly', 'offer sendonly']);
  });

  test('a hold before the REFER ends when the two are parted', async () => {
    const bench = new Bench();
    const { parent, child, bridge } = await bench.pair();
    bench.talk(bridge, parent.call);
    child.leg.offers('sendonly');
    refers(child);
    bench.runs[0]!.hooks.onFetched(true);
    expect(parent.leg.done.at(-1)).toBe('offer sendrecv');
  });

  test('no document, 503; no answer of any target, 480', async () => {
    for (const [isFetched, notified] of [
      [false, 503],
      [true, 480],
    ] as const) {
      const bench = new Bench();
      const { parent, child, bridge } = await bench.pair();
      bench.talk(bridge, parent.call);
      const answer = refers(child);
      bench.runs[0]!.hooks.onFetched(isFetched);
      bench.runs[0]!.end();
      await settle();
      expect(answer.done).toEqual(['202', `notify ${notified}`]);
      expect(child.call.isOver).toBe(false);
    }
  });

  test('a call takes so many transfers and no more', async () => {
    const bench = new Bench();
    const { parent, child, bridge } = await bench.pair();
    bench.talk(bridge, parent.call);
    for (let count = 0; count < limits.transfersPerCall; count++) {
      expect(refers(child).done).toEqual(['202']);
      bench.runs.at(-1)!.end();
      await settle();
    }
    expect(refers(child).done).toEqual(['refuse 603']);
  });

  test('the document of the caller is replaced by REST: what the transfer runs ends with it', async () => {
    const bench = new Bench();
    const { parent, child, bridge } = await bench.pair();
    const { told, document } = bench.talk(bridge, parent.call);
    const answer = refers(child);
    bench.runs[0]!.hooks.onFetched(true);
    document.abort('replaced');
    await settle();
    expect(told.end).toMatchObject({ how: 'over', peer: child.call, isPeerChild: true });
    expect(answer.done).toEqual(['202', 'notify 487']);
    expect(bench.runs[0]!.hooks.signal.aborted).toBe(true);
  });

  test('the caller transfers, then REST replaces the document of who stays: the caller goes on alone', async () => {
    const bench = new Bench();
    const { parent, bridge, child } = await bench.pair();
    const { told } = bench.talk(bridge, parent.call);
    const answer = refers(parent);
    bench.runs[0]!.hooks.onFetched(true);
    bench.runs[0]!.end({ isReplaced: true });
    bridge.release(child.call);
    await settle();
    expect(answer.done).toEqual(['202', 'notify 487']);
    expect(told.end).toEqual({ how: 'taken' });
    expect([parent.call.isOver, child.call.isOver]).toEqual([false, false]);
  });
});

describe('a bridge in which both calls have a session (queues)', () => {
  /** The agent's conversation knows referUrl; that of the caller from the queue does not. */
  async function queued(changes: Partial<ConversationOptions> = {}) {
    const bench = new Bench();
    const agent = await bench.answered('inbound');
    const caller = await bench.answered('inbound');
    const bridge = new Bridge(agent.call, caller.call, bench, new Set());
    bridge.start();
    const agentTalk = bench.talk(bridge, agent.call, changes);
    const callerTalk = bench.talk(bridge, caller.call, { refer: undefined, timeLimitSeconds: undefined });
    return { bench, agent, caller, bridge, agentTalk, callerTalk };
  }

  test('the agent transfers the caller: its session waits for the document, and is over with it', async () => {
    const { bench, agent, caller, agentTalk, callerTalk } = await queued({ answerOnBridge: false });
    const answer = refers(agent);
    expect(bench.runs[0]!.call).toBe(caller.call);
    bench.runs[0]!.hooks.onFetched(true);
    await settle();
    expect([callerTalk.told.end, agent.call.isOver]).toEqual([undefined, true]);
    expect(agentTalk.told.end).toEqual({ how: 'taken' });
    expect(callerTalk.told.end).toBeUndefined();
    bench.runs[0]!.end();
    await settle();
    expect(callerTalk.told.end).toEqual({ how: 'transferred' });
    expect(answer.done).toEqual(['202', 'notify 200']);
  });

  test('REST replaces the document of a caller that is being transferred: that of the transfer ends first', async () => {
    const { bench, agent, callerTalk } = await queued({ answerOnBridge: false });
    refers(agent);
    bench.runs[0]!.hooks.onFetched(true);
    agent.leg.hangsUp();
    await settle();
    callerTalk.document.abort('replaced');
    await settle();
    expect(bench.runs[0]!.hooks.signal.aborted).toBe(true);
    expect(callerTalk.told.end).toEqual({ how: 'transferred' });
  });

  test('an attempt that fails: the two talk again, and both conversations go on', async () => {
    const { bench, agent, bridge, agentTalk, callerTalk } = await queued();
    const answer = refers(agent);
    bench.runs[0]!.hooks.onFetched(true);
    expect(bridge.isParked).toBe(true);
    bench.runs[0]!.end({ sipStatus: 486 });
    await settle();
    expect([bridge.isParked, agentTalk.told.end, callerTalk.told.end]).toEqual([false, undefined, undefined]);
    expect(answer.done).toEqual(['202', 'notify 486']);
    agent.leg.hangsUp();
    await settle();
    expect([agentTalk.told.end?.how, callerTalk.told.end?.how]).toEqual(['over', 'over']);
  });

  test('an attempt, and the agent hangs up meanwhile: the caller stays with the document', async () => {
    const { bench, agent, caller, agentTalk, callerTalk } = await queued();
    refers(agent);
    bench.runs[0]!.hooks.onFetched(true);
    agent.leg.hangsUp();
    await settle();
    expect([agentTalk.told.end, callerTalk.told.end]).toEqual([{ how: 'taken' }, undefined]);
    bench.runs[0]!.end();
    await settle();
    expect([callerTalk.told.end, caller.call.isOver]).toEqual([{ how: 'transferred' }, false]);
  });

  test('the caller from the queue transfers the agent: by the rules of the agent, whose session waits', async () => {
    const { bench, agent, caller, agentTalk, callerTalk } = await queued({ answerOnBridge: false });
    refers(caller);
    expect(bench.runs[0]!.call).toBe(agent.call);
    bench.runs[0]!.hooks.onFetched(true);
    caller.leg.hangsUp();
    await settle();
    expect([agentTalk.told.end, callerTalk.told.end]).toEqual([undefined, { how: 'taken' }]);
    bench.runs[0]!.end();
    await settle();
    expect(agentTalk.told.end).toEqual({ how: 'transferred' });
  });
});

describe('[sip 5.2 attended] Replaces', () => {
  test('a dialog of another domain is unknown, whoever asks', async () => {
    const bench = new Bench();
    const other = domainRecord({ sid: `SD${'2'.repeat(32)}`, domainName: 'other.example' });
    const ours = await bench.pair();
    const theirs = await bench.pair(other);
    bench.talk(ours.bridge, ours.parent.call, { refer: undefined });
    const answer = refers(ours.child, replacing(theirs.parent));
    expect(answer.done).toEqual(['202', 'notify 481']);
    const { callId, localTag: toTag, remoteTag: fromTag } = nameOf.get(theirs.parent.leg)!;
    const name = { callId, toTag, fromTag, earlyOnly: false };
    expect(bench.attended.replaced(name, office)).toMatchObject({ ok: false, error: { status: 481 } });
    expect(bench.attended.replaced(name, other).ok).toBe(true);
    expect(ours.bridge.isOver || theirs.bridge.isOver).toBe(false);
  });

  test('a leg that is in no bridge cannot be joined: NOTIFY 488', async () => {
    const bench = new Bench();
    const { parent, child, bridge } = await bench.pair();
    bench.talk(bridge, parent.call);
    const alone = await bench.answered('inbound');
    expect(refers(child, replacing(alone)).done).toEqual(['202', 'notify 488']);
    expect(bridge.isOver).toBe(false);
  });

  test('either end of the same bridge: 400; a parked one: 491', async () => {
    const bench = new Bench();
    const { parent, child, bridge } = await bench.pair();
    bench.talk(bridge, parent.call);
    expect(refers(child, replacing(child)).done).toEqual(['refuse 400']);
    expect(refers(child, replacing(parent)).done).toEqual(['refuse 400']);
    const other = await bench.pair();
    other.bridge.park();
    expect(refers(child, replacing(other.child)).done).toEqual(['refuse 491']);
  });

  test('the time limit of a Dial ends a party that it may hang up, and only leaves one that has a session', async () => {
    for (const [second, isPeerHungUp] of [
      ['parent', true],
      ['child', false],
    ] as const) {
      const bench = new Bench();
      const one = await bench.pair();
      const two = await bench.pair();
      const { told } = bench.talk(one.bridge, one.parent.call, { timeLimitSeconds: 60 });
      bench.talk(two.bridge, two.parent.call);
      // Of the second pair the parent leaves and its child stays, or the other way round.
      expect(refers(one.child, replacing(two[second])).done).toEqual(['202', 'notify 200']);
      const stays = second === 'parent' ? two.child : two.parent;
      await bench.clock.advanceAsync(59_000);
      expect(told.end).toBeUndefined();
      await bench.clock.advanceAsync(1_000);
      expect(stays.call.isOver).toBe(isPeerHungUp);
      expect(told.end?.how).toBe(isPeerHungUp ? 'over' : 'taken');
    }
  });

  test('two that nobody has a session for: REST takes one, the other is hung up', async () => {
    const bench = new Bench();
    const first = await bench.answered('outbound');
    const second = await bench.answered('outbound');
    for (const taken of [first, second]) {
      const pair =
        taken === first ? [first, await bench.answered('outbound')] : [await bench.answered('outbound'), second];
      const [a, b] = pair as [Leg, Leg];
      const bridge = new Bridge(a.call, b.call, bench, new Set([a.call, b.call]));
      bridge.start();
      const kept = keepOrphans(bridge, { clock: bench.clock, attended: bench.attended });
      bridge.release(taken.call);
      await kept;
      expect([a, b].map((one) => one.call.isOver)).toEqual([a, b].map((one) => one !== taken));
    }
  });

  test('early: only where we sent the INVITE and a Dial waits; afterwards nothing is kept', async () => {
    const bench = new Bench();
    const rings = bench.outbound({ domain: office });
    Object.defineProperty(rings.leg, 'dialogs', {
      value: [{ callId: 'early', localTag: 'l', remoteTag: 'r', state: 'early' } satisfies DialogName],
    });
    const name = { callId: 'early', toTag: 'l', fromTag: 'r', earlyOnly: true };
    expect(bench.attended.replaced(name, office)).toMatchObject({ ok: false, error: { status: 481 } });
    const taken: Call[] = [];
    const stop = bench.attended.ring(rings.call, (substitute) => taken.push(substitute));
    const found = bench.attended.replaced(name, office);
    const substitute = await bench.answered('inbound');
    expect(found.ok && found.value.takeOver(substitute.call)).toBe(true);
    expect(taken).toEqual([substitute.call]);
    stop();
    expect(bench.attended.ringingCount).toBe(0);
    expect(found.ok && found.value.takeOver(substitute.call)).toBe(false);
  });

  test('dialogs that ended are remembered for 32 s, and forgotten', async () => {
    const bench = new Bench();
    const { parent } = await bench.pair();
    const { callId, localTag: toTag, remoteTag: fromTag } = nameOf.get(parent.leg)!;
    const statusNow = () => {
      const read = bench.attended.replaced({ callId, toTag, fromTag, earlyOnly: false }, office);
      return read.ok ? 200 : read.error.status;
    };
    parent.leg.hangsUp();
    expect(statusNow()).toBe(603);
    await bench.clock.advanceAsync(limits.endedDialogMs);
    const another = await bench.answered('inbound');
    another.leg.hangsUp();
    expect(statusNow()).toBe(481);
  });
});
