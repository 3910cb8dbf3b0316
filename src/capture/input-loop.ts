/**
 * One input: watches its line and writes the lines of its events. It opens the line again after any failure, waiting
 * longer each time, and never disturbs the recording.
 *
 * A report is dealt with when it comes; the loop only waits for the debounce time to pass. It also reads the level every
 * few seconds, so that an event does not last for ever if a report was lost.
 */
import { assert } from '../base/assert.ts'
import { type BackoffRange, backoffMs } from '../base/backoff.ts'
import type { Clock, MonoMs, WallTime } from '../base/clock.ts'
import type { Logger } from '../base/log.ts'
import type { LoopBeat } from '../base/loop.ts'
import type { Random } from '../base/random.ts'
import { type EventRecord, eventLine } from '../format/event-record.ts'
import { isoOf } from '../format/names.ts'
import type { InputStatus } from '../format/status.ts'
import type { InputLine, InputLines, Level, LineError, LineListener } from './input-line.ts'
import { lineProblem, restlessProblem } from './input-words.ts'
import {
  dueInMs,
  isRestless,
  type MotionEvent,
  type MotionState,
  type MotionStep,
  motionOpened,
  onClosed,
  onLevel,
  onTime,
} from './motion.ts'

export interface InputWorld {
  readonly lines: InputLines
  readonly clock: Clock
  readonly wallTime: WallTime
  readonly random: Random
  readonly log: Logger
  readonly beat: LoopBeat
  /** Appends a line (without its line feed) to the events track. Neither waits nor throws. */
  write(line: string): void
  /**
   * Footage of these cameras between these moments of the monotonic clock, in ms, belongs to an event: it is kept when
   * other footage has to go. Said again, with a later end, while the event lasts. Neither waits nor throws.
   */
  protect(cameras: readonly string[], fromMonoMs: number, toMonoMs: number): void
}

export interface InputOptions {
  readonly name: string
  readonly chip: string
  readonly line: number
  /** What an active input means; stands in the events. */
  readonly kind: string
  readonly activeLow: boolean
  /** A level must last this long to count: 0 to 10,000 ms. */
  readonly debounceMs: number
  /** Cameras that look at what it senses, by name. */
  readonly cameras: readonly string[]
  readonly bootCounter: number
}

export interface Input {
  status(): InputStatus
  /** Runs until `signal` aborts, and ends a running event then. Called once. */
  run(signal: AbortSignal): Promise<void>
}

/** First try again after 10 s, then more rarely: a missing chip appears with a person or a reboot. */
const retry: BackoffRange = { firstMs: 10_000, capMs: 60_000, floorMs: 10_000 }
/** The level is read at least this often. */
const lookMs = 5_000
/** A line that changes for this long without a rest has a problem. */
const restlessMs = 10_000
/**
 * What belongs to an event beside the time the input is active. Ten seconds before show who came, twenty after show where
 * they went; an event is protected for as long as it lasts, since its end is not known before.
 */
const preRollMs = 10_000
const postRollMs = 20_000
/** The loop comes round at least this often; twice the longest wait. */
export const inputTurnMsMax = 2 * retry.capMs

export function createInput(world: InputWorld, options: InputOptions): Input {
  const log = world.log.with({ input: options.name })
  const place = { chip: options.chip, line: options.line }
  let motion: MotionState | undefined
  let events = 0
  let problem: string | null = null
  let wake = new AbortController()

  const isActive = (level: Level): boolean => (level === 1) !== options.activeLow

  function take(steps: readonly MotionStep[]): void {
    for (const { state, event } of steps) {
      motion = state
      if (event !== undefined) write(event)
      if (state.startedAt !== undefined) protect(state.startedAt, world.clock.mono())
      else if (event?.kind === 'end') protect(event.startedAt, event.at)
    }
  }

  const protect = (start: MonoMs, until: MonoMs): void =>
    world.protect(options.cameras, start - preRollMs, until + postRollMs)

  function write(event: MotionEvent): void {
    if (event.kind === 'start') events += 1
    world.write(eventLine(recordOf(event, options, world.wallTime)))
  }

  function level(value: Level, at: MonoMs): void {
    if (motion === undefined) motion = motionOpened(isActive(value), at)
    else take(onLevel(motion, isActive(value), at, options.debounceMs))
  }

  /** Watches an open line until it is lost or we are to stop. */
  async function watch(line: InputLine, lost: () => LineError | undefined, signal: AbortSignal): Promise<void> {
    while (!signal.aborted && lost() === undefined) {
      world.beat.turned()
      wake = new AbortController()
      const now = world.clock.mono()
      const read = line.read()
      if (!read.ok) return fail(read.error)
      if (motion === undefined || isActive(read.value) !== motion.latest) level(read.value, now)
      else take([onTime(motion, now, options.debounceMs)])
      assert(motion !== undefined, 'a level was taken')
      const restless = isRestless(motion, now, restlessMs)
      if (restless && problem === null) log.warn('input-restless', restlessProblem(options.name, options.debounceMs))
      problem = restless ? restlessProblem(options.name, options.debounceMs) : null
      await world.clock.sleep(Math.min(lookMs, dueInMs(motion, now, options.debounceMs) ?? lookMs), wake.signal)
    }
    const error = lost()
    if (error !== undefined) fail(error)
  }

  function fail(error: LineError): void {
    problem = lineProblem(options.name, place, error)
    log.warn('input-failed', problem)
  }

  async function openAndWatch(signal: AbortSignal): Promise<boolean> {
    let lost: LineError | undefined
    const listener: LineListener = {
      onEdge(value, at) {
        level(value, at)
        wake.abort()
      },
      onLost(error) {
        lost ??= error
        wake.abort()
      },
    }
    const opened = await world.lines.open(place, listener)
    if (!opened.ok) {
      fail(opened.error)
      return false
    }
    if (problem !== null) log.info('input-watched', `Input ${options.name} is watched.`)
    problem = null
    await watch(opened.value, () => lost, signal)
    opened.value.close()
    const event = motion && onClosed(motion, world.clock.mono(), signal.aborted ? 'stopped' : 'lost')
    if (event !== undefined) write(event)
    motion = undefined
    return true
  }

  async function run(signal: AbortSignal): Promise<void> {
    const stop = (): void => wake.abort()
    signal.addEventListener('abort', stop)
    let failures = 0
    while (!signal.aborted) {
      world.beat.turned()
      failures = (await openAndWatch(signal)) ? 1 : failures + 1
      await world.clock.sleep(backoffMs(retry, failures, world.random), signal)
    }
    signal.removeEventListener('abort', stop)
  }

  return {
    run,
    status: () => ({ name: options.name, active: motion?.settled ?? null, problem, events }),
  }
}

function recordOf(event: MotionEvent, options: InputOptions, wallTime: WallTime): EventRecord {
  const start = event.kind === 'start' ? event.at : event.startedAt
  const when = wallTime.at(event.at)
  const base = {
    v: 1,
    id: `b${options.bootCounter}-${options.name}-${Math.round(start * 1000)}`,
    bootCounter: options.bootCounter,
    input: options.name,
    sense: options.kind,
    cameras: options.cameras,
    time: when === undefined ? null : isoOf(when.wallMs),
    timeErrorMs: when === undefined ? null : Math.ceil(when.errorMs),
    monoMs: rounded(event.at),
  } as const
  return event.kind === 'start'
    ? { ...base, kind: 'start', seen: event.seen }
    : { ...base, kind: 'end', durationMs: rounded(event.at - event.startedAt), cause: event.cause }
}

/** The kernel's clock in µs is as fine as it means anything. */
const rounded = (ms: number): number => Math.round(ms * 1000) / 1000
