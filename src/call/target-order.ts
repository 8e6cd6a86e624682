// The order in which the targets of a trunk are tried: by priority, and inside one priority at random by weight (as RFC 2782 does it), so
// that the shares come true over many calls and every target still gets its turn when the others fail.

import type { RandomSource } from '../base/ids.ts';

export interface Weighed {
  readonly priority: number;
  readonly weight: number;
}

export function inOrder<T extends Weighed>(targets: readonly T[], random: RandomSource): T[] {
  const groups = [...Map.groupBy(targets, (target) => target.priority)].sort(([a], [b]) => a - b);
  return groups.flatMap(([, group]) => shuffled(group, random));
}

function shuffled<T extends Weighed>(group: readonly T[], random: RandomSource): T[] {
  const left = [...group];
  const ordered: T[] = [];
  while (left.length > 1) {
    const total = left.reduce((sum, target) => sum + target.weight, 0);
    let mark = (random(4).readUInt32BE(0) / 2 ** 32) * total;
    const index = left.findIndex((target) => {
      mark -= target.weight;
      return mark < 0;
    });
    ordered.push(...left.splice(Math.max(0, index), 1));
  }
  return [...ordered, ...left];
}
