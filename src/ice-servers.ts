// Part of the composition root: the ICE servers of the settings, with credentials that end by themselves, as TURN servers that share a
// secret check them (draft-uberti-behave-turn-rest-00): user name `expiry:account`, password Base64 of its HMAC-SHA1.

import { createHmac } from 'node:crypto';
import type { Clock } from './base/clock.ts';
import type { IceServersApi } from './base/ice-servers-api.ts';
import type { RandomSource } from './base/ids.ts';
import type { Config } from './config.ts';

const NAME_BYTES = 32;
const PASSWORD_BYTES = 24;

export function createIceServers(
  settings: () => Pick<Config, 'iceServers' | 'turnSecret'>,
  { clock, random }: { readonly clock: Clock; readonly random: RandomSource },
): IceServersApi {
  return {
    issue(accountSid, ttlSeconds) {
      const { iceServers, turnSecret } = settings();
      const expires = Math.floor(clock.wall() / 1_000) + ttlSeconds;
      const username = turnSecret === null ? random(NAME_BYTES).toString('hex') : `${expires}:${accountSid}`;
      const password =
        turnSecret === null
          ? random(PASSWORD_BYTES).toString('base64url')
          : createHmac('sha1', turnSecret).update(username).digest('base64');
      const servers = iceServers.map((urls) =>
        /^turns?:/i.test(urls) && turnSecret !== null ? { urls, username, credential: password } : { urls },
      );
      return { username, password, servers };
    },
  };
}
