// Recording sessions with the unmodified library (rest-api.md 9.5).

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { limits } from '../../src/base/limits.ts';
import { err, ok } from '../../src/base/result.ts';
import type { CreateSiprecRequest, SiprecApi, SiprecRecord } from '../../src/base/siprec-api.ts';
import { type ApiWorld, apiWorld, json } from '../support/api-world.ts';

/** Sessions that only exist on paper. */
class FakeSiprec implements SiprecApi {
  readonly created: CreateSiprecRequest[] = [];
  readonly records: SiprecRecord[] = [];
  accountSid = '';
  refusal: { code: number; status: number; message: string } | undefined;

  create(request: CreateSiprecRequest) {
    if (this.refusal) return err(this.refusal);
    this.created.push(request);
    const { callSid, name } = request;
    const record: SiprecRecord = {
      sid: `SR${String(this.created.length).padStart(32, '0')}`,
      accountSid: this.accountSid,
      callSid,
      name,
      status: 'in-progress',
      dateUpdated: Date.UTC(2026, 0, 2, 3, 4, 5),
    };
    this.records.push(record);
    return ok(record);
  }
  stop(callSid: string, sidOrName: string) {
    const found = this.records.find(
      (one) => one.callSid === callSid && (one.sid === sidOrName || one.name === sidOrName),
    );
    return found && { ...found, status: 'stopped' as const };
  }
}

let w: ApiWorld;
let siprec: FakeSiprec;
let callSid: string;

beforeEach(async () => {
  siprec = new FakeSiprec();
  w = await apiWorld({ siprec });
  siprec.accountSid = w.account.sid;
  callSid = (await w.client.calls.create({ to: 'sip:a@b.test', from: 'client:me', url: 'http://app.test/' })).sid;
});
afterEach(() => w.stop());

describe('Siprec', () => {
  test('[rest 9.5 siprec-create] connector, name, track, callback and numbered parameters; 200, in-progress', async () => {
    const made = await w.client.calls(callSid).siprec.create({
      connectorName: 'archive',
      name: 'one',
      track: 'inbound_track',
      statusCallback: 'https://app.example.test/s',
      statusCallbackMethod: 'GET',
      'parameter1.name': 'case',
      'parameter1.value': '7',
    });
    const sid = 'SR00000000000000000000000000000001';
    expect(made).toMatchObject({
      sid,
      accountSid: w.account.sid,
      callSid,
      name: 'one',
      status: 'in-progress',
      dateUpdated: new Date(Date.UTC(2026, 0, 2, 3, 4, 5)),
      uri: `/2010-04-01/Accounts/${w.account.sid}/Calls/${callSid}/Siprec/${sid}.json`,
    });
    expect(siprec.created).toEqual([
      {
        callSid,
        connectorName: 'archive',
        name: 'one',
        track: 'inbound_track',
        statusCallback: 'https://app.example.test/s',
        statusCallbackMethod: 'GET',
        parameters: new Map([['case', '7']]),
      },
    ]);
  });

  test('nothing is needed: the default connector, both tracks', async () => {
    await w.client.calls(callSid).siprec.create();
    expect(siprec.created[0]).toMatchObject({
      connectorName: null,
      name: null,
      track: 'both_tracks',
      statusCallback: null,
    });
  });

  test('[rest 9.5 siprec-stop] stopped by its sid and by its name', async () => {
    const { sid } = await w.client.calls(callSid).siprec.create({ name: 'one' });
    for (const key of [sid, 'one'])
      expect(await w.client.calls(callSid).siprec(key).update({ status: 'stopped' })).toMatchObject({
        sid,
        status: 'stopped',
      });
  });

  test.each([
    [{ Track: 'sideways' }, 20001],
    [{ Name: 'x'.repeat(limits.streamNameChars + 1) }, 20001],
    [{ StatusCallback: 'not a url' }, 21502],
    [{ StatusCallbackMethod: 'PUT' }, 21209],
    [{ 'Parameter1.Value': 'without a name' }, 20001],
    [{ 'Parameter1.Name': 'a\u0000b', 'Parameter1.Value': 'x' }, 20001],
    [
      Object.fromEntries(
        Array.from({ length: 20 }, (_, index) => [
          [`Parameter${index + 1}.Name`, `n${index}`],
          [`Parameter${index + 1}.Value`, 'v'.repeat(490)],
        ]).flat(),
      ),
      20001,
    ],
  ])('%#: bad values have their code', async (form, code) => {
    const answer = await w.fetch(`Calls/${callSid}/Siprec.json`, {
      form: String(new URLSearchParams(form as Record<string, string>)),
    });
    expect(answer.status).toBe(400);
    expect(await json(answer)).toMatchObject({ code });
    expect(siprec.created).toEqual([]);
  });

  test('what the call refuses is a bad request; foreign and unknown sids are not found', async () => {
    siprec.refusal = { code: 20001, status: 400, message: 'there is no connector x' };
    await expect(w.client.calls(callSid).siprec.create({ connectorName: 'x' })).rejects.toMatchObject({
      code: 20001,
      status: 400,
    });
    siprec.refusal = undefined;
    await expect(w.client.calls(`CA${'0'.repeat(32)}`).siprec.create()).rejects.toMatchObject({
      status: 404,
      code: 20404,
    });
    const unknown = w.client.calls(callSid).siprec(`SR${'9'.repeat(32)}`);
    await expect(unknown.update({ status: 'stopped' })).rejects.toMatchObject({ status: 404 });
    const answer = await w.fetch(`Calls/${callSid}/Siprec/one.json`, { form: 'Status=paused' });
    expect(await json(answer)).toMatchObject({ code: 20001 });
  });
});
