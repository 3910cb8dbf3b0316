/**
 * What is waiting to be sent. Implemented by `buffer/buffer.ts`; capture fills it, the uplink drains it, and this is
 * the only place where they meet.
 */
import type { Result } from '../base/result.ts'
import type { Boot, Chunk, Claim, Extent, RecordingHead, RecordingId } from '../format/recording.ts'
import type { Ticks } from '../format/unit.ts'

/** A recording of which something is still to do. A snapshot: ask again after a change. */
export interface HeldRecording {
  readonly head: RecordingHead
  readonly claim: Claim | undefined
  /** What we know to be confirmed (the store may hold more: it is the truth, this is a guess). */
  readonly arrived: Extent
  /**
   * Unconfirmed, in order, nothing missing between, in memory or on the disk; positions follow from `arrived` (while
   * there is a `doubt`, from `doubt.pendingFrom`) and the lengths.
   */
  readonly pending: readonly Chunk[]
  /** True once no chunk will be added: `pending` is all there will be. Always true while there is a doubt. */
  readonly closed: boolean
  /** Absent when everything about the recording is known. Nothing may be appended before it is settled. */
  readonly doubt?: Doubt
}

/**
 * What only the store can tell: an earlier life of the recorder held units in memory, and ended before it had written
 * down which of them had arrived.
 */
export interface Doubt {
  /**
   * Where the first pending chunk begins, as it was summed at capture. Equals `arrived` if nothing is missing before it,
   * and if nothing is pending.
   */
  readonly pendingFrom: Extent
  /** The object may reach beyond everything that is known here. */
  readonly beyond: boolean
}

/** The answer to a doubt: everything the object holds is proven to be ours. */
export interface Settlement {
  /** The whole object. */
  readonly arrived: Extent
  /** Units in the part that was read back from the store; 0 if none had to be. */
  readonly unitsRead: number
  /** Media time at which the last unit that was read back ends. */
  readonly endPts: Ticks | undefined
}

export interface BootTime {
  readonly boot: Boot
  /** wall = mono + offset, with its greatest error; absent if that boot never learnt it. */
  readonly offset?: { readonly ms: number; readonly errorMs: number }
}

export type HeldError = { readonly kind: 'disk' | 'gone' | 'corrupt'; readonly message: string }

export interface Backlog {
  /** The boot that is running now. */
  readonly boot: Boot
  /** Recordings that still need bytes sent, a playlist ended or a catalogue line, oldest first. */
  held(): readonly RecordingId[]
  /** `undefined` once finished. */
  recording(id: RecordingId): HeldRecording | undefined
  /** The bytes of `count` pending chunks from `fromSeq`, concatenated. They stay pinned until confirmed or released. */
  read(id: RecordingId, fromSeq: number, count: number): Promise<Result<Uint8Array, HeldError>>
  /** Writes the claim, synced. A recording is claimed once. */
  claim(id: RecordingId, claim: Claim): Promise<void>
  /** The store's length and CRC-64 cover everything through `throughSeq`: those chunks may be forgotten. */
  confirm(id: RecordingId, arrived: Extent, throughSeq: number): Promise<void>
  /**
   * Ends the doubt about a recording. Pending chunks that `arrived` covers are confirmed. If it ends before the first
   * pending chunk, what stood between is lost: the recording ends here, a gap record names the loss, and what is pending
   * goes on in a new recording. Durable when it resolves.
   *
   * It may come again, for a recording whose doubt this life has ended: an append that the life before had on its way
   * landed late, behind everything known, and is proven too. All that is pending is covered then. Whoever does not take it
   * leaves `arrived` as it was; the object is then given up.
   */
  settle(id: RecordingId, found: Settlement): Promise<void>
  /**
   * Gives the object up: what is pending continues as a new recording of the same track, right after this one, and this
   * one is closed. Used for foreign objects, full objects, and to let live footage overtake a backlog.
   */
  cut(id: RecordingId, why: string): Promise<void>
  /** Everything about the recording is published: forget it. */
  finish(id: RecordingId): Promise<void>
  bootTime(counter: number): BootTime | undefined
  /** Remembers where this boot lies on the wall, for recordings that outlive it. */
  learnBootTime(offset: { readonly ms: number; readonly errorMs: number }): Promise<void>
  /** Resolves when anything changed since the call, or when `signal` aborts. */
  changed(signal: AbortSignal): Promise<void>
}
