import { describe, expect, test } from 'vitest'
import { checkHistories } from './check-histories.ts'

describe('the plan, whatever happened to object and recorder', () => {
  test('never appends to a foreign object, never sends proven bytes again, and ends settled or given up', async () => {
    const seen = await checkHistories(4_000)
    // Every kind of end was met, and not by accident.
    expect(seen.settledByReading).toBeGreaterThan(100)
    expect(seen.settledByArithmetic).toBeGreaterThan(100)
    expect(seen.gaveUp).toBeGreaterThan(100)
  })
})
