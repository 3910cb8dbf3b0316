/** One seed: its world is made, its story played, its end judged. The same seed gives the same story, to the bit. */
import type { CoverageCounts } from './coverage.ts'
import { judgeWorld } from './oracle.ts'
import { play, type Weight } from './script.ts'
import { createWorld, type Violation } from './world.ts'

export interface SeedResult {
  readonly seed: number
  readonly violations: readonly Violation[]
  readonly weight: Weight
  readonly coverage: CoverageCounts
  readonly met: Readonly<Record<string, number>>
  readonly history: readonly string[]
}

const noWeight: Weight = { chaosMs: 0, units: 0, faults: 0, ends: 0 }

export async function runSeed(seed: number, options: { readonly tells: boolean }): Promise<SeedResult> {
  const world = createWorld(seed, options)
  const weight = await world.time
    .play(() => play(world))
    .catch((error: unknown) => {
      world.violated('broken', error instanceof Error ? (error.stack ?? error.message) : String(error))
      return noWeight
    })
  if (weight !== noWeight) {
    judgeWorld(world)
    const { chaosMs, units, faults, ends } = weight
    if (chaosMs < 600_000 || units < 200 || faults < 3 || ends < 1) world.violated('too light', JSON.stringify(weight))
  }
  return {
    ...{ seed, weight, violations: world.violations, history: world.history },
    coverage: world.coverage.counts(),
    met: Object.fromEntries(world.trouble.met),
  }
}
