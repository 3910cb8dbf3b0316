/**
 * Finds the 188-byte packets in a stream of bytes that may be cut anywhere and hold anything between. In step, a packet
 * is believed by its own sync byte; out of step, only three sync bytes in a row at packet distance bring us back. What
 * it finds depends on the bytes alone, never on how they were cut into pieces.
 */
import { packetBytes, syncByte } from './ts-packet.ts'

/** From the first to the third sync byte. */
const proofBytes = 2 * packetBytes
/** Longer than what can be left over from the piece before (`proofBytes`) plus one proof. */
const joinBytes = 1024

/** Takes whole packets, one after another, in `bytes` from `from` to `to`. The bytes are lent. */
type TakePackets = (bytes: Uint8Array, from: number, to: number) => void

/** Bytes that belong to no packet. */
export interface StrayBytes {
  readonly sincePacket: number
  readonly inAll: number
}

export class PacketFinder {
  readonly #take: TakePackets
  readonly #joined = new Uint8Array(proofBytes + joinBytes)
  #heldBytes = 0
  #inStep = false
  #strayBytes = 0
  #strayBytesInAll = 0

  constructor(take: TakePackets) {
    this.#take = take
  }

  get stray(): StrayBytes {
    return { sincePacket: this.#strayBytes, inAll: this.#strayBytesInAll }
  }

  /** Bytes at the end that are no whole packet (yet). */
  get heldBytes(): number {
    return this.#heldBytes
  }

  push(bytes: Uint8Array): void {
    let from = 0
    if (this.#heldBytes > 0) {
      const held = this.#heldBytes
      const added = Math.min(bytes.length, joinBytes)
      this.#joined.set(bytes.subarray(0, added), held)
      const used = this.#scan(this.#joined, 0, held + added)
      if (used < held) {
        this.#hold(this.#joined, used, held + added)
        return
      }
      from = used - held
    }
    this.#hold(bytes, this.#scan(bytes, from, bytes.length), bytes.length)
  }

  #hold(bytes: Uint8Array, from: number, to: number): void {
    if (bytes === this.#joined) this.#joined.copyWithin(0, from, to)
    else this.#joined.set(bytes.subarray(from, to))
    this.#heldBytes = to - from
  }

  /** Returns where the bytes begin that only more bytes can decide. */
  #scan(bytes: Uint8Array, from: number, to: number): number {
    let at = from
    for (;;) {
      if (!this.#inStep) {
        const found = findStep(bytes, at, to)
        this.#strayBytes += found - at
        this.#strayBytesInAll += found - at
        at = found
        if (at + proofBytes >= to) return at
        this.#inStep = true
      }
      let end = at
      while (end + packetBytes <= to && bytes[end] === syncByte) end += packetBytes
      if (end > at) {
        this.#strayBytes = 0
        this.#take(bytes, at, end)
        at = end
      }
      if (at + packetBytes > to) return at
      this.#inStep = false
    }
  }
}

/** The first position with three sync bytes in a row, or the first that cannot be judged yet. */
function findStep(bytes: Uint8Array, from: number, to: number): number {
  let at = from
  for (; at + proofBytes < to; at += 1) {
    if (bytes[at] !== syncByte) continue
    if (bytes[at + packetBytes] === syncByte && bytes[at + proofBytes] === syncByte) return at
  }
  return at
}
