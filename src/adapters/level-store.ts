/**
 * The buffer's rows in LevelDB, through `level`.
 *
 * Traps, each met once: a numeric option that is present and `undefined` is read as an uninitialised number, so options
 * are written out here and nowhere spread; after a failed write LevelDB refuses all others until it is opened again; a
 * database whose power is cut before its first synced write opens only after a repair; a damaged `CURRENT` file is
 * reported as a missing file, not as corruption, and so is a disk that is not mounted: that is looked at first
 * (`mounted-folder.ts`), or an index would be "repaired" and begun anew beneath it.
 */
import { Level } from 'level'
import { err, ok, type Result } from '../base/result.ts'
import type { Kv, KvError, KvOpenError, KvStore } from '../buffer/kv.ts'
import { codeOf, kindOf, makeFolder, wordsOf } from './folders.ts'
import { type MountedFolder, mountedFolder } from './mounted-folder.ts'
import { setAsideOf } from './set-aside.ts'

type Database = Level<string, string>
type Entered = Awaited<ReturnType<MountedFolder['enter']>>

/** On Node `Level` is `ClassicLevel`, which has this; its types are those of the browser too, which has not. */
const onDisk = Level as unknown as { repair(folder: string): Promise<void> }

export interface LevelStore extends KvStore {
  /** Calls of LevelDB in the thread pool right now: Node does not count them (see `leave-process.ts`). */
  running(): number
}

/** @param mountPoint where its disk must be mounted, at or above `folder` */
export function levelStore(folder: string, mountPoint?: string): LevelStore {
  const mounted = mountedFolder(folder, mountPoint)
  const aside = setAsideOf(folder, mountPoint)
  let running = 0
  const counted: Counted = async (call) => {
    running += 1
    try {
      return await call()
    } finally {
      running -= 1
    }
  }
  return {
    place: folder,
    running: () => running,
    async open() {
      const entered = await enterFolder(mounted)
      if (!entered.ok) return entered
      const { path, leave } = entered.value
      const db: Database = new Level(path, { keyEncoding: 'utf8', valueEncoding: 'utf8', compression: false })
      try {
        await counted(() => db.open())
        return ok(kvOf(db, counted, leave))
      } catch (error) {
        await leave()
        return err(openError(error))
      }
    },
    repair: () => attempt(() => mounted.within((path) => counted(() => onDisk.repair(path)))),
    setAside: () => attempt(aside.whole),
  }
}

/** LevelDB makes files in its folder for as long as it is open, so the way into it stays open as long. */
async function enterFolder(mounted: MountedFolder): Promise<Result<Entered, KvOpenError>> {
  try {
    const entered = await mounted.enter()
    try {
      await makeFolder(entered.path)
      return ok(entered)
    } catch (error) {
      await entered.leave()
      throw error
    }
  } catch (error) {
    return err(folderError(error))
  }
}

type Counted = <T>(call: () => Promise<T>) => Promise<T>

function kvOf(db: Database, counted: Counted, leave: () => Promise<void>): Kv {
  return {
    async scan(prefix, visit) {
      try {
        // The byte after every byte that can stand in a key.
        const range = prefix === '' ? {} : { gte: prefix, lt: `${prefix}\u{10ffff}` }
        await counted(async () => {
          for await (const [key, value] of db.iterator({ ...range, fillCache: false })) visit(key, value)
        })
        return ok(undefined)
      } catch (error) {
        return err(rowError(error))
      }
    },
    async get(key) {
      try {
        return ok(await counted(() => db.get(key)))
      } catch (error) {
        return err(rowError(error))
      }
    },
    async batch(ops, sync) {
      try {
        // An empty batch would not reach the log, and so not sync it.
        const all = ops.length === 0 && sync ? [syncRow] : [...ops]
        await counted(() => db.batch(all, { sync }))
        return ok(undefined)
      } catch (error) {
        return err(rowError(error))
      }
    },
    async close() {
      // A failed close leaves nothing to do: what was synced is safe.
      await counted(() => db.close()).catch(() => {})
      await leave()
    },
  }
}

/** Deleting a row that never was: the smallest thing that takes the log with it to the disk. */
const syncRow = { type: 'del', key: '\u0000sync' } as const

async function attempt<T>(operation: () => Promise<T>): Promise<Result<T, KvOpenError>> {
  try {
    return ok(await operation())
  } catch (error) {
    return err(openError(error))
  }
}

/** `level` wraps what happened in an error that says only that the database is not open. */
const causeOf = (error: unknown): unknown =>
  error instanceof Error && error.cause instanceof Error ? error.cause : error

function openError(error: unknown): KvOpenError {
  const cause = causeOf(error)
  const code = codeOf(cause)
  if (code === 'LEVEL_LOCKED') return { kind: 'locked', message: 'another process holds it' }
  if (code?.startsWith('LEVEL_') !== true) return folderError(cause)
  const found = rowError(cause)
  const { kind, message } = found
  if (kind !== 'io' || found.ofFile === true) return found
  if (/permission denied|read-only/i.test(message)) return { kind: 'unwritable', message }
  if (/no such file/i.test(message)) return { kind: 'corrupt', message }
  return { kind, message }
}

function folderError(error: unknown): KvOpenError {
  const kind = kindOf(error)
  return { kind: kind === 'absent' ? 'io' : kind, message: wordsOf(error) }
}

/** LevelDB tells a full disk from a broken one only in words (source: LevelDB, `util/env_posix.cc`, strerror). */
function rowError(error: unknown): KvError {
  const cause = causeOf(error)
  const code = codeOf(cause)
  const message = cause instanceof Error ? cause.message : String(cause)
  if (code === 'LEVEL_CORRUPTION' || code === 'LEVEL_INVALID_ARGUMENT') return { kind: 'corrupt', message }
  if (/no space|quota exceeded/i.test(message)) return { kind: 'full', message }
  // A table without a byte, as a power cut leaves it: it cannot be mapped into memory.
  if (/\.(ldb|sst): invalid argument/i.test(message)) return { kind: 'corrupt', message }
  if (/(\d{6}\.\w+|MANIFEST-\d+|CURRENT): input\/output error/i.test(message))
    return { kind: 'io', message, ofFile: true }
  return { kind: 'io', message }
}
