// What a fault means to the one who reads the log. `fetch` says only "fetch failed" and keeps the reason in `cause`; a connection that was
// tried at several addresses keeps it in the first of `errors` and has no words of its own.

const DEEPEST = 5;

/** The words of the innermost reason. Never throws. */
export function reasonOf(fault: unknown, depth = 0): string {
  if (!(fault instanceof Error)) return String(fault);
  const inner = fault instanceof AggregateError ? (fault.errors[0] as unknown) : fault.cause;
  if (inner instanceof Error && depth < DEEPEST) return reasonOf(inner, depth + 1);
  return fault.message || ('code' in fault ? String(fault.code) : fault.name);
}
