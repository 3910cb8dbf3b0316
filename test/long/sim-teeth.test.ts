import { afterAll, beforeAll, expect, test } from 'vitest'
import { bite } from '../sim/bite.ts'
import { type CompiledSim, compileSim } from '../sim/compiled.ts'
import { teeth } from '../sim/teeth.ts'

const seed = Number(process.env.SEED ?? Date.now() % 1_000_000_000)
let sim: CompiledSim
beforeAll(async () => {
  sim = await compileSim()
})
afterAll(() => sim.remove())

test.each(teeth)(`the simulator finds that $name (SEED=${seed})`, async (tooth) => {
  const { caught, seeds, text } = await bite(sim, tooth, seed)
  expect(caught, text.slice(-3_000)).toBe(true)
  console.log(`${tooth.name}: found after ${seeds} worlds`)
})
