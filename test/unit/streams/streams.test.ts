// Streams of a call: their messages in order, their limits, and how each way of ending leaves nothing behind (twiml.md 9).

import { describe, expect, test } from 'vitest';
import { limits } from '../../../src/base/limits.ts';
import { settle } from '../../support/virtual-clock.ts';
import { FakeStreamCall, options, StreamBench } from './kit.ts';

describe('forked', () => {
  test('[twiml 9 tracks] both tracks are tapped at once, each message names its own, one count of chunks [twiml 9.1 media]', async () => {
    const bench = new StreamBench();
    bench.streams.start(bench.call, options({ track: 'both_tracks' }));
    await settle();
    expect(bench.engine.done).toEqual(['tap e1 inbound+outbound']);
    bench.engine.audio('t1', 'inbound', 0, Uint8Array.of(0xff, 0x7f));
    bench.engine.audio('t1', 'outbound', 0);
    bench.engine.audio('t1', 'inbound', 20);
    const [peer] = bench.peers;
    expect(peer!.headers).toEqual({ 'X-Twilio-Signature': 'signed ACa wss://agent.example.test/media' });
    expect(peer!.sent[1]).toMatchObject({ event: 'start', start: { tracks: ['inbound', 'outbound'] } });
    expect(peer!.of('media').map(({ media, sequenceNumber }) => [sequenceNumber, media])).toEqual([
      ['2', { track: 'inbound', chunk: '1', timestamp: '0', payload: '/38=' }],
      ['3', expect.objectContaining({ track: 'outbound', chunk: '2', timestamp: '0' })],
      ['4', expect.objectContaining({ track: 'inbound', chunk: '3', timestamp: '20' })],
    ]);
  });

  test('[twiml 9.2 stop-by-name] Stop ends the stream of that name: stop message, close, callback; nothing is left', async () => {
    const bench = new StreamBench();
    const made = bench.streams.start(bench.call, options({ name: 'one' }));
    bench.streams.start(bench.call, options({ name: 'two' }));
    await settle();
    expect(made.ok && made.value).toMatchObject({ name: 'one', status: 'in-progress' });
    expect(bench.streams.counts()).toEqual({ live: 2, relays: 0, calls: 1 });
    const sid = made.ok ? made.value.sid : '';
    expect(bench.streams.stop(bench.call.callSid, 'one')).toMatchObject({ sid, status: 'stopped' });
    await settle();
    expect(bench.peers[0]!.sent.at(-1)).toMatchObject({ event: 'stop', sequenceNumber: '2', streamSid: sid });
    expect(bench.peers[0]!.isClosed).toBe(true);
    expect(bench.peers[1]!.isClosed).toBe(false);
    expect(bench.engine.done.at(-1)).toBe('closeTap t1');
    expect(bench.events).toEqual(['stream-started', 'stream-started', 'stream-stopped']);
    // It is still known, and stopping it again changes nothing.
    expect(bench.streams.stop(bench.call.callSid, sid)).toMatchObject({ status: 'stopped' });
    expect(bench.streams.stop(bench.call.callSid, 'three')).toBeUndefined();
    bench.call.controller.abort();
    await settle();
    expect(bench.streams.counts()).toEqual({ live: 0, relays: 0, calls: 0 });
  });

  test('[twiml 9 four-tracks] at most four forked tracks; an ended stream gives its places back [twiml 10.2 forks]', async () => {
    const bench = new StreamBench();
    const start = (name: string, track: 'both_tracks' | 'inbound_track') =>
      bench.streams.start(bench.call, options({ name, track })).ok;
    expect([start('a', 'both_tracks'), start('b', 'inbound_track'), start('c', 'both_tracks')]).toEqual([
      true,
      true,
      false,
    ]);
    expect(start('d', 'inbound_track')).toBe(true);
    expect(bench.streams.claimTracks(bench.call, 1)).toBe(false);
    await settle();
    bench.streams.stop(bench.call.callSid, 'a');
    await settle();
    expect(bench.streams.claimTracks(bench.call, 2)).toBe(true);
    expect(bench.streams.claimTracks(new FakeStreamCall(`CA${'2'.repeat(32)}`), 4)).toBe(true);
  });

  test('[twiml 9 unique-name] a name is used once while its stream runs', async () => {
    const bench = new StreamBench();
    expect(bench.streams.start(bench.call, options({ name: 'x' })).ok).toBe(true);
    expect(bench.streams.start(bench.call, options({ name: 'x' }))).toMatchObject({
      ok: false,
      error: { errorCode: 12200 },
    });
    await settle();
    bench.peers[0]!.ends();
    await settle();
    expect(bench.streams.start(bench.call, options({ name: 'x' })).ok).toBe(true);
  });

  test('[twiml 9.2 one-way] what a server sends on a one-way stream is refused once', async () => {
    const bench = new StreamBench();
    bench.streams.start(bench.call, options());
    await settle();
    const [peer] = bench.peers;
    const { streamSid } = peer!.sent[1]!;
    peer!.says({ event: 'clear', streamSid });
    peer!.says({ event: 'media', streamSid, media: { payload: '' } });
    expect(bench.call.codes).toEqual([31951]);
    expect(bench.engine.fed).toEqual([]);
  });

  test('[twiml 9.2 errors] a connection that fails or breaks: error callback with code and text, and a notification [twiml 9 status-callback] [twiml 14 31903]', async () => {
    const bench = new StreamBench();
    bench.refusal = { errorCode: 31902, detail: 'the server refused the connection' };
    bench.streams.start(bench.call, options({ name: 'x' }));
    await settle();
    bench.refusal = undefined;
    bench.streams.start(bench.call, options({ name: 'y' }));
    await settle();
    bench.peers[0]!.ends({ errorCode: 31903, detail: 'the connection broke' });
    await settle();
    expect(bench.events).toEqual(['stream-error', 'stream-started', 'stream-error']);
    expect(Object.fromEntries(bench.callbacks[0]!.params)).toEqual({
      AccountSid: bench.call.accountSid,
      CallSid: bench.call.callSid,
      StreamSid: expect.stringMatching(/^MZ/),
      StreamName: 'x',
      StreamEvent: 'stream-error',
      StreamError: '31902: the server refused the connection',
      Timestamp: expect.stringMatching(/Z$/),
    });
    expect(bench.call.notes.map(([level, code]) => [level, code])).toEqual([
      ['error', 31902],
      ['error', 31903],
    ]);
    expect(bench.streams.totals()).toMatchObject({ started: 2, failed: 2 });
    expect(bench.streams.counts().live).toBe(0);
  });

  test('the call ends while the connection is made: no error, no callback, nothing left', async () => {
    const bench = new StreamBench();
    bench.isSilent = true;
    bench.streams.start(bench.call, options());
    await settle();
    bench.call.controller.abort();
    await settle();
    expect(bench.callbacks).toEqual([]);
    expect(bench.call.codes).toEqual([]);
    expect(bench.streams.counts()).toEqual({ live: 0, relays: 0, calls: 0 });
  });

  test('without a name the callback names the stream by its sid [twiml 9 status-callback]', async () => {
    const bench = new StreamBench();
    bench.streams.start(bench.call, options());
    await settle();
    const { params } = bench.callbacks[0]!;
    expect(params.get('StreamName')).toBe(params.get('StreamSid'));
  });

  test('streams that ended are kept for REST up to a limit', async () => {
    const bench = new StreamBench();
    const sids: string[] = [];
    for (let count = 0; count <= limits.streamsKeptPerCall; count++) {
      const made = bench.streams.start(bench.call, options());
      sids.push(made.ok ? made.value.sid : '');
      await settle();
      bench.peers.at(-1)!.ends();
      await settle();
    }
    expect(bench.streams.stop(bench.call.callSid, sids[0]!)).toBeUndefined();
    expect(bench.streams.stop(bench.call.callSid, sids[1]!)).toMatchObject({ sid: sids[1] });
  });
});

describe('two-way', () => {
  async function connected() {
    const bench = new StreamBench();
    const signal = new AbortController();
    const end = bench.streams.connect(bench.call, options({ name: 'agent' }), signal.signal);
    await settle();
    const peer = bench.peers[0]!;
    return { bench, signal, end, peer, streamSid: String(peer.sent[1]!.streamSid) };
  }

  test('[twiml 9.2 order] media, mark and clear go to the play in their order; marks come back', async () => {
    const { bench, end, peer, streamSid } = await connected();
    peer.says({ event: 'media', streamSid, media: { payload: Buffer.alloc(400).toString('base64') } });
    peer.says({ event: 'mark', streamSid, mark: { name: 'm' } });
    peer.says({ event: 'clear', streamSid });
    expect(bench.engine.done).toEqual(['tap e1 inbound', 'openStream e1', 'feed p2 400', 'mark p2 m', 'clear p2']);
    bench.engine.reach('p2', 'm');
    expect(peer.of('mark')).toEqual([{ event: 'mark', sequenceNumber: '2', mark: { name: 'm' }, streamSid }]);
    peer.ends();
    expect(await end).toEqual({ streamSid, name: 'agent', how: 'closed', failure: undefined });
    expect(bench.engine.done.slice(-2)).toEqual(['closeTap t1', 'stopPlay p2']);
    expect(bench.call.digitListeners).toBe(0);
    expect(peer.of('stop')).toEqual([]);
  });

  test('[twiml 9.2 redirected] the signal ends it with stop', async () => {
    const { signal, end, peer } = await connected();
    signal.abort();
    expect(await end).toMatchObject({ how: 'stopped' });
    expect(peer.sent.at(-1)).toMatchObject({ event: 'stop' });
  });

  test('marks that wait are bounded', async () => {
    const { bench, peer, streamSid } = await connected();
    for (let count = 0; count <= limits.streamMarksWaiting; count++)
      peer.says({ event: 'mark', streamSid, mark: { name: `${count}` } });
    expect(bench.engine.done.filter((what) => what.startsWith('mark'))).toHaveLength(limits.streamMarksWaiting);
    expect(bench.call.codes).toEqual([31951]);
  });

  test.each<[string, object | string | undefined]>([
    ['no JSON', '{'],
    ['no object', '[1]'],
    ['binary', undefined],
    ['unknown event', { event: 'dance', streamSid: 'right' }],
    ['no streamSid', { event: 'clear' }],
    ['another streamSid', { event: 'clear', streamSid: `MZ${'0'.repeat(32)}` }],
    ['media without media', { event: 'media', streamSid: 'right' }],
    ['media without payload', { event: 'media', streamSid: 'right', media: {} }],
    ['payload of a number', { event: 'media', streamSid: 'right', media: { payload: 12 } }],
    ['payload of no base64', { event: 'media', streamSid: 'right', media: { payload: 'a*b=' } }],
    ['payload cut in a byte', { event: 'media', streamSid: 'right', media: { payload: 'abcde' } }],
    ['mark without name', { event: 'mark', streamSid: 'right', mark: {} }],
    ['mark with a long name', { event: 'mark', streamSid: 'right', mark: { name: 'n'.repeat(2_000) } }],
  ])('[twiml 9.2 31951-cases] %s is warned about once and not obeyed', async (_title, message) => {
    const { bench, peer, streamSid } = await connected();
    const text = typeof message === 'object' ? JSON.stringify(message).replace('"right"', `"${streamSid}"`) : message;
    const before = [...bench.engine.done];
    peer.says(text);
    peer.says(text);
    expect(bench.engine.done).toEqual(before);
    expect(bench.call.notes.map(([level, code]) => [level, code])).toEqual([['warning', 31951]]);
    peer.says({ event: 'media', streamSid, media: { payload: '/w==' } });
    expect(bench.engine.fed).toHaveLength(1);
  });
});
