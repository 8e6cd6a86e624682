// Texts that outlive the message or page that they were cut from. The engine makes a slice of a text by pointing into it, and a
// concatenation by pointing to its parts: a Call-ID that is kept keeps its whole INVITE.

/** The same text in memory of its own. Lone surrogates, which no message has, become U+FFFD. */
export const ownText = (text: string): string => Buffer.from(text).toString();
