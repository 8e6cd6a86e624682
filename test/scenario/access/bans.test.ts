// A password guesser is banned, and the operator sees and lifts the ban (design.md 9).

import { expect, test } from 'vitest';
import { limits } from '../../../src/base/limits.ts';
import { world } from '../../support/world.ts';

test('repeated wrong passwords ban the source; the operator lists the ban and clears it', async () => {
  const w = await world();
  const guesser = await w.phone('alice', { registered: false, password: 'not-the-password' });
  for (let guess = 0; guess < limits.digestFailuresBeforeBan; guess++) expect(await guesser.register()).toBe(403);
  const { apiUrl } = w.gateway.info;
  const bans = async () =>
    ((await (await fetch(`${apiUrl}/debug/bans`)).json()) as { bans: { source: string }[] }).bans;
  expect(await bans()).toMatchObject([{ source: expect.stringContaining('127.0.0.1') }]);
  const cleared = await fetch(`${apiUrl}/debug/bans`, { method: 'DELETE' });
  expect(await cleared.json()).toEqual({ cleared: 1 });
  expect(await bans()).toEqual([]);
  const phone = await w.phone('alice');
  expect(await phone.register()).toBe(200);
});

test('bans are shown to this machine only: not to what a proxy forwards', async () => {
  const w = await world();
  const answer = await fetch(`${w.gateway.info.apiUrl}/debug/bans`, { headers: { 'X-Forwarded-For': '192.0.2.1' } });
  expect(answer.status).toBe(403);
});
