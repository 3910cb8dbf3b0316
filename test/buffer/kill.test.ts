import { expect, test } from 'vitest'
import { surviveKills } from './kill.ts'

test('a real process that is killed again and again keeps what it was offered', async () => {
  const seed = Number(process.env.SEED ?? 1)
  const kept = await surviveKills(6, seed).catch((error: unknown) => {
    throw new Error(`SEED=${seed}: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
  })
  expect(kept.units).toBeGreaterThan(20)
  expect(kept.lines).toBeGreaterThan(2)
})
