import { defineConfig } from 'vitest/config'

/** The big numbers: the same checks as in `npm test`, an hour or so of them. */
export default defineConfig({
  test: {
    root: '.',
    include: ['test/long/**/*.test.ts'],
    testTimeout: 1_800_000,
    hookTimeout: 600_000,
    maxWorkers: 2,
  },
})
