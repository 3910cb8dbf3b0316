/**
 * Segment files on the simulated card. Injected, and to be survived:
 *
 * - power: what was written and not synced is there in part: any block of it written, zero or missing, in any order, and
 *   the file of any length between; a file that was just deleted may be back
 * - kill: the kernel has what it was given, any part of the last write
 * - refusals (EIO, EROFS) and a full card, after any part of the write; a card that hangs, or is slow
 * - bits that change in what is stored (`rot`)
 */
import { err, ok, type Result } from '../../src/base/result.ts'
import type { DiskError, SegmentDisk, SegmentFile } from '../../src/buffer/segment-disk.ts'
import type { Chance } from './chance.ts'
import type { Device } from './device.ts'
import { type Life, never } from './life.ts'

/** A piece of a group that is footage of somebody's, as the writer handed it over. */
export interface Piece {
  readonly bytes: Uint8Array
  readonly from: number
  readonly to: number
}

interface File {
  /** What a reader sees; `length` of it. */
  data: Buffer
  length: number
  /** Up to here it survives everything. */
  syncedBytes: number
  /** A write that is on its way: nothing of it is seen yet. */
  writing: Buffer | undefined
  pieces: Piece[]
}

export interface SimDisk {
  diskFor(life: Life): SegmentDisk
  endLife(how: 'kill' | 'power'): void
  usedBytes(): number
  /** Changes one bit of footage that is stored, and says of which. */
  rot(
    chance: Chance,
    isFootage: (bytes: Uint8Array) => boolean,
  ): { readonly segment: number; readonly piece: Piece } | undefined
  /** Segments that were deleted, in this world. */
  readonly removed: ReadonlySet<number>
  bytesWritten(): number
  syncs(): number
}

/** @param stored told of every piece that is safe, as it was handed over */
export function createDisk(
  device: Device,
  chance: Chance,
  stored: (bytes: Uint8Array, segment: number) => void,
): SimDisk {
  const files = new Map<number, File>()
  const ghosts = new Map<number, File>()
  const heaps: { readonly name: string; readonly files: readonly File[] }[] = []
  const removed = new Set<number>()
  let heapsMade = 0
  let written = 0
  let syncs = 0

  const used = (): number => {
    let bytes = 0
    for (const file of files.values()) bytes += file.length
    for (const heap of heaps) for (const file of heap.files) bytes += file.length
    return bytes
  }
  device.segmentBytes = used

  function put(file: File, position: number, bytes: Buffer): void {
    const end = position + bytes.length
    if (end > file.data.length) {
      const larger = Buffer.alloc(Math.max(end, 2 * file.data.length, 8_192))
      file.data.copy(larger, 0, 0, file.length)
      file.data = larger
    }
    bytes.copy(file.data, position)
    file.length = Math.max(file.length, end)
  }

  const refused = (): { readonly ok: false; readonly error: DiskError } | undefined => {
    const kind = device.refusing()
    return kind === undefined ? undefined : err({ kind, message: kind === 'io' ? 'input/output error' : 'read-only' })
  }
  const absent = err({ kind: 'absent', message: 'it is not there' } as const)

  function append(
    life: Life,
    segment: number,
    position: number,
    pieces: readonly Uint8Array[],
  ): Promise<Result<void, DiskError>> {
    const file = files.get(segment)
    if (life.dead || file === undefined) return never()
    const all = Buffer.concat(pieces)
    file.writing = all
    const ms = device.drawSyncMs()
    device.onOperation?.('segment', ms)
    return device.operate(life, ms, () => {
      file.writing = undefined
      const room = device.freeBytes()
      const failure =
        refused() ?? (room < all.length ? err({ kind: 'full', message: 'no space left' } as const) : undefined)
      if (failure !== undefined) {
        put(file, position, all.subarray(0, chance.whole(0, Math.min(all.length, room))))
        return failure
      }
      put(file, position, all)
      written += all.length
      syncs += 1
      file.syncedBytes = file.length
      let at = position
      for (const bytes of pieces) {
        file.pieces.push({ bytes, from: at, to: at + bytes.length })
        at += bytes.length
        stored(bytes, segment)
      }
      return ok(undefined)
    })
  }

  function tear(file: File): void {
    const { syncedBytes } = file
    const full = file.writing === undefined ? file.length : syncedBytes + file.writing.length
    if (file.writing !== undefined) put(file, file.length, file.writing)
    file.length = chance.whole(syncedBytes, full)
    for (let at = syncedBytes; at < file.length; at += device.blockBytes) {
      if (chance.is(0.3)) file.data.fill(0, at, Math.min(file.length, at + device.blockBytes))
    }
    file.syncedBytes = file.length
  }

  const diskFor = (life: Life): SegmentDisk => ({
    place: '/buffer/segments',
    prepare: () =>
      device.operate(
        life,
        device.drawSyncMs(),
        () =>
          refused() ??
          (device.freeBytes() < 4096 ? err({ kind: 'full', message: 'no space left' } as const) : ok(undefined)),
      ),
    list: () =>
      device.operate(life, 0.1, () => {
        const found = [...files].map(([segment, { length }]) => ({ segment, bytes: length }))
        return ok(found.sort((one, other) => one.segment - other.segment))
      }),
    create: (segment) =>
      device.operate(life, device.drawSyncMs(), () => {
        const failure = refused()
        if (failure !== undefined) return failure
        if (files.has(segment)) return err({ kind: 'io', message: 'it exists already' } as const)
        if (device.freeBytes() < 512) return err({ kind: 'full', message: 'no space left' } as const)
        files.set(segment, { data: Buffer.alloc(8_192), length: 0, syncedBytes: 0, writing: undefined, pieces: [] })
        // The folder was synced with it.
        ghosts.clear()
        const file: SegmentFile = {
          append: (position, pieces) => append(life, segment, position, pieces),
          close: async () => {},
        }
        return ok(file)
      }),
    read: (segment, position, length) =>
      device.operate(life, 0.2, () => {
        if (device.refusing() === 'io') return err({ kind: 'io', message: 'input/output error' } as const)
        const file = files.get(segment)
        if (file === undefined) return absent
        return ok(Buffer.from(file.data.subarray(position, Math.min(file.length, position + length))))
      }),
    truncate: (segment, bytes) =>
      device.operate(life, device.drawSyncMs(), () => {
        const file = files.get(segment)
        const failure = refused()
        if (file === undefined) return absent
        if (failure !== undefined) return failure
        file.length = Math.min(file.length, bytes)
        file.syncedBytes = file.length
        file.pieces = file.pieces.filter(({ to }) => to <= bytes)
        return ok(undefined)
      }),
    remove: (segment) =>
      device.operate(life, 0.3, () => {
        const failure = refused()
        if (failure !== undefined) return failure
        const file = files.get(segment)
        if (file !== undefined) ghosts.set(segment, file)
        removed.add(segment)
        files.delete(segment)
        return ok(undefined)
      }),
    setAside: (segments) =>
      device.operate(life, device.drawSyncMs(), () => {
        const failure = refused()
        if (failure !== undefined) return failure
        const moved = segments.flatMap((segment) => files.get(segment) ?? [])
        for (const segment of segments) files.delete(segment)
        heapsMade += 1
        const name = `/buffer/segments.quarantined-${heapsMade}`
        heaps.push({ name, files: moved })
        if (heaps.length > 2) heaps.shift()
        return ok(name)
      }),
    dropAside: () => device.operate(life, device.drawSyncMs(), () => refused() ?? ok(heaps.shift()?.name)),
    freeBytes: () =>
      device.operate(life, 0.1, () => (device.refusing() === undefined ? device.freeBytes() : undefined)),
  })

  return {
    diskFor,
    endLife(how) {
      for (const file of files.values()) {
        if (how === 'power') tear(file)
        else if (file.writing !== undefined)
          put(file, file.length, file.writing.subarray(0, chance.whole(0, file.writing.length)))
        file.writing = undefined
      }
      if (how === 'power') {
        for (const [segment, ghost] of ghosts) if (chance.is(0.5)) files.set(segment, ghost)
        ghosts.clear()
      }
    },
    usedBytes: used,
    rot(dice, isFootage) {
      const stored = [...files].flatMap(([segment, file]) => {
        return file.pieces
          .filter(({ to, bytes }) => to <= file.length && isFootage(bytes))
          .map((piece) => ({ segment, file, piece }))
      })
      if (stored.length === 0) return undefined
      const { segment, file, piece } = dice.pick(stored)
      const at = dice.whole(piece.from, piece.to - 1)
      file.data[at] = (file.data[at] ?? 0) ^ (1 << dice.whole(0, 7))
      return { segment, piece }
    },
    removed,
    bytesWritten: () => written,
    syncs: () => syncs,
  }
}
