// Which tables of ours are in use. Tables belong to a network namespace, and so do the names of abstract sockets: who holds the name of a
// table is alive, and its name is free in the moment that its process ends, however it ends.

import { createServer, type Server } from 'node:net';
import type { Nft } from './nft.ts';
import { removalText } from './rules.ts';

export const TABLE_PREFIX = 'hookswitch_media_';

export interface Claim {
  release(): void;
}

/** Null: a living process has this table. */
export function claim(table: string): Promise<Claim | null> {
  return new Promise((resolve) => {
    const server: Server = createServer((socket) => socket.destroy());
    server.once('error', () => resolve(null));
    server.listen(`\0${table}`, () => {
      server.unref();
      resolve({ release: () => server.close() });
    });
  });
}

/** Removes tables of ours that no living process has. No other table is touched. Returns their names. */
export async function removeAbandoned(nft: Nft): Promise<string[]> {
  const listed = await nft(['list', 'tables', 'inet']);
  if (!listed.ok) return [];
  const removed: string[] = [];
  for (const [, table] of listed.value.matchAll(/^table inet (hookswitch_media_\d+)$/gm)) {
    const held = await claim(table!);
    if (!held) continue;
    const { ok: isRemoved } = await nft(['-f', '-'], removalText(table!));
    if (isRemoved) removed.push(table!);
    held.release();
  }
  return removed;
}
