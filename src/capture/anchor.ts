/**
 * How far is the camera's clock from ours? A camera process probes first and then releases what it held in one burst,
 * so the first frames arrive late, by up to seconds. No frame arrives early: the least (arrival - DTS) is the nearest to
 * the truth. It is good enough once a unit has arrived at the pace at which it was filmed; until then the run is held.
 *
 * A run never starts before the end of the run before it. Where the least delay says that it should, by little, the run
 * is moved; by much, our media time had run ahead, and the footage needs a new recording.
 */
import { limits } from '../base/limits.ts'
import type { CutUnit, UnitBegin } from '../format/open-unit.ts'
import { type Ticks, ticksBetween, ticksPerMs, ticksPerSecond, wrapTicks } from '../format/unit.ts'

/** Media time may be off by this much. Beyond it, a new run begins. */
const driftTicksMax = ticksPerSecond / 2
/** An end that seems to lie this far ahead lies behind: half a wrap of the clock or more ago. */
const aheadTicksMax = 3_600 * ticksPerSecond

export type Drift = 'none' | 'late' | 'early'

export class Anchor {
  readonly #first: UnitBegin
  #least: number
  #isPaced = false
  #delta: number | undefined
  #isClockBack = false

  constructor(first: UnitBegin) {
    this.#first = first
    this.#least = first.arrival - first.dtsTotal
  }

  /** Ticks from the camera's DTS, without the wrap, to media time; `undefined` while the run is held. */
  get delta(): number | undefined {
    return this.#delta
  }

  /** The run starts more than `driftTicksMax` before the end of the one before it. */
  get isClockBack(): boolean {
    return this.#isClockBack
  }

  /** A unit of the run has come to its end: `next` begins. */
  observe(unit: CutUnit, next: UnitBegin): void {
    if (this.#delta !== undefined) return
    this.#least = Math.min(this.#least, unit.leastDelay)
    const length = next.isForced ? unit.ticksAlone : next.dtsTotal - unit.begin.dtsTotal
    if (next.arrival - unit.begin.arrival >= length / 2) this.#isPaced = true
  }

  /** Nothing better is to be expected: a unit came at its pace, or the run has been held for long. */
  isDue(nowTicks: number): boolean {
    return this.#isPaced || nowTicks - this.#first.arrival >= limits.anchorHoldMs * ticksPerMs
  }

  /**
   * Ends the holding with the least delay so far.
   * @param openDelay of the frames that are not in a whole unit yet
   * @param notBefore media time before which the run may not start
   */
  settle(openDelay: number, notBefore: Ticks | undefined): void {
    if (this.#delta !== undefined) return
    this.#delta = Math.min(this.#least, openDelay)
    if (notBefore === undefined) return
    const overlap = ticksBetween(wrapTicks(this.startTotal), notBefore)
    if (overlap <= 0 || overlap > aheadTicksMax) return
    if (overlap <= driftTicksMax) this.#delta += overlap
    else this.#isClockBack = true
  }

  /** Media time of the run's first frame (PTS), without the wrap. */
  get startTotal(): number {
    return mediaTotal(this.#first, this.#delta ?? this.#least)
  }

  /** How a whole unit's arrival compares with its media time: `late` by more than half a second, or `early`. */
  drift(unit: CutUnit): Drift {
    if (this.#delta === undefined) return 'none'
    const drift = unit.leastDelay - this.#delta
    if (drift > driftTicksMax) return 'late'
    return drift < -driftTicksMax ? 'early' : 'none'
  }
}

/** Media time of a unit's first frame (PTS), without the wrap. */
export const mediaTotal = (begin: UnitBegin, delta: number): number =>
  begin.dtsTotal + ticksBetween(begin.dts, begin.pts) + delta
