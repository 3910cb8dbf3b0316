/**
 * The lead of a frame: the tables, and packets that carry nothing but the video's timing, directly before it. They
 * belong to the unit that begins with the frame. Positions are in the bytes of the open unit.
 */

/** Of a longer lead, only the last part belongs to the frame. */
const leadBytesMax = 64 * 1024

const nowhere = -1

export class Lead {
  #at = nowhere
  #tail = nowhere
  #isMarked = false

  get isOpen(): boolean {
    return this.#at !== nowhere
  }

  /** A discontinuity bit stands in it. */
  get isMarked(): boolean {
    return this.isOpen && this.#isMarked
  }

  /** Where it begins, if the next packet stands at `end`. */
  at(end: number): number {
    return this.isOpen ? this.#at : end
  }

  /** The same, with what was too much for a lead. */
  tail(end: number): number {
    return this.isOpen ? this.#tail : end
  }

  /** A packet of a lead stands at `at`. True if a lead begins with it. */
  join(at: number): boolean {
    if (this.isOpen && at - this.#at < leadBytesMax) return false
    if (!this.isOpen) this.#tail = at
    this.#at = at
    this.#isMarked = false
    return true
  }

  mark(): void {
    this.#isMarked = true
  }

  leave(): void {
    this.#at = nowhere
    this.#tail = nowhere
  }

  /** The bytes before `by` went away. */
  shift(by: number): void {
    if (!this.isOpen) return
    this.#at = Math.max(0, this.#at - by)
    this.#tail = Math.max(0, this.#tail - by)
  }
}
