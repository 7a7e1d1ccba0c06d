import { cloudflareTest } from '@cloudflare/vitest-plugin'
import { defineConfig } from 'vitest/config'

/** Suites that judge what happens within a deadline, with many processes of their own: nothing else may run beside them. */
const ALONE = [
  ...['test/faults/**/*.test.ts', 'test/instances/**/*.test.ts', 'test/node/workers*.test.ts'],
  ...['test/worker/check-budgets.test.ts', 'test/soak/**/*.test.ts'],
]
/** Suites that run inside workerd. */
const WORKERD = ['test/workerd/**/*.test.ts']

export default defineConfig({
  test: {
    projects: [
      {
        extends: true,
        // Two cores: the end-to-end suites start real servers and would starve each other's clocks.
        test: {
          name: 'together',
          include: ['test/**/*.test.ts'],
          exclude: [...ALONE, ...WORKERD],
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: { name: 'alone', include: ALONE, maxWorkers: 1, sequence: { groupOrder: 1 } },
      },
      {
        extends: true,
        plugins: [
          cloudflareTest({
            main: 'test/workerd/worker.ts',
            miniflare: {
              compatibilityDate: '2026-11-01',
              // For the tests alone: what is shipped has no such flag.
              compatibilityFlags: ['nodejs_compat'],
              durableObjects: {
                ANOTHER_STATE: { className: 'OtherState', useSQLite: true },
                POSTERN_STATE: { className: 'PosternState', useSQLite: true },
              },
            },
          }),
        ],
        test: {
          name: 'workerd',
          include: WORKERD,
          globalSetup: 'test/workerd/outer.ts',
          maxWorkers: 1,
          sequence: { groupOrder: 2 },
        },
      },
    ],
    setupFiles: ['test/support/seed.ts'],
    testTimeout: 30_000,
    hookTimeout: 120_000,
  },
})
