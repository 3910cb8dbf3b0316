import { expect, test } from 'vitest'
import { checkDamagedStream } from '../capture/splitter-damage.ts'

/** Replay one seed with SEED=n. */
const seeds = process.env.SEED === undefined ? undefined : [Number(process.env.SEED)]

test('damaged streams give whole units that split again into the same, whatever the damage (5,000 seeds)', () => {
  let units = 0
  for (const seed of seeds ?? Array.from({ length: 5_000 }, (_, i) => 1_000 + i)) units += checkDamagedStream(seed)
  expect(units).toBeGreaterThan(0)
}, 1_800_000)
