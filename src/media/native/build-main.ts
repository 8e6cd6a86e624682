// `npm run build:native`.

import { loadAddon, NATIVE_ADDON } from './addon.ts';
import { buildAddon } from './build.ts';

const built = buildAddon(NATIVE_ADDON);
const loaded = built.ok ? loadAddon(NATIVE_ADDON) : built;
if (loaded.ok)
  console.log(`built ${NATIVE_ADDON}${loaded.value.hasSrtp ? '' : ' (without SRTP: this Node does not give OpenSSL)'}`);
else console.error(`native media thread: ${loaded.error}`);
process.exitCode = loaded.ok ? 0 : 1;
