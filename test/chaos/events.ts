/**
 * What may happen to a recorder, by kind. Two lanes run side by side, so that any trouble of the line may meet any
 * trouble of the machine; within a lane one thing happens at a time. Each lane deals its kinds like a shuffled deck:
 * all of them come, in an order and with measures that the seed decides.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Random } from '../../src/base/random.ts'
import type { LinkMode } from './hostile-link.ts'
import type { World } from './world.ts'

export interface Turn {
  readonly world: World
  readonly random: Random
  /** Scales every duration: 1 for a run of minutes. */
  readonly pace: number
  readonly signal: AbortSignal
  /** One line for people, at once. */
  say(text: string): void
}

export interface EventKind {
  readonly name: string
  readonly lane: 'machine' | 'line'
  /** Leaves everything in order behind it. */
  readonly run: (turn: Turn) => Promise<void>
}

const between = (random: Random, least: number, most: number): number => least + random.fraction() * (most - least)
const pause = (ms: number, signal: AbortSignal): Promise<unknown> =>
  sleep(ms, undefined, { signal }).catch(() => undefined)

/** Holds a state for `leastS` to `mostS` seconds; says for how long. */
async function hold({ random, pace, signal, say }: Turn, what: string, leastS: number, mostS: number): Promise<void> {
  const ms = between(random, leastS, mostS) * 1000 * pace
  say(`${what}, ${(ms / 1000).toFixed(1)} s`)
  await pause(ms, signal)
}

/** A recorder that was killed is back for good when it has recorded for a moment. */
const aliveMsMax = 20_000

const spillPace = 0.9

const machine: Readonly<Record<string, (turn: Turn) => Promise<void>>> = {
  async 'kill, started at once'({ world, say }) {
    say('kill -9 of the recorder, started at once')
    await world.kill()
    world.start()
  },
  async 'kill, started later'(turn) {
    await turn.world.kill()
    await hold(turn, 'kill -9 of the recorder, down', 1, 12)
    turn.world.start()
  },
  async 'kill, and again while it starts'({ world, random, say, signal }) {
    const afterMs = between(random, 50, 1500)
    say(`kill -9 of the recorder, and again ${afterMs.toFixed(0)} ms after its start`)
    await world.kill()
    world.start()
    await pause(afterMs, signal)
    await world.kill()
    world.start()
  },
  async 'orderly restart'(turn) {
    turn.say('SIGTERM to the recorder')
    await turn.world.stop()
    await hold(turn, 'it stopped in order, down', 0, 6)
    turn.world.start()
  },
  async 'disk full'(turn) {
    const leave = Math.floor(turn.random.fraction() * 2_000_000)
    await turn.world.fillDisk(leave)
    await hold(turn, `the disk is filled but for ${(leave / 1e6).toFixed(1)} MB`, 5, 25)
    await turn.world.freeDisk()
    turn.say('the disk is freed')
  },
  async 'kill on a full disk'(turn) {
    await turn.world.fillDisk(0)
    await hold(turn, 'the disk is filled', 3, 10)
    turn.say('kill -9 of the recorder on the full disk, started at once')
    await turn.world.kill()
    turn.world.start()
    await hold(turn, 'it starts on the full disk', 3, 10)
    await turn.world.freeDisk()
    turn.say('the disk is freed')
  },
  async 'kill in an outage'(turn) {
    await turn.world.standIn.setOffline(true)
    // Long enough that what the disk should have shows, also in a short run.
    await hold({ ...turn, pace: Math.max(turn.pace, spillPace) }, 'the store is offline', 9, 25)
    turn.say('kill -9 of the recorder, started at once')
    await turn.world.kill()
    turn.world.start()
    await hold(turn, 'it starts offline', 0, 4)
    await turn.world.standIn.setOffline(false)
    turn.say('the store is online')
  },
  async 'backlog on a full disk'(turn) {
    const { world, say } = turn
    await world.standIn.setOffline(true)
    await hold(turn, 'the store is offline', 8, 15)
    say('SIGTERM to the recorder, which closes the segment; it starts again')
    await world.stop()
    world.start()
    await hold(turn, 'it starts offline', 2, 5)
    await world.fillDisk(0)
    await hold(turn, 'the disk is filled, so that what waits on it may have to go', 4, 10)
    await world.standIn.setOffline(false)
    await world.freeDisk()
    say('the store is online, the disk is freed')
  },
  async 'clock step'(turn) {
    const ms = Math.round(between(turn.random, -1, 1) * 3 * 3_600_000)
    await turn.world.stepWall(ms)
    await hold(turn, `the wall clock steps to ${(ms / 1000).toFixed(0)} s off`, 2, 10)
    if (turn.random.fraction() < 0.5) await turn.world.stepWall(0)
  },
}

const over =
  (mode: (random: Random) => LinkMode, words: (mode: LinkMode) => string, longS: number) =>
  async (turn: Turn): Promise<void> => {
    const next = mode(turn.random)
    await turn.world.link.become(next)
    await hold(turn, words(next), 1, longS)
    await turn.world.link.become({ kind: 'pass' })
  }

const line: Readonly<Record<string, (turn: Turn) => Promise<void>>> = {
  async 'store killed'(turn) {
    await turn.world.standIn.kill()
    await hold(turn, 'kill -9 of the store, down', 0, 10)
    await turn.world.standIn.start()
  },
  refused: over(
    () => ({ kind: 'refuse' }),
    () => 'connections are refused',
    25,
  ),
  'half open': over(
    () => ({ kind: 'stall' }),
    () => 'connections are half open',
    20,
  ),
  'replies lost': over(
    () => ({ kind: 'drop-replies' }),
    () => 'replies are lost',
    10,
  ),
  'reset in a body': over(
    (random) => ({ kind: 'reset', afterBytes: Math.floor(between(random, 1_000, 150_000)) }),
    (mode) => `connections are reset after ${mode.kind === 'reset' ? mode.afterBytes : 0} bytes`,
    10,
  ),
  delay: over(
    (random) => ({ kind: 'delay', ms: Math.round(between(random, 50, 1_500)) }),
    (mode) => `every piece takes ${mode.kind === 'delay' ? mode.ms : 0} ms`,
    12,
  ),
  throttle: over(
    (random) => ({ kind: 'throttle', bytesPerS: Math.round(between(random, 8_000, 250_000)) }),
    (mode) => `the line takes ${mode.kind === 'throttle' ? Math.round(mode.bytesPerS / 125) : 0} kbit/s`,
    20,
  ),
  async 'store misbehaves'(turn) {
    const faults = storeFaults(turn.random)
    await turn.world.standIn.order('POST', 'faults', faults)
    await hold(turn, `the store: ${faults.map(({ kind }) => kind).join(', ')}`, 2, 10)
    await turn.world.standIn.order('DELETE', 'faults')
  },
}

/** Those that a store which keeps its promises may show. Each comes once or twice; three at a time. */
function storeFaults(random: Random): readonly { readonly kind: string }[] {
  const of = (most: number): number => Math.floor(random.fraction() * most)
  const known = [
    { kind: 'refuse' },
    { kind: 'half-open', ms: 3_000 },
    { kind: 'slow-drain', bytesPerS: 50_000 },
    { kind: 'drop-before-commit', on: 'append' },
    { kind: 'commit-then-drop', on: 'append', count: 2 },
    { kind: 'commit-late', on: 'append', delayMs: 500 + of(2_000) },
    { kind: 'commit-after-gone', on: 'append' },
    { kind: 'slow-reply', delayMs: 500 + of(3_000) },
    { kind: 'wrong-crc', on: 'append' },
    { kind: 'wrong-next-position', on: 'append' },
    { kind: 'error', status: 503, code: 'ServiceUnavailable' },
    { kind: 'error', status: 500, code: 'InternalError', count: 2 },
    { kind: 'error', status: 503, code: 'SlowDown', qosDelayMs: 1_000 },
    { kind: 'html', status: 200 },
    { kind: 'html', status: 407 },
  ]
  return [of(known.length), of(known.length), of(known.length)].map((index) => ({
    ...(known[index] ?? { kind: 'refuse' }),
    skip: of(4),
  }))
}

const kindsOf = (lane: EventKind['lane'], table: typeof machine): EventKind[] =>
  Object.entries(table).map(([name, run]) => ({ name, lane, run }))

export const eventKinds: readonly EventKind[] = [...kindsOf('machine', machine), ...kindsOf('line', line)]

/** Kinds of a lane for ever, each deck shuffled anew. */
export function* dealt(lane: EventKind['lane'], random: Random): Generator<EventKind, never> {
  for (;;) {
    const deck = eventKinds.filter((kind) => kind.lane === lane)
    while (deck.length > 0) {
      const [next] = deck.splice(Math.floor(random.fraction() * deck.length), 1)
      if (next !== undefined) yield next
    }
  }
}

/** Time for a lane to breathe, so that each run makes progress. */
export async function breathe({ world, random, pace, signal }: Turn, leastS: number, mostS: number): Promise<void> {
  const ms = between(random, leastS, mostS) * 1000 * pace
  await world.until(({ cameras }) => cameras.every(({ unitsCaptured }) => unitsCaptured > 0), aliveMsMax * pace, signal)
  await pause(ms, signal)
}
