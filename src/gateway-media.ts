// Which media engine runs: threads in C where they are built and wanted, else Node alone. Chosen once, at the start; `doctor` says it too.

import type { Log } from './base/log.ts';
import type { Config } from './config.ts';
import { loadAddon, NATIVE_ADDON } from './media/native/addon.ts';
import type { NativeChoice } from './media/native/worker-media.ts';

type EngineSettings = Pick<Config, 'mediaEngine' | 'dscpMedia'>;

/** Null: Node alone. A native engine that was asked for and cannot be had is a warning. */
export function chooseMediaEngine(
  { mediaEngine, dscpMedia }: EngineSettings,
  log: Log,
  addon = NATIVE_ADDON,
): NativeChoice | null {
  const loaded = mediaEngine === 'workers' ? null : loadAddon(addon);
  const fields = { folder: 'media' };
  if (loaded?.ok) {
    log.info({ ...fields, mediaEngine: 'native', srtp: loaded.value.hasSrtp }, 'media engine: native threads');
    return { addon, dscp: dscpMedia };
  }
  const reason = loaded?.error;
  if (mediaEngine === 'native')
    log.warn({ ...fields, mediaEngine: 'workers', reason }, 'media engine: Node alone, the native one cannot be had');
  else
    log.info(
      { ...fields, mediaEngine: 'workers', ...(reason === undefined ? {} : { reason }) },
      'media engine: Node alone',
    );
  return null;
}

/** For `doctor`. False: the native engine is asked for, and cannot be had. */
export function mediaEngineFinding(
  { mediaEngine }: EngineSettings,
  addon = NATIVE_ADDON,
): {
  readonly isGood: boolean;
  readonly text: string;
} {
  if (mediaEngine === 'workers') return { isGood: true, text: 'media engine: Node alone, as mediaEngine says' };
  const loaded = loadAddon(addon);
  if (!loaded.ok) {
    return {
      isGood: mediaEngine === 'auto',
      text: `media engine: Node alone; the native one cannot be had: ${loaded.error}`,
    };
  }
  const without = loaded.value.hasSrtp ? '' : '; SRTP stays with Node, which does not give OpenSSL here';
  return { isGood: true, text: `media engine: native threads${without}` };
}
