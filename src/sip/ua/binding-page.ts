// One page of the bindings of a domain. Pure: users in the order in which they first registered, each with the bindings that it has now.
//
//   users      a  b  c  d  e         after { index 2, aor c, shown 1 }
//   bindings   1  3  2  1  1  ─▶  c's second, d's, e's …

import type { Binding } from '../../base/records.ts';
import type { BindingPage, BindingPageRequest } from '../../base/registrations-api.ts';

/** Bindings behind `after`. `aors` is walked to its place, and asked for bindings only from there. */
export function bindingPage(
  aors: Iterable<string>,
  bindingsOf: (aor: string) => readonly Binding[],
  { after, most }: BindingPageRequest,
): BindingPage {
  const all = [...aors];
  const found = after === undefined ? 0 : all.indexOf(after.aor);
  const isThere = after !== undefined && found >= 0;
  // Users may have gone: the one at the edge, then the place that it had.
  const first = found >= 0 ? found : Math.min(after!.index, all.length);
  const bindings: Binding[] = [];
  for (let index = first; index < all.length; index++) {
    const aor = all[index]!;
    const skipped = isThere && index === first ? after.shown : 0;
    const own = bindingsOf(aor).slice(skipped);
    const room = most - bindings.length;
    // A full page ends in front of the next binding, so that there is never an empty page behind the last one.
    if (own.length > room)
      return { bindings: [...bindings, ...own.slice(0, room)], next: { index, aor, shown: skipped + room } };
    bindings.push(...own);
  }
  return { bindings, next: undefined };
}
