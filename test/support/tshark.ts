// The packet dissector as an outside judge: reads a capture and says what is in it.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Undefined where tshark is installed, else why a test is skipped. */
export function tsharkMissing(): string | undefined {
  try {
    execFileSync('tshark', ['--version'], { stdio: 'ignore' });
    return undefined;
  } catch {
    return 'tshark is not installed';
  }
}

/** Ports of tests are picked by chance and some belong to other protocols for tshark (37008 is TZSP): what a packet looks like goes first. */
const BY_LOOK = ['-o', 'udp.try_heuristic_first:TRUE', '-o', 'tcp.try_heuristic_first:TRUE'];

/** Runs tshark on a capture; what it prints. */
export function tshark(capture: Uint8Array, args: readonly string[]): string {
  const folder = mkdtempSync(join(tmpdir(), 'hookswitch-tshark-'));
  try {
    const file = join(folder, 'capture.pcap');
    writeFileSync(file, capture);
    return execFileSync('tshark', ['-r', file, ...BY_LOOK, ...args], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** One line of fields per packet. */
export const packets = (capture: Uint8Array, fields: readonly string[], filter?: string): string[][] =>
  tshark(capture, [
    ...(filter === undefined ? [] : ['-Y', filter]),
    '-T',
    'fields',
    ...fields.flatMap((field) => ['-e', field]),
  ])
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.split('\t'));

/** Packets that the dissector cannot make sense of, or whose checksums are wrong. */
export const malformed = (capture: Uint8Array): string =>
  tshark(capture, [
    ...['-o', 'ip.check_checksum:TRUE', '-o', 'udp.check_checksum:TRUE', '-o', 'tcp.check_checksum:TRUE'],
    ...[
      '-Y',
      '_ws.malformed or _ws.short or ip.checksum.status == "Bad" or udp.checksum.status == "Bad" or tcp.checksum.status == "Bad"',
    ],
  ]).trim();
