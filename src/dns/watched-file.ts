// A small system file (hosts, resolv.conf) that is read again when it has changed. It is looked at when it is needed, at most
// once per interval, so it takes no timer. Reading is synchronous: these files are local and a few lines long, while the
// thread pool behind asynchronous reads may be full of work that waits.

import { readFileSync, statSync } from 'node:fs';
import type { Clock } from '../base/clock.ts';
import { limits } from '../base/limits.ts';

export class WatchedFile<Value> {
  readonly #path: string;
  readonly #clock: Clock;
  readonly #parse: (text: string) => Value;
  #value: Value;
  #signature = 'never read';
  #checkedAt = Number.NEGATIVE_INFINITY;

  /** `parse('')` is the value while the file is absent. */
  constructor(path: string, clock: Clock, parse: (text: string) => Value) {
    this.#path = path;
    this.#clock = clock;
    this.#parse = parse;
    this.#value = parse('');
  }

  /** The parsed file as of at most `limits.dnsFilesRereadMs` ago. Never throws; an unreadable file counts as empty. */
  current(): Value {
    const now = this.#clock.now();
    if (now - this.#checkedAt < limits.dnsFilesRereadMs) return this.#value;
    this.#checkedAt = now;
    const signature = this.#readSignature();
    if (signature === this.#signature) return this.#value;
    this.#signature = signature;
    this.#value = this.#parse(this.#readText());
    return this.#value;
  }

  #readSignature(): string {
    try {
      const stat = statSync(this.#path, { bigint: true });
      return `${stat.mtimeNs} ${stat.size} ${stat.ino}`;
    } catch {
      return 'absent';
    }
  }

  #readText(): string {
    try {
      return readFileSync(this.#path, 'utf8');
    } catch {
      return '';
    }
  }
}
