// Answers that are asked for again and again: the same few addresses and URLs come with every call. A bounded cache without work per hit:
// when the young half is full it becomes the old half, and the old one is dropped.

/** Longer texts are none that come again, and would only fill the memory. */
const LONGEST = 256;

/** `make`, which must be pure and whose answers nobody changes, with its latest answers at hand: `most` of them at most. */
export function remembered<T>(most: number, make: (text: string) => T): (text: string) => T {
  let young = new Map<string, T>();
  let old = new Map<string, T>();
  return (text) => {
    const known = young.get(text);
    if (known !== undefined) return known;
    if (text.length > LONGEST) return make(text);
    const made = old.get(text) ?? make(text);
    if (young.size >= most / 2) {
      old = young;
      young = new Map();
    }
    // Of a slice of a message the message would stay: the key is a text of its own.
    young.set(Buffer.from(text).toString(), made);
    return made;
  };
}
