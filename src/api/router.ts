// Paths → routes. A route's path is split once; a request's path is matched segment by segment, decoded, with `.json` or no extension
// (rest-api.md 4); paths of v1 have none. No regular expression is ever made of what a client sends.

import { limits } from '../base/limits.ts';
import type { Route } from './request.ts';

export interface RouteMatch {
  readonly route: Route;
  readonly params: Readonly<Record<string, string>>;
  /** Without extension, as it is written into links. */
  readonly path: string;
  /** Whether the path ended in `.json`. */
  readonly isJson: boolean;
}

export const API_ROOT = '/2010-04-01';
export const V1_ROOT = '/v1';

export type Router = (path: string) => RouteMatch | undefined;

/** `path` is the raw path of a request, without query. */
export function createRouter(routes: readonly Route[]): Router {
  const bySize = Map.groupBy(
    routes.map((route) => ({ route, segments: fullPath(route).split('/').slice(1) })),
    ({ segments }) => segments.length,
  );
  return (path) => {
    if (path.length > limits.restPathBytes) return undefined;
    const isV1 = path.startsWith(`${V1_ROOT}/`);
    const isJson = !isV1 && path.endsWith('.json');
    const plain = isJson ? path.slice(0, -'.json'.length) : path;
    const segments = decoded(plain.slice(1).split('/'));
    if (!segments) return undefined;
    for (const { route, segments: pattern } of bySize.get(segments.length) ?? []) {
      const params = match(pattern, segments);
      if (params) return { route, params, path: plain, isJson };
    }
    return undefined;
  };
}

const fullPath = (route: Route): string => (route.path.startsWith(`${V1_ROOT}/`) ? route.path : API_ROOT + route.path);

function match(pattern: readonly string[], segments: readonly string[]): Record<string, string> | undefined {
  const params: Record<string, string> = {};
  for (const [index, part] of pattern.entries()) {
    const segment = segments[index] ?? '';
    if (part.startsWith('{')) {
      if (segment === '') return undefined;
      params[part.slice(1, -1)] = segment;
    } else if (part !== segment) return undefined;
  }
  return params;
}

function decoded(segments: readonly string[]): readonly string[] | undefined {
  try {
    return segments.map(decodeURIComponent);
  } catch {
    // A broken percent escape names no resource.
    return undefined;
  }
}
