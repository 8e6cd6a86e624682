// What never reaches a ladder, a capture or a log (design.md 9): digest answers, SRTP keys, passwords in URLs, digits in INFO bodies.

const rules: readonly (readonly [RegExp, string])[] = [
  [/^((?:proxy-)?authorization\s*:).*(?:\r?\n[ \t].*)*/gim, '$1 [hidden]'],
  [/(a=crypto:\S+\s+\S+\s+inline:)\S+/gi, '$1[hidden]'],
  // A user may hold `;`, and careless writers put `@` into passwords: rather too much is hidden than too little.
  [/(\bsips?:[^:@\s<>]+:)[^\s<>;]+@/gi, '$1[hidden]@'],
  [/(\bhttps?:\/\/)[^/?#\s]+@/gi, '$1[hidden]@'],
  [/^(\s*Signal\s*=\s*)\S+/gim, '$1[hidden]'],
];

/** `text` without secrets. */
export function redact(text: string): string {
  let clean = text;
  for (const [pattern, replacement] of rules) clean = clean.replace(pattern, replacement);
  return clean;
}
