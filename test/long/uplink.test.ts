import { afterEach, beforeAll, describe, test } from 'vitest'
import type { ClipUnit } from '../support/clip.ts'
import { type StandIn, startStandIn } from '../support/stand-in.ts'
import { clip } from '../uplink/haul.ts'
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
})
