import { describe, expect, test } from 'vitest'
import { endAnywhere, endEverywhere, scripts } from '../buffer/cut-points.ts'

/** Twenty power cuts at every step: what each leaves of an unfinished write is chance. */
const tears = 20
const anywhere = { from: 1, count: 20_000 }

describe('lives of a buffer that end at any of their steps', () => {
  test.each(scripts)('$name', { timeout: 3_600_000 }, async (script) => {
    const lives = await endEverywhere(script, tears)
    process.stdout.write(`buffer: ${JSON.stringify({ script: script.name, lives })}\n`)
    expect(lives).toBeGreaterThan(100 * tears)
  })

  test('anything, ended anywhere', { timeout: 3_600_000 }, async () => {
    await endAnywhere({ ...anywhere, seed: process.env.SEED })
    process.stdout.write(`buffer: ${JSON.stringify({ endedAnywhere: anywhere.count })}\n`)
  })
})
