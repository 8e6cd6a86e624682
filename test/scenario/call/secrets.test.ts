// design.md 9, privacy: passwords, keys and digits are planted in calls, then looked for in everything that the gateway shows.

import { expect, test } from 'vitest';
import { DEADLINE_MS, dials, expectEvent, Inbox, PASSWORD, world } from '../../support/world.ts';

test('no password, SRTP key or digit reaches the log, the ladder, the counts or a record', async () => {
  const w = await world({
    tls: true,
    logLevel: 'trace',
    settings: { mediaWorkers: 1 },
    domain: (origin) => ({ voiceUrl: `${origin.replace('//', '//webuser:web-secret@')}/voice` }),
  });
  w.answers('<Gather numDigits="8" timeout="8" action="/digits" method="GET"/>');
  w.answers(
    '<Dial action="/after"><Sip username="far-user" password="far-secret">sip:bob:uri-secret@office.sip.localhost?X-Pin=8642</Sip></Dial>',
    '/digits',
  );
  w.answers('<Hangup/>', '/after');
  const alice = await w.phone('alice', { transport: 'tls', secureMedia: true });
  const inbox = new Inbox(await w.phone('bob', { transport: 'tls', secureMedia: true }), 'bob');
  const caller = dials(alice, w.uri('1000:dial-secret', 'tls'));
  await expectEvent(alice, caller, 'answered');
  await caller.play([{ kind: 'digits', digits: '73918642' }], DEADLINE_MS);
  expect((await w.asked('/digits')).params.Digits).toBe('73918642');
  const callee = await inbox.next('answer');
  callee.leg.hangUp();
  const { params } = await w.asked('/after');
  await w.isIdle();

  const shown = {
    log: w.log.join('\n'),
    ladder: w.gateway.ladder(params.CallSid!) ?? '',
    phoneLadder: alice.ladder(caller.callId),
    counts: JSON.stringify(w.gateway.counts()),
    calls: JSON.stringify((await w.rest('/Calls.json')).body),
    notifications: JSON.stringify((await w.rest('/Notifications.json')).body),
  };
  expect(shown.log).toContain(params.CallSid);
  expect(shown.ladder).toContain('INVITE');
  const secrets = [PASSWORD, 'web-secret', 'far-secret', 'uri-secret', 'dial-secret', '73918642', 'inline:'];
  const found = Object.entries(shown).flatMap(([where, text]) =>
    secrets.filter((secret) => text.includes(secret)).map((secret) => `${secret} in ${where}`),
  );
  expect(found).toEqual([]);
  expect(shown.log).not.toMatch(/response="[0-9a-f]{32}"/);
});
