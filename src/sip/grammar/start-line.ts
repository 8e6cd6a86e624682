// RFC 3261 7.1, 7.2: request line and status line. Exactly one space between the parts; the version is compared without case.
//
//   INVITE sip:bob@biloxi.example.com SIP/2.0          SIP/2.0 200 OK

import { limits } from '../../base/limits.ts';
import { isSafeHeaderValue, isToken, parseDecimal } from './chars.ts';
import { parseUri, type Uri } from './uri.ts';

export interface StartLineFault {
  readonly detail: string;
  readonly offset: number;
  readonly status: number;
}

export interface RequestLine {
  readonly kind: 'request';
  readonly method: string;
  readonly uri: Uri;
  readonly fault: StartLineFault | undefined;
}

export interface StatusLine {
  readonly kind: 'response';
  readonly status: number;
  readonly reason: string;
  readonly fault: StartLineFault | undefined;
}

/** A start line that is neither. */
export interface BrokenLine {
  readonly kind: 'broken';
  readonly fault: StartLineFault;
}

export type StartLine = RequestLine | StatusLine | BrokenLine;

const fault = (detail: string, offset: number, status = 400): StartLineFault => ({ detail, offset, status });

const STATUS_LINE = /^SIP\//i;

export function parseStartLine(line: string): StartLine {
  return STATUS_LINE.test(line) ? parseStatusLine(line) : parseRequestLine(line);
}

function parseStatusLine(line: string): StatusLine {
  const versionEnd = line.indexOf(' ');
  const version = line.slice(0, versionEnd < 0 ? line.length : versionEnd);
  const status = versionEnd < 0 ? -1 : parseDecimal(line, versionEnd + 1, versionEnd + 4, 699);
  const behind = line.charCodeAt(versionEnd + 4);
  // The reason may be empty; its leading space is then forgotten by some.
  const reason = line.slice(versionEnd + 5);
  const isWhole = line.length === versionEnd + 4 || behind === 0x20;
  let found: StartLineFault | undefined;
  if (version.toUpperCase() !== 'SIP/2.0') found = fault('SIP version is not 2.0', 0, 505);
  else if (status < 100 || !isWhole || line.length < versionEnd + 4) {
    found = fault('status is not a number from 100 to 699', versionEnd + 1);
  } else if (!isSafeHeaderValue(reason)) found = fault('CR or NUL in the reason phrase', versionEnd + 5);
  return { kind: 'response', status, reason, fault: found };
}

function parseRequestLine(line: string): RequestLine | BrokenLine {
  const methodEnd = line.indexOf(' ');
  const uriEnd = line.lastIndexOf(' ');
  const method = line.slice(0, Math.max(methodEnd, 0));
  if (!isToken(method)) return { kind: 'broken', fault: fault('no method at the start of the request line', 0) };
  const uriText = uriEnd > methodEnd ? line.slice(methodEnd + 1, uriEnd) : '';
  const version = line.slice(uriEnd + 1);
  const broken = (found: StartLineFault): RequestLine => ({
    kind: 'request',
    method,
    uri: { scheme: '', text: uriText },
    fault: found,
  });
  if (version !== 'SIP/2.0' && version.toUpperCase() !== 'SIP/2.0') {
    const isVersion = /^SIP\/\d{1,9}\.\d{1,9}$/i.test(version);
    return broken(
      isVersion
        ? fault('SIP version is not 2.0', uriEnd + 1, 505)
        : fault('request line does not end with a SIP version', uriEnd + 1),
    );
  }
  if (uriText.length > limits.sipUriBytes) return broken(fault('Request-URI is too long', methodEnd + 1, 414));
  const uri = parseUri(uriText);
  if (!uri.ok) return broken(fault(`Request-URI: ${uri.error.detail}`, methodEnd + 1 + uri.error.offset));
  // 19.1.1: headers are not allowed in a Request-URI.
  const hasHeaders = 'headers' in uri.value && uri.value.headers.length > 0;
  return {
    kind: 'request',
    method,
    uri: uri.value,
    fault: hasHeaders ? fault('Request-URI holds header fields', methodEnd + 1) : undefined,
  };
}
