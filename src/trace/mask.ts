// Takes secrets out of a SIP message without changing its length, so that Content-Length and a TCP stream still hold (design.md 9):
// digest answers, SRTP and ICE keys, passwords in URLs, digits in INFO and KPML bodies. Each secret byte becomes an `x`. Pure.

/** The secret is the last group; what stands before it stays. Repetitions have an end, so that no text takes long. */
const rules: readonly RegExp[] = [
  // RFC 3261 22.4, with folded lines. The scheme stays, for a dissector.
  /^((?:proxy-)?authorization[ \t]*:[ \t]*\w+[ \t]+)(.*(?:\r?\n[ \t].*)*)/gim,
  /^((?:proxy-)?authentication-info[ \t]*:[ \t]*)(.*(?:\r?\n[ \t].*)*)/gim,
  // RFC 4568 9.1: several keys may stand in one attribute.
  /(\binline:)([^|;\s]+)/gi,
  // RFC 4566 5.12, RFC 8839 5.4, RFC 4567 3.
  /^(k=\w+:)(.*)/gim,
  /^(a=ice-pwd:)(.*)/gim,
  /^(a=key-mgmt:)(.*)/gim,
  /(\bsips?:[^:@\s<>;"]{1,256}:)([^@\s<>;"]{1,256}(?=@))/gi,
  /(\bhttps?:\/\/)([^/@\s<>"]{1,512}(?=@))/gi,
  // RFC 4730: KPML reports.
  /(\bdigits[ \t]*=[ \t]*["'])([^"'\r\n]*)/gi,
  /^([ \t]*signal[ \t]*=[ \t]*)(\S+)/gim,
];

const DIGIT_BODY = /^(?:content-type|c)[ \t]*:[ \t]*application\/(?!kpml)[\w.-]*(?:dtmf(?!-relay)|digit)/im;

/**
 * What a message must hold, in lower case, for a rule to find something: of each word (authorization, inline:, k=, ice-pwd:, key-mgmt,
 * digit, signal, dtmf) the part that begins with a rare letter, since a search stops at each letter that a word begins with. Passwords
 * in URLs have no word of their own.
 */
const SIGNS = ['uth', 'nline:', 'k=', 'wd:', 'y-mgmt', 'git', 'gnal', 'tmf'];
const PASSWORD_IN_HTTP = /https?:\/\/[^/@\s<>"]{1,512}@/;

/** Most messages hold no secret. To look for fixed words says so in a fraction of the time that the rules take. */
function isSuspect(message: string): boolean {
  const lower = message.toLowerCase();
  for (const sign of SIGNS) if (lower.includes(sign)) return true;
  return mayHoldPassword(lower) || (lower.includes('http') && PASSWORD_IN_HTTP.test(lower));
}

const [COLON, SEMICOLON, LESS, MORE, QUOTE] = [0x3a, 0x3b, 0x3c, 0x3e, 0x22];
const [TAB, CR, SPACE] = [0x09, 0x0d, 0x20];

/** Two colons before an `@`, with nothing between that ends a SIP URI: one is that of its scheme, the other that of a password. */
function mayHoldPassword(message: string): boolean {
  let after = 0;
  for (let at = message.indexOf('@'); at >= 0; at = message.indexOf('@', after)) {
    let colons = 0;
    for (let index = at - 1; index >= after; index--) {
      const code = message.charCodeAt(index);
      if (code === COLON) colons++;
      else if (code === SPACE || (code >= TAB && code <= CR)) break;
      else if (code === LESS || code === MORE || code === SEMICOLON || code === QUOTE) break;
    }
    if (colons > 1) return true;
    after = at + 1;
  }
  return false;
}

/** A copy of the message without secrets, of the same length. Line breaks stay. */
export const maskMessage = (message: Buffer): Buffer => Buffer.from(maskText(message.toString('latin1')), 'latin1');

/** The same for a message that has one character for each byte. */
export function maskText(message: string): string {
  if (!isSuspect(message)) return message;
  let text = message;
  for (const rule of rules) text = text.replace(rule, (_, kept: string, secret: string) => kept + crossed(secret));
  const bodyAt = text.indexOf('\r\n\r\n') + 4;
  return bodyAt > 3 && DIGIT_BODY.test(text.slice(0, bodyAt))
    ? text.slice(0, bodyAt) + crossed(text.slice(bodyAt))
    : text;
}

const crossed = (secret: string): string => secret.replace(/[^\r\n \t]/g, 'x');
