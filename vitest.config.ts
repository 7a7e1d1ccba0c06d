import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    setupFiles: ['test/support/seed.ts'],
    testTimeout: 30_000,
    hookTimeout: 120_000,
    // Two cores: the end-to-end suites start real servers and would starve each other's clocks.
    maxWorkers: 2,
  },
})
