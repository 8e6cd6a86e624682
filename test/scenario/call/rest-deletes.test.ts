// Removing over REST what a phone in a call was admitted by (rest-api.md 8, 14): the call and the registration stay, the next
// challenge is refused.

import { expect, test } from 'vitest';
import {
  ACCOUNT_SID,
  AUTH_TOKEN,
  bridges,
  DEADLINE_MS,
  dials,
  expectEvent,
  hearsPackets,
  Inbox,
  type World,
  world,
} from '../../support/world.ts';

const PASSWORD = 'Correct-Horse-7';

async function remove(w: World, path: string): Promise<number> {
  const authorization = `Basic ${Buffer.from(`${ACCOUNT_SID}:${AUTH_TOKEN}`).toString('base64')}`;
  const url = `${w.gateway.info.apiUrl}/2010-04-01/Accounts/${ACCOUNT_SID}${path}`;
  return (await fetch(url, { method: 'DELETE', headers: { authorization } })).status;
}

test('a credential that is removed: its call goes on, its phone still rings, its next REGISTER is refused [rest 8 credential] [rest 14 credential-change]', async () => {
  const w = await world();
  const lists = await w.rest('/SIP/CredentialLists.json');
  const [list] = lists.body.credential_lists as { sid: string }[];
  const credentials = `/SIP/CredentialLists/${list!.sid}/Credentials`;
  const made = await w.rest(`${credentials}.json`, { Username: 'dave', Password: PASSWORD });
  expect(made.status).toBe(201);
  w.answers('<Dial action="/after"><Client>dave</Client></Dial>');
  w.answers('<Hangup/>', '/after');
  const dave = await w.phone('dave', { password: PASSWORD });
  const alice = await w.phone('alice');
  const inbox = new Inbox(dave, 'dave');
  const caller = dials(alice, w.uri('1000'));
  const callee = await inbox.next('answer');
  await bridges(w, 1);

  expect(await remove(w, `${credentials}/${String(made.body.sid)}.json`)).toBe(204);
  void caller.play([{ kind: 'tone', frequencies: [500], levelDb: -10, durationMs: 2_000 }], DEADLINE_MS);
  await hearsPackets(callee, 20);
  const carol = await w.phone('carol');
  dials(carol, w.uri('1000'));
  (await inbox.next('ring')).leg.refuse(486);
  expect([401, 403]).toContain(await dave.register());

  caller.leg.hangUp();
  await expectEvent(dave, callee, 'ended');
  await w.isIdle();
});
