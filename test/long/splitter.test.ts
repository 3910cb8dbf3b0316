import { expect, test } from 'vitest'
import { checkDamagedStream } from '../capture/splitter-damage.ts'
import { checkPrefixes } from '../capture/splitter-prefix.ts'

/** Replay one seed with SEED=n. */
const seeds = process.env.SEED === undefined ? undefined : [Number(process.env.SEED)]

test('damaged streams give whole units that split again into the same, whatever the damage (5,000 seeds)', () => {
  let units = 0
  for (const seed of seeds ?? Array.from({ length: 5_000 }, (_, i) => 1_000 + i)) units += checkDamagedStream(seed)
  expect(units).toBeGreaterThan(0)
}, 1_800_000)

test('every prefix decodes to its last whole frame (1,000 random truncations)', () => {
  expect(checkPrefixes(1_000, Number(process.env.SEED ?? 2))).toBeLessThan(10)
}, 1_800_000)
