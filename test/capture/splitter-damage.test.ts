import { expect, test } from 'vitest'
import { checkDamagedStream } from './splitter-damage.ts'

/** Replay one seed with SEED=n. */
const seeds = process.env.SEED === undefined ? undefined : [Number(process.env.SEED)]

test('damaged streams give whole units that split again into the same, whatever the damage (150 seeds)', () => {
  let units = 0
  for (const seed of seeds ?? Array.from({ length: 150 }, (_, i) => i)) units += checkDamagedStream(seed)
  expect(units).toBeGreaterThan(0)
})
