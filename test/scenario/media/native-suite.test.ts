// The suite of the worker engine over the native media thread. Rings between workers know nothing of sockets: bridges in one worker.

import { nativeAddon } from '../../support/native-addon.ts';
import { testUnless } from '../../support/skip.ts';
import { workerSuite } from './worker-suite.ts';

const addon = nativeAddon();
if ('file' in addon) workerSuite(addon.file, [1]);
else testUnless(`native media thread: ${addon.missing}`)('the worker engine over the native media thread', () => {});
