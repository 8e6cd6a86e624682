// What is heard next is got ready while something else is heard: which verbs are looked at, when it begins, and when it is used.

import { describe, expect, test } from 'vitest';
import { err, ok } from '../../../src/base/result.ts';
import { AudioAhead } from '../../../src/twiml/audio-ahead.ts';
import type { AudioSource } from '../../../src/twiml/call-control.ts';
import { runSession } from './kit.ts';

const HOST = 'https://app.example.test';
const START = `${HOST}/dir/voice`;

const url = (name: string): AudioSource => ({ kind: 'url', url: `${HOST}/${name}`, loop: 1 });
const signal = new AbortController().signal;

class Bench {
  readonly prepared: string[] = [];
  readonly ahead = new AudioAhead(async (source) => {
    this.prepared.push(source.kind === 'url' ? source.url.slice(HOST.length + 1) : source.kind);
    return ok({ sources: [], loop: this.prepared.length });
  });
}

describe('audio ahead [twiml 5.2 gapless]', () => {
  test('what is expected is prepared when there is time, and given out once', async () => {
    const { ahead, prepared } = new Bench();
    ahead.expect([url('b'), url('c')], signal);
    await ahead.get(url('a'), signal);
    expect(prepared).toEqual(['a']);
    ahead.begin();
    ahead.begin();
    expect(prepared).toEqual(['a', 'b', 'c']);
    expect(await ahead.get(url('b'), signal)).toMatchObject({ value: { loop: 2 } });
    expect(await ahead.get(url('c'), signal)).toMatchObject({ value: { loop: 3 } });
    expect(prepared).toHaveLength(3);
    await ahead.get(url('b'), signal);
    expect(prepared).toHaveLength(4);
  });

  test('another loop or another text is another source', async () => {
    const { ahead, prepared } = new Bench();
    ahead.expect([url('a')], signal);
    ahead.begin();
    await ahead.get({ kind: 'url', url: `${HOST}/a`, loop: 2 }, signal);
    expect(prepared).toEqual(['a', 'a']);
  });

  test('what was not asked for is forgotten with the next expectation', async () => {
    const { ahead, prepared } = new Bench();
    ahead.expect([url('a')], signal);
    ahead.begin();
    ahead.expect([], signal);
    ahead.begin();
    await ahead.get(url('a'), signal);
    expect(prepared).toEqual(['a', 'a']);
  });

  test('what was prepared for a document that is gone is not used', async () => {
    const { ahead, prepared } = new Bench();
    const document = new AbortController();
    ahead.expect([url('a')], document.signal);
    ahead.begin();
    document.abort();
    await ahead.get(url('a'), signal);
    expect(prepared).toEqual(['a', 'a']);
  });

  test('a failure is told to who asks for it, and to nobody else', async () => {
    const ahead = new AudioAhead(async () => err({ errorCode: 13420, detail: 'not audio', url: null }));
    ahead.expect([url('a')], signal);
    ahead.begin();
    expect(await ahead.get(url('a'), signal)).toMatchObject({ ok: false, error: { errorCode: 13420 } });
    const faulty = new AudioAhead(() => Promise.reject(new Error('a fault of ours')));
    faulty.expect([url('a')], signal);
    faulty.begin();
    await expect(faulty.get(url('a'), signal)).rejects.toThrow('a fault of ours');
  });
});

const nameOf = (source: AudioSource): string => (source.kind === 'say' ? source.spoken.text : source.kind);

// Document, what is got ready ahead.
const documents: [document: string, ahead: string[]][] = [
  ['<Say>a</Say><Say>b</Say><Play>/c.wav</Play>', ['b', 'url']],
  ['<Play>/a.wav</Play><Pause/><Say>b</Say>', ['b']],
  ['<Say>a</Say><Gather><Say>b</Say><Pause/><Play>/c.wav</Play></Gather>', ['b', 'silence', 'url']],
  ['<Say>a</Say><Play digits="12"/>', ['digits']],
  ['<Say>a</Say><Say/>', []],
  ['<Say>a</Say><Hangup/><Say>never</Say>', []],
  ['<Gather/><Say>b</Say>', []],
  ['<Dial>100</Dial><Say>b</Say>', []],
  ['<Say>a</Say><Redirect>/other</Redirect>', []],
  ['<Say>a</Say><Unknown/>', []],
];

describe('verbs whose audio is got ready while the one before them is heard', () => {
  test.each(documents)('%s', async (document, ahead) => {
    const { control } = await runSession({
      [START]: `<Response>${document}</Response>`,
      [`${HOST}/other`]: '<Response/>',
    });
    expect(control.prefetched.map(nameOf)).toEqual(ahead);
  });
});
