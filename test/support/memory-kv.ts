/**
 * Rows in memory, with what LevelDB does on a bad day.
 *
 * Faults that must be survived: a process that dies between any two operations; a power cut that keeps any number of the
 * batches since the last sync, in order; writes that fail, and everything after them until it is opened again; a database
 * that does not open (`corrupt`), whose repair loses rows or is impossible.
 */
import type { Random } from '../../src/base/random.ts'
import { err, ok, type Result } from '../../src/base/result.ts'
import type { Kv, KvError, KvOp, KvOpenError, KvStore } from '../../src/buffer/kv.ts'

export interface MemoryKv extends KvStore {
  fault: KvError['kind'] | undefined
  /**
   * `damaged`: opens after a repair, which loses `lossOnRepair`'s rows; `unreadable`: likewise, since a block of the card is
   * bad; `hopeless`: only a new one opens.
   */
  state: 'whole' | 'damaged' | 'unreadable' | 'hopeless'
  lossOnRepair: (key: string) => boolean
  crashed: () => boolean
  /** Before a batch is written; what it waits for is a disk that hangs. */
  delay: () => Promise<void>
  /** Batches that were synced. */
  syncs(): number
  restart(power: Random | undefined): void
  rows(): ReadonlyMap<string, string>
  batches(): number
  /** What was put aside, oldest first. */
  aside(): readonly ReadonlyMap<string, string>[]
}

const never = <T>(): Promise<T> => new Promise(() => {})

export function createMemoryKv(): MemoryKv {
  let synced = new Map<string, string>()
  let unsynced: (readonly KvOp[])[] = []
  let owner: object | undefined
  let life = 0
  let batches = 0
  let syncs = 0
  const aside: ReadonlyMap<string, string>[] = []

  const now = (): Map<string, string> => {
    const rows = new Map(synced)
    for (const batch of unsynced) apply(rows, batch)
    return rows
  }

  function open(): Result<Kv, KvOpenError> {
    if (owner !== undefined) return err({ kind: 'locked', message: 'another process holds it' })
    if (kv.state === 'unreadable') return err({ kind: 'io', message: 'the disk reports an error', ofFile: true })
    if (kv.state !== 'whole') return err({ kind: 'corrupt', message: 'a checksum is wrong' })
    if (kv.fault !== undefined) return err({ kind: kv.fault, message: `the disk says ${kv.fault}` })
    const me = {}
    owner = me
    let broken = false
    const mine = life
    const alive = (): boolean => mine === life && !kv.crashed()
    return ok({
      async scan(prefix, visit) {
        const rows = [...now()].filter(([key]) => key.startsWith(prefix))
        for (const [key, value] of rows.sort(([a], [b]) => (a < b ? -1 : 1))) visit(key, value)
        return ok(undefined)
      },
      async get(key) {
        await Promise.resolve()
        return alive() ? ok(now().get(key)) : never()
      },
      async batch(ops, sync) {
        if (!alive()) return never()
        await kv.delay()
        if (!alive()) return never()
        if (owner !== me) throw new Error('it is closed')
        if (broken || kv.fault !== undefined) {
          broken = true
          return err({ kind: kv.fault ?? 'io', message: 'the disk refuses' })
        }
        batches += 1
        unsynced.push(ops)
        await Promise.resolve()
        if (!alive()) return never()
        if (sync) {
          syncs += 1
          synced = now()
          unsynced = []
        }
        return ok(undefined)
      },
      async close() {
        if (owner === me) owner = undefined
      },
    })
  }

  const kv: MemoryKv = {
    place: '/buffer/index',
    fault: undefined,
    state: 'whole',
    lossOnRepair: () => true,
    crashed: () => false,
    delay: () => Promise.resolve(),
    syncs: () => syncs,
    open: async () => (kv.crashed() ? never() : open()),
    async repair() {
      if (kv.state === 'hopeless') return err({ kind: 'corrupt', message: 'nothing can be read' })
      for (const key of now().keys()) if (kv.state !== 'whole' && kv.lossOnRepair(key)) synced.delete(key)
      unsynced = []
      kv.state = 'whole'
      return ok(undefined)
    },
    async setAside() {
      if (kv.crashed()) return never()
      aside.push(now())
      synced = new Map()
      unsynced = []
      kv.state = 'whole'
      return ok(`/buffer/index.quarantined-${aside.length}`)
    },
    aside: () => aside,
    restart(power) {
      life += 1
      owner = undefined
      // A killed process loses nothing that it wrote: the kernel has it.
      const kept = power === undefined ? unsynced.length : Math.floor(power.fraction() * (unsynced.length + 1))
      for (const batch of unsynced.slice(0, kept)) apply(synced, batch)
      unsynced = []
    },
    rows: now,
    batches: () => batches,
  }
  return kv
}

function apply(rows: Map<string, string>, batch: readonly KvOp[]): void {
  for (const op of batch) {
    if (op.type === 'put') rows.set(op.key, op.value)
    else rows.delete(op.key)
  }
}
