/**
 * Brings units to the disk in groups: one write and one sync for all that waits.
 *
 * A group is written at once when the last one began more than `commitAgeMs` ago, else when that time is over or
 * `commitBytes` wait: a camera with a GOP a second is durable at once, ten cameras share a sync. Capture only adds to the
 * queue. When the disk does not keep up, or refuses, the queue grows to its bound; beyond it the oldest waiting units are
 * given up, an eighth of the bound at a time, so that a long trouble makes few gap records.
 *
 * After an error the segment is left as it is and never written again (a second sync would not report what the first one
 * lost); the group goes into a new one.
 */
import type { Clock, MonoMs } from '../base/clock.ts'
import type { Logger } from '../base/log.ts'
import { createBell, ringOrTime } from './bell.ts'
import type { HeldChunk, Recording } from './holding.ts'
import type { KvWriter } from './kv-writer.ts'
import { segmentKey, segmentRow } from './rows.ts'
import type { DiskError, SegmentDisk, SegmentFile } from './segment-disk.ts'
import { claimRecord, lossRecord, type NotedLoss, segmentRecord, unitRecord } from './segment-record.ts'
import type { Segment, Segments } from './segments.ts'
import type { Sizes } from './sizes.ts'
import type { Turns } from './turns.ts'

const retryMsFirst = 1_000
const retryMsMax = 10_000

export interface SegmentWriter {
  enqueue(held: HeldChunk): void
  /** The claim goes to the disk with the next group, for the day the database is lost. */
  noteClaim(recording: Recording): void
  /** Goes to the disk with the next group, unless the caller calls back first: the gap record is durable then. */
  noteLoss(loss: NotedLoss): () => void
  problem(): DiskError | undefined
  /** Chunks that were taken out of the buffer while they waited. */
  forget(chunks: readonly HeldChunk[]): void
  /** Writes what waits, one try, and closes the segment. */
  close(): Promise<void>
}

export interface SegmentWriterWorld {
  readonly disk: SegmentDisk
  readonly segments: Segments
  readonly kv: KvWriter
  readonly clock: Clock
  readonly turns: Turns
  readonly log: Logger
  readonly sizes: Sizes
  readonly boot: { readonly id: string; readonly counter: number }
  readonly nextSegment: number
  /** Room for so many bytes more, made by eviction if need be. `refused`: the disk has just said that it is full. */
  readonly makeRoom: (bytes: number, refused: boolean) => Promise<void>
  readonly durable: (group: readonly HeldChunk[]) => void
  /** These were the oldest in a queue that is full. The chunks have to be forgotten before it returns. */
  readonly giveUp: (waiting: readonly HeldChunk[]) => void
  readonly fatal: (error: unknown) => void
}

interface OpenSegment {
  readonly file: SegmentFile
  readonly segment: Segment
}

export function createSegmentWriter(world: SegmentWriterWorld): SegmentWriter {
  const { disk, segments, clock, turns, log, sizes } = world
  let queue: HeldChunk[] = []
  let queuedBytes = 0
  let group: HeldChunk[] = []
  const claims = new Set<Recording>()
  const losses = new Set<NotedLoss>()
  let open: OpenSegment | undefined
  let nextSegment = world.nextSegment
  let lastCommit: MonoMs | undefined
  let failure: DiskError | undefined
  let closing = false
  const bell = createBell()
  const closed = createBell()

  async function run(): Promise<void> {
    let delayMs = retryMsFirst
    for (;;) {
      if (queue.length === 0) {
        if (closing) return
        await bell.next()
        continue
      }
      const age = lastCommit === undefined ? sizes.commitAgeMs : clock.mono() - lastCommit
      if (!closing && queuedBytes < sizes.commitBytes && age < sizes.commitAgeMs) {
        await ringOrTime(bell, clock, sizes.commitAgeMs - age)
        continue
      }
      if (await commit()) {
        delayMs = retryMsFirst
        continue
      }
      if (closing) return
      await ringOrTime(closed, clock, delayMs)
      delayMs = Math.min(retryMsMax, 2 * delayMs)
    }
  }

  function takeGroup(): number {
    let bytes = 0
    let count = 0
    for (const { chunk } of queue) {
      if (count > 0 && bytes + chunk.length > sizes.commitBytes) break
      bytes += chunk.length
      count += 1
    }
    group = queue.slice(0, count)
    queue = queue.slice(count)
    queuedBytes -= bytes
    return bytes
  }

  async function commit(): Promise<boolean> {
    lastCommit = clock.mono()
    const bytes = takeGroup()
    await world.makeRoom(bytes, failure?.kind === 'full')
    const failed = await writeGroup(bytes)
    if (failed === undefined) {
      if (failure !== undefined) log.info('disk-writes-again', `${disk.place} takes footage again.`)
      failure = undefined
      const written = group
      group = []
      world.durable(written)
      return true
    }
    failure = failed
    queue = [...group, ...queue]
    queuedBytes += group.reduce((sum, { chunk }) => sum + chunk.length, 0)
    group = []
    log.warn(
      'disk-refuses',
      `Footage cannot be written to ${disk.place}: ${failed.message}. It waits in memory (${sizes.queueBytes} bytes at most) and is tried again.`,
    )
    boundQueue()
    return false
  }

  async function writeGroup(bytes: number): Promise<DiskError | undefined> {
    if (open !== undefined && open.segment.bytes > 0 && open.segment.bytes + bytes > sizes.segmentBytes)
      await closeOpen()
    const pieces: Uint8Array[] = []
    if (open === undefined) {
      const created = await create()
      if (!created.ok) return created.error
      pieces.push(segmentRecord({ segment: nextSegment - 1, boot: world.boot.counter, bootId: world.boot.id }))
    }
    const target = open
    if (target === undefined) return { kind: 'io', message: 'the segment was closed' }
    return append(target, pieces)
  }

  async function append({ file, segment }: OpenSegment, pieces: Uint8Array[]): Promise<DiskError | undefined> {
    const start = segment.bytes
    let at = start + pieces.reduce((sum, piece) => sum + piece.length, 0)
    const add = (piece: Uint8Array): void => {
      pieces.push(piece)
      at += piece.length
    }
    const noted = [...claims]
    const lost = [...losses]
    claims.clear()
    for (const recording of noted) add(claimRecord(recording))
    for (const loss of lost) add(lossRecord(loss))
    const offsets: number[] = []
    for (const held of group) {
      if (held.bytes === undefined) continue
      add(unitRecord(held, held.bytes))
      offsets.push(at)
      add(held.bytes)
    }
    const written = await turns.take(() => file.append(start, pieces))
    if (!written.ok) {
      for (const recording of noted) claims.add(recording)
      await abandonOpen()
      return written.error
    }
    segment.bytes = at
    for (const loss of lost) losses.delete(loss)
    for (const recording of noted) segment.claims.add(recording)
    group.forEach((held, index) => {
      held.place = { at: 'segment', segment: segment.number, offset: offsets[index] ?? 0 }
      segment.live.add(held)
    })
    return undefined
  }

  async function create(): Promise<ReturnType<SegmentDisk['create']>> {
    const number = nextSegment
    nextSegment += 1
    const created = await turns.take(() => disk.create(number))
    if (!created.ok) {
      // A file may be there without its name being durable; it holds nothing.
      await turns.take(() => disk.remove(number))
      return created
    }
    const segment: Segment = {
      number,
      bytes: 0,
      closed: false,
      rowDurable: false,
      confirmedAtSync: 0,
      live: new Set(),
      claims: new Set(),
    }
    open = { file: created.value, segment }
    segments.add(segment)
    return created
  }

  /** Its row lists what is still needed in it, so that nobody has to read the file when the buffer is opened. */
  async function closeOpen(): Promise<void> {
    const closingNow = open
    if (closingNow === undefined) return
    const { file, segment } = closingNow
    open = undefined
    await file.close()
    segment.closed = true
    const row = segmentRow(segment.bytes, segment.live)
    void world.kv.write([{ type: 'put', key: segmentKey(segment.number), value: row }], true).then(() => {
      segment.rowDurable = true
    })
    segments.sweep()
  }

  async function abandonOpen(): Promise<void> {
    const abandoned = open?.segment
    if (abandoned === undefined) return
    const { number, bytes } = abandoned
    await closeOpen()
    // What the failed write left behind would be found again after a restart, beside its second copy.
    if (bytes > 0) await turns.take(() => disk.truncate(number, bytes))
  }

  function boundQueue(): void {
    if (queuedBytes <= sizes.queueBytes) return
    let bytes = 0
    let count = 0
    while (count < queue.length && (queuedBytes - bytes > sizes.queueBytes || bytes < sizes.queueBytes / 8)) {
      bytes += queue[count]?.chunk.length ?? 0
      count += 1
    }
    const dropped = queue.slice(0, count)
    world.giveUp(dropped)
  }

  function forget(chunks: readonly HeldChunk[]): void {
    const gone = new Set(chunks)
    queue = queue.filter((held) => !gone.has(held))
    queuedBytes = queue.reduce((sum, { chunk }) => sum + chunk.length, 0)
  }

  const running = run()
  running.catch(world.fatal)

  return {
    enqueue(held) {
      queue.push(held)
      queuedBytes += held.chunk.length
      boundQueue()
      bell.ring()
    },
    noteClaim: (recording) => void claims.add(recording),
    noteLoss(loss) {
      losses.add(loss)
      return () => void losses.delete(loss)
    },
    problem: () => failure,
    forget,
    async close() {
      closing = true
      bell.ring()
      closed.ring()
      await running.catch(() => {})
      await closeOpen()
    },
  }
}
