/** One storm under one seed: two lanes of events, calm, the end of all trouble, the drain, the verdict. */
import { setTimeout as sleep } from 'node:timers/promises'
import { seededRandom } from '../../src/base/random.ts'
import { breathe, dealt, type EventKind, type Turn } from './events.ts'
import { judge, type Verdict } from './judge.ts'
import type { StoreFigures } from './stand-in-process.ts'
import { watch } from './watch.ts'
import { openWorld } from './world.ts'

export interface ChaosOptions {
  readonly seed: number
  readonly lengthMs: number
  /** An empty directory of its own; its path short enough for a socket. */
  readonly directory: string
  readonly cli: string
  readonly root: string
  /** Aborting ends the storm early; everything is still drained and judged, unless it happens again. */
  readonly signal: AbortSignal
  /** One line for people. */
  say(text: string): void
}

export interface ChaosResult extends Verdict {
  /** How the small disk was made. */
  readonly disk: string
  /** How often each kind of event happened. */
  readonly happened: ReadonlyMap<string, number>
  readonly kills: number
  readonly starts: number
  readonly connections: number
  readonly drainMs: number
  readonly residentBytesMax: number
  readonly backlogBytesMax: number
  readonly store: StoreFigures
}

/** A run of minutes; shorter ones hold each trouble for less. */
const wholeMs = 180_000
const paceMin = 0.2
/** All lanes together, now and then: what was cut is made good, and the next trouble meets a healthy recorder. */
const calmEveryMs = 75_000
const calmMs = 12_000
/** Longest wait of the uplink is a minute, and what waits is a few MB on a line without limits. */
const drainMsMax = 150_000

export async function runChaos(options: ChaosOptions): Promise<ChaosResult> {
  const { seed, lengthMs, directory, cli, root, say } = options
  const begun = performance.now()
  const world = await openWorld({ directory, cli, root })
  const live = (text: string): void => say(`${((performance.now() - begun) / 1000).toFixed(1).padStart(6)} s  ${text}`)
  try {
    say(`disk: ${world.disk.how}`)
    world.start()
    const watching = watch(world)
    const happened = new Map<string, number>()
    const storm: Storm = { seed, lengthMs, world, happened, say: live, signal: options.signal }
    await Promise.all([lane('machine', storm), lane('line', storm)])

    live('the trouble is over: everything drains')
    const drainBegun = performance.now()
    const late = await drain(storm)
    await watching.end()
    const drainMs = performance.now() - drainBegun
    live('the recorder is stopped in order; what lies in the store is judged')
    const measured = { residentBytesMax: watching.residentBytesMax(), lengthMs: performance.now() - begun }
    const verdict = await judge(world, cli, measured)
    return {
      ...verdict,
      findings: [...late, ...verdict.findings],
      disk: world.disk.how,
      ...{ happened, drainMs, kills: world.kills.length, starts: world.starts() },
      connections: world.link.connections,
      residentBytesMax: measured.residentBytesMax,
      backlogBytesMax: watching.backlogBytesMax(),
      store: world.standIn.figures,
    }
  } finally {
    await world.close()
  }
}

interface Storm extends Pick<Turn, 'world' | 'signal' | 'say'> {
  readonly seed: number
  readonly lengthMs: number
  readonly happened: Map<string, number>
}

async function lane(name: EventKind['lane'], storm: Storm): Promise<void> {
  const { world, signal, say, lengthMs, happened } = storm
  // A lane has dice of its own: what happens in it does not depend on how long things took in the other.
  const random = seededRandom(storm.seed * 2 + (name === 'line' ? 1 : 0))
  const pace = Math.max(paceMin, Math.min(1, lengthMs / wholeMs))
  const turn: Turn = { world, random, pace, signal, say }
  const begun = performance.now()
  const elapsedMs = (): number => performance.now() - begun
  let calms = 1
  await breathe(turn, 2, 5)
  for (const kind of dealt(name, random)) {
    if (signal.aborted || elapsedMs() >= lengthMs) return
    happened.set(kind.name, (happened.get(kind.name) ?? 0) + 1)
    await kind.run(turn)
    const died = world.standIn.died()
    if (died !== undefined) throw new Error(died)
    if (elapsedMs() > calms * calmEveryMs) {
      calms += 1
      if (name === 'line') say('calm')
      await sleep(calmMs, undefined, { signal }).catch(() => undefined)
    } else await breathe(turn, 1, 8)
  }
}

/** @returns what did not come about in time */
async function drain({ world }: Storm): Promise<string[]> {
  await world.link.become({ kind: 'pass' })
  await world.standIn.order('DELETE', 'faults')
  await world.stepWall(0)
  await world.freeDisk()
  world.start()
  // A second or two of live footage is always on its way.
  const little = 600_000
  const drained = await world.until(
    ({ uplink, cameras }) =>
      uplink.backlogBytes < little &&
      cameras.every(({ state, unitsCaptured }) => state === 'recording' && unitsCaptured > 2),
    drainMsMax,
  )
  const last = await world.status()
  await world.standIn.count()
  await world.stop()
  if (drained) return []
  return [`not drained within ${drainMsMax / 1000} s: ${JSON.stringify(last?.uplink ?? 'no answer')}`]
}
