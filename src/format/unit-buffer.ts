/**
 * The bytes of the unit that is being gathered, and the places in them that hold time stamps. Bytes are copied into it
 * once; a cut hands them out and keeps what belongs to the next unit.
 */
import { type PesHeader, pcrAt } from './ts-packet.ts'

/** Where a time stamp is: position * 2, plus 1 for a PCR. Positions stay below 2^30 (`limits.unitBytesMax`). */
export type StampMark = number

/** First size of a buffer. */
const smallestBytes = 64 * 1024
/** Later ones are as large as the largest of so many units before, and this part more: most units fit without a copy. */
const unitsRemembered = 4
const roomPart = 1 / 16
/** A buffer with more unused space than this part of its contents is copied to its exact size before it is handed out. */
const slackPart = 1 / 6

/** Not zeroed, which costs as much as filling it with footage: only bytes that were written are ever handed out. */
const freshBytes = (length: number): Uint8Array<ArrayBuffer> =>
  new Uint8Array(Buffer.allocUnsafeSlow(length).buffer as ArrayBuffer)

export interface GatheredBytes {
  readonly bytes: Uint8Array
  readonly stamps: readonly StampMark[]
}

export class UnitBuffer {
  #bytes = freshBytes(smallestBytes)
  #length = 0
  /** Lengths of the last units. */
  #before: number[] = []
  #stamps: StampMark[] = []

  get length(): number {
    return this.#length
  }

  /** Valid until the next call that changes the buffer. Only the first `length` bytes mean something. */
  get bytes(): Uint8Array {
    return this.#bytes
  }

  append(bytes: Uint8Array, from: number, to: number): void {
    const added = to - from
    if (added <= 0) return
    this.#makeRoom(added)
    this.#bytes.set(bytes.subarray(from, to), this.#length)
    this.#length += added
  }

  insert(at: number, bytes: Uint8Array): void {
    this.#makeRoom(bytes.length)
    this.#bytes.copyWithin(at + bytes.length, at, this.#length)
    this.#bytes.set(bytes, at)
    this.#length += bytes.length
    this.#stamps = this.#stamps.map((mark) => (mark >= at * 2 ? mark + bytes.length * 2 : mark))
  }

  /** Notes the time stamps of a packet at `at` of `bytes`, which is to be appended next. */
  markPacket(bytes: Uint8Array, at: number, pes: PesHeader | undefined): void {
    const by = this.#length - at
    const pcr = pcrAt(bytes, at)
    if (pcr !== -1) this.#stamps.push((pcr + by) * 2 + 1)
    if (pes === undefined) return
    if (pes.ptsAt !== -1) this.#stamps.push((pes.ptsAt + by) * 2)
    if (pes.dtsAt !== -1) this.#stamps.push((pes.dtsAt + by) * 2)
  }

  /** Takes away everything from `at` on. */
  cutTail(at: number): void {
    this.#length = at
    this.#stamps = this.#stamps.filter((mark) => mark < at * 2)
  }

  /** Takes away everything before `at`. */
  dropHead(at: number): void {
    if (at === 0) return
    this.#bytes.copyWithin(0, at, this.#length)
    this.#length -= at
    this.#stamps = this.#stamps.filter((mark) => mark >= at * 2).map((mark) => mark - at * 2)
  }

  /** Hands out everything before `at`; the rest is what the next unit begins with. */
  split(at: number): GatheredBytes {
    const whole = this.#bytes
    const kept = this.#length - at
    this.#before = [...this.#before, at].slice(-unitsRemembered)
    const expected = Math.max(smallestBytes, kept * 2, Math.ceil(Math.max(...this.#before) * (1 + roomPart)))
    const isExact = whole.length - at <= at * slackPart
    // With its contents copied the buffer is free again.
    const stays = !isExact && whole.length >= expected && whole.length <= expected * 2
    const next = stays ? whole : freshBytes(expected)
    const bytes = isExact ? whole.subarray(0, at) : copyOf(whole, at)
    next.set(whole.subarray(at, this.#length))
    const stamps = this.#stamps.filter((mark) => mark < at * 2)
    this.#stamps = this.#stamps.filter((mark) => mark >= at * 2).map((mark) => mark - at * 2)
    this.#bytes = next
    this.#length = kept
    return { bytes, stamps }
  }

  #makeRoom(added: number): void {
    const needed = this.#length + added
    if (needed <= this.#bytes.length) return
    const larger = freshBytes(Math.max(needed, this.#bytes.length + (this.#bytes.length >> 1)))
    larger.set(this.#bytes.subarray(0, this.#length))
    this.#bytes = larger
  }
}

function copyOf(bytes: Uint8Array, length: number): Uint8Array {
  const copy = freshBytes(length)
  copy.set(bytes.subarray(0, length))
  return copy
}
