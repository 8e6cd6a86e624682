import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

// One project per kind of test (design.md 2), so that `npx vitest run --project unit` answers in seconds.
// Most files wait more than they compute: three at once even on two cores, each with ports of its own (support/ports.ts).
const project = (name: string, testTimeout: number) => ({
  test: {
    name,
    include: name === 'unit' ? ['test/unit/**/*.test.ts', 'test/architecture.test.ts'] : [`test/${name}/**/*.test.ts`],
    testTimeout,
    hookTimeout: 90_000,
  },
});

// Each test file is a process of its own and starts others: all of them share what Node has compiled (main.ts).
process.env.NODE_COMPILE_CACHE ??= join(import.meta.dirname, 'node_modules/.cache/hookswitch');

export default defineConfig({
  test: {
    maxWorkers: 3,
    projects: [
      project('unit', 30_000),
      project('property', 60_000),
      project('simulation', 60_000),
      project('scenario', 60_000),
      project('contract', 60_000),
      project('sipp', 120_000),
    ],
  },
});
