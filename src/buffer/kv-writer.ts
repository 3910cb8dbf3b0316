/**
 * Everything that is written to the database goes through here, in order, one batch at a time.
 *
 * While a batch is on its way, what comes in is merged into the next one (the last value of a row wins): ten events cost
 * one sync, and a row that changes every second costs what its newest value costs. A batch always takes all that waits,
 * so what was handed in together becomes durable together. A failed batch is repeated after reopening the database,
 * since LevelDB refuses to write after an error; nothing is lost meanwhile but time.
 */
import type { Clock, MonoMs } from '../base/clock.ts'
import type { Logger } from '../base/log.ts'
import { err, type Result } from '../base/result.ts'
import { type Bell, createBell, ringOrTime } from './bell.ts'
import type { Kv, KvError, KvOp, KvStore } from './kv.ts'
import type { Turns } from './turns.ts'

/** The newest rows that need no sync of their own are synced after this long. */
const syncMsMax = 10_000
const retryMsFirst = 1_000
const retryMsMax = 10_000

export interface KvWriter {
  /** Resolves when written; with `sync`, when durable. Rejects only when the writer has been closed before. */
  write(ops: readonly KvOp[], sync: boolean): Promise<void>
  get(key: string): Promise<Result<string | undefined, KvError>>
  /** How many synced batches have been written. What is handed in now is durable two of them later. */
  syncs(): number
  /** What is wrong, while it is. */
  problem(): KvError | undefined
  /** Writes what waits, one try, synced; then closes the database. */
  close(): Promise<void>
}

export interface KvWriterWorld {
  readonly store: KvStore
  readonly kv: Kv
  readonly clock: Clock
  readonly turns: Turns
  readonly log: Logger
  readonly fatal: (error: unknown) => void
}

interface Waiting {
  readonly ops: Map<string, KvOp>
  sync: boolean
  readonly done: (() => void)[]
}

const nothing = (): Waiting => ({ ops: new Map(), sync: false, done: [] })

export function createKvWriter(world: KvWriterWorld): KvWriter {
  const { clock, turns, log, store } = world
  let kv: Kv | undefined = world.kv
  let next = nothing()
  let failure: KvError | undefined
  let unsyncedSince: MonoMs | undefined
  let closing = false
  let syncs = 0
  const bell: Bell = createBell()
  const bellOfClose: Bell = createBell()

  async function run(): Promise<void> {
    for (;;) {
      if (next.ops.size === 0 && next.done.length === 0) {
        if (closing) return
        if (unsyncedSince === undefined) await bell.next()
        else await syncLater(unsyncedSince)
        continue
      }
      const batch = next
      next = nothing()
      if (!(await writeUntilDone(batch))) return
    }
  }

  /** The newest rows are synced in time also when nothing follows them. */
  async function syncLater(since: MonoMs): Promise<void> {
    const left = since + syncMsMax - clock.mono()
    if (left > 0) await ringOrTime(bell, clock, left)
    if (next.done.length === 0 && clock.mono() - since >= syncMsMax) next.done.push(() => {})
  }

  /** False when the writer was closed before the batch could be written. */
  async function writeUntilDone(batch: Waiting): Promise<boolean> {
    for (let delayMs = retryMsFirst; ; delayMs = Math.min(retryMsMax, 2 * delayMs)) {
      const written = await turns.take(() => writeOnce(batch))
      if (written.ok) {
        if (failure !== undefined) log.info('index-writes-again', `The buffer's index ${store.place} takes rows again.`)
        failure = undefined
        for (const done of batch.done) done()
        return true
      }
      failure = written.error
      log.warn(
        'index-write-failed',
        `The buffer's index ${store.place} cannot be written: ${failure.message}. What waits stays in memory; it is tried again.`,
      )
      if (closing) return false
      await ringOrTime(bellOfClose, clock, delayMs)
    }
  }

  async function writeOnce(batch: Waiting): Promise<Result<void, KvError>> {
    if (kv === undefined) {
      const opened = await store.open()
      if (!opened.ok) {
        const kind = opened.error.kind === 'full' || opened.error.kind === 'corrupt' ? opened.error.kind : 'io'
        return err({ kind, message: opened.error.message })
      }
      kv = opened.value
    }
    const now = clock.mono()
    const due = unsyncedSince !== undefined && now - unsyncedSince >= syncMsMax
    const sync = batch.sync || due
    const written = await kv.batch([...batch.ops.values()], sync)
    if (written.ok) {
      if (sync) {
        unsyncedSince = undefined
        syncs += 1
      } else unsyncedSince ??= now
      return written
    }
    const broken = kv
    kv = undefined
    await broken.close()
    return written
  }

  const running = run()
  running.catch(world.fatal)

  return {
    write(ops, sync) {
      for (const op of ops) {
        // Deleted first, so that a row that is set again moves to the end and keeps the order of the calls.
        next.ops.delete(op.key)
        next.ops.set(op.key, op)
      }
      if (sync) next.sync = true
      const done = new Promise<void>((resolve) => next.done.push(resolve))
      bell.ring()
      return done
    },
    async get(key) {
      const open = kv
      if (open === undefined) return err(failure ?? { kind: 'io', message: 'the index is being opened again' })
      return turns.take(() => open.get(key))
    },
    syncs: () => syncs,
    problem: () => failure,
    async close() {
      closing = true
      if (unsyncedSince !== undefined) next.sync = true
      if (next.sync && next.done.length === 0) next.done.push(() => {})
      bell.ring()
      bellOfClose.ring()
      await running.catch(() => {})
      await kv?.close()
    },
  }
}
