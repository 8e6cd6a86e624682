// The error bodies of REST: code, text and HTTP status (rest-api.md 6). A handler returns a fault as a value; server.ts writes it.

export interface ApiFault {
  readonly code: number;
  readonly status: number;
  readonly message: string;
}

// rest-api.md 6: 400 unless listed.
const statusByCode: Readonly<Record<number, number>> = {
  20003: 401,
  20004: 405,
  20005: 403,
  20006: 403,
  20009: 409,
  20403: 403,
  20404: 404,
  20409: 409,
  20413: 413,
  20415: 415,
  20422: 422,
  20429: 429,
  20500: 500,
  20503: 503,
};

/** A fault with the HTTP status that belongs to its code. */
export const fault = (code: number, message: string): ApiFault => ({
  code,
  status: statusByCode[code] ?? 400,
  message,
});

export const notFound = (path: string): ApiFault => fault(20404, `The requested resource ${path} was not found`);

export const unauthenticated: ApiFault = fault(20003, 'Authenticate');

/** The body that the vendor's libraries turn into a RestException. */
export const faultBody = (one: ApiFault) => ({
  code: one.code,
  message: one.message,
  more_info: `https://www.twilio.com/docs/errors/${one.code}`,
  status: one.status,
});

/** What a store's rejection means to the client. The text of the database stays in the log. */
export function storeFault(error: unknown): ApiFault {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'duplicate') return fault(20409, 'The resource exists already');
  if (code === 'missing') return fault(20409, 'A resource that this one belongs to was removed meanwhile');
  if (code === 'full' || code === 'unavailable') return fault(20503, 'The store cannot be used at present');
  return fault(20500, 'Internal error');
}

export const isDuplicate = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'duplicate';
