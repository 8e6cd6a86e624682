// Work that every endpoint and bridge of a thread needs now and then, done for some of them at a time. All of them at once would keep
// the packets of all calls waiting: 2 to 7 ms twice a second with 300 calls.

/** Of a round, at least so many are looked at together: a quiet gateway does not wake more often than it must. */
const ITEMS_PER_TURN = 8;
const MOST_TURNS = 25;

/** Into how many turns a round of so many items is cut. */
export const turnsFor = (items: number): number => Math.min(MOST_TURNS, Math.max(1, Math.ceil(items / ITEMS_PER_TURN)));

/** Goes round the values of a map, again and again. What comes and goes meanwhile is taken in, or left out. */
export class Round<Item> {
  readonly #items: ReadonlyMap<unknown, Item>;
  #values: Iterator<Item>;

  constructor(items: ReadonlyMap<unknown, Item>) {
    this.#items = items;
    this.#values = items.values();
  }

  /** The turn's part of a round of so many turns. */
  visit(turns: number, visit: (item: Item) => void): void {
    for (let left = Math.ceil(this.#items.size / turns); left > 0; left--) {
      const item = this.#next();
      // All of them went meanwhile.
      if (item.done) return;
      visit(item.value);
    }
  }

  #next(): IteratorResult<Item> {
    const next = this.#values.next();
    if (!next.done) return next;
    this.#values = this.#items.values();
    return this.#values.next();
  }
}
