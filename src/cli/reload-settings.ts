// Watches hookswitch.yaml: declared objects (domains, lists, trunks) take effect when the file changes, without dropping a call. What
// needs a restart (listeners, ports, folders) is named in the log.

import { statSync } from 'node:fs';
import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import { type Config, loadConfig } from '../config.ts';
import type { Gateway } from '../gateway.ts';

const POLL_MS = 2_000;

/** Starts to watch; the returned function ends it. Does nothing where no file was read. */
export function watchSettings(config: Config, gateway: Gateway, clock: Clock, log: Log): () => void {
  const { file } = config;
  if (file === null) return () => {};
  let current = config;
  let seen = stamp(file);
  let timer = clock.after(POLL_MS, poll);

  async function poll(): Promise<void> {
    const now = stamp(file!);
    if (now !== seen) {
      seen = now;
      current = await reload(file!, current, gateway, log.child({ folder: 'settings' }));
    }
    timer = clock.after(POLL_MS, poll);
  }

  return () => timer.cancel();
}

function stamp(file: string): string {
  try {
    const { mtimeMs, size } = statSync(file);
    return `${mtimeMs} ${size}`;
  } catch {
    return 'missing';
  }
}

async function reload(file: string, current: Config, gateway: Gateway, log: Log): Promise<Config> {
  const next = loadConfig(file);
  if (!next.ok) {
    for (const problem of next.error)
      log.error({ ...problem, file }, 'mistake in the settings; the old ones stay in force');
    return current;
  }
  const changed = Object.keys(next.value).filter(
    (key) =>
      key !== 'declared' &&
      JSON.stringify(next.value[key as keyof Config]) !== JSON.stringify(current[key as keyof Config]),
  );
  if (changed.length > 0) log.warn({ settings: changed }, 'these settings take effect at the next start');
  await gateway.applySettings(next.value);
  log.info({ file }, 'declared objects applied');
  return next.value;
}
