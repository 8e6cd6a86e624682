// The entries of a map from the oldest on, for tables that give up the oldest when they are full. A new iterator each time would walk over
// all that was deleted at the front since the map was last rebuilt; one that stays where it is does not.

/** Gives the oldest entry, which the caller deletes before it asks again; undefined when the map is empty. */
export function oldestFirst<K, V>(map: ReadonlyMap<K, V>): () => readonly [K, V] | undefined {
  let entries = map.entries();
  return () => {
    const step = entries.next();
    if (!step.done) return step.value;
    // It had come to the end, where an iterator stays for ever.
    entries = map.entries();
    const again = entries.next();
    return again.done ? undefined : again.value;
  };
}
