import { describe, expect, test } from 'vitest'
import { live, type Tally } from './model.ts'

const fixed = process.env.SEED
const seeds =
  fixed === undefined ? Array.from({ length: Number(process.env.SEEDS ?? 60) }, (_, i) => i + 1) : [Number(fixed)]

describe('a buffer that is killed, cut off, filled up and refused', () => {
  test(`loses nothing it offered, doubles nothing, names what is missing (${seeds.length} seeds)`, async () => {
    const sum: Tally = { units: 0, stored: 0, gaps: 0, restarts: 0, powerCuts: 0 }
    for (const seed of seeds) {
      const tally = await live(seed, Number(process.env.STEPS ?? 150)).catch((error: unknown) => {
        throw new Error(`SEED=${seed}: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
      })
      for (const key of ['units', 'stored', 'gaps', 'restarts', 'powerCuts'] as const) sum[key] += tally[key]
    }
    // The lives were neither empty nor without incident.
    if (fixed === undefined) {
      expect(sum.stored).toBeGreaterThan(sum.units / 2)
      expect(Math.min(sum.gaps, sum.restarts, sum.powerCuts)).toBeGreaterThan(20)
    }
  })
})
