// Who is registered at a domain: ours, not the vendor's. Bindings have no sid, so a page link names the user at its edge and how many of
// the user's bindings were shown; where the user has gone meanwhile the walk goes on at the same place in the list.
//
//   …/Registrations.json?PageSize=50&Page=2&PageToken=PR99.1.YWxpY2VAb2ZmaWNl      99 users behind us, 1 binding of alice@office shown

import type { BindingPosition } from '../../base/registrations-api.ts';
import { err, ok, type Result } from '../../base/result.ts';
import { type ApiFault, fault, notFound } from '../errors.ts';
import { lastOf } from '../form.ts';
import { pageRequest } from '../page.ts';
import { presentRegistration } from '../present.ts';
import type { Handler, Route } from '../request.ts';
import { findDomain } from './domains.ts';

const TOKEN = /^PR(\d{1,9})\.(\d{1,4})\.([A-Za-z0-9_-]{1,700})$/;

const list: Handler = async (request, { store, registrations: port }) => {
  const domain = await findDomain(request, store);
  if (!domain || !port) return notFound(`${request.path}.json`);
  const token = lastOf(request.query, 'PageToken');
  const plain = new Map(request.query);
  plain.delete('PageToken');
  const page = pageRequest(plain);
  if (!page.ok) return page.error;
  const after = readToken(token);
  if (!after.ok) return after.error;
  const { size, page: number } = page.value;
  const { bindings, next } = await port.ofDomain(domain.sid, { after: after.value, most: size });
  const link = (at: number, position?: string) => {
    const query = new URLSearchParams({ PageSize: String(size), Page: String(at) });
    if (position !== undefined) query.set('PageToken', position);
    return `${request.path}.json?${query}`;
  };
  const start = bindings.length > 0 ? number * size : 0;
  return {
    status: 200,
    body: {
      registrations: bindings.map(presentRegistration),
      page: number,
      page_size: size,
      start,
      end: bindings.length > 0 ? start + bindings.length - 1 : 0,
      uri: link(number, token),
      first_page_uri: link(0),
      // Forwards only: phones come and go, there is no page to go back to.
      previous_page_uri: null,
      next_page_uri: next ? link(number + 1, writeToken(next)) : null,
    },
  };
};

const writeToken = ({ index, shown, aor }: BindingPosition): string =>
  `PR${index}.${shown}.${Buffer.from(aor).toString('base64url')}`;

function readToken(token: string | undefined): Result<BindingPosition | undefined, ApiFault> {
  if (token === undefined) return ok(undefined);
  const [, index, shown, aor] = TOKEN.exec(token) ?? [];
  if (index === undefined || shown === undefined || aor === undefined)
    return err(fault(21481, 'PageToken is not valid'));
  return ok({ index: Number(index), shown: Number(shown), aor: Buffer.from(aor, 'base64url').toString() });
}

export const registrationRoutes: readonly Route[] = [
  { path: '/Accounts/{AccountSid}/SIP/Domains/{DomainSid}/Registrations', handlers: { GET: list } },
];
