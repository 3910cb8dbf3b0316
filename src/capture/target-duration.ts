/**
 * How long may a unit of this recording be? The target duration of its playlist never changes, so it is learnt before
 * the first unit is handed out: from two whole GOPs, or from what there was when waiting for them ended.
 */
import { limits } from '../base/limits.ts'
import { type Ticks, ticksPerMs, ticksPerSecond } from '../format/unit.ts'

const secondsMin = 1
const secondsMax = 10
/** Cameras whose frames are stamped on arrival are off by milliseconds: 2.01 s is a GOP of 2 s. */
const jitterTicks = ticksPerSecond / 20
const gopsWanted = 2

export class TargetDuration {
  #seconds: number | undefined
  #gops = 0
  #longestTicks: Ticks = 0
  #since: number | undefined

  constructor(seconds: number | undefined) {
    this.#seconds = seconds === undefined ? undefined : clampSeconds(seconds)
  }

  /** `undefined` while it is being learnt. */
  get seconds(): number | undefined {
    return this.#seconds
  }

  /** Until it is learnt, units may have the greatest length of all. */
  get longestTicks(): Ticks {
    return (this.#seconds ?? secondsMax) * ticksPerSecond
  }

  begin(nowTicks: number): void {
    this.#since ??= nowTicks
  }

  observeGop(ticks: Ticks): void {
    this.#gops += 1
    this.observePart(ticks)
  }

  /** A unit that is no whole GOP says only that GOPs are at least as long. */
  observePart(ticks: Ticks): void {
    this.#longestTicks = Math.max(this.#longestTicks, ticks)
  }

  isDue(nowTicks: number): boolean {
    if (this.#seconds !== undefined || this.#gops >= gopsWanted) return true
    return this.#since !== undefined && nowTicks - this.#since >= limits.anchorHoldMs * ticksPerMs
  }

  /** @param openTicks length of what is not a whole unit yet */
  settle(openTicks: Ticks): void {
    if (this.#seconds !== undefined) return
    this.observePart(openTicks)
    const seconds = Math.ceil((1.5 * this.#longestTicks - jitterTicks) / ticksPerSecond)
    this.#seconds = this.#gops === 0 ? secondsMax : clampSeconds(seconds)
  }
}

const clampSeconds = (seconds: number): number => Math.min(secondsMax, Math.max(secondsMin, Math.round(seconds)))
