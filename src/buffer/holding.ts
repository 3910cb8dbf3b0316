/** What is held, as data: chunks in recordings in tracks. `holdings.ts` changes it, nobody else. */
import { crc64Combine } from '../base/crc64.ts'
import { startPtsOf } from '../format/playlist.ts'
import {
  type Chunk,
  type Claim,
  type Extent,
  emptyExtent,
  type RecordingHead,
  type TrackId,
  trackKind,
} from '../format/recording.ts'
import { type MediaInfo, type Ticks, ticksBetween, ticksPerMs, wrapTicks } from '../format/unit.ts'

export type Place =
  /** Not on the disk: the youngest footage, and lines whose row is on its way. */
  | { readonly at: 'memory' }
  /** `offset`: of the chunk's first byte in the segment file. */
  | { readonly at: 'segment'; readonly segment: number; readonly offset: number }
  | { readonly at: 'row'; readonly key: string }

export interface HeldChunk {
  readonly chunk: Chunk
  /**
   * Length and CRC-64 of the bytes before it, counted from the start of the recording it was captured in. A cut moves
   * chunks to another recording and leaves this as it is: the recording's `base` says where its own byte 0 lies.
   */
  readonly before: Extent
  owner: Recording
  place: Place
  /** Kept until it is confirmed or on the disk, and afterwards as long as there is room, so that the uplink need not read. */
  bytes: Uint8Array | undefined
  /** When it came, on the monotonic clock in ms: footage may live in memory alone for `spillAfterMs` from then. */
  readonly heldAt: number
  /** It belongs to an event: it goes to the disk at once and is given up last. */
  protected: boolean
  /** Offered before its row is durable, since the database does not answer. Means something for lines only. */
  early: boolean
  /** Confirmed or given up: whoever still works with it lets go of it. */
  gone: boolean
  /** Lines in a chunk of a record track; 0 for video. */
  readonly lines: number
  readFailures: number
  /** Monotonic time in ms of the last failure that was counted. */
  readFailedAt: number | undefined
}

export interface Recording {
  head: RecordingHead
  claim: Claim | undefined
  /** Only then may anybody act on the claim: a name that a power cut takes back would be given twice. */
  claimDurable: boolean
  arrived: Extent
  /** The first sequence number that has not arrived. */
  arrivedSeq: number
  /** Media time at which the last confirmed unit ends; the recording's start while there is none. */
  arrivedEndPts: Ticks
  /** Its byte 0, counted as `HeldChunk.before` is. */
  base: Extent
  /** Its end, counted as `HeldChunk.before` is. For record tracks without the checksum, which nobody asks for. */
  tail: Extent
  /** Not confirmed, in order. Without holes, unless it is doubtful. */
  chunks: HeldChunk[]
  /**
   * An earlier life of the recorder ended before it had written down how far this had arrived: units before, between and,
   * with `beyond`, behind the chunks may be in the store, or may have ended with that life. Only the store can tell.
   */
  doubtful: boolean
  beyond: boolean
  closed: boolean
  /** Cuts that ended it, and whose rows are not durable: a power cut would open it again, so nobody may end its object. */
  cutsUnderWay: number
  /** One past its last sequence number; means something once closed. */
  endSeq: number
  /** Chunks below this sequence number may be on their way to the store: nobody may give them up. */
  pinnedBelow: number
}

export interface Track {
  readonly id: TrackId
  nextSeq: number
  /** Boot counter → number of the next recording. */
  readonly numbers: Map<number, number>
  open: Recording | undefined
  /** Losses so far; each has a gap record in the batch of the row with its number. */
  losses: number
  /** Lines held, on record tracks. */
  lines: number
  /** Where the footage of recordings that are forgotten ends; `undefined` if there was none. */
  end: Moment | undefined
  /** Holes between lives of the recorder whose gap records wait for one of their ends; see `life-gaps.ts`. */
  owed: OwedGap[]
  /** An earlier life began its open recording, and in this one nothing has joined it: if it ends so, the hole is ours to name. */
  carried: boolean
}

/** A moment of any boot, on its monotonic clock in ms. */
export interface Moment {
  readonly boot: number
  readonly monoMs: number
}

export interface OwedGap {
  readonly cause: 'power' | 'stopped'
  readonly from: Moment
  /** The doubtful recording that decides where it begins. */
  readonly of?: string | undefined
  /** Behind the last footage of a life, not between two recordings of it: that life's footage has numbers below this. */
  readonly belowSeq?: number | undefined
  /** Where the footage went on. */
  readonly to?: Moment | undefined
}

/** Boots count up, and each has its clock. */
export const laterOf = (one: Moment, other: Moment): Moment =>
  one.boot > other.boot || (one.boot === other.boot && one.monoMs > other.monoMs) ? one : other

/** A chunk as it joins the buffer, whoever brings it. */
export const heldChunk = (
  joins: Pick<HeldChunk, 'chunk' | 'before' | 'owner' | 'place' | 'bytes' | 'lines' | 'heldAt' | 'protected'>,
): HeldChunk => ({ ...joins, early: false, gone: false, readFailures: 0, readFailedAt: undefined })

/** May be sent: footage always, lines once their row is durable or the database has been silent for too long. */
export const isOffered = (held: HeldChunk): boolean => held.chunk.media !== undefined || isDurable(held) || held.early

/** In flight, or perhaps: nobody may give it up. */
export const isPinned = ({ chunk, owner }: HeldChunk): boolean => chunk.seq < owner.pinnedBelow

/** The chunks up to the first hole. */
export function firstRun(chunks: readonly HeldChunk[]): readonly HeldChunk[] {
  const hole = chunks.findIndex(({ chunk }, at) => at > 0 && chunk.seq !== (chunks[at - 1]?.chunk.seq ?? 0) + 1)
  return hole === -1 ? chunks : chunks.slice(0, hole)
}

/** Where a chunk begins and ends in the object of its recording, in bytes. */
export const startIn = (recording: Recording, { before }: HeldChunk): number => before.length - recording.base.length
export const endIn = (recording: Recording, held: HeldChunk): number => startIn(recording, held) + held.chunk.length

const isDurable = (held: HeldChunk): boolean => held.place.at !== 'memory'

/** Monotonic time in ms of a moment of media time, found from the recording it belongs to (at most 13 h from its start). */
export function monoOf(recording: Recording, pts: Ticks): number {
  const { startMonoMs } = recording.head
  return startMonoMs + ticksBetween(startPtsOf(startMonoMs), pts) / ticksPerMs
}

export const endOf = (media: MediaInfo): Ticks => wrapTicks(media.firstPts + media.durationTicks)

/** Media time at which the recording ends now. */
export const endPtsOf = (recording: Recording): Ticks => {
  const media = recording.chunks.at(-1)?.chunk.media
  return media === undefined ? recording.arrivedEndPts : endOf(media)
}

/** Start of a chunk on its boot's monotonic clock; lines carry no time of their own, so theirs is the recording's. */
export const startMonoOf = (held: HeldChunk): number =>
  held.chunk.media === undefined ? held.owner.head.startMonoMs : monoOf(held.owner, held.chunk.media.firstPts)

export const endMonoOf = (held: HeldChunk): number =>
  held.chunk.media === undefined ? held.owner.head.startMonoMs : monoOf(held.owner, endOf(held.chunk.media))

/** Where the footage of a recording ends, as far as it is known. */
export const endOfFootage = (recording: Recording): Moment => ({
  boot: recording.head.id.boot,
  monoMs: monoOf(recording, endPtsOf(recording)),
})

/** A recording without a byte, beginning where its head says. */
export function newRecording(head: RecordingHead): Recording {
  return {
    head,
    claim: undefined,
    claimDurable: false,
    arrived: emptyExtent,
    arrivedSeq: head.firstSeq,
    arrivedEndPts: startPtsOf(head.startMonoMs),
    base: emptyExtent,
    tail: emptyExtent,
    chunks: [],
    doubtful: false,
    beyond: false,
    closed: false,
    cutsUnderWay: 0,
    endSeq: head.firstSeq,
    pinnedBelow: 0,
  }
}

/** Where a chunk ends, counted as its `before` is. */
export function after(recording: Recording, { chunk, before }: Pick<HeldChunk, 'chunk' | 'before'>): Extent {
  const length = before.length + chunk.length
  if (trackKind(recording.head.id.track) !== 'video') return { length, crc64: 0n }
  return { length, crc64: before.length === 0 ? chunk.crc64 : crc64Combine(before.crc64, chunk.crc64, chunk.length) }
}

/** The extent of what lies between `base` and `end`, both counted from the same place. */
export function relative(end: Extent, base: Extent): Extent {
  const length = end.length - base.length
  if (length === 0) return emptyExtent
  // Checksums combine by XOR: taking the shifted first part out of the whole leaves the second.
  return { length, crc64: crc64Combine(base.crc64, 0n, length) ^ end.crc64 }
}

interface Inheritance {
  readonly survivors: HeldChunk[]
  /** Of the survivors. */
  readonly first: HeldChunk
  readonly tail: Extent
  readonly closed: boolean
  readonly endSeq: number
}

/** The recording in which the chunks behind a cut go on. */
export function heirOf(recording: Recording, id: RecordingHead['id'], of: Inheritance): Recording {
  const { survivors, first, ...rest } = of
  const startMonoMs = startOf(recording, first)
  const head = { ...recording.head, id, startMonoMs, firstSeq: first.chunk.seq }
  return { ...newRecording(head), ...rest, base: first.before, chunks: survivors }
}

/** Where a recording begins that begins with this chunk, in ms of its boot. */
export function startOf(recording: Recording, first: HeldChunk): number {
  const { media } = first.chunk
  return media === undefined ? recording.head.startMonoMs : monoOf(recording, media.firstPts)
}

export function olderFirst(one: Recording, other: Recording): number {
  return (
    one.head.id.boot - other.head.id.boot ||
    one.head.startMonoMs - other.head.startMonoMs ||
    one.head.firstSeq - other.head.firstSeq ||
    one.head.id.number - other.head.id.number
  )
}
