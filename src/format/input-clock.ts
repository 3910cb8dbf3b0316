/**
 * Follows the time stamps of a stream from frame to frame: unwraps their 33 bits, and says where they jump. A jump is
 * more than a second off, either way, and more than three frame intervals of a slow camera.
 */
import { type Ticks, ticksBetween, ticksPerSecond } from './unit.ts'

const jumpTicks = ticksPerSecond
const jumpIntervals = 3

export interface FrameTime {
  /** DTS without the wrap: grows on over it. The first frame's is its own DTS. */
  readonly total: number
  /** From the DTS of the frame before; 0 for the first. */
  readonly step: Ticks
  readonly isJump: boolean
}

export class InputClock {
  #dts = 0
  #reorder = 0
  #total = 0
  #isFirst = true
  /** The last two steps forward. The smaller one is the frame interval, also directly after a jump. */
  #interval = 0
  #intervalBefore = 0

  get total(): number {
    return this.#total
  }

  take(pts: Ticks, dts: Ticks): FrameTime {
    const reorder = ticksBetween(dts, pts)
    if (this.#isFirst) {
      this.#isFirst = false
      this.#dts = dts
      this.#reorder = reorder
      this.#total = dts
      return { total: dts, step: 0, isJump: false }
    }
    const step = ticksBetween(this.#dts, dts)
    const allowed = Math.max(jumpTicks, jumpIntervals * Math.min(this.#interval, this.#intervalBefore))
    const isJump = step > allowed || step < -jumpTicks || Math.abs(reorder - this.#reorder) > allowed
    if (step > 0) {
      this.#intervalBefore = this.#interval === 0 ? step : this.#interval
      this.#interval = step
    }
    this.#dts = dts
    this.#reorder = reorder
    this.#total += step
    return { total: this.#total, step, isJump }
  }
}
