/**
 * Segment files in one folder: `0000000001.seg` and so on. A new file's name is made durable by syncing the folder; bytes
 * by `fdatasync`, in the thread pool and never in the way of the event loop.
 */
import { constants } from 'node:fs'
import { type FileHandle, open, readdir, stat, statfs, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { err, ok, type Result } from '../base/result.ts'
import type { DiskError, SegmentDisk, SegmentFile } from '../buffer/segment-disk.ts'
import { codeOf, kindOf, makeFolder, wordsOf } from './folders.ts'

const pattern = /^(\d{10})\.seg$/
/** One page: enough to learn whether the file system takes a write. */
const probeBytes = 4096
/** IOV_MAX on Linux: pieces in one write. */
const piecesMax = 1024

export function segmentFiles(folder: string): SegmentDisk {
  const pathOf = (segment: number): string => join(folder, `${String(segment).padStart(10, '0')}.seg`)

  return {
    place: folder,
    prepare: () =>
      attempt(async () => {
        await makeFolder(folder)
        const probe = join(folder, '.probe')
        const file = await open(probe, 'w')
        try {
          await file.writeFile(Buffer.alloc(probeBytes))
          await file.datasync()
        } finally {
          await file.close()
          await unlink(probe)
        }
      }),
    list: () =>
      attempt(async () => {
        const found: { segment: number; bytes: number }[] = []
        for (const name of (await readdir(folder)).sort()) {
          const digits = pattern.exec(name)?.[1]
          if (digits === undefined) continue
          const segment = Number(digits)
          found.push({ segment, bytes: (await stat(pathOf(segment))).size })
        }
        return found
      }),
    create: (segment) =>
      attempt(async () => {
        const file = await open(pathOf(segment), constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY, 0o640)
        try {
          await syncFolder(folder)
        } catch (error) {
          await file.close()
          throw error
        }
        return segmentFile(file)
      }),
    read: (segment, position, length) =>
      attempt(async () => {
        const file = await open(pathOf(segment), 'r')
        try {
          return await readFully(file, position, length)
        } finally {
          await file.close()
        }
      }),
    truncate: (segment, bytes) =>
      attempt(async () => {
        const file = await open(pathOf(segment), 'r+')
        try {
          await file.truncate(bytes)
          await file.datasync()
        } finally {
          await file.close()
        }
      }),
    remove: (segment) =>
      attempt(async () => {
        try {
          await unlink(pathOf(segment))
        } catch (error) {
          if (codeOf(error) !== 'ENOENT') throw error
        }
      }),
    async freeBytes() {
      const found = await attempt(() => statfs(folder))
      return found.ok ? found.value.bavail * found.value.bsize : undefined
    },
  }
}

function segmentFile(file: FileHandle): SegmentFile {
  return {
    append: (position, pieces) =>
      attempt(async () => {
        await writeFully(file, position, pieces)
        await file.datasync()
      }),
    // A failed close has nothing left to lose: what was synced is safe, and the rest was never promised.
    close: () => file.close().catch(() => {}),
  }
}

/** The kernel may take less than it was given, before a full disk for one; then the rest is tried and fails by name. */
async function writeFully(file: FileHandle, position: number, pieces: readonly Uint8Array[]): Promise<void> {
  let rest = pieces.filter((piece) => piece.length > 0)
  for (let at = position; rest.length > 0; ) {
    const { bytesWritten } = await file.writev(rest.slice(0, piecesMax), at)
    at += bytesWritten
    rest = restOf(rest, bytesWritten)
  }
}

function restOf(pieces: readonly Uint8Array[], written: number): Uint8Array[] {
  let skip = written
  const rest: Uint8Array[] = []
  for (const piece of pieces) {
    if (skip >= piece.length) skip -= piece.length
    else {
      rest.push(skip === 0 ? piece : piece.subarray(skip))
      skip = 0
    }
  }
  return rest
}

async function readFully(file: FileHandle, position: number, length: number): Promise<Uint8Array> {
  const bytes = Buffer.allocUnsafe(length)
  let filled = 0
  while (filled < length) {
    const { bytesRead } = await file.read(bytes, filled, length - filled, position + filled)
    if (bytesRead === 0) break
    filled += bytesRead
  }
  return bytes.subarray(0, filled)
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

async function attempt<T>(operation: () => Promise<T>): Promise<Result<T, DiskError>> {
  try {
    return ok(await operation())
  } catch (error) {
    return err({ kind: kindOf(error), message: wordsOf(error) })
  }
}
