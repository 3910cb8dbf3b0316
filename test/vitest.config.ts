import { defineConfig } from 'vitest/config'

/** Small numbers only: everything here runs on every change. The big numbers are in `test/long`. */
export default defineConfig({
  test: {
    root: '.',
    include: ['test/**/*.test.ts'],
    exclude: ['test/long/**', 'test/browser/**', 'test/device/**', 'node_modules/**'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
  },
})
