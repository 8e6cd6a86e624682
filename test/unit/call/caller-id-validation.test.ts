// The call that proves a number (rest-api.md 13), on fake legs.

import { describe, expect, test } from 'vitest';
import type { ValidationRequest } from '../../../src/base/caller-ids-api.ts';
import type { CreateCallRequest } from '../../../src/base/calls-api.ts';
import { err, ok } from '../../../src/base/result.ts';
import type { OutgoingCallerId } from '../../../src/base/voice-records.ts';
import { createCallerIdValidation } from '../../../src/call/caller-id-validation.ts';
import { ACCOUNT, CallBench, type FakeLeg } from '../../support/call-fakes.ts';
import { seededRandom } from '../../support/network.ts';
import { settle } from '../../support/virtual-clock.ts';

const request: ValidationRequest = {
  accountSid: ACCOUNT,
  phoneNumber: '+4930123',
  friendlyName: 'Front desk',
  extension: null,
  delayMs: 0,
  callback: { url: 'http://app/verified', method: 'POST' },
};

class ValidationBench extends CallBench {
  readonly made: CreateCallRequest[] = [];
  readonly said: string[] = [];
  readonly kept: OutgoingCallerId[] = [];
  readonly told: (string | undefined)[][] = [];
  isAutomatic = false;
  shown: string | undefined;
  refusal: { code: number; status: number; message: string } | undefined;
  canKeep = true;
  leg1: FakeLeg | undefined;

  readonly api = createCallerIdValidation({
    restCalls: {
      create: (wanted) => {
        this.made.push(wanted);
        if (this.refusal) return err(this.refusal);
        const { call, leg } = this.outbound({ direction: 'outbound-api' });
        this.leg1 = leg;
        call.start();
        return ok(call.record());
      },
      redirect: async (callSid, instructions) => {
        this.said.push('twiml' in instructions ? instructions.twiml : '');
        return ok(this.calls.get(callSid)!.record());
      },
    },
    callOf: (callSid) => this.calls.get(callSid),
    shownNumber: () => this.shown,
    isAutomatic: () => this.isAutomatic,
    keep: async (callerId) => {
      if (!this.canKeep) throw new Error('disk full');
      this.kept.push(callerId);
      return callerId.sid;
    },
    tell: ({ callback }, callSid, callerIdSid) => void this.told.push([callback?.url, callSid, callerIdSid]),
    wall: () => 1_000,
    random: seededRandom(7).bytes,
  });

  async begin(changes: Partial<ValidationRequest> = {}) {
    const started = await this.api.validate({ ...request, ...changes });
    if (!started.ok) throw new Error(started.error.message);
    return { ...started.value, call: this.calls.get(started.value.callSid ?? ''), leg: this.leg1! };
  }

  async keys(leg: FakeLeg, digits: string): Promise<void> {
    for (const digit of digits) leg.presses(digit);
    await settle();
  }
}

describe('rest-api.md 13: validation by a call', () => {
  test('the number is called; the right code keeps it and tells the callback [rest 13 validation]', async () => {
    const bench = new ValidationBench();
    const { callSid, validationCode, leg } = await bench.begin();
    expect(validationCode).toMatch(/^[1-9]\d{5}$/);
    expect(bench.made[0]).toMatchObject({ to: '+4930123', from: 'anonymous', accountSid: ACCOUNT, sendDigits: null });
    leg.answers();
    await bench.keys(leg, validationCode);
    expect(bench.kept).toEqual([
      expect.objectContaining({ phoneNumber: '+4930123', friendlyName: 'Front desk', accountSid: ACCOUNT }),
    ]);
    expect(bench.told).toEqual([['http://app/verified', callSid, bench.kept[0]?.sid]]);
    expect(bench.said.at(-1)).toContain('Thank you');
    leg.hangsUp();
    await settle();
    expect(bench.told).toHaveLength(1);
  });

  test('a number of the account is shown where it has one; extension and delay are the call’s', async () => {
    const bench = new ValidationBench();
    bench.shown = '+4989777';
    await bench.begin({ extension: '12#', delayMs: 5_000 });
    expect(bench.made[0]).toMatchObject({ from: '+4989777', sendDigits: 'W12#', delayMs: 5_000 });
  });

  test('a wrong code may be tried again, three times in all: then failed', async () => {
    const bench = new ValidationBench();
    const { leg, callSid } = await bench.begin();
    leg.answers();
    await bench.keys(leg, '000000000000');
    expect([bench.said.length, bench.told]).toEqual([2, []]);
    await bench.keys(leg, '000000');
    expect([bench.kept, bench.told]).toEqual([[], [['http://app/verified', callSid, undefined]]]);
    await bench.keys(leg, '000000');
    expect(bench.told).toHaveLength(1);
  });

  test('star and hash begin again', async () => {
    const bench = new ValidationBench();
    const { leg, validationCode } = await bench.begin();
    leg.answers();
    await bench.keys(leg, `99*${validationCode}`);
    expect(bench.kept).toHaveLength(1);
  });

  test.each<[string, (leg: FakeLeg) => void]>([
    ['busy', (leg) => leg.fails(486)],
    [
      'nobody keys anything',
      (leg) => {
        leg.answers();
        leg.hangsUp();
      },
    ],
  ])('%s: failed, and told once', async (_, goes) => {
    const bench = new ValidationBench();
    const { leg, callSid } = await bench.begin();
    goes(leg);
    await settle();
    expect(bench.told).toEqual([['http://app/verified', callSid, undefined]]);
  });

  test('a record that cannot be kept: failed, and the call ends', async () => {
    const bench = new ValidationBench();
    bench.canKeep = false;
    const { leg, callSid, validationCode, call } = await bench.begin();
    leg.answers();
    await bench.keys(leg, validationCode);
    expect(bench.told).toEqual([['http://app/verified', callSid, undefined]]);
    expect(call?.isOver).toBe(true);
  });

  test('a call that cannot be made is the answer', async () => {
    const bench = new ValidationBench();
    bench.refusal = { code: 21215, status: 400, message: 'not allowed' };
    expect(await bench.api.validate(request)).toEqual(err(bench.refusal));
  });
});

test('auto: every number is believed, without a call [rest 13 auto-verify]', async () => {
  const bench = new ValidationBench();
  bench.isAutomatic = true;
  expect(await bench.begin()).toMatchObject({ callSid: null });
  expect([bench.made, bench.kept.length]).toEqual([[], 1]);
  expect(bench.told).toEqual([['http://app/verified', undefined, bench.kept[0]?.sid]]);
  await bench.begin({ callback: null });
  expect(bench.told).toHaveLength(1);
});
