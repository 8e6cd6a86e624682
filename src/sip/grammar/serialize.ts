// Message → bytes. Header fields are written as they stand, in their order; Content-Length is always made right.

import { strict as assert } from 'node:assert';
import { isSafeHeaderValue } from './chars.ts';
import { type HeaderField, knownName, type Message } from './message.ts';
import { serializeUri } from './uri.ts';

export { isSafeHeaderValue } from './chars.ts';

/** What was printed last: the transport prints a message, and right behind it the transaction wants its bytes. */
let last: { readonly message: Message; readonly bytes: Buffer } | undefined;

/**
 * Prints a message. A Content-Length field keeps its place and spelling and gets the right number; without one it is added last.
 * Asserts that nothing breaks out of its line: values from outside are checked where they enter (isSafeHeaderValue).
 */
export function serializeMessage(message: Message): Buffer {
  if (last?.message !== message) last = { message, bytes: print(message) };
  return last.bytes;
}

function print(message: Message): Buffer {
  let text = startLine(message);
  let hasLength = false;
  const { headers } = message;
  for (let index = 0; index < headers.length; index++) {
    const { name, value } = headers.at(index)!;
    if (headers.keyAt(index) === 'content-length') {
      if (!hasLength) text += `${name}: ${message.body.length}\r\n`;
      hasLength = true;
      continue;
    }
    assertLine(name, value);
    text += `${name}: ${value}\r\n`;
  }
  text += hasLength ? '\r\n' : `Content-Length: ${message.body.length}\r\n\r\n`;
  const head = Buffer.from(text, 'utf8');
  return message.body.length === 0 ? head : Buffer.concat([head, message.body]);
}

function startLine(message: Message): string {
  if (message.kind === 'request') return `${message.method} ${serializeUri(message.uri)} SIP/2.0\r\n`;
  assertLine('reason', message.reason);
  return `SIP/2.0 ${message.status} ${message.reason}\r\n`;
}

// None of the three ever comes out of the parser, so a peer cannot make this fail.
function assertLine(name: string, value: string): void {
  if (!isSafeHeaderValue(value)) assert.fail(`CR, LF or NUL in ${name}`);
}

const FIELD_NAME = /^[A-Za-z0-9!%'*+.^_`~-]+$/;

/** For builders: asserts that a field made by us is one line with a name. */
export function assertHeaderField(field: HeaderField): void {
  assert(knownName(field.name) !== undefined || FIELD_NAME.test(field.name), 'name of a header field');
  assertLine(field.name, field.value);
}
