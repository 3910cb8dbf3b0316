import { defineConfig } from 'vitest/config'

/** The files run side by side: each mostly waits for time to pass, and two Chromiums fit on two cores beside a recorder. */
export default defineConfig({
  test: {
    root: '.',
    include: ['test/browser/**/*.test.ts'],
    testTimeout: 150_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
  },
})
