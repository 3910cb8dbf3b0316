/** Does the simulator bite? Three planted bugs, others with `SEED`; all of them in `npm run test:long`. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { bite } from './bite.ts'
import { chanceOf } from './chance.ts'
import { type CompiledSim, compileSim } from './compiled.ts'
import { teeth } from './teeth.ts'

const seed = Number(process.env.SEED ?? 523_005_251)
const chance = chanceOf(seed, 'teeth')
const first = chance.whole(0, teeth.length - 1)
const chosen = [0, 1, 2].flatMap((n) => teeth[(first + 7 * n) % teeth.length] ?? [])
let sim: CompiledSim
beforeAll(async () => {
  sim = await compileSim()
}, 120_000)
afterAll(() => sim.remove())

test.each(chosen)(
  `finds that $name (SEED=${seed})`,
  async (tooth) => {
    const { caught, seeds, text } = await bite(sim, tooth, seed)
    expect(caught, text.slice(-3_000)).toBe(true)
    process.stdout.write(`${tooth.name}: found after ${seeds} worlds\n`)
  },
  400_000,
)
