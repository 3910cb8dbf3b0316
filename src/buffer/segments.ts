/**
 * The segment files as far as memory knows them: how long they are, and which chunks in them are still needed. A closed
 * segment without needed chunks is unlinked, after the database has been synced: only then does every row that lets us
 * forget those chunks survive a power cut.
 */
import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/log.ts'
import { type Bell, createBell, ringOrTime } from './bell.ts'
import type { HeldChunk, Recording } from './holding.ts'
import type { KvWriter } from './kv-writer.ts'
import { segmentKey } from './rows.ts'
import type { SegmentDisk } from './segment-disk.ts'
import type { Turns } from './turns.ts'

const retryMs = 5_000
/** How long an unlink waits for a database that cannot be written because the disk is full, which the unlink would cure. */
const fullWaitMs = 1_000

export interface Segment {
  readonly number: number
  /** Bytes it takes on the disk. */
  bytes: number
  closed: boolean
  /** It holds footage of events, and is evicted last. */
  readonly protected: boolean
  /** The row that lists what is needed in it is on the disk. */
  rowDurable: boolean
  /** After so many syncs of the database the last confirmation of something in it is durable. */
  confirmedAtSync: number
  readonly live: Set<HeldChunk>
  /** Recordings whose claim is written in it. */
  readonly claims: Set<Recording>
}

export interface Segments {
  add(segment: Segment): void
  get(number: number): Segment | undefined
  /** Lowest number first. */
  all(): readonly Segment[]
  usedBytes(): number
  /** A chunk is in this segment now, and needed no more in the one where it was. */
  place(held: HeldChunk, segment: Segment, offset: number): void
  /** These chunks are in a segment and not needed any more; the rows that say so have just been handed in. */
  release(chunks: Iterable<HeldChunk>, why: 'confirmed' | 'given up'): void
  /** Looks for segments to unlink. Called after one was closed. */
  sweep(): void
  /** Resolves when nothing is left to unlink, or an unlink has failed. */
  swept(): Promise<void>
  close(): Promise<void>
}

export interface SegmentsWorld {
  readonly disk: SegmentDisk
  readonly kv: KvWriter
  readonly clock: Clock
  readonly turns: Turns
  readonly log: Logger
  /** The claim of a held recording stood in a segment that is about to go. */
  readonly rewriteClaim: (recording: Recording) => void
  readonly fatal: (error: unknown) => void
}

export function createSegments(world: SegmentsWorld): Segments {
  const { disk, kv, clock, turns, log } = world
  const byNumber = new Map<number, Segment>()
  const bell: Bell = createBell()
  const idle: Bell = createBell()
  const written: Bell = createBell()
  let closing = false

  const needless = (): Segment | undefined => {
    for (const segment of byNumber.values()) if (segment.closed && segment.live.size === 0) return segment
    return undefined
  }

  async function run(): Promise<void> {
    while (!closing) {
      const segment = needless()
      if (segment === undefined) {
        idle.ring()
        await bell.next()
        continue
      }
      if (await unlink(segment)) continue
      idle.ring()
      // The bell of a stop may have rung while we were busy.
      if (closing) return
      await ringOrTime(bell, clock, retryMs)
    }
  }

  async function unlink(segment: Segment): Promise<boolean> {
    for (const recording of segment.claims) world.rewriteClaim(recording)
    if (!(await durableOrFull(segment))) return false
    const removed = await turns.take(() => disk.remove(segment.number))
    if (!removed.ok) {
      log.warn(
        'segment-not-removed',
        `Segment ${segment.number} of ${disk.place} is not needed and cannot be deleted: ${removed.error.message}.`,
      )
      return false
    }
    byNumber.delete(segment.number)
    void kv.write([{ type: 'del', key: segmentKey(segment.number) }], false)
    return true
  }

  /**
   * Synced; or, when a full disk is what keeps the rows in memory and the unlink would cure it, not. If the power fails
   * then, the row of the segment still lists what was given up, and recovery, finding the file missing, writes the gap
   * record. What was confirmed must not be taken for lost that way, so a confirmation has to be durable in any case.
   */
  async function durableOrFull(segment: Segment): Promise<boolean> {
    let durable = false
    void kv.write([], true).then(() => {
      durable = true
      written.ring()
    })
    while (!durable && !closing) {
      await ringOrTime(written, clock, fullWaitMs)
      const confirmed = kv.syncs() >= segment.confirmedAtSync
      if (kv.problem()?.kind === 'full' && segment.rowDurable && confirmed) return true
    }
    return durable
  }

  const running = run()
  running.catch(world.fatal)

  return {
    add(segment) {
      byNumber.set(segment.number, segment)
    },
    get: (number) => byNumber.get(number),
    all: () => [...byNumber.values()],
    usedBytes: () => [...byNumber.values()].reduce((sum, { bytes }) => sum + bytes, 0),
    place(held, segment, offset) {
      const before = held.place.at === 'segment' ? byNumber.get(held.place.segment) : undefined
      held.place = { at: 'segment', segment: segment.number, offset }
      segment.live.add(held)
      if (before === undefined || before === segment) return
      before.live.delete(held)
      bell.ring()
    },
    release(chunks, why) {
      for (const held of chunks) {
        const segment = held.place.at === 'segment' ? byNumber.get(held.place.segment) : undefined
        segment?.live.delete(held)
        if (segment !== undefined && why === 'confirmed') segment.confirmedAtSync = kv.syncs() + 2
      }
      bell.ring()
    },
    sweep: () => bell.ring(),
    async swept() {
      if (closing || needless() === undefined) return
      bell.ring()
      await idle.next()
    },
    async close() {
      closing = true
      bell.ring()
      written.ring()
      await running.catch(() => {})
      idle.ring()
    },
  }
}
