// The error bodies of REST: code, text and HTTP status (rest-api.md 6). A handler returns a fault as a value; server.ts writes it.

import { httpStatusOf } from '../base/errors.ts';

export interface ApiFault {
  readonly code: number;
  readonly status: number;
  readonly message: string;
}

/** A warning about a request that was carried out all the same: it goes into the notifications of the call. */
export interface Warning {
  readonly code: number;
  readonly message: string;
}

/** A fault with the HTTP status that belongs to its code. */
export const fault = (code: number, message: string): ApiFault => ({
  code,
  status: httpStatusOf(code),
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
