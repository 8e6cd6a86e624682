import { describe, expect, test } from 'vitest';
import { limits } from '../../../src/base/limits.ts';
import { AnsweredAudio } from '../../../src/webhook/answered-audio.ts';

const URL = 'http://app.test/a';
const fileOf = (bytes: number) => ({ contentType: 'audio/wav', body: Buffer.alloc(bytes, 1) });

function keep(audio: AnsweredAudio, callSid: string, bytes: number, received = bytes): void {
  const reservation = audio.reserve();
  expect(reservation.mayTake(received)).toBe(true);
  reservation.keep(callSid, URL, fileOf(bytes));
  reservation.release();
}

describe('audio that was answered in place of a document [twiml 2.5 audio]', () => {
  test('is given once, to its own call', () => {
    const audio = new AnsweredAudio();
    keep(audio, 'CA1', 100);
    expect(audio.take('CA2', URL)).toBeUndefined();
    expect(audio.take('CA1', 'http://app.test/b')).toBeUndefined();
    expect(audio.take('CA1', URL)?.body).toHaveLength(100);
    expect(audio.take('CA1', URL)).toBeUndefined();
    expect(audio.bytes).toBe(0);
  });

  test('a later answer of the same URL replaces one that nobody took; what was unpacked counts as it is', () => {
    const audio = new AnsweredAudio();
    keep(audio, 'CA1', 100);
    keep(audio, 'CA1', 300, 50);
    expect(audio.bytes).toBe(300);
    expect(audio.take('CA1', URL)?.body).toHaveLength(300);
    expect(audio.bytes).toBe(0);
  });

  test('nothing stays of a call that is over, nor of an answer that broke off', () => {
    const audio = new AnsweredAudio();
    keep(audio, 'CA1', 100);
    keep(audio, 'CA2', 7);
    audio.forget('CA1');
    expect(audio.take('CA1', URL)).toBeUndefined();
    const broken = audio.reserve();
    broken.mayTake(50);
    expect(audio.bytes).toBe(57);
    broken.release();
    broken.release();
    expect(audio.bytes).toBe(7);
  });

  test('all calls together are bounded, and each file', () => {
    const audio = new AnsweredAudio(1_000);
    keep(audio, 'CA1', 900);
    expect(audio.hasRoomFor({ 'content-length': '101' })).toBe(false);
    expect(audio.hasRoomFor({ 'content-length': '100' })).toBe(true);
    expect(audio.hasRoomFor({})).toBe(true);
    const next = audio.reserve();
    expect(next.mayTake(100)).toBe(true);
    expect(next.mayTake(1)).toBe(false);
    expect(new AnsweredAudio().hasRoomFor({ 'content-length': String(limits.mediaFileBytes + 1) })).toBe(false);
    expect(new AnsweredAudio().reserve().mayTake(limits.mediaFileBytes + 1)).toBe(false);
  });
});
