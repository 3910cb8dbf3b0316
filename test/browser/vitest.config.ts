import { defineConfig } from 'vitest/config'

/** One real Chromium at a time: two would share two cores with the recorder they watch. */
export default defineConfig({
  test: {
    root: '.',
    include: ['test/browser/**/*.test.ts'],
    testTimeout: 150_000,
    hookTimeout: 60_000,
    maxWorkers: 1,
    fileParallelism: false,
  },
})
