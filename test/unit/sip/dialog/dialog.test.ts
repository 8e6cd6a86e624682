// RFC 3261 12 and 13.2.2.4: dialogs as records.

import { strict as assert } from 'node:assert';
import { describe, test } from 'vitest';
import { limits } from '../../../../src/base/limits.ts';
import {
  ackFor2xx,
  type Dialog,
  dialogFromRequest,
  dialogFromResponse,
  dialogId,
  dialogIdOf,
  matches,
  nextHop,
  nextRequest,
  withConfirmed,
  withFinalResponse,
  withLocalTarget,
  withRemoteSequence,
  withRemoteTarget,
} from '../../../../src/sip/dialog/dialog.ts';
import type { Message, Request, Response } from '../../../../src/sip/grammar/message.ts';
import { parseMessage } from '../../../../src/sip/grammar/parse.ts';
import { serializeMessage } from '../../../../src/sip/grammar/serialize.ts';
import { makeSipUri, serializeUri } from '../../../../src/sip/grammar/uri.ts';
import { viaOf } from '../../../support/requests.ts';

const via = viaOf('192.0.2.1', 'z9hG4bKnext');

function message(lines: readonly string[]): Message {
  const parsed = parseMessage(Buffer.from(`${lines.join('\r\n')}\r\n\r\n`));
  assert.ok(parsed.ok, parsed.ok ? '' : parsed.error.detail);
  return parsed.value;
}

const invite = (
  more: readonly string[] = [],
  uri = 'sip:bob@example.net',
  contact = 'Contact: <sip:alice@192.0.2.1:5070>',
) =>
  message([
    `INVITE ${uri} SIP/2.0`,
    'Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKinvite',
    'From: "Alice A." <sip:alice@example.com>;tag=alice-tag',
    'To: Bob <sip:bob@example.net>',
    'Call-ID: call-1',
    'CSeq: 314 INVITE',
    ...(contact ? [contact] : []),
    ...more,
  ]) as Request;

const response = (status: number, more: readonly string[] = [], tag = ';tag=bob-tag') =>
  message([
    `SIP/2.0 ${status} Whatever`,
    'Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKinvite',
    'From: "Alice A." <sip:alice@example.com>;tag=alice-tag',
    `To: Bob <sip:bob@example.net>${tag}`,
    'Call-ID: call-1',
    'CSeq: 314 INVITE',
    ...more,
  ]) as Response;

const inDialog = (
  method: string,
  sequence: number,
  more: readonly string[] = [],
  fromTag = ';tag=alice-tag',
  toTag = ';tag=us',
) =>
  message([
    `${method} sip:us@192.0.2.9 SIP/2.0`,
    'Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKagain',
    `From: "Alice A." <sip:alice@example.com>${fromTag}`,
    `To: Bob <sip:bob@example.net>${toTag}`,
    'Call-ID: call-1',
    `CSeq: ${sequence} ${method}`,
    ...more,
  ]) as Request;

const ours = makeSipUri({ user: 'us', host: '192.0.2.9' });

function uasDialog(request: Request = invite()): Dialog {
  const made = dialogFromRequest(request, 'us', ours);
  assert.ok(made.ok);
  return made.value;
}

const recorded = ['Record-Route: <sip:p2.example.net;lr>, <sip:p1.example.com;lr>', 'Contact: <sip:bob@192.0.2.2>'];

describe('UAC: dialog from a response (12.1.2)', () => {
  test('every component of the record; the route set is reversed', () => {
    assert.deepEqual(dialogFromResponse(invite(), response(180, recorded)), {
      version: 1,
      role: 'uac',
      state: 'early',
      callId: 'call-1',
      localTag: 'alice-tag',
      remoteTag: 'bob-tag',
      localUri: '"Alice A." <sip:alice@example.com>',
      remoteUri: 'Bob <sip:bob@example.net>',
      remoteTarget: 'sip:bob@192.0.2.2',
      localTarget: 'sip:alice@192.0.2.1:5070',
      routeSet: ['<sip:p1.example.com;lr>', '<sip:p2.example.net;lr>'],
      localSequence: 314,
      remoteSequence: undefined,
      secure: false,
    });
  });

  test('a 2xx makes it confirmed; a SIPS request makes it secure', () => {
    const dialog = dialogFromResponse(invite([], 'sips:bob@example.net'), response(200, recorded));
    assert.equal(dialog.state, 'confirmed');
    assert.equal(dialog.secure, true);
  });

  test('RFC 2543: a response without To tag makes a dialog without remote tag', () =>
    assert.equal(dialogFromResponse(invite(), response(200, recorded, '')).remoteTag, undefined));

  for (const contact of [
    [],
    ['Contact: *'],
    ['Contact: <tel:+15550100>'],
    ['Contact: <sip:a@h>, <sip:b@h>'],
    ['Contact: <sip:>'],
  ])
    test(`a 2xx must be ACKed whatever it looks like: ${contact[0] ?? 'no Contact'} → target is the Request-URI`, () =>
      assert.equal(dialogFromResponse(invite(), response(200, contact)).remoteTarget, 'sip:bob@example.net'));

  test('an unreadable Record-Route leaves the route set empty', () =>
    assert.deepEqual(
      dialogFromResponse(invite(), response(200, ['Record-Route: nonsense', ...recorded])).routeSet,
      [],
    ));

  test('13.2.2.4: the 2xx of an early dialog confirms it and brings route set and target anew', () => {
    const early = dialogFromResponse(invite(), response(180, recorded));
    const more = ['Record-Route: <sip:p3.example.net;lr>', 'Contact: <sip:bob@192.0.2.3>'];
    const confirmed = withFinalResponse(early, response(200, more));
    assert.equal(confirmed.state, 'confirmed');
    assert.deepEqual(confirmed.routeSet, ['<sip:p3.example.net;lr>']);
    assert.equal(confirmed.remoteTarget, 'sip:bob@192.0.2.3');
  });
});

describe('UAS: dialog from a request (12.1.1)', () => {
  test('every component of the record; the route set keeps its order', () => {
    const request = invite(['Record-Route: <sip:p2.example.net;lr>', 'Record-Route: <sip:p1.example.com;lr>']);
    assert.deepEqual(uasDialog(request), {
      version: 1,
      role: 'uas',
      state: 'early',
      callId: 'call-1',
      localTag: 'us',
      remoteTag: 'alice-tag',
      localUri: 'Bob <sip:bob@example.net>',
      remoteUri: '"Alice A." <sip:alice@example.com>',
      remoteTarget: 'sip:alice@192.0.2.1:5070',
      localTarget: 'sip:us@192.0.2.9',
      routeSet: ['<sip:p2.example.net;lr>', '<sip:p1.example.com;lr>'],
      localSequence: undefined,
      remoteSequence: 314,
      secure: false,
    });
    assert.equal(withConfirmed(uasDialog(request)).state, 'confirmed');
  });

  test('12.1.1: secure needs a SIPS Request-URI and TLS', () => {
    const secure = (uri: string, isSecureFlow: boolean) => {
      const made = dialogFromRequest(invite([], uri), 'us', ours, isSecureFlow);
      return made.ok && made.value.secure;
    };
    assert.deepEqual(
      [
        secure('sips:bob@example.net', true),
        secure('sips:bob@example.net', false),
        secure('sip:bob@example.net', true),
      ],
      [true, false, false],
    );
  });

  const tooMany = Array.from({ length: limits.routeSetEntries + 1 }, () => '<sip:p.example.net;lr>').join(', ');
  for (const [title, request, reason] of [
    ['no Contact', invite([], 'sip:b@h', ''), 'Missing Contact'],
    ['Contact *', invite([], 'sip:b@h', 'Contact: *'), 'Bad Contact'],
    ['two Contacts', invite([], 'sip:b@h', 'Contact: <sip:a@h>, <sip:b@h>'), 'Bad Contact'],
    ['a Contact that is no SIP URI', invite([], 'sip:b@h', 'Contact: <tel:+15550100>'), 'Bad Contact'],
    ['a broken Record-Route', invite(['Record-Route: <sip:p.example.net']), 'Bad Record-Route'],
    ['a Record-Route that is no SIP URI', invite(['Record-Route: <http://example.net>']), 'Bad Record-Route'],
    ['too many Record-Route values', invite([`Record-Route: ${tooMany}`]), 'Too Many Record-Route Values'],
  ] as const)
    test(`8.1.1.8, 20.30: ${title} → 400 ${reason}`, () =>
      assert.deepEqual(dialogFromRequest(request, 'us', ours), { ok: false, error: { status: 400, reason } }));

  test('RFC 2543: a request without From tag makes a dialog without remote tag', () => {
    const request = invite();
    const old = { ...request, from: { ...request.from, params: new Map() } };
    assert.equal(uasDialog(old).remoteTag, undefined);
  });
});

test('a dialog survives JSON', () => {
  const dialog = dialogFromResponse(invite(), response(200, recorded));
  const restored = JSON.parse(JSON.stringify(dialog)) as Dialog;
  assert.equal(dialogId(restored), dialogId(dialog));
  const bytes = (from: Dialog) => serializeMessage(nextRequest(from, 'BYE', { via }).request).toString();
  assert.equal(bytes(restored), bytes(dialog));
});

describe('matching (12.2.2)', () => {
  test('a request belongs by Call-ID, To tag = local, From tag = remote', () => {
    const dialog = uasDialog();
    assert.ok(matches(dialog, inDialog('BYE', 315)));
    assert.ok(!matches(dialog, inDialog('BYE', 315, [], ';tag=mallory')));
    assert.ok(!matches(dialog, inDialog('BYE', 315, [], ';tag=alice-tag', ';tag=other')));
    assert.ok(!matches(dialog, inDialog('BYE', 315, [], '')));
    assert.ok(!matches(dialog, { ...inDialog('BYE', 315), callId: 'call-2' }));
  });

  test('a response belongs by Call-ID, From tag = local, To tag = remote', () => {
    const dialog = dialogFromResponse(invite(), response(180, recorded));
    assert.equal(dialogIdOf(response(200)), dialogId(dialog));
    assert.notEqual(dialogIdOf(response(200, [], ';tag=fork')), dialogId(dialog));
  });

  test('RFC 2543: a peer without tag matches a missing tag only', () => {
    const dialog = { ...uasDialog(), remoteTag: undefined };
    assert.ok(matches(dialog, inDialog('BYE', 315, [], '')));
    assert.ok(!matches(dialog, inDialog('BYE', 315)));
  });
});

describe('sequence numbers and targets (12.2.2)', () => {
  test('a higher CSeq is taken, an equal one too, a lower one gets 500', () => {
    const dialog = uasDialog();
    const higher = withRemoteSequence(dialog, inDialog('INFO', 400));
    assert.ok(higher.ok && higher.value.remoteSequence === 400);
    assert.ok(withRemoteSequence(higher.value, inDialog('INFO', 400)).ok);
    const lower = withRemoteSequence(higher.value, inDialog('BYE', 399));
    assert.deepEqual(lower, { ok: false, error: { status: 500, reason: 'CSeq Out Of Order' } });
  });

  test('the first request of the peer of a UAC sets the number; ACK and CANCEL leave it alone', () => {
    const dialog = dialogFromResponse(invite(), response(200, recorded));
    const first = withRemoteSequence(dialog, inDialog('INFO', 1));
    assert.ok(first.ok && first.value.remoteSequence === 1);
    const after = withRemoteSequence({ ...dialog, remoteSequence: 500 }, inDialog('ACK', 314));
    assert.ok(after.ok && after.value.remoteSequence === 500);
  });

  test('a target refresh replaces the remote target, a message without Contact leaves it', () => {
    const dialog = uasDialog();
    const moved = withRemoteTarget(
      dialog,
      inDialog('INVITE', 315, ['Contact: <sip:alice@192.0.2.55:5099;transport=tcp>']),
    );
    assert.equal(moved.remoteTarget, 'sip:alice@192.0.2.55:5099;transport=tcp');
    assert.equal(withRemoteTarget(dialog, inDialog('INFO', 315)), dialog);
  });
});

describe('the next request of a dialog (12.2.1.1)', () => {
  const dialog = dialogFromResponse(invite(), response(200, recorded));

  test('loose routing: Request-URI is the remote target, Route the route set, the first route is the next hop', () => {
    const { request } = nextRequest(dialog, 'BYE', { via });
    assert.equal(serializeUri(request.uri), 'sip:bob@192.0.2.2');
    assert.deepEqual(request.headers.getAll('route'), ['<sip:p1.example.com;lr>', '<sip:p2.example.net;lr>']);
    assert.equal(serializeUri(nextHop(dialog)), 'sip:p1.example.com;lr');
  });

  test('strict routing: Request-URI is the first route without method and headers, the remote target is the last Route', () => {
    const routeSet = ['<sip:p1.example.com;method=INVITE?Subject=x>', '<sip:p2.example.net;lr>'];
    const strict = { ...dialog, routeSet };
    const { request } = nextRequest(strict, 'BYE', { via });
    assert.equal(serializeUri(request.uri), 'sip:p1.example.com');
    assert.deepEqual(request.headers.getAll('route'), ['<sip:p2.example.net;lr>', '<sip:bob@192.0.2.2>']);
    assert.equal(serializeUri(nextHop(strict)), 'sip:p1.example.com');
  });

  test('no route set: no Route header, the remote target is the next hop', () => {
    const direct = { ...dialog, routeSet: [] };
    const { request } = nextRequest(direct, 'BYE', { via });
    assert.ok(!request.headers.has('route'));
    assert.equal(serializeUri(nextHop(direct)), 'sip:bob@192.0.2.2');
  });

  test('19.1.1: headers and method of a Contact do not get into the Request-URI', () => {
    const odd = { ...dialog, routeSet: [], remoteTarget: 'sip:bob@192.0.2.2;method=BYE;x=1?Subject=y' };
    assert.equal(serializeUri(nextRequest(odd, 'BYE', { via }).request.uri), 'sip:bob@192.0.2.2;x=1');
  });

  test('From, To, Call-ID of the dialog, CSeq one higher each time, Via as given', () => {
    const first = nextRequest(dialog, 'INFO', {
      via,
      body: Buffer.from('x'),
      headers: [{ name: 'Content-Type', value: 'text/plain' }],
    });
    const second = nextRequest(first.dialog, 'BYE', { via });
    const { headers } = first.request;
    assert.equal(headers.get('from'), '"Alice A." <sip:alice@example.com>;tag=alice-tag');
    assert.equal(headers.get('to'), 'Bob <sip:bob@example.net>;tag=bob-tag');
    assert.equal(headers.get('call-id'), 'call-1');
    assert.deepEqual([headers.get('cseq'), second.request.headers.get('cseq')], ['315 INFO', '316 BYE']);
    assert.equal(first.request.body.toString(), 'x');
    assert.equal(first.request.via.branch, 'z9hG4bKnext');
    const parsed = parseMessage(serializeMessage(first.request));
    assert.ok(parsed.ok);
  });

  test('a UAS begins with CSeq 1 and addresses the caller', () => {
    const { request } = nextRequest(uasDialog(), 'BYE', { via });
    assert.equal(request.headers.get('cseq'), '1 BYE');
    assert.equal(request.headers.get('from'), 'Bob <sip:bob@example.net>;tag=us');
    assert.equal(request.headers.get('to'), '"Alice A." <sip:alice@example.com>;tag=alice-tag');
    assert.equal(serializeUri(request.uri), 'sip:alice@192.0.2.1:5070');
  });

  test("target refreshes carry our Contact, the given one or the dialog's; other methods none", () => {
    const contactOf = (method: string, headers: { name: string; value: string }[] = []) =>
      nextRequest(withLocalTarget(dialog, ours), method, { via, headers }).request.headers.getAll('contact');
    assert.deepEqual(contactOf('INVITE'), ['<sip:us@192.0.2.9>']);
    assert.deepEqual(contactOf('INVITE', [{ name: 'Contact', value: '<sip:new@192.0.2.9>' }]), ['<sip:new@192.0.2.9>']);
    assert.deepEqual(contactOf('BYE'), []);
  });

  test('RFC 2543: no remote tag, no tag in To', () =>
    assert.equal(
      nextRequest({ ...dialog, remoteTag: undefined }, 'BYE', { via }).request.headers.get('to'),
      'Bob <sip:bob@example.net>',
    ));

  test('ACK and CANCEL are not requests of their own number', () => {
    for (const method of ['ACK', 'CANCEL']) assert.throws(() => nextRequest(dialog, method, { via }));
  });
});

describe('ACK of a 2xx (13.2.2.4)', () => {
  test('CSeq number and credentials of the INVITE, Request-URI and Route of the dialog, body as given [sip 1.4 ack-route]', () => {
    const authorized = invite([
      'Proxy-Authorization: Digest username="a"',
      'Authorization: Digest username="b"',
      'Subject: s',
    ]);
    const dialog = dialogFromResponse(authorized, response(200, recorded));
    const headers = [{ name: 'Content-Type', value: 'application/sdp' }];
    const ack = ackFor2xx({ ...dialog, localSequence: 400 }, authorized, { via, headers, body: Buffer.from('v=0') });
    assert.equal(ack.method, 'ACK');
    assert.equal(ack.headers.get('cseq'), '314 ACK');
    assert.equal(ack.headers.get('proxy-authorization'), 'Digest username="a"');
    assert.equal(ack.headers.get('authorization'), 'Digest username="b"');
    assert.ok(!ack.headers.has('subject') && !ack.headers.has('contact'));
    assert.deepEqual(ack.headers.getAll('route'), dialog.routeSet);
    assert.equal(serializeUri(ack.uri), 'sip:bob@192.0.2.2');
    assert.equal(ack.body.toString(), 'v=0');
    assert.equal(ack.to.params.get('tag'), 'bob-tag');
  });
});
