// SIP as text, as much of it as a load generator needs: a message is searched for the few fields that its dialog depends on. No
// grammar of the gateway is used, so that both do not share a fault.

export const CRLF = '\r\n';

/** Value of the first header field of this name, or ''. Long names are searched as most print them first. */
export function field(text: string, name: string): string {
  let at = text.indexOf(`${CRLF}${name}: `);
  let from = at + name.length + 4;
  if (at < 0) {
    const match = new RegExp(`\\r\\n${name}[ \\t]*:[ \\t]*`, 'i').exec(text);
    if (!match) return '';
    at = match.index;
    from = at + match[0].length;
  }
  const headEnd = text.indexOf(`${CRLF}${CRLF}`);
  if (headEnd >= 0 && at > headEnd) return '';
  const end = text.indexOf(CRLF, from);
  return text.slice(from, end < 0 ? text.length : end);
}

/** All lines of a header field, in their order, each with its line end: as they are put into an answer. */
export function lines(text: string, name: string): string {
  const head = text.slice(0, text.indexOf(`${CRLF}${CRLF}`) + 2);
  const matches = head.match(new RegExp(`^${name}[ \\t]*:.*\\r\\n`, 'gim'));
  return matches ? matches.join('') : '';
}

/** Status of a response, or 0 for a request. */
export const statusOf = (text: string): number => (text.startsWith('SIP/2.0 ') ? Number(text.slice(8, 11)) : 0);

/** Method of a request. */
export const methodOf = (text: string): string => text.slice(0, text.indexOf(' '));

export const bodyOf = (text: string): string => text.slice(text.indexOf(`${CRLF}${CRLF}`) + 4);

/** Method in CSeq. */
export function cseqMethod(text: string): string {
  const value = field(text, 'CSeq');
  return value.slice(value.lastIndexOf(' ') + 1);
}

/** The URI of a Contact or Record-Route value. */
export function uriIn(value: string): string {
  const open = value.indexOf('<');
  if (open >= 0) return value.slice(open + 1, value.indexOf('>', open));
  const end = value.indexOf(';');
  return end < 0 ? value : value.slice(0, end);
}

/** RFC 3261 12.1.2: the route set of a caller is the Record-Route of the answer, last one first. As header lines. */
export function routeLines(answer: string): string {
  const found = lines(answer, 'Record-Route');
  if (found === '') return '';
  const values = found
    .trim()
    .split(CRLF)
    .flatMap((line) => line.slice(line.indexOf(':') + 1).split(','))
    .map((value) => value.trim());
  return values
    .reverse()
    .map((value) => `Route: ${value}${CRLF}`)
    .join('');
}

/** Port of the audio section of a session description, and where its key is; 0 when there is none. */
export function audioPort(sdp: string): number {
  const match = /^m=audio (\d+) /m.exec(sdp);
  return match ? Number(match[1]) : 0;
}

/** A response to `request` with its own fields; `to` carries our tag. */
export function response(request: string, status: string, tag: string, extra: string, body = ''): string {
  const to = field(request, 'To');
  const tagged = tag === '' || to.includes(';tag=') ? to : `${to};tag=${tag}`;
  return [
    `SIP/2.0 ${status}${CRLF}`,
    lines(request, 'Via'),
    lines(request, 'Record-Route'),
    `From: ${field(request, 'From')}${CRLF}To: ${tagged}${CRLF}Call-ID: ${field(request, 'Call-ID')}${CRLF}`,
    `CSeq: ${field(request, 'CSeq')}${CRLF}${extra}Content-Length: ${body.length}${CRLF}${CRLF}${body}`,
  ].join('');
}

/** A session description with one audio section. */
export function audioSdp(host: string, port: number, payloadType: 0 | 8, crypto: string | undefined): string {
  const profile = crypto === undefined ? 'RTP/AVP' : 'RTP/SAVP';
  return [
    `v=0${CRLF}o=bench 1 1 IN IP4 ${host}${CRLF}s=-${CRLF}c=IN IP4 ${host}${CRLF}t=0 0${CRLF}`,
    `m=audio ${port} ${profile} ${payloadType} 101${CRLF}a=rtpmap:${payloadType} ${payloadType === 0 ? 'PCMU' : 'PCMA'}/8000${CRLF}`,
    `a=rtpmap:101 telephone-event/8000${CRLF}a=fmtp:101 0-15${CRLF}a=ptime:20${CRLF}`,
    crypto === undefined ? '' : `a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:${crypto}${CRLF}`,
  ].join('');
}
