import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type CallOptions, parseCallOptions } from '../../../src/cli/call-options.ts';
import { toneSamples } from '../../../src/media/tone.ts';
import { openWavFile } from '../../../src/media/wav.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'hookswitch-call-options-'));
  writeFileSync(join(folder, 'root.pem'), '-----BEGIN CERTIFICATE-----\nMII=\n-----END CERTIFICATE-----\n');
  writeFileSync(join(folder, 'text.txt'), 'neither audio nor PEM');
  const tone = openWavFile(join(folder, 'tone.wav'));
  if (!tone.ok) throw new Error(tone.error);
  tone.value.write(toneSamples([440], -10, 200));
  tone.value.close();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Names a file of the folder: `@tone.wav`. */
const withPaths = (args: readonly string[]) =>
  args.map((arg) => (arg.startsWith('@') ? join(folder, arg.slice(1)) : arg));

async function read(...args: readonly string[]): Promise<CallOptions> {
  const parsed = await parseCallOptions(withPaths(args));
  if (!parsed.ok) throw new Error(parsed.error.text);
  return parsed.value;
}

describe('what is taken', () => {
  test('a target alone: the defaults', async () => {
    expect(await read('sip:1000@pbx.example:5070')).toMatchObject({
      target: { user: '1000', host: 'pbx.example', port: 5070 },
      proxy: undefined,
      user: 'caller',
      password: undefined,
      domain: 'pbx.example',
      register: false,
      sources: [],
      recordFile: undefined,
      durationMs: 10_000,
      secureMedia: false,
      trustedRoot: null,
      expectedStatus: undefined,
      verbose: false,
    });
  });

  test('a target without its scheme is a SIP URI', async () => {
    expect((await read('1000@127.0.0.1')).target).toMatchObject({ scheme: 'sip', user: '1000', host: '127.0.0.1' });
    expect((await read('sips:bob@pbx.example')).target).toMatchObject({ scheme: 'sips' });
  });

  test('--duration 0 lasts until the other side hangs up; fractions of a second are allowed', async () => {
    expect((await read('x@y', '--duration', '0')).durationMs).toBeUndefined();
    expect((await read('x@y', '--duration', '0.25')).durationMs).toBe(250);
  });

  test('digits come before the file', async () => {
    const { sources } = await read('x@y', '--play', '@tone.wav', '--send-digits', '1wW#A');
    expect(sources.map((source) => source.kind)).toEqual(['digits', 'samples']);
  });

  test('the rest', async () => {
    expect(
      await read(
        ...['x@y', '--proxy', '127.0.0.1:5080', '--user', 'alice', '--password', 'p', '--domain', 'd.example'],
        ...['--record', '@out.wav', '--register', '--srtp', '--ca', '@root.pem', '--expect-status', '486', '--verbose'],
      ),
    ).toMatchObject({
      proxy: { host: '127.0.0.1', port: 5080 },
      user: 'alice',
      password: 'p',
      domain: 'd.example',
      register: true,
      recordFile: join(folder, 'out.wav'),
      secureMedia: true,
      trustedRoot: expect.stringContaining('BEGIN CERTIFICATE'),
      expectedStatus: 486,
      verbose: true,
    });
  });
});

describe('what is a mistake: one sentence, exit code 2', () => {
  const rows: readonly (readonly [readonly string[], RegExp])[] = [
    [[], /^The SIP URI to call is missing\.$/],
    [['tel:+123'], /"tel:\+123" \(the target\) is not a SIP URI/],
    [['sip:@'], /"sip:@" \(the target\) is not a SIP URI/],
    [['x@y', '--proxy', '::'], /"::" \(--proxy\) is not a SIP URI/],
    [['x@y', '--duration', 'long'], /--duration long is not a number of seconds/],
    [['x@y', '--duration', '86401'], /--duration 86401 is not a number of seconds/],
    [['x@y', '--expect-status', '180'], /--expect-status 180 is not a final SIP status/],
    [['x@y', '--expect-status', 'busy'], /--expect-status busy is not a final SIP status/],
    [['x@y', '--send-digits', '12E'], /--send-digits 12E may hold/],
    [['x@y', '--play', '@missing.wav'], /--play .*missing\.wav cannot be read: no such file or directory\.$/],
    [['x@y', '--play', '@'], /--play .* cannot be read: illegal operation on a directory\.$/],
    [['x@y', '--play', '@text.txt'], /--play .*text\.txt cannot be played: /],
    [['x@y', '--record', '@missing/out.wav'], /--record .* cannot be written: no such file or directory\.$/],
    [['x@y', '--record', '@'], /--record .* is a folder\.$/],
    [['x@y', '--ca', '@missing.pem'], /--ca .* cannot be read: no such file or directory\.$/],
    [['x@y', '--ca', '@text.txt'], /--ca .* holds no PEM certificate\.$/],
  ];
  test.each(rows)('%j', async (args, sentence) => {
    const parsed = await parseCallOptions(withPaths(args));
    if (parsed.ok) throw new Error('was taken');
    expect(parsed.error.exitCode).toBe(2);
    const [line, empty, usage] = parsed.error.text.split('\n');
    expect(line).toMatch(sentence);
    expect(empty).toBe('');
    expect(usage).toMatch(/^Usage: /);
  });
});
