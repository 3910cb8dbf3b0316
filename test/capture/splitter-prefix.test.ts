import { expect, test } from 'vitest'
import { checkPrefixes } from './splitter-prefix.ts'

test('every prefix decodes to its last whole frame, over a restart of the camera (100 random truncations)', () => {
  expect(checkPrefixes(100, Number(process.env.SEED ?? 1))).toBeLessThan(30)
})
