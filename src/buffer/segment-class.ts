/**
 * One row of segment files: ordinary footage, or footage of events, which is evicted last. Writes a group into the open
 * segment of its class, and begins the next one when it is full.
 *
 * After an error the segment is left as it is and never written again (a second sync would not report what the first one
 * lost); the group goes into a new one.
 */
import type { TrackId } from '../format/recording.ts'
import type { HeldChunk, Recording } from './holding.ts'
import type { KvWriter } from './kv-writer.ts'
import { segmentKey, segmentRow } from './rows.ts'
import type { DiskError, SegmentDisk, SegmentFile } from './segment-disk.ts'
import { claimRecord, lossRecord, type NotedLoss, segmentRecord, unitRecord } from './segment-record.ts'
import type { Segment, Segments } from './segments.ts'
import type { Sizes } from './sizes.ts'
import type { Turns } from './turns.ts'

export interface SegmentClassWorld {
  readonly disk: SegmentDisk
  readonly segments: Segments
  readonly kv: KvWriter
  readonly turns: Turns
  readonly sizes: Sizes
  readonly boot: { readonly id: string; readonly counter: number }
  readonly protected: boolean
  nextNumber(): number
}

export interface Group {
  readonly chunks: readonly HeldChunk[]
  readonly claims: readonly Recording[]
  readonly losses: readonly NotedLoss[]
}

/** A part of a group that goes into one class. */
export interface Run {
  readonly events: boolean
  readonly chunks: readonly HeldChunk[]
}

/**
 * A group in the order in which its parts may be written: no unit comes to the disk before an older one of its camera, so
 * that a kill in between takes an end and never a middle. Two parts, unless a camera's event begins or ends within it.
 */
export function runsOf(group: readonly HeldChunk[]): Run[] {
  const runs: Run[] = []
  let rest = group.map((held) => ({ held, events: held.protected }))
  for (let events = false; rest.length > 0; events = !events) {
    const behind = new Set<TrackId>()
    const chunks: HeldChunk[] = []
    rest = rest.filter((one) => {
      const { track } = one.held.owner.head.id
      if (one.events === events && !behind.has(track)) {
        chunks.push(one.held)
        return false
      }
      behind.add(track)
      return true
    })
    if (chunks.length > 0) runs.push({ events, chunks })
  }
  return runs
}

export interface SegmentClass {
  /** One write, one sync. What is confirmed or given up meanwhile is not counted as held there. */
  write(group: Group): Promise<DiskError | undefined>
  close(): Promise<void>
}

interface OpenSegment {
  readonly file: SegmentFile
  readonly segment: Segment
}

export function createSegmentClass(world: SegmentClassWorld): SegmentClass {
  const { disk, segments, turns, sizes } = world
  let open: OpenSegment | undefined

  async function write(group: Group): Promise<DiskError | undefined> {
    const bytes = group.chunks.reduce((sum, { chunk }) => sum + chunk.length, 0)
    if (open !== undefined && open.segment.bytes > 0 && open.segment.bytes + bytes > sizes.segmentBytes) await close()
    const pieces: Uint8Array[] = []
    if (open === undefined) {
      const created = await create()
      if (!created.ok) return created.error
      const { number } = created.value.segment
      const kind = world.protected ? { protected: true } : {}
      pieces.push(segmentRecord({ segment: number, boot: world.boot.counter, bootId: world.boot.id, ...kind }))
      open = created.value
    }
    return append(open, pieces, group)
  }

  async function append(
    { file, segment }: OpenSegment,
    pieces: Uint8Array[],
    { chunks, claims, losses }: Group,
  ): Promise<DiskError | undefined> {
    const start = segment.bytes
    let at = start + pieces.reduce((sum, piece) => sum + piece.length, 0)
    const add = (piece: Uint8Array): void => {
      pieces.push(piece)
      at += piece.length
    }
    for (const recording of claims) add(claimRecord(recording))
    for (const loss of losses) add(lossRecord(loss))
    const offsets = new Map<HeldChunk, number>()
    for (const held of chunks) {
      if (held.bytes === undefined) continue
      add(unitRecord(held, held.bytes))
      offsets.set(held, at)
      add(held.bytes)
    }
    const written = await turns.take(() => file.append(start, pieces))
    if (!written.ok) {
      await abandon()
      return written.error
    }
    segment.bytes = at
    for (const recording of claims) segment.claims.add(recording)
    for (const [held, offset] of offsets) if (!held.gone) segments.place(held, segment, offset)
    return undefined
  }

  async function create(): Promise<{ ok: true; value: OpenSegment } | { ok: false; error: DiskError }> {
    const number = world.nextNumber()
    const created = await turns.take(() => disk.create(number))
    if (!created.ok) {
      // A file may be there without its name being durable; it holds nothing.
      await turns.take(() => disk.remove(number))
      return created
    }
    const segment: Segment = {
      ...{ number, bytes: 0, closed: false, protected: world.protected, rowDurable: false, confirmedAtSync: 0 },
      live: new Set(),
      claims: new Set(),
    }
    segments.add(segment)
    return { ok: true, value: { file: created.value, segment } }
  }

  /** Its row lists what is still needed in it, so that nobody has to read the file when the buffer is opened. */
  async function close(): Promise<void> {
    const closing = open
    if (closing === undefined) return
    const { file, segment } = closing
    open = undefined
    await file.close()
    segment.closed = true
    void world.kv
      .write([{ type: 'put', key: segmentKey(segment.number), value: segmentRow(segment) }], true)
      .then(() => {
        segment.rowDurable = true
      })
    segments.sweep()
  }

  async function abandon(): Promise<void> {
    const abandoned = open?.segment
    if (abandoned === undefined) return
    const { number, bytes } = abandoned
    await close()
    // What the failed write left behind would be found again after a restart, beside its second copy.
    if (bytes > 0) await turns.take(() => disk.truncate(number, bytes))
  }

  return { write, close }
}
