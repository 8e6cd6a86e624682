// Waiting for a state that nobody announces: looks again and again until it is there or the deadline has passed.

const LOOK_EVERY_MS = 20;

/**
 * Resolves with the first value of `look` that is neither undefined nor false. After `deadlineMs` it rejects with what `describe` says
 * of the last look, so that a failing test tells what it saw instead.
 */
export async function until<T>(
  look: () => T | undefined | false | Promise<T | undefined | false>,
  deadlineMs: number,
  describe: () => string,
): Promise<T> {
  const end = performance.now() + deadlineMs;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    if (performance.now() > end) throw new Error(`not within ${deadlineMs} ms: ${describe()}`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}
