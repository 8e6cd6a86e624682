// Messages between threads: what is plain goes as one text, all else as it is, and the other side gets the same.

import { describe, expect, test } from 'vitest';
import type { CoreCommand, CoreReply } from '../../../src/media/messages.ts';
import { packCommands, packReplies, unpack } from '../../../src/media/packed.ts';
import { plan } from '../../support/media.ts';

const source = { signallingAddress: null, nat: false };
const plain: readonly CoreCommand[] = [
  { type: 'open', request: 1, endpoint: '0-1', slot: 0, localAddress: '::1', callSid: 'CA1' },
  { type: 'configure', endpoint: '0-1', plan: { ...plan(4_000), remoteAddress: null }, source },
  { type: 'join', bridge: 2, a: '0-1', b: '0-2' },
  { type: 'setComfort', endpoint: '0-1', mode: 'silence', music: null },
  { type: 'expectSilence', endpoint: '0-1', silent: true },
  { type: 'unjoin', bridge: 2 },
  { type: 'close', endpoint: '0-1' },
];

const key = new Uint8Array(30).fill(7);
const srtp = { suite: 'AES_CM_128_HMAC_SHA1_80', sendKey: key, receiveKey: key } as const;
const withBytes: readonly CoreCommand[] = [
  { type: 'configure', endpoint: '0-1', plan: { ...plan(4_000), srtp }, source },
  { type: 'setComfort', endpoint: '0-1', mode: 'music', music: Int16Array.of(1, 2, 3) },
  { type: 'insertDigits', endpoint: '0-1', digits: '1' },
];

describe('what a thread is told', () => {
  test('goes as one text when all of it is plain, and is the same on the other side', () => {
    const packed = packCommands(plain);
    expect(packed).toBeTypeOf('string');
    expect(unpack(packed)).toEqual(plain);
  });

  test.each(withBytes)('goes as it is with $type among it', (command) => {
    const commands = [plain[0]!, command];
    expect(packCommands(commands)).toBe(commands);
    expect(unpack(packCommands(commands))).toBe(commands);
  });

  test('answers to openings go as text, with failures too; a log line does not', () => {
    const opened: readonly CoreReply[] = [
      { type: 'opened', request: 1, result: { ok: true, value: { rtpPort: 10_000, rtcpPort: 10_001 } } },
      { type: 'opened', request: 2, result: { ok: false, error: { code: 'noPorts', detail: 'none' } } },
    ];
    expect(unpack(packReplies(opened))).toEqual(opened);
    expect(packReplies(opened)).toBeTypeOf('string');
    const line: readonly CoreReply[] = [{ type: 'log', level: 'info', fields: { err: new Error('x') }, message: 'y' }];
    expect(packReplies(line)).toBe(line);
  });
});
