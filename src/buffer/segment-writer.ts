/**
 * Brings footage to the disk in groups: one write and one sync for all that is due.
 *
 * A group is written at once when the last one began long enough ago (`commitAgeMs`; in an outage, when footage goes to
 * the disk anyway, `commitAgeOutageMs`), else when that time is over or `commitBytes` are due. Capture never waits for it.
 * When the disk does not keep up, or refuses, footage stays in memory up to its bound; beyond it the oldest goes.
 *
 * Names given to recordings are written too, soon after: with the database lost they are all that leads to the objects.
 */
import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/log.ts'
import { createBell, ringOrTime } from './bell.ts'
import type { HeldChunk, Recording } from './holding.ts'
import type { KvWriter } from './kv-writer.ts'
import { createSegmentClass, type Group, runsOf } from './segment-class.ts'
import type { DiskError, SegmentDisk } from './segment-disk.ts'
import type { NotedLoss } from './segment-record.ts'
import type { Segments } from './segments.ts'
import type { Sizes } from './sizes.ts'
import type { Stage } from './stage.ts'
import type { Turns } from './turns.ts'

const retryMsFirst = 1_000
const retryMsMax = 10_000
/** A name waits so long for footage to be written with; alone it costs a page an hour. */
const claimAloneMs = 10_000
/** Without a confirmation for so long, groups are as large as in an outage. */
const outageMsMin = 15_000

export interface SegmentWriter {
  add(held: HeldChunk): void
  /** Something became due. */
  hurry(): void
  /** The claim goes to the disk with the next group, for the day the database is lost. */
  noteClaim(recording: Recording): void
  /** As `noteClaim`, at once; true when it is on the disk, false when the disk has refused. */
  writeClaim(recording: Recording): Promise<boolean>
  /** Goes to the disk with the next group, unless the caller calls back first: the gap record is durable then. */
  noteLoss(loss: NotedLoss): () => void
  /** The store has confirmed footage. */
  confirmed(): void
  /** Copies footage of events out of segments that must go. What could not be copied stays where it is. */
  rescue(chunks: readonly HeldChunk[], read: (held: HeldChunk) => Promise<Uint8Array | undefined>): Promise<void>
  problem(): DiskError | undefined
  /** Bytes of footage written since the start. */
  spilledBytes(): number
  /** Writes everything that waits, one try, and closes the segments. */
  close(): Promise<void>
}

export interface SegmentWriterWorld {
  readonly disk: SegmentDisk
  readonly segments: Segments
  readonly stage: Stage
  readonly kv: KvWriter
  readonly clock: Clock
  readonly turns: Turns
  readonly log: Logger
  readonly sizes: Sizes
  readonly boot: { readonly id: string; readonly counter: number }
  readonly nextSegment: number
  /** Room for so many bytes more, made by eviction if need be. `refused`: the disk has just said that it is full. */
  readonly makeRoom: (bytes: number, refused: boolean) => Promise<void>
  /** These must go, since memory is full. Forgotten before it returns. */
  readonly giveUp: (waiting: readonly HeldChunk[]) => void
  readonly fatal: (error: unknown) => void
}

export function createSegmentWriter(world: SegmentWriterWorld): SegmentWriter {
  const { disk, clock, log, sizes, stage } = world
  const claims = new Set<Recording>()
  const losses = new Set<NotedLoss>()
  let nextSegment = world.nextSegment
  let claimedAt: number | undefined
  const tried = createBell()
  let lastCommit = Number.NEGATIVE_INFINITY
  let lastConfirmed: number = clock.mono()
  let failure: DiskError | undefined
  /** When the disk last said how it is. */
  let askedAt: number = clock.mono()
  let spilled = 0
  let closing = false
  const bell = createBell()
  const closed = createBell()
  const nextNumber = (): number => {
    nextSegment += 1
    return nextSegment - 1
  }
  const classOf = (kept: boolean) => createSegmentClass({ ...world, protected: kept, nextNumber })
  const ordinary = classOf(false)
  const kept = classOf(true)

  /** When something should be written, in ms of the monotonic clock. */
  function dueAt(): number {
    const claim = claims.size === 0 || claimedAt === undefined ? Number.POSITIVE_INFINITY : claimedAt + claimAloneMs
    return Math.min(stage.dueAt() ?? Number.POSITIVE_INFINITY, claim)
  }

  /** How long to wait before the next group, in ms; `undefined`: until something comes. */
  function waitMs(): number | undefined {
    const now = clock.mono()
    const due = dueAt()
    if (due === Number.POSITIVE_INFINITY) return undefined
    if (due > now) return due - now
    if (closing || stage.dueBytes(now) >= sizes.commitBytes) return 0
    const outage = now - lastConfirmed > outageMsMin && !stage.urgent()
    return Math.max(0, lastCommit + (outage ? sizes.commitAgeOutageMs : sizes.commitAgeMs) - now)
  }

  async function run(): Promise<void> {
    let delayMs = retryMsFirst
    for (;;) {
      const wait = waitMs()
      if (closing && stage.dueAt() === undefined) return
      if (failure !== undefined && !closing && wait !== 0) {
        await askDisk(wait)
        continue
      }
      if (wait === undefined) {
        await bell.next()
        continue
      }
      if (wait > 0) {
        await ringOrTime(bell, clock, wait)
        continue
      }
      const done = await commit()
      tried.ring()
      if (done) {
        delayMs = retryMsFirst
        continue
      }
      if (closing) return
      await ringOrTime(closed, clock, delayMs)
      delayMs = Math.min(retryMsMax, 2 * delayMs)
    }
  }

  /** While nothing waits for a disk that refused, it is asked itself: its trouble would be told long after its end. */
  async function askDisk(waitMs = Number.POSITIVE_INFINITY): Promise<void> {
    const askInMs = askedAt + retryMsMax - clock.mono()
    if (askInMs > 0) return ringOrTime(bell, clock, Math.min(waitMs, askInMs))
    const answer = await world.turns.take(() => disk.prepare())
    askedAt = clock.mono()
    if (answer.ok) well()
    else failure = answer.error
  }

  function well(): void {
    if (failure !== undefined) log.info('disk-writes-again', `${disk.place} takes footage again.`)
    failure = undefined
  }

  async function commit(): Promise<boolean> {
    lastCommit = clock.mono()
    const group = stage.take(lastCommit, sizes.commitBytes)
    // What had no room in this group waits from when it was due, and not from now.
    lastCommit = Math.min(lastCommit, stage.dueAt() ?? lastCommit)
    const bytes = group.reduce((sum, { chunk }) => sum + chunk.length, 0)
    await world.makeRoom(bytes, failure?.kind === 'full')
    const runs = runsOf(group)
    if (runs.length === 0) runs.push({ events: false, chunks: [] })
    let failed: DiskError | undefined
    for (let run = runs[0]; run !== undefined; run = runs[0]) {
      failed = await write(run.events ? kept : ordinary, run.chunks)
      if (failed !== undefined) break
      stage.written(run.chunks)
      runs.shift()
    }
    if (failed === undefined) {
      well()
      return true
    }
    failure = failed
    askedAt = clock.mono()
    const left = new Set(runs.flatMap(({ chunks }) => chunks))
    stage.putBack(group.filter((held) => left.has(held)))
    log.warn(
      'disk-refuses',
      `Footage cannot be written to ${disk.place}: ${failed.message}. It stays in memory, as far as there is room, goes on to the store from there, and is tried again.`,
    )
    bound()
    return false
  }

  /** The claims and losses that wait go with the first group, also if it holds nothing else. */
  async function write(target: typeof ordinary, chunks: readonly HeldChunk[]): Promise<DiskError | undefined> {
    const group: Group = { chunks, claims: [...claims], losses: [...losses] }
    if (chunks.length + group.claims.length + group.losses.length === 0) return undefined
    claims.clear()
    const failed = await target.write(group)
    if (failed !== undefined) {
      for (const recording of group.claims) claims.add(recording)
      return failed
    }
    for (const loss of group.losses) losses.delete(loss)
    spilled += chunks.reduce((sum, { chunk }) => sum + chunk.length, 0)
    return undefined
  }

  function bound(): void {
    const excess = stage.excess()
    if (excess.length > 0) world.giveUp(excess)
  }

  const running = run()
  running.catch(world.fatal)

  return {
    add(held) {
      stage.add(held)
      bound()
      bell.ring()
    },
    hurry: () => bell.ring(),
    noteClaim(recording) {
      if (claims.size === 0) claimedAt = clock.mono()
      claims.add(recording)
      bell.ring()
    },
    async writeClaim(recording) {
      claims.add(recording)
      claimedAt = clock.mono() - claimAloneMs
      bell.ring()
      do await tried.next()
      while (claims.has(recording) && failure === undefined && !closing)
      return !claims.has(recording)
    },
    noteLoss(loss) {
      losses.add(loss)
      return () => void losses.delete(loss)
    },
    confirmed() {
      lastConfirmed = clock.mono()
    },
    async rescue(chunks, read) {
      // One by one: they are few, and memory is what is short when the disk is.
      for (const held of chunks) {
        const bytes = held.bytes ?? (await read(held))
        if (bytes === undefined || held.gone) continue
        const here = held.bytes !== undefined
        held.bytes = bytes
        const failed = await write(kept, [held])
        if (!here) held.bytes = undefined
        if (failed !== undefined) return
      }
    },
    problem: () => failure,
    spilledBytes: () => spilled,
    async close() {
      closing = true
      stage.flush()
      bell.ring()
      closed.ring()
      tried.ring()
      await running.catch(() => {})
      await ordinary.close()
      await kept.close()
    },
  }
}
