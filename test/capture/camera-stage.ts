/**
 * A stage for the supervisor: a clock that moves only when told, children that follow a script, and a run that reads
 * letters instead of MPEG-TS. `K` is a keyframe, `h`, `o`, `n`, `g` are the four problems, anything else is just bytes.
 */
import { setImmediate as turn } from 'node:timers/promises'
import { type Clock, type MonoMs, monoMs, wallMs } from '../../src/base/clock.ts'
import type { Logger } from '../../src/base/log.ts'
import { seededRandom } from '../../src/base/random.ts'
import type { CameraRun, CameraRunOptions, RunProblem, RunState, RunUnit } from '../../src/capture/camera-run.ts'
import type { ChildCommand, ChildExit, ChildListener, ChildStarter } from '../../src/capture/child.ts'
import type { FootageGap } from '../../src/capture/recorder.ts'
import { ticksPerMs, wrapTicks } from '../../src/format/unit.ts'
import { createMemorySink } from '../support/memory-sink.ts'

interface ManualClock extends Clock {
  /** Lets `ms` pass; everything that sleeps until then wakes in order. */
  advance(ms: number): Promise<void>
}

function createManualClock(startMs: number): ManualClock {
  let now = startMs
  const sleepers = new Set<{ readonly at: number; readonly wake: () => void }>()
  return {
    wall: () => wallMs(1_790_000_000_000 + now),
    mono: () => monoMs(now),
    sleep(ms, signal) {
      return new Promise((resolve) => {
        if (signal?.aborted === true) return resolve()
        const sleeper = { at: now + ms, wake: () => done() }
        const done = (): void => {
          sleepers.delete(sleeper)
          signal?.removeEventListener('abort', done)
          resolve()
        }
        sleepers.add(sleeper)
        signal?.addEventListener('abort', done, { once: true })
      })
    },
    async advance(ms) {
      const target = now + ms
      for (;;) {
        await turn()
        const next = [...sleepers].filter((sleeper) => sleeper.at <= target).sort((a, b) => a.at - b.at)[0]
        if (next === undefined) break
        now = Math.max(now, next.at)
        next.wake()
      }
      now = target
      await turn()
    },
  }
}

/** What a script may do as a camera's process. When the script returns, the process ends with code 0. */
interface Actor {
  send(letters: string): void
  sendBytes(bytes: Uint8Array): void
  say(line: string): void
  sleep(ms: number): Promise<void>
  /** True once it was told to end. */
  stopped(): boolean
}
export type Script = (actor: Actor) => Promise<ChildExit | undefined>

export const forever: Script = async (actor) => {
  while (!actor.stopped()) {
    actor.send('K')
    await actor.sleep(500)
    actor.send('..')
    await actor.sleep(500)
  }
  return undefined
}

export interface Stage {
  readonly clock: ManualClock
  readonly sink: ReturnType<typeof createMemorySink>
  readonly gaps: FootageGap[]
  readonly lines: string[]
  /** Monotonic time of each start, in ms. */
  readonly startedAt: number[]
  readonly runOptions: CameraRunOptions[]
  readonly world: ReturnType<typeof worldOf>
}

/** @param scripts one per life; the last one is played again and again */
export function createStage(scripts: readonly Script[], seed = 1, startMs = 1_000_000): Stage {
  const clock = createManualClock(startMs)
  const lines: string[] = []
  const startedAt: number[] = []
  const runOptions: CameraRunOptions[] = []
  const gaps: FootageGap[] = []
  const sink = createMemorySink()
  const children = scriptedChildren(scripts, clock, startedAt)
  const world = worldOf({ clock, lines, runOptions, gaps, sink, children, seed })
  return { clock, sink, gaps, lines, startedAt, runOptions, world }
}

function worldOf(parts: {
  readonly clock: ManualClock
  readonly lines: string[]
  readonly runOptions: CameraRunOptions[]
  readonly gaps: FootageGap[]
  readonly sink: ReturnType<typeof createMemorySink>
  readonly children: ChildStarter
  readonly seed: number
}) {
  const { clock, sink, children } = parts
  return {
    clock,
    sink,
    children,
    random: seededRandom(parts.seed),
    log: everyLine(parts.lines),
    wallTime: { at: (moment: MonoMs) => ({ wallMs: wallMs(1_790_000_000_000 + moment), errorMs: 1 }) },
    gap: (gap: FootageGap) => void parts.gaps.push(gap),
    newRun(options: CameraRunOptions): CameraRun {
      parts.runOptions.push(options)
      return createLetterRun()
    },
  }
}

/** The real logger folds what repeats within a minute; a test counts every line. */
function everyLine(lines: string[]): Logger {
  const at = (level: string) => (event: string, message: string, fields?: object) =>
    void lines.push(JSON.stringify({ level, event, message, ...fields }))
  const log: Logger = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error'), with: () => log }
  return log
}

function scriptedChildren(scripts: readonly Script[], clock: Clock, startedAt: number[]): ChildStarter {
  return {
    start(_command: ChildCommand, listener: ChildListener) {
      const script = scripts[Math.min(startedAt.length, scripts.length - 1)] ?? forever
      startedAt.push(clock.mono())
      const ended = new AbortController()
      const actor: Actor = {
        send: (letters) => listener.onBytes(Buffer.from(letters)),
        sendBytes: (bytes) => listener.onBytes(bytes),
        say: (line) => listener.onLine(line),
        sleep: (ms) => clock.sleep(ms, ended.signal),
        stopped: () => ended.signal.aborted,
      }
      const exit = script(actor).then((how): ChildExit => how ?? { kind: 'exited', code: 0 })
      return {
        exit,
        async stop() {
          ended.abort()
          return await Promise.race([exit.then(() => true), clock.sleep(3_000).then(() => false)])
        },
      }
    },
  }
}

const problems: Readonly<Record<string, RunProblem>> = { h: 'h265', o: 'other-codec', n: 'no-video', g: 'garbage' }

function createLetterRun(): CameraRun {
  let state: RunState = {
    bytes: 0,
    lastByteAt: undefined,
    lastKeyframeAt: undefined,
    gopMs: undefined,
    framesPerS: 2,
    bitsPerS: 100,
    codec: undefined,
    width: undefined,
    height: undefined,
    problem: undefined,
  }
  let first = true

  function unitUpTo(end: number): RunUnit[] {
    if (state.lastKeyframeAt === undefined) return []
    const unit = letterUnit(state.lastKeyframeAt, end - state.lastKeyframeAt, { discontinuity: first })
    first = false
    return [unit]
  }

  return {
    push(bytes, arrivedAt) {
      const out: RunUnit[] = []
      for (const letter of Buffer.from(bytes.subarray(0, 100)).toString('latin1')) {
        const problem = problems[letter]
        if (problem !== undefined) state = { ...state, problem }
        if (letter !== 'K') continue
        out.push(...unitUpTo(arrivedAt))
        const gopMs = state.lastKeyframeAt === undefined ? undefined : arrivedAt - state.lastKeyframeAt
        state = { ...state, gopMs, lastKeyframeAt: arrivedAt, codec: 'h264', width: 64, height: 48 }
      }
      state = { ...state, bytes: state.bytes + bytes.length, lastByteAt: arrivedAt }
      return out
    },
    tick: () => [],
    // The last frame that arrived is the end; what came after it was silence.
    end: () => unitUpTo((state.lastByteAt ?? 0) + 1000 / 30),
    state: () => state,
  }
}

export function letterUnit(
  startMonoMs: number,
  durationMs: number,
  more: { readonly discontinuity?: boolean; readonly keyframe?: boolean; readonly bytes?: number } = {},
): RunUnit {
  const { discontinuity = false, keyframe = true, bytes = 188 } = more
  const media = {
    firstPts: wrapTicks(Math.round(startMonoMs * ticksPerMs)),
    durationTicks: Math.round(durationMs * ticksPerMs),
    discontinuity,
    keyframe,
  }
  return {
    unit: { bytes: new Uint8Array(bytes), crc64: 0n, media },
    startMonoMs,
    video: { codec: 'h264', width: 64, height: 48, targetDurationS: 2 },
  }
}
