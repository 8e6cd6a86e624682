// What the S3 client throws, as one of our faults with a sentence for the operator: what to look at, with the words of the server.

import type { ObjectFault } from './object-store.ts';

interface Thrown {
  readonly name?: unknown;
  readonly message?: unknown;
  readonly code?: unknown;
  readonly $metadata?: { readonly httpStatusCode?: number };
}

const CREDENTIALS = 'the credentials are wrong (s3AccessKeyId, s3SecretAccessKey)';

/** Names of errors that the protocol knows, and what is wrong then. */
const refusals: Readonly<Record<string, string>> = {
  InvalidAccessKeyId: CREDENTIALS,
  SignatureDoesNotMatch: CREDENTIALS,
  InvalidToken: CREDENTIALS,
  ExpiredToken: 'the credentials have run out',
  CredentialsProviderError: 'there are no credentials (s3AccessKeyId, s3SecretAccessKey)',
  AccessDenied: 'the credentials are not allowed to do this in the bucket',
  NoSuchBucket: 'there is no such bucket (s3Bucket)',
  InvalidBucketName: 'the bucket cannot have that name (s3Bucket)',
  PermanentRedirect: 'the bucket is in another region (s3Region, s3Endpoint)',
  AuthorizationHeaderMalformed: 'the bucket is in another region (s3Region)',
  RequestTimeTooSkewed: 'the clock of this machine is wrong',
};

/** Codes of the system and of TLS. */
const unreachable: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nobody listens there (s3Endpoint)',
  ENOTFOUND: 'the host is not known (s3Endpoint)',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate is not trusted (s3Ca)',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is not trusted (s3Ca)',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate is not trusted (s3Ca)',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'its certificate is not trusted (s3Ca)',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another host (s3Endpoint)',
  CERT_HAS_EXPIRED: 'its certificate has expired',
};

const MESSAGE_CHARS = 200;
const wordsOf = (value: unknown): string =>
  typeof value === 'string' ? value.replace(/[\r\n\t]+/g, ' ').slice(0, MESSAGE_CHARS) : '';

/** Never throws. `place`: for the sentence. */
export function explain(fault: unknown, place: string): ObjectFault {
  const thrown: Thrown = typeof fault === 'object' && fault !== null ? fault : {};
  const name = wordsOf(thrown.name);
  const status = thrown.$metadata?.httpStatusCode;
  const said = wordsOf(thrown.message) || name;
  const refusal = refusals[name];
  if (refusal !== undefined) return { code: 'refused', detail: `${place}: ${refusal}; ${said}` };
  if (name === 'NoSuchKey' || name === 'InvalidRange' || status === 404)
    return { code: 'missing', detail: `${place}: no such object` };
  // HEAD has no body, and so no name of the error.
  if (status === 401 || status === 403)
    return { code: 'refused', detail: `${place}: ${refusals.AccessDenied}; HTTP ${status}` };
  if (status === 301 || status === 307)
    return { code: 'refused', detail: `${place}: ${refusals.PermanentRedirect}; HTTP ${status}` };
  const isOurs = status !== undefined && status >= 400 && status < 500 && status !== 408 && status !== 429;
  if (isOurs) return { code: 'refused', detail: `${place}: HTTP ${status}, ${name}: ${said}` };
  if (status !== undefined && status >= 400)
    return { code: 'unavailable', detail: `${place}: HTTP ${status}, ${name}: ${said}` };
  const why = unreachable[wordsOf(thrown.code)];
  return { code: 'unavailable', detail: `${place} cannot be reached: ${why === undefined ? said : `${why}; ${said}`}` };
}
