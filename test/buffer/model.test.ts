import { describe, expect, test } from 'vitest'
import { liveMany } from './model.ts'

const seeds = 150

describe('a buffer that is killed, cut off, filled up and refused', () => {
  test(`loses nothing it offered, doubles nothing, names what is missing (${seeds} seeds, or SEED)`, {
    timeout: 300_000,
  }, async () => {
    const sum = await liveMany({ seeds, steps: 150, seed: process.env.SEED })
    // The lives were neither empty nor without incident.
    if (process.env.SEED !== undefined) return
    expect(sum.stored).toBeGreaterThan(sum.units / 2)
    expect(Math.min(sum.gaps, sum.restarts, sum.powerCuts)).toBeGreaterThan(50)
  })
})
