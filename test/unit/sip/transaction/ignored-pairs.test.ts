// What the tables ignore, written down: a row that was forgotten shows here, and a new one must be taken off the list.

import { strict as assert } from 'node:assert';
import { test } from 'vitest';
import { cancelClient, inviteClient } from '../../../../src/sip/transaction/invite-client.ts';
import { inviteServer } from '../../../../src/sip/transaction/invite-server.ts';
import { nonInviteClient } from '../../../../src/sip/transaction/non-invite-client.ts';
import { nonInviteServer } from '../../../../src/sip/transaction/non-invite-server.ts';
import { ignoredPairs } from './rows.ts';

test('INVITE client: absorbs late responses of another class, and 1xx after a final response', () =>
  assert.deepEqual(ignoredPairs(inviteClient), [
    'calling: cancel unanswered, start, timer D, timer M',
    'proceeding: start, timer A, timer B, timer D, timer M',
    'completed: 1xx, 2xx, cancel unanswered, start, timer A, timer B, timer M',
    'accepted: 1xx, 300-699, cancel unanswered, start, timer A, timer B, timer D, transport error',
  ]));

test('CANCEL of an INVITE: is sent once', () =>
  assert.deepEqual(ignoredPairs(cancelClient), [
    'idle: 1xx, invite over, timer cancel',
    'waiting: cancel in calling, cancel in proceeding, timer cancel',
    'sent: 1xx, cancel in calling, cancel in proceeding',
  ]));

test('INVITE server: absorbs INVITE in accepted and confirmed, CANCEL after a final response, responses after the final one', () =>
  assert.deepEqual(ignoredPairs(inviteServer), [
    'proceeding: ACK, timer G, timer H, timer I, timer L',
    'completed: CANCEL, respond 1xx, respond 2xx, respond 300-699, timer I, timer L',
    'confirmed: ACK, CANCEL, INVITE, respond 1xx, respond 2xx, respond 300-699, timer G, timer H, timer L, transport error',
    'accepted: CANCEL, INVITE, respond 1xx, respond 300-699, timer G, timer H, timer I',
  ]));

test('non-INVITE client: absorbs responses after the final one', () =>
  assert.deepEqual(ignoredPairs(nonInviteClient), [
    'trying: start, timer K',
    'proceeding: start, timer K',
    'completed: 1xx, 200-699, start, timer E, timer F, transport error',
  ]));

test('non-INVITE server: absorbs the request in trying, responses after the final one', () =>
  assert.deepEqual(ignoredPairs(nonInviteServer), [
    'trying: request, timer J, transport error',
    'proceeding: timer J',
    'completed: respond 100, respond 200-699, respond 408, timer answer',
  ]));
