// The media engine in worker threads, with sockets of node:dgram.

import { workerSuite } from './worker-suite.ts';

workerSuite(null, [1, 2]);
