import { describe, expect, test } from 'vitest'
import { surviveKills } from '../buffer/kill.ts'
import { liveMany } from '../buffer/model.ts'

/** Long and short lives: what one step leaves behind may come due hundreds of steps later. */
const lives = [
  { seeds: 6_000, steps: 150 },
  { seeds: 600, steps: 1_000 },
]

describe('many lives of a buffer', () => {
  test.each(lives)(
    '$seeds lives of $steps steps lose nothing that was offered',
    { timeout: 3_600_000 },
    async (life) => {
      const sum = await liveMany({ ...life, seed: process.env.SEED })
      process.stdout.write(`buffer: ${JSON.stringify({ ...life, ...sum })}\n`)
      expect(sum.stored).toBeGreaterThan(0)
    },
  )
})

test('a real process that is killed 50 times keeps what it was offered', { timeout: 3_600_000 }, async () => {
  const seed = Number(process.env.SEED ?? 1)
  const kept = await surviveKills(50, seed)
  process.stdout.write(`buffer: ${JSON.stringify({ kills: 50, seed, ...kept })}\n`)
  expect(kept.units).toBeGreaterThan(100)
})
