// Runs the nft program. Its answers are values: whatever goes wrong is one line of text.

import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { limits } from '../../base/limits.ts';
import { err, ok, type Result } from '../../base/result.ts';

/** Runs `nft` with these arguments and this input; its output, or the first line of its complaint. */
export type Nft = (args: readonly string[], input?: string) => Promise<Result<string, string>>;

/** Not by PATH: what runs with the rights of an administrator is not to be found by chance. */
const PLACES = ['/usr/sbin/nft', '/sbin/nft', '/usr/bin/nft', '/usr/local/sbin/nft'];

export const nftProgram = (): string | undefined => PLACES.find((place) => existsSync(place));

export const runsNft =
  (program: string): Nft =>
  (args, input = '') =>
    new Promise((resolve) => {
      const options = { timeout: limits.nftRunMs, maxBuffer: limits.nftOutputBytes, killSignal: 'SIGKILL' } as const;
      const child = execFile(program, args, options, (fault, output, complaint) => {
        if (!fault) return resolve(ok(output));
        const [line = ''] = complaint.split('\n');
        resolve(err(line === '' ? fault.message.split('\n')[0]! : line));
      });
      // It may end before it has read all.
      child.stdin?.on('error', () => {});
      child.stdin?.end(input);
    });
