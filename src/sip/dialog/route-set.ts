// The route set of a dialog and what it does to a request (RFC 3261 12.1, 12.2.1.1, 16.12).
//
//   routeSet [A;lr, B;lr]   loose    Request-URI = remote target      Route: A, B
//   routeSet [A,    B;lr]   strict   Request-URI = A                  Route: B, remote target
//   routeSet []                      Request-URI = remote target      no Route

import { strict as assert } from 'node:assert';
import { limits } from '../../base/limits.ts';
import { err, ok, type Result } from '../../base/result.ts';
import type { HeaderList } from '../grammar/message.ts';
import { parseNameAddr } from '../grammar/name-addr.ts';
import { splitList } from '../grammar/params.ts';
import { isSipUri, parseUri, type Uri, withoutUriHeaders, withoutUriParam } from '../grammar/uri.ts';

/** Route values as the peer wrote them, first hop first. */
export type RouteSet = readonly string[];

export interface Routing {
  readonly requestUri: Uri;
  /** Values of the Route header, one field each. */
  readonly routes: RouteSet;
  /** Where the request goes: by RFC 3263, unless the dialog keeps to its flow. */
  readonly nextHop: Uri;
}

/**
 * The Record-Route values in the order of the wire: as they are for a UAS, to be reversed for a UAC (12.1.1, 12.1.2).
 * An error for a value that is no SIP name-addr, or for more than limits.routeSetEntries.
 */
export function recordedRoutes(headers: HeaderList): Result<RouteSet, string> {
  const routes = headers.getAll('record-route').flatMap((line) => splitList(line));
  if (routes.length > limits.routeSetEntries) return err('Too Many Record-Route Values');
  for (const route of routes) {
    const parsed = parseNameAddr(route);
    if (!parsed.ok || !isSipUri(parsed.value.uri)) return err('Bad Record-Route');
  }
  return ok(routes);
}

/** 12.2.1.1: Request-URI, Route values and next hop for a remote target behind a route set. */
export function routing(routeSet: RouteSet, remoteTarget: string): Routing {
  const target = parseUri(remoteTarget);
  assert(target.ok, 'a stored remote target');
  const first = routeSet[0] === undefined ? undefined : uriOf(routeSet[0]);
  const requestUri = forRequestLine(target.value);
  if (!first) return { requestUri, routes: [], nextHop: requestUri };
  if (isSipUri(first) && first.params.has('lr')) return { requestUri, routes: routeSet, nextHop: first };
  const strict = forRequestLine(first);
  return { requestUri: strict, routes: [...routeSet.slice(1), `<${remoteTarget}>`], nextHop: strict };
}

function uriOf(route: string): Uri {
  const parsed = parseNameAddr(route);
  assert(parsed.ok, 'a stored route');
  return parsed.value.uri;
}

/** 19.1.1: a Request-URI has no headers and no method parameter. */
const forRequestLine = (uri: Uri): Uri => withoutUriParam(withoutUriHeaders(uri), 'method');
