// Where log lines go: standard output, all lines of some milliseconds with one system call. Nothing is lost at an ordinary end or a crash
// of our code; a process that is killed loses the lines of those milliseconds.

import pino from 'pino';
import { realClock } from './clock.ts';

/** So long a line waits for others. */
const GATHER_MS = 10;
/** So much does not wait. */
const GATHER_CHARS = 64 * 1_024;

class GatheredOutput {
  readonly #output = pino.destination({ dest: 1, sync: true });
  #waiting = '';

  constructor() {
    process.on('exit', () => {
      this.#flush();
      this.#output.flushSync();
    });
  }

  write(line: string): void {
    if (this.#waiting === '') realClock.after(GATHER_MS, () => this.#flush());
    this.#waiting += line;
    if (this.#waiting.length > GATHER_CHARS) this.#flush();
  }

  #flush(): void {
    if (this.#waiting === '') return;
    const lines = this.#waiting;
    this.#waiting = '';
    this.#output.write(lines);
  }
}

let shared: GatheredOutput | undefined;

/** Standard output for lines. One for the process. */
export function lineOutput(): { write(line: string): void } {
  shared ??= new GatheredOutput();
  return shared;
}
