// Which failures of status callbacks become a warning of their call (rest-api.md 16).

import { describe, expect, test } from 'vitest';
import type { NotificationRecord } from '../../src/base/records.ts';
import type { PendingCallback } from '../../src/base/voice-records.ts';
import { noteFailedCallbacks } from '../../src/failed-callbacks.ts';
import type { WebhookFailure } from '../../src/webhook/webhook.ts';
import { seededRandom } from '../support/network.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

const CALL = `CA${'1'.repeat(32)}`;

function setUp() {
  const notes: NotificationRecord[] = [];
  const store = { notifications: { put: (record: NotificationRecord) => void notes.push(record) } };
  const note = noteFailedCallbacks({ store, clock: new VirtualClock(), random: seededRandom(1).bytes });
  const callback = (attempts: number, callSid = CALL) =>
    ({ accountSid: 'AC1', callSid, url: 'https://me:secret@h.test/s', attempts }) as PendingCallback;
  const shown = () => notes.map(({ level, errorCode, message }) => `${level} ${errorCode} ${message}`);
  return { notes, note, callback, shown };
}

const refused: WebhookFailure = { errorCode: 11202, detail: 'refused', url: '', status: undefined };

describe('status callbacks that failed', () => {
  test('an answer of 4xx or 5xx is 15003; the password of the URL is nowhere [rest 16 failed-callback]', () => {
    const { note, notes, callback, shown } = setUp();
    note(callback(0), { errorCode: 11217, detail: 'HTTP status 500', url: '', status: 500 }, undefined);
    expect(shown()).toEqual(['warning 15003 status callback: HTTP status 500']);
    expect(notes[0]).toMatchObject({ callSid: CALL, accountSid: 'AC1', sid: expect.stringMatching(/^NO/) });
    expect(notes[0]!.requestUrl).toContain('h.test/s');
    expect(JSON.stringify(notes)).not.toContain('secret');
  });

  test('who cannot be reached: the first attempt and the last, none between [rest 16 failed-callback]', () => {
    const { note, callback, shown } = setUp();
    for (let attempts = 0; attempts < 4; attempts++)
      note(callback(attempts), refused, attempts < 3 ? 5_000 : undefined);
    expect(shown()).toEqual([
      'warning 11202 status callback: refused, will be tried again',
      'warning 11202 status callback: refused, given up',
    ]);
  });

  test('a debugger webhook that fails does not tell itself, and a conference has no call', () => {
    const { note, callback, shown } = setUp();
    for (const owner of [`AC${'1'.repeat(32)}`, `CF${'1'.repeat(32)}`]) note(callback(0, owner), refused, undefined);
    expect(shown()).toEqual([]);
  });
});
