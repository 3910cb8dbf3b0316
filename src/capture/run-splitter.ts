/**
 * Makes units on this boot's clock out of one life of a camera process. `unit-cutter.ts` says where units begin; here it
 * is decided which of them begins a run (a new clock, a discontinuity for players), what media time they get, how long
 * they last, and when they are handed out:
 *
 *     bytes -> cut -> held until the clock is anchored -> retimed, summed -> ready until the target duration is known
 *
 * A run begins with the process; where the camera's stamps jump (at that very frame, so that none is lost); with a
 * picture of another size; and after a unit whose arrival shows that media time has drifted from our clock. Units before
 * the first parameter set of all are dropped: no decoder can show them.
 *
 * Memory: what waits is bounded by `limits.anchorHoldBytesMax` plus one unit, what is cut by `limits.unitBytesMax`.
 */

import type { MonoMs } from '../base/clock.ts'
import { crc64 } from '../base/crc64.ts'
import { limits } from '../base/limits.ts'
import type { PictureSize } from '../format/h264.ts'
import type { CutUnit, UnitBegin } from '../format/open-unit.ts'
import { type Ticks, ticksBetween, ticksPerMs, type Unit, wrapTicks } from '../format/unit.ts'
import { UnitCutter } from '../format/unit-cutter.ts'
import { Anchor, mediaTotal } from './anchor.ts'
import type { CameraRun, CameraRunOptions, RunState, RunUnit } from './camera-run.ts'
import { retime } from './retime.ts'
import { StreamWatch } from './stream-watch.ts'
import { TargetDuration } from './target-duration.ts'

type RecordingBreak = NonNullable<RunUnit['recordingBreak']>
type RunReason = 'start' | 'jump' | 'parameters' | 'late' | 'early'

interface Held {
  readonly unit: CutUnit
  readonly durationTicks: Ticks
}

/** One clock: the units from one discontinuity to the next. */
interface Run {
  readonly anchor: Anchor
  readonly size: PictureSize | undefined
  readonly reason: RunReason
  /** Its units so far that wait for the anchor. */
  held: Held[]
  isFirstOut: boolean
}

/** A unit that lacks nothing but the target duration of its recording. */
interface Ready {
  readonly unit: Unit
  readonly startMonoMs: number
  readonly size: PictureSize
  readonly recordingBreak: RecordingBreak | undefined
}

export type Checksum = (bytes: Uint8Array) => bigint

/** @param checksum of a unit's bytes; another one than CRC-64 only to measure what the rest costs */
export function createCameraRun(options: CameraRunOptions, checksum: Checksum = crc64): CameraRun {
  return new RunSplitter(options, checksum)
}

class RunSplitter implements CameraRun {
  readonly #checksum: Checksum
  readonly #cutter: UnitCutter
  readonly #watch = new StreamWatch()
  #target: TargetDuration
  #run: Run | undefined
  #notBefore: Ticks | undefined
  #ready: Ready[] = []
  #out: RunUnit[] = []
  /** Bytes in `held` and `ready`. */
  #waitingBytes = 0
  #nowTicks = 0

  constructor(options: CameraRunOptions, checksum: Checksum) {
    this.#checksum = checksum
    this.#notBefore = options.notBefore
    this.#target = new TargetDuration(options.targetDurationS)
    this.#cutter = new UnitCutter({
      mode: 'capture',
      isVideoOnly: options.sound === false,
      longestTicks: this.#target.longestTicks,
      onBegin: (next, ended) => this.#onBegin(next, ended),
    })
  }

  push(bytes: Uint8Array, arrivedAt: MonoMs): readonly RunUnit[] {
    if (this.#watch.problem !== undefined) return []
    this.#settleByTime(arrivedAt)
    this.#watch.takeBytes(bytes.length, arrivedAt)
    this.#cutter.push(bytes, this.#nowTicks)
    this.#watch.judge(this.#cutter.video, this.#cutter.stray, arrivedAt)
    return this.#takeOut()
  }

  tick(now: MonoMs): readonly RunUnit[] {
    this.#settleByTime(now)
    this.#watch.judge(this.#cutter.video, this.#cutter.stray, now)
    return this.#takeOut()
  }

  end(now: MonoMs): readonly RunUnit[] {
    this.#settleByTime(now)
    const last = this.#cutter.end()
    if (this.#run !== undefined && last !== undefined)
      this.#hold(this.#run, { unit: last, durationTicks: last.ticksAlone })
    if (this.#run !== undefined) this.#settleRun(this.#run, last?.leastDelay)
    this.#run = undefined
    this.#settleTarget(0)
    return this.#takeOut()
  }

  state(): RunState {
    return this.#watch.state(this.#run?.size)
  }

  /** The cutter found the beginning of a unit. True if it is the first of a run. */
  #onBegin(next: UnitBegin, ended: CutUnit | undefined): boolean {
    const run = this.#run
    const reason = run === undefined || ended === undefined ? 'start' : reasonForRun(run, next, ended)
    const gopTicks = this.#watch.takeUnit(next, ended)
    if (gopTicks !== undefined) this.#target.observeGop(gopTicks)
    if (run !== undefined && ended !== undefined) this.#endUnit(run, ended, { next, reason })
    if (reason === undefined) return false
    if (reason === 'parameters') {
      this.#settleTarget(0)
      this.#target = new TargetDuration(undefined)
      this.#cutter.setLongest(this.#target.longestTicks)
    }
    this.#target.begin(next.arrival)
    const size = next.size ?? run?.size
    this.#run = { anchor: new Anchor(next), size, reason, held: [], isFirstOut: true }
    return true
  }

  #endUnit(run: Run, unit: CutUnit, by: { readonly next: UnitBegin; readonly reason: RunReason | undefined }): void {
    const { next, reason } = by
    const isLast = reason !== undefined
    run.anchor.observe(unit, next)
    this.#hold(run, { unit, durationTicks: isLast ? unit.ticksAlone : ticksBetween(unit.begin.pts, next.pts) })
    const isFull = this.#waitingBytes >= limits.anchorHoldBytesMax
    if (isLast) this.#settleRun(run, undefined)
    else if (isFull || run.anchor.isDue(this.#nowTicks)) this.#settleRun(run, next.arrival - next.dtsTotal)
    if (isFull || this.#target.isDue(this.#nowTicks)) this.#settleTarget(0)
  }

  #settleByTime(now: MonoMs): void {
    this.#nowTicks = Math.round(now * ticksPerMs)
    const open = this.#cutter.open
    if (this.#run === undefined || open === undefined) return
    if (this.#run.anchor.isDue(this.#nowTicks)) this.#settleRun(this.#run, open.leastDelay)
    if (this.#target.isDue(this.#nowTicks)) this.#settleTarget(this.#cutter.dtsTotal - open.begin.dtsTotal)
  }

  /** A run without any parameter set yet cannot be shown: its units are dropped. */
  #hold(run: Run, held: Held): void {
    if (run.size === undefined) return
    this.#target.observePart(held.unit.ticksAlone)
    this.#waitingBytes += held.unit.bytes.length
    if (run.anchor.delta === undefined) run.held.push(held)
    else this.#finish(run, run.size, held)
  }

  /** @param openDelay least delay of the run's frames that are in no whole unit yet */
  #settleRun(run: Run, openDelay: number | undefined): void {
    if (run.anchor.delta !== undefined || run.size === undefined) return
    // After media time ran ahead, the new recording takes the true time, even if that repeats a little.
    const notBefore = run.reason === 'early' ? undefined : this.#notBefore
    run.anchor.settle(openDelay ?? Number.POSITIVE_INFINITY, notBefore)
    for (const held of run.held) this.#finish(run, run.size, held)
    run.held = []
  }

  #finish(run: Run, size: PictureSize, { unit, durationTicks }: Held): void {
    const delta = run.anchor.delta ?? 0
    const start = mediaTotal(unit.begin, delta)
    const firstPts = wrapTicks(start)
    retime(unit.bytes, unit.stamps, delta)
    this.#notBefore = wrapTicks(firstPts + durationTicks)
    const discontinuity = run.isFirstOut
    const media = { firstPts, durationTicks, discontinuity, keyframe: unit.begin.isKeyframe }
    this.#ready.push({
      unit: { bytes: unit.bytes, crc64: this.#checksum(unit.bytes), media },
      startMonoMs: start / ticksPerMs,
      size,
      recordingBreak: discontinuity ? breakOf(run) : undefined,
    })
    run.isFirstOut = false
    this.#release()
  }

  /** @param openTicks length of what is in no whole unit yet */
  #settleTarget(openTicks: Ticks): void {
    this.#target.settle(openTicks)
    this.#cutter.setLongest(this.#target.longestTicks)
    this.#release()
  }

  #release(): void {
    const targetDurationS = this.#target.seconds
    if (targetDurationS === undefined) return
    for (const { unit, startMonoMs, size, recordingBreak } of this.#ready) {
      const video = { codec: 'h264', ...size, targetDurationS } as const
      this.#out.push({ unit, startMonoMs, video, ...(recordingBreak === undefined ? {} : { recordingBreak }) })
      this.#waitingBytes -= unit.bytes.length
    }
    this.#ready = []
  }

  #takeOut(): readonly RunUnit[] {
    const out = this.#out
    if (out.length > 0) this.#out = []
    return out
  }
}

/** Does a run begin with `next`, and why? `ended` is the unit before it. */
function reasonForRun(run: Run, next: UnitBegin, ended: CutUnit): RunReason | undefined {
  if (run.size === undefined) return 'start'
  if (next.size !== undefined && (next.size.width !== run.size.width || next.size.height !== run.size.height)) {
    return 'parameters'
  }
  if (next.isForced) return 'jump'
  const drift = run.anchor.drift(ended)
  return drift === 'none' ? undefined : drift
}

function breakOf(run: Run): RecordingBreak | undefined {
  if (run.reason === 'parameters') return 'parameters'
  return run.reason === 'early' || run.anchor.isClockBack ? 'clock-back' : undefined
}
