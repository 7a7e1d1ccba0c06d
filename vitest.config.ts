import { defineConfig } from 'vitest/config'

/** Suites that judge what happens within a deadline, with many processes of their own: nothing else may run beside them. */
const ALONE = ['test/faults/**/*.test.ts', 'test/instances/**/*.test.ts', 'test/node/workers*.test.ts']

export default defineConfig({
  test: {
    projects: [
      {
        extends: true,
        // Two cores: the end-to-end suites start real servers and would starve each other's clocks.
        test: {
          name: 'together',
          include: ['test/**/*.test.ts'],
          exclude: ALONE,
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: { name: 'alone', include: ALONE, maxWorkers: 1, sequence: { groupOrder: 1 } },
      },
    ],
    setupFiles: ['test/support/seed.ts'],
    testTimeout: 30_000,
    hookTimeout: 120_000,
  },
})
