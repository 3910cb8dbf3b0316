/**
 * Segment files in one folder: `0000000001.seg` and so on. A new file's name is made durable by syncing the folder; bytes
 * by `fdatasync`, in the thread pool and never in the way of the event loop. With a mount point each operation on a name
 * looks first whether its disk is there (`mounted-folder.ts`); a file that is open stays on the disk it is on.
 */
import { constants } from 'node:fs'
import { type FileHandle, open, readdir, stat, statfs, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { err, ok, type Result } from '../base/result.ts'
import type { DiskError, SegmentDisk, SegmentFile } from '../buffer/segment-disk.ts'
import { codeOf, kindOf, makeFolder, wordsOf } from './folders.ts'
import { mountedFolder } from './mounted-folder.ts'
import { setAsideOf, syncFolder } from './set-aside.ts'

const pattern = /^(\d{10})\.seg$/
/** One page: enough to learn whether the file system takes a write. */
const probeBytes = 4096
/** IOV_MAX on Linux: pieces in one write. */
const piecesMax = 1024

/** @param mountPoint where its disk must be mounted, at or above `folder` */
export function segmentFiles(folder: string, mountPoint?: string): SegmentDisk {
  const { within } = mountedFolder(folder, mountPoint)
  const aside = setAsideOf(folder, mountPoint)
  const nameOf = (segment: number): string => `${String(segment).padStart(10, '0')}.seg`
  /** Every operation by name: the path is that of the folder, on its own disk. */
  const attemptIn = <T>(operation: (path: string) => Promise<T>): Promise<Result<T, DiskError>> =>
    attempt(() => within(operation))
  const onFile = <T>(segment: number, flags: string, use: (file: FileHandle) => Promise<T>) =>
    attemptIn(async (path) => {
      const file = await open(join(path, nameOf(segment)), flags)
      try {
        return await use(file)
      } finally {
        await file.close()
      }
    })

  return {
    place: folder,
    prepare: () =>
      attemptIn(async (path) => {
        await makeFolder(path)
        await probe(join(path, '.probe'))
      }),
    list: () =>
      attemptIn(async (path) => {
        const found: { segment: number; bytes: number }[] = []
        for (const name of (await readdir(path)).sort()) {
          const digits = pattern.exec(name)?.[1]
          if (digits === undefined) continue
          found.push({ segment: Number(digits), bytes: (await stat(join(path, name))).size })
        }
        return found
      }),
    create: (segment) =>
      attemptIn(async (path) => {
        const flags = constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY
        const file = await open(join(path, nameOf(segment)), flags, 0o640)
        try {
          await syncFolder(path)
        } catch (error) {
          await file.close()
          throw error
        }
        return segmentFile(file)
      }),
    read: (segment, position, length) => onFile(segment, 'r', (file) => readFully(file, position, length)),
    truncate: (segment, bytes) =>
      onFile(segment, 'r+', async (file) => {
        await file.truncate(bytes)
        await file.datasync()
      }),
    remove: (segment) =>
      attemptIn(async (path) => {
        try {
          await unlink(join(path, nameOf(segment)))
        } catch (error) {
          if (codeOf(error) !== 'ENOENT') throw error
        }
      }),
    setAside: (segments) => attempt(() => aside.files(segments.map(nameOf))),
    dropAside: () => attempt(aside.dropOldest),
    async freeBytes() {
      const found = await attemptIn((path) => statfs(path))
      return found.ok ? found.value.bavail * found.value.bsize : undefined
    },
  }
}

/** Does the file system take a write, and does it reach the disk? */
async function probe(path: string): Promise<void> {
  const file = await open(path, 'w')
  try {
    await file.writeFile(Buffer.alloc(probeBytes))
    await file.datasync()
  } finally {
    await file.close()
    await unlink(path)
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

async function attempt<T>(operation: () => Promise<T>): Promise<Result<T, DiskError>> {
  try {
    return ok(await operation())
  } catch (error) {
    return err({ kind: kindOf(error), message: wordsOf(error) })
  }
}
