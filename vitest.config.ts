import { defineConfig } from 'vitest/config';

// One project per kind of test (design.md 2), so that `npx vitest run --project unit` answers in seconds.
// Kinds that open sockets or start a gateway run their files one after another: two cores, real time.
const project = (name: string, serial: boolean, testTimeout: number) => ({
  test: {
    name,
    include: name === 'unit' ? ['test/unit/**/*.test.ts', 'test/architecture.test.ts'] : [`test/${name}/**/*.test.ts`],
    testTimeout,
    hookTimeout: 30_000,
    fileParallelism: !serial,
  },
});

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
