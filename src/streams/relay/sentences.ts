// Tokens of a language model to pieces that are spoken as one: sentences where they end, else at a comma or a space before they grow
// too long. Pure.

import { limits } from '../../base/limits.ts';

/** The end of a sentence and the blank behind it; the CJK ones need none. */
const SENTENCE_END = /[.!?…]["'”’)\]]*\s|[。！？]|\n/g;
/** Nothing but the end of a sentence is missing: speaks it when no more comes. */
const LOOKS_WHOLE = /[.!?…:]["'”’)\]]*\s*$/;

export class Sentences {
  #text = '';

  /** Characters that were not given out yet. */
  get length(): number {
    return this.#text.length;
  }

  /** True when what waits could be spoken as it is. */
  get looksWhole(): boolean {
    return LOOKS_WHOLE.test(this.#text);
  }

  /** The pieces that are complete with this token. */
  push(token: string): string[] {
    this.#text += token;
    const pieces: string[] = [];
    for (let at = this.#cut(); at > 0; at = this.#cut()) pieces.push(this.#take(at));
    return pieces.filter((piece) => piece.trim() !== '');
  }

  /** All that is left; undefined when it is nothing. */
  flush(): string | undefined {
    const rest = this.#take(this.#text.length);
    return rest.trim() === '' ? undefined : rest;
  }

  /** Where the next piece ends; 0: nowhere yet. */
  #cut(): number {
    SENTENCE_END.lastIndex = 0;
    const end = SENTENCE_END.exec(this.#text);
    const at = end ? end.index + end[0].length : 0;
    if (at > 0 && at <= limits.relaySentenceChars) return at;
    if (this.#text.length <= limits.relaySentenceChars) return 0;
    const head = this.#text.slice(0, limits.relaySentenceChars);
    const comma = Math.max(head.lastIndexOf(', '), head.lastIndexOf('; '), head.lastIndexOf(': ')) + 2;
    const space = head.lastIndexOf(' ') + 1;
    return comma > limits.relaySentenceChars / 2 ? comma : space > 0 ? space : limits.relaySentenceChars;
  }

  #take(length: number): string {
    const piece = this.#text.slice(0, length);
    this.#text = this.#text.slice(length);
    return piece;
  }
}
