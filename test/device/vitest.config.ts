import { defineConfig } from 'vitest/config'

/** On the virtual device: `npm run test:device`. One machine at a time; an emulated second is a slow one. */
export default defineConfig({
  test: {
    root: '.',
    include: ['test/device/**/*.test.ts'],
    globalSetup: ['test/device/build-image.ts'],
    testTimeout: 240_000,
    hookTimeout: 240_000,
    fileParallelism: false,
  },
})
