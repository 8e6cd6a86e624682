// Every way in which an application can fail to give a document (twiml.md 2.4), at every place that asks for one: the code is told, the call
// goes on or ends as documented, nothing is left. The failures of one place run side by side, each in a call of its own.

import { expect, test } from 'vitest';
import type { PhoneCall } from '../../../src/demo/phone.ts';
import { dials, expectEvent, world } from '../../support/world.ts';
import {
  answersByUser,
  callsOf,
  documentRows,
  logged,
  manyCalls,
  nothingIsLeft,
  press,
  type Row,
  settings,
} from './kit.ts';

interface Way {
  readonly verbs: (url: string) => string;
  /** What the caller does. */
  readonly act?: (call: PhoneCall) => void;
}

const redirected: Way = { verbs: (url) => `<Pause/><Say>a</Say><Redirect>${url}</Redirect>` };
const gathered: Way = {
  verbs: (url) => `<Gather action="${url}" numDigits="1" timeout="60"/>`,
  act: (call) => void press(call, '5'),
};
const others: readonly Way[] = [
  { verbs: (url) => `<Record action="${url}" playBeep="false" maxLength="2"/>` },
  { verbs: (url) => `<Dial action="${url}"><Client>nobody</Client></Dial>` },
  { verbs: (url) => `<Enqueue action="${url}" waitUrl="/leave">line</Enqueue>` },
  { verbs: (url) => `<Connect action="${url}"><Stream url="ws://127.0.0.1:1/"/></Connect>` },
];

test.each<[string, readonly Way[]]>([
  ['Redirect', [redirected]],
  ['the action of Gather', [gathered]],
  ['the actions of Record, Dial, Enqueue and Connect, in turn', others],
])('%s: announcement and BYE, with the code', async (_what, ways) => {
  const w = await world(settings);
  const rows = await documentRows(w);
  const wayOf = (row: Row) => ways[rows.indexOf(row) % ways.length]!;
  w.answers('<Leave/>', '/leave');
  answersByUser(w, (user) => {
    const row = rows.find((one) => one.user === user)!;
    return wayOf(row).verbs(row.url);
  });
  await Promise.all(
    (await callsOf(w, rows)).map(async ({ row, call, sid, phone }) => {
      wayOf(row).act?.(call);
      await logged(w, sid, row.code);
      expect(await expectEvent(phone, call, 'ended')).toMatchObject({ by: 'remote' });
    }),
  );
  await nothingIsLeft(w);
});

test('with a fallback URL: it is asked once, with the code, and runs; the call is still ringing', async () => {
  const w = await world({ ...settings, domain: (origin) => ({ voiceFallbackUrl: `${origin}/fallback` }) });
  const rows = await documentRows(w);
  answersByUser(w, (user) => `<Redirect>${rows.find((row) => row.user === user)!.url}</Redirect>`);
  w.answers('<Reject reason="busy"/>', '/fallback');
  const alice = await w.phone('alice', manyCalls);
  await Promise.all(
    rows.map(async ({ user }) => {
      const call = dials(alice, w.uri(user));
      expect(await expectEvent(alice, call, 'failed')).toMatchObject({ status: 486 });
    }),
  );
  const asked = w.app.requestsTo('/fallback').map(({ params }) => [params.ErrorCode, params.CallStatus]);
  expect(asked.sort()).toEqual(rows.map(({ code }) => [String(code), 'ringing']).sort());
  await nothingIsLeft(w);
});
