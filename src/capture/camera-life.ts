/**
 * One life of a camera's process: started, watched until it ends or must be ended, and ended with its whole group.
 * Why and when to start the next one is `camera.ts`'s business.
 */
import type { Clock, MonoMs } from '../base/clock.ts'
import type { CameraRun, RunState, RunUnit } from './camera-run.ts'
import { longerGop, stallAt } from './camera-stall.ts'
import type { LifeEnd } from './camera-words.ts'
import type { Child, ChildCommand, ChildExit, ChildStarter } from './child.ts'

/** How often a life is looked at, in ms: a stall is noticed this much late, and held units leave the anchor on time. */
const tickMs = 500
/** A tick later than this means that we ourselves stood still; what the camera sent meanwhile is not read yet. */
const lateTickMs = 2_000
/** Last lines of standard error that are kept. */
const wordsMax = 6
/**
 * More than this for `floodWindowMs` on average is no camera (25 MB/s = 200 Mbit/s; 4K at its best is 80 Mbit/s): it would
 * fill any card and link. The process is ended.
 */
const floodBytesPerS = 25_000_000
const floodWindowMs = 10_000

export interface LifeWorld {
  readonly clock: Clock
  readonly children: ChildStarter
}

export interface LifeListener {
  /** Bytes as the process wrote them, before they are split. */
  onBytes(bytes: Uint8Array): void
  onUnits(units: readonly RunUnit[]): void
  onLine(line: string): void
  /** At every tick. */
  onTurn(state: RunState): void
  /** It is being ended because of this; it may take some seconds. */
  onEnding(end: LifeEnd): void
}

export interface LifeOptions {
  readonly command: ChildCommand
  readonly run: CameraRun
  /** Of earlier lives; `undefined` at the first. */
  readonly longestGopMs: number | undefined
  readonly listener: LifeListener
}

export interface LifeReport {
  readonly end: LifeEnd
  readonly state: RunState
  readonly words: readonly string[]
  /** Time between the first and the last keyframe, in ms. */
  readonly goodMs: number
  readonly longestGopMs: number | undefined
  /** The process, if not even KILL ended it. */
  readonly undead: Child | undefined
}

export async function liveOnce(world: LifeWorld, options: LifeOptions, signal: AbortSignal): Promise<LifeReport> {
  const { clock } = world
  const { run, listener } = options
  const startedAt = clock.mono()
  const words: string[] = []
  let over = false
  let exit: ChildExit | undefined
  let firstKeyframeAt: MonoMs | undefined
  let longestGopMs = options.longestGopMs
  const flood = createFloodMeter(startedAt)
  const awake = new AbortController()
  const wake = (): void => awake.abort()

  const child = world.children.start(options.command, {
    onBytes(bytes) {
      if (over) return
      listener.onBytes(bytes)
      const now = clock.mono()
      flood.count(bytes.length, now)
      listener.onUnits(run.push(bytes, now))
      const state = run.state()
      firstKeyframeAt ??= state.lastKeyframeAt
      longestGopMs = longerGop(longestGopMs, state.gopMs)
      if (state.problem !== undefined || flood.rate() > floodBytesPerS) wake()
    },
    onLine(line) {
      words.push(line)
      if (words.length > wordsMax) words.shift()
      listener.onLine(line)
    },
  })
  void child.exit.then((how) => {
    exit = how
    wake()
  })
  signal.addEventListener('abort', wake, { once: true })

  let end: LifeEnd | undefined
  for (let lastTick = startedAt; end === undefined; ) {
    await clock.sleep(tickMs, awake.signal)
    const now = clock.mono()
    listener.onUnits(run.tick(now))
    listener.onTurn(run.state())
    end = endOf({ stopped: signal.aborted, exit, state: run.state(), bytesPerS: flood.rate() })
    if (end === undefined && now - lastTick < lateTickMs) {
      const stall = stallAt(now, run.state(), { startedAt, longestGopMs })
      if (stall !== undefined) end = { kind: 'stall', ...stall }
      longestGopMs = longerGop(longestGopMs, undefined, stall)
    }
    lastTick = now
  }
  signal.removeEventListener('abort', wake)
  if (end.kind !== 'left') listener.onEnding(end)
  const ended = await child.stop()
  over = true
  // Before the run lets go of what it knows.
  const state = run.state()
  listener.onUnits(run.end(clock.mono()))
  const goodMs = (state.lastKeyframeAt ?? 0) - (firstKeyframeAt ?? state.lastKeyframeAt ?? 0)
  return { end, state, words, goodMs, longestGopMs, undead: ended ? undefined : child }
}

function endOf(now: {
  readonly stopped: boolean
  readonly exit: ChildExit | undefined
  readonly state: RunState
  readonly bytesPerS: number
}): LifeEnd | undefined {
  if (now.stopped) return { kind: 'stopped' }
  // What the stream showed says more than the exit that often follows it.
  if (now.state.problem !== undefined) return { kind: 'problem', problem: now.state.problem }
  if (now.exit !== undefined) return { kind: 'left', exit: now.exit }
  if (now.bytesPerS > floodBytesPerS) return { kind: 'flood', bytesPerS: now.bytesPerS }
  return undefined
}

/** Bytes per second over whole windows; a burst after a pause, or a short file sent at once, is no flood. */
function createFloodMeter(startedAt: MonoMs) {
  let windowAt = startedAt
  let bytes = 0
  let last = 0
  return {
    count(more: number, now: MonoMs): void {
      if (now - windowAt >= floodWindowMs) {
        last = (bytes * 1000) / (now - windowAt)
        windowAt = now
        bytes = 0
      }
      bytes += more
    },
    rate: (): number => last,
  }
}
