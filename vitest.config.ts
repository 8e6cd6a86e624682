import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

// One project per kind of test (design.md 2), so that `npx vitest run --project unit` answers in seconds.
// Kinds that open sockets or start a gateway wait more than they compute: two files at once, each with ports of its own (support/ports.ts).
const project = (name: string, isLive: boolean, testTimeout: number) => ({
  test: {
    name,
    include: name === 'unit' ? ['test/unit/**/*.test.ts', 'test/architecture.test.ts'] : [`test/${name}/**/*.test.ts`],
    testTimeout,
    hookTimeout: 30_000,
    ...(isLive ? { maxWorkers: 2 } : {}),
  },
});

// Each test file is a process of its own and starts others: all of them share what Node has compiled (main.ts).
process.env.NODE_COMPILE_CACHE ??= join(import.meta.dirname, 'node_modules/.cache/hookswitch');

export default defineConfig({
  test: {
    projects: [
      project('unit', false, 10_000),
      project('property', false, 60_000),
      project('simulation', false, 60_000),
      project('scenario', true, 30_000),
      project('contract', true, 30_000),
      project('sipp', true, 120_000),
    ],
  },
});
