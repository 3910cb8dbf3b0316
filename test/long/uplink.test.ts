import { afterEach, beforeAll, describe, test } from 'vitest'
import type { ClipUnit } from '../support/clip.ts'
import { type StandIn, startStandIn } from '../support/stand-in.ts'
import { checkHistories } from '../uplink/check-histories.ts'
import { clip } from '../uplink/haul.ts'
import { expectFrugal, type LossCount, lossyHaul, lossyPatience } from '../uplink/lossy.ts'
import { mixture } from '../uplink/mixture.ts'

let units: readonly ClipUnit[]
let standIn: StandIn | undefined
beforeAll(async () => {
  units = await clip()
})
afterEach(async () => {
  await standIn?.close()
  standIn = undefined
})

describe('the uplink, over HTTP through the real ali-oss', () => {
  const firstSeed = Number(process.env.SEED ?? 2000)
  const count = process.env.SEED === undefined ? 500 : 1
  test.each(Array.from({ length: count }, (_, index) => firstSeed + index))('mixture %i', async (seed) => {
    standIn = await startStandIn({}, { patience: { answerMs: 80, bytesPerS: 10e6 } })
    await mixture(standIn, seed, units)
  })

  test('with 5 % of requests and 5 % of replies lost, nothing is sent twice, and each loss costs one question', async () => {
    const long = await clip(60)
    const seed = Number(process.env.SEED ?? 100)
    const counts: LossCount[] = []
    for (let n = seed; n < seed + 100; n += 1) {
      standIn = await startStandIn({}, { patience: lossyPatience })
      counts.push(await lossyHaul(standIn, n, { units: long, share: 0.05 }))
      await standIn.close()
    }
    console.log(`seeds ${seed} to ${seed + 99}:`, expectFrugal(counts))
  })
})

describe('the plan, whatever happened to object and recorder', () => {
  test('holds in a million histories', async () => {
    console.log(await checkHistories(1_000_000))
  })
})
