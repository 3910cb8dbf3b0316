import { afterEach, expect, test } from 'vitest'
import { badFindings, createRig, type Rig } from '../support/rig.ts'
import { surviveKills } from '../system/kills.ts'

const kills = 50
const seed = Number(process.env.SEED ?? Date.now() % 1_000_000)

let rig: Rig | undefined
afterEach(async () => {
  await rig?.close()
  rig = undefined
})

test(`the recorder goes on in the same object after ${kills} kills at any moment (SEED=${seed})`, async () => {
  rig = await createRig()
  await surviveKills(rig, kills, seed)
  const proof = await rig.prove()
  expect(badFindings(proof)).toEqual([])
  expect(proof.objects).toHaveLength(1)
  const verified = await rig.command('verify')
  expect(verified.out).toMatch(/verified: .* each with its cause/)
  expect(verified.code).toBe(0)
}, 900_000)
