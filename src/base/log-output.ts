// Where log lines go: standard output, all lines of one turn of the event loop with one system call. Nothing is lost at an ordinary end
// or a crash of our code; a process that is killed loses the lines of the turn it was in.

import pino from 'pino';

/** A turn that writes so much does not wait for its end. */
const TURN_CHARS = 64 * 1_024;

class TurnOutput {
  readonly #output = pino.destination({ dest: 1, sync: true });
  #waiting = '';

  constructor() {
    process.on('exit', () => {
      this.#flush();
      this.#output.flushSync();
    });
  }

  write(line: string): void {
    if (this.#waiting === '') setImmediate(() => this.#flush());
    this.#waiting += line;
    if (this.#waiting.length > TURN_CHARS) this.#flush();
  }

  #flush(): void {
    if (this.#waiting === '') return;
    const lines = this.#waiting;
    this.#waiting = '';
    this.#output.write(lines);
  }
}

let shared: TurnOutput | undefined;

/** Standard output for lines. One for the process. */
export function lineOutput(): { write(line: string): void } {
  shared ??= new TurnOutput();
  return shared;
}
