// Tokens (rest-api.md 15): credentials for the configured STUN and TURN servers, kept nowhere.

import { z } from 'zod';
import { limits } from '../../base/limits.ts';
import { rfc2822 } from '../dates.ts';
import { checked, integer, optional } from '../form.ts';
import type { Handler, Route } from '../request.ts';

const schema = z.object({ Ttl: optional(integer('Ttl', 20001, 1, limits.iceTokenSeconds)) });

const create: Handler = async (request, { iceServers, clock }) => {
  const form = checked(schema, request.form);
  if (!form.ok) return form.error;
  const ttl = form.value.Ttl ?? limits.iceTokenSeconds;
  const token = iceServers?.issue(request.account.sid, ttl);
  const now = rfc2822(clock.wall());
  return {
    status: 201,
    body: {
      account_sid: request.account.sid,
      username: token?.username ?? null,
      password: token?.password ?? null,
      ttl: String(ttl),
      // The older name of `urls` stands beside it.
      ice_servers: (token?.servers ?? []).map((server) => ({ url: server.urls, ...server })),
      date_created: now,
      date_updated: now,
    },
  };
};

export const tokenRoutes: readonly Route[] = [{ path: '/Accounts/{AccountSid}/Tokens', handlers: { POST: create } }];
