// Totals by the values of some labels: what a counter of the library is, at the cost of one look-up per addition. Every message and call
// adds to some; the library reads them when somebody asks.

interface Total {
  readonly values: readonly string[];
  total: number;
}

export class Tally {
  readonly #totals = new Map<string, Total>();

  /** The values stand in the order of the label names. Their number is bounded by whoever gives them. */
  add(values: readonly string[], count = 1): void {
    const key = values.length === 1 ? values[0]! : values.join('\n');
    const known = this.#totals.get(key);
    if (known) known.total += count;
    else this.#totals.set(key, { values: [...values], total: count });
  }

  each(tell: (values: readonly string[], total: number) => void): void {
    for (const { values, total } of this.#totals.values()) tell(values, total);
  }
}
