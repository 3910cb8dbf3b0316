/** Plants a bug in a copy of the compiled recorder and lets the simulator look for it. */
import { cp, mkdtemp } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type CompiledSim, compiledIn } from './compiled.ts'
import { plant, type Tooth } from './teeth.ts'

export interface Bite {
  readonly caught: boolean
  /** Worlds until it was found. */
  readonly seeds: number
  readonly text: string
}

/** Worlds in which it must be found. */
const seedsMax = 2_000

export async function bite(sim: CompiledSim, tooth: Tooth, seed: number): Promise<Bite> {
  const folder = await mkdtemp(join(dirname(sim.folder), 'watchpost-sim-tooth-'))
  const spoilt = compiledIn(folder)
  try {
    await cp(sim.folder, folder, { recursive: true })
    await plant(folder, tooth)
    const rules = tooth.foundBy.join()
    const { text } = await spoilt.run(
      ...['--seeds', String(seedsMax), '--seed', String(seed), '--jobs', '2', '--stories', '0', '--until', rules],
    )
    const found = /^found by '(.*)' in seed \d+, after (\d+) worlds$/m.exec(text)
    return { caught: found !== null, seeds: Number(found?.[2] ?? seedsMax), text }
  } finally {
    await spoilt.remove()
  }
}
