/**
 * What is waiting to be sent. Implemented by `buffer/buffer.ts`; capture fills it, the uplink drains it, and this is
 * the only place where they meet.
 */
import type { Result } from '../base/result.ts'
import type { Boot, Chunk, Claim, Extent, RecordingHead, RecordingId } from '../format/recording.ts'

/** A recording of which something is still to do. A snapshot: ask again after a change. */
export interface HeldRecording {
  readonly head: RecordingHead
  readonly claim: Claim | undefined
  /** What we know to be confirmed (the store may hold more: it is the truth, this is a guess). */
  readonly arrived: Extent
  /** Durable, unconfirmed, in order, nothing missing between; positions follow from `arrived` and the lengths. */
  readonly pending: readonly Chunk[]
  /** True once no chunk will be added: `pending` is all there will be. */
  readonly closed: boolean
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
