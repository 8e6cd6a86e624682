// Streams with the unmodified library (rest-api.md 9.5).

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ok } from '../../src/base/result.ts';
import type { CreateStreamRequest, StreamRecord, StreamsApi } from '../../src/base/streams-api.ts';
import { type ApiWorld, apiWorld, json } from '../support/api-world.ts';

/** Streams that only exist on paper. */
class FakeStreams implements StreamsApi {
  readonly created: CreateStreamRequest[] = [];
  readonly records: StreamRecord[] = [];
  accountSid = '';

  create(request: CreateStreamRequest) {
    this.created.push(request);
    const { callSid, name } = request;
    const sid = `MZ${String(this.created.length).padStart(32, '0')}`;
    const record: StreamRecord = {
      sid,
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
let streams: FakeStreams;
let callSid: string;

beforeEach(async () => {
  streams = new FakeStreams();
  w = await apiWorld({ streams });
  streams.accountSid = w.account.sid;
  const call = await w.client.calls.create({ to: 'sip:a@b.test', from: 'client:me', url: 'http://app.test/' });
  callSid = call.sid;
});
afterEach(() => w.stop());

describe('Streams', () => {
  test('[rest 9.5 stream-create] url, name, track, callback and numbered parameters; 200, in-progress [rest 6 status-200]', async () => {
    const stream = await w.client.calls(callSid).streams.create({
      url: 'wss://agent.example.test/media',
      name: 'tap',
      track: 'both_tracks',
      statusCallback: 'https://app.example.test/s',
      statusCallbackMethod: 'GET',
      'parameter1.name': 'first',
      'parameter1.value': 'Jane',
      'parameter2.name': 'second',
      'parameter2.value': '2',
    });
    expect(stream).toMatchObject({
      sid: 'MZ00000000000000000000000000000001',
      accountSid: w.account.sid,
      callSid,
      name: 'tap',
      status: 'in-progress',
      dateUpdated: new Date(Date.UTC(2026, 0, 2, 3, 4, 5)),
      uri: `/2010-04-01/Accounts/${w.account.sid}/Calls/${callSid}/Streams/MZ00000000000000000000000000000001.json`,
    });
    expect(streams.created[0]).toEqual({
      callSid,
      url: 'wss://agent.example.test/media',
      name: 'tap',
      track: 'both_tracks',
      statusCallback: 'https://app.example.test/s',
      statusCallbackMethod: 'GET',
      parameters: new Map([
        ['first', 'Jane'],
        ['second', '2'],
      ]),
    });
    const plain = await w.fetch(`Calls/${callSid}/Streams.json`, { form: 'Url=wss://agent.example.test/media' });
    expect(plain.status).toBe(200);
    expect(streams.created[1]).toMatchObject({
      name: null,
      track: 'inbound_track',
      statusCallback: null,
      statusCallbackMethod: 'POST',
    });
  });

  test('ninety-nine pairs arrive in the order of their numbers; what is no pair is ignored [rest 4 pairs]', async () => {
    const form = new URLSearchParams({ Url: 'wss://a.test/', 'Parameter0.Name': 'a', 'ParameterX.Name': 'b' });
    const numbers = Array.from({ length: 99 }, (_, index) => 99 - index);
    for (const index of numbers) {
      form.append(`Parameter${index}.Value`, `v${index} +`);
      form.append(`Parameter${index}.Name`, `n${index}`);
    }
    expect((await w.fetch(`Calls/${callSid}/Streams.json`, { form: String(form) })).status).toBe(200);
    expect([...streams.created[0]!.parameters]).toEqual(numbers.reverse().map((index) => [`n${index}`, `v${index} +`]));
  });

  test('[rest 9.5 stream-stop] by sid or name; another status, an unknown stream and an unknown call are refused', async () => {
    const { sid } = await w.client
      .calls(callSid)
      .streams.create({ url: 'wss://agent.example.test/media', name: 'tap' });
    expect(await w.client.calls(callSid).streams(sid).update({ status: 'stopped' })).toMatchObject({
      sid,
      status: 'stopped',
    });
    expect(await w.client.calls(callSid).streams('tap').update({ status: 'stopped' })).toMatchObject({ sid });
    await expect(w.client.calls(callSid).streams('other').update({ status: 'stopped' })).rejects.toMatchObject({
      status: 404,
      code: 20404,
    });
    const wrong = await w.fetch(`Calls/${callSid}/Streams/${sid}.json`, { form: 'Status=paused' });
    expect(await json(wrong)).toMatchObject({ code: 20001, status: 400 });
    const stranger = `CA${'f'.repeat(32)}`;
    await expect(w.client.calls(stranger).streams.create({ url: 'wss://a.test/' })).rejects.toMatchObject({
      status: 404,
    });
  });

  test.each<[string, number]>([
    ['', 21205],
    ['Url=https://agent.example.test/', 21205],
    ['Url=wss://', 21205],
    ['Url=media', 21205],
    [`Url=wss://a.test/${'x'.repeat(3_000)}`, 21205],
    ['Url=wss://a.test/&Track=left', 20001],
    ['Url=wss://a.test/&Name=%00', 20001],
    [`Url=wss://a.test/&Name=${'n'.repeat(300)}`, 20001],
    ['Url=wss://a.test/&StatusCallback=ftp://x', 21502],
    ['Url=wss://a.test/&StatusCallbackMethod=PUT', 21209],
    [`Url=wss://a.test/&Parameter1.Name=a&Parameter1.Value=${'v'.repeat(500)}`, 20001],
    ['Url=wss://a.test/&Parameter1.Value=a', 20001],
  ])('[rest 9.5 stream-refused] %s', async (form, code) => {
    const answer = await w.fetch(`Calls/${callSid}/Streams.json`, { form });
    expect(await json(answer)).toMatchObject({ code, status: 400 });
    expect(streams.created).toEqual([]);
  });

  test('[rest 9.5 stream-methods] there is nothing to list or fetch', async () => {
    expect((await w.fetch(`Calls/${callSid}/Streams.json`)).status).toBe(405);
    expect((await w.fetch(`Calls/${callSid}/Streams/tap.json`)).status).toBe(405);
  });
});
