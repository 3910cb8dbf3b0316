import { test } from 'vitest'
import { surviveKills } from '../oss-server/kill-loop.ts'

test('the stand-in keeps what it acknowledged through 60 kills', { timeout: 600_000 }, async () => {
  for (let round = 0; round < 3; round += 1) await surviveKills(20, Number(process.env.SEED ?? '1') + round)
})
