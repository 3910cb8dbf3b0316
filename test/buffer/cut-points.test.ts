import { describe, expect, test } from 'vitest'
import { endAnywhere, endEverywhere, scripts } from './cut-points.ts'

describe('a life that ends at any of its steps loses no more than it may, and opens:', () => {
  test.each(scripts)('$name', { timeout: 120_000 }, async (script) => {
    expect(await endEverywhere(script, 1)).toBeGreaterThan(2 * 100)
  })

  test('anything, ended anywhere', { timeout: 120_000 }, async () => {
    await endAnywhere({ from: 1, count: 150, seed: process.env.SEED })
  })
})
