/**
 * A wire of limited speed, shared by every body that crosses it in one direction.
 *
 * Time on the wire is booked ahead: each piece occupies it for bytes / rate after the piece before. A sleeper that wakes
 * late may catch up within its own body, so that timer jitter costs nothing; an idle wire saves nothing up, as no wire does.
 */
import { setTimeout as sleep } from 'node:timers/promises'

/** Oversleeping beyond this is lost; above the jitter of a busy machine, far below any body's own time. */
const catchUpMsMax = 50
/** Shorter waits are not worth a timer: they add up and are taken together. */
const waitMsMin = 2

export interface LinkClock {
  /** Milliseconds that never step. */
  now(): number
  sleep(ms: number): Promise<unknown>
}
const realClock: LinkClock = { now: () => performance.now(), sleep }

export class Link {
  readonly #clock: LinkClock
  #bytesPerMs: number | undefined
  #freeAtMs = 0
  /** How much too late the last sleeper woke: time in which the wire was not idle, only we were. */
  #oversleptMs = 0

  constructor(bytesPerS: number | undefined, clock = realClock) {
    this.#clock = clock
    this.setRate(bytesPerS)
  }

  /** Undefined: as fast as the machine. Takes effect with the next piece. */
  setRate(bytesPerS: number | undefined): void {
    this.#bytesPerMs = bytesPerS === undefined ? undefined : bytesPerS / 1000
  }

  /** Resolves when `bytes` have crossed. `first` of a body: what the wire idled before does not count. */
  async cross(bytes: number, first: boolean): Promise<void> {
    if (this.#bytesPerMs === undefined) return
    const now = this.#clock.now()
    const creditMs = first ? this.#oversleptMs : catchUpMsMax
    this.#freeAtMs = Math.max(this.#freeAtMs, now - creditMs) + bytes / this.#bytesPerMs
    const dueMs = this.#freeAtMs
    this.#oversleptMs = 0
    if (dueMs - now < waitMsMin) return
    await this.#clock.sleep(dueMs - now)
    this.#oversleptMs = Math.min(catchUpMsMax, Math.max(0, this.#clock.now() - dueMs))
  }
}
