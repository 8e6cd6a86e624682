import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { realClock } from '../../../src/base/clock.ts';
import { isSid } from '../../../src/base/ids.ts';
import { ensureRootAccount } from '../../../src/store/root-account.ts';
import { anAccount } from '../../support/store-records.ts';
import { openTempStore, type TempStore } from '../../support/temp-store.ts';

describe('root account (design.md 4)', () => {
  let temp: TempStore;
  beforeEach(async () => {
    temp = await openTempStore();
  });
  afterEach(() => temp.discard());
  const ensure = (settings: Parameters<typeof ensureRootAccount>[1] = {}) =>
    ensureRootAccount(temp.store, settings, { clock: realClock });
  const accountOf = async (settings?: Parameters<typeof ensureRootAccount>[1]) => {
    const result = await ensure(settings);
    if (!result.ok) throw new Error(result.error);
    return result.value;
  };

  test('is made once, owns itself, and is found again whatever subaccounts there are', async () => {
    const first = await accountOf();
    expect(first.created).toBe(true);
    expect(isSid(first.account.sid, 'AC')).toBe(true);
    expect(first.account.ownerAccountSid).toBe(first.account.sid);
    expect(first.account.authToken).toMatch(/^[0-9a-f]{32}$/);
    await temp.store.accounts.insert(anAccount({ ownerAccountSid: first.account.sid }));
    expect(await accountOf()).toEqual({ account: first.account, created: false });
  });

  test('a given sid is made when it is not there; a given token replaces the stored one', async () => {
    const sid = `AC${'0'.repeat(32)}`;
    const made = await accountOf({ sid, authToken: 'a-token-of-enough-characters' });
    expect(made).toMatchObject({ created: true, account: { sid, authToken: 'a-token-of-enough-characters' } });
    const changed = await accountOf({ sid, authToken: 'another-token-0123456789' });
    expect(changed).toMatchObject({ created: false, account: { authToken: 'another-token-0123456789' } });
    expect((await accountOf()).account.authToken).toBe('another-token-0123456789');
  });

  test.each([
    [{ sid: 'AC123' }, /account sid/],
    [{ sid: `AC${'G'.repeat(32)}` }, /account sid/],
    [{ authToken: 'short' }, /auth token/],
    [{ authToken: 'with a space and many characters' }, /auth token/],
  ])('settings that cannot be used are named: %o', async (settings, error) => {
    expect(await ensure(settings)).toMatchObject({ ok: false, error: expect.stringMatching(error) });
    expect(await temp.store.accounts.count({})).toBe(0);
  });
});
