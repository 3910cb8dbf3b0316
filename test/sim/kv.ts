/**
 * The database on the simulated card, as LevelDB behaves. Injected, and to be survived:
 *
 * - power: of the batches since the last sync any number is there, in order, each whole; none out of order
 * - kill: all of them are there, the last one perhaps
 * - damage: it does not open; a repair loses rows, or is impossible, and then only a new one opens
 * - refusals, a full card, a card that hangs; after a failed write it takes nothing until it is opened again
 */
import { err, ok, type Result } from '../../src/base/result.ts'
import type { Kv, KvError, KvOp, KvOpenError, KvStore } from '../../src/buffer/kv.ts'
import type { Chance } from './chance.ts'
import type { Device } from './device.ts'
import { type Life, never } from './life.ts'

type Undo = readonly (readonly [key: string, before: string | undefined])[]

export interface SimKv {
  storeFor(life: Life): KvStore
  endLife(how: 'kill' | 'power'): void
  /** It will not open as it is. `lost` are the rows that a repair cannot save; `hopeless`: none can be saved. */
  damage(how: 'damaged' | 'hopeless', share: number): void
  rows(): ReadonlyMap<string, string>
}

/** A log record and its place in the tables. */
const leastFreeBytes = 1_024

/** @param destroyed told of every row that damage took, when it is gone for good */
export function createKv(device: Device, chance: Chance, destroyed: (key: string, value: string) => void): SimKv {
  const rows = new Map<string, string>()
  /** What each batch since the last sync replaced; the newest last. */
  let unsynced: Undo[] = []
  let owner: object | undefined
  let state: 'whole' | 'damaged' | 'hopeless' = 'whole'
  let doomed: string[] = []
  let isOnItsWay = false
  let heaps = 0

  function apply(ops: readonly KvOp[]): void {
    const undo: (readonly [string, string | undefined])[] = []
    for (const op of ops) {
      undo.push([op.key, rows.get(op.key)])
      if (op.type === 'put') rows.set(op.key, op.value)
      else rows.delete(op.key)
    }
    unsynced.push(undo)
  }

  function undoLast(): void {
    for (const [key, before] of [...(unsynced.pop() ?? [])].reverse()) {
      if (before === undefined) rows.delete(key)
      else rows.set(key, before)
    }
  }

  const lose = (keys: readonly string[]): void => {
    for (const key of keys) {
      const value = rows.get(key)
      if (value !== undefined) destroyed(key, value)
      rows.delete(key)
    }
    unsynced = []
  }

  const problem = (): KvError | undefined => {
    const kind = device.refusing()
    if (kind !== undefined) return { kind: 'io', message: kind === 'io' ? 'input/output error' : 'read-only' }
    if (device.freeBytes() < leastFreeBytes) return { kind: 'full', message: 'no space left' }
    return undefined
  }

  function kvFor(life: Life): Kv {
    const me = {}
    owner = me
    let broken = false
    return {
      async scan(prefix, visit) {
        const found = [...rows].filter(([key]) => key.startsWith(prefix))
        for (const [key, value] of found.sort(([one], [other]) => (one < other ? -1 : 1))) visit(key, value)
        return ok(undefined)
      },
      async get(key) {
        if (life.dead) return never()
        if (device.isHung()) return device.operate(life, 0.1, () => ok(rows.get(key)))
        if (device.refusing() === 'io') return err({ kind: 'io', message: 'input/output error' })
        return ok(rows.get(key))
      },
      async batch(ops, sync) {
        if (life.dead) return never()
        if (owner !== me) throw new Error('it is closed')
        if (!sync && !device.isHung()) return write(ops, false)
        const ms = device.drawSyncMs()
        device.onOperation?.('index', ms)
        // From the first moment on the log may hold it; it is promised only when the sync is done.
        const early = !broken && problem() === undefined
        if (early) apply(ops)
        isOnItsWay = early
        return device.operate(life, sync ? ms : 0.1, () => {
          isOnItsWay = false
          return write(early ? [] : ops, sync)
        })
      },
      async close() {
        if (owner === me) owner = undefined
      },
    }

    function write(ops: readonly KvOp[], sync: boolean): Result<void, KvError> {
      const failure = broken ? ({ kind: 'io', message: 'it must be opened again' } as const) : problem()
      if (failure !== undefined) {
        broken = true
        return err(failure)
      }
      apply(ops)
      if (sync) unsynced = []
      return ok(undefined)
    }
  }

  return {
    rows: () => rows,
    damage(how, share) {
      state = how
      doomed = [...rows.keys()].filter(() => how === 'hopeless' || chance.is(share))
    },
    endLife(how) {
      owner = undefined
      const least = how === 'power' ? 0 : unsynced.length - (isOnItsWay ? 1 : 0)
      const kept = chance.whole(least, unsynced.length)
      isOnItsWay = false
      while (unsynced.length > kept) undoLast()
      unsynced = []
    },
    storeFor: (life) => ({
      place: '/buffer/index',
      open: () =>
        device.operate(life, device.drawSyncMs(), (): Result<Kv, KvOpenError> => {
          if (owner !== undefined) return err({ kind: 'locked', message: 'another process holds it' })
          const failure = problem()
          if (failure !== undefined)
            return err({ kind: failure.kind === 'full' ? 'full' : 'io', message: failure.message })
          if (state !== 'whole') return err({ kind: 'corrupt', message: 'a checksum is wrong' })
          return ok(kvFor(life))
        }),
      repair: () =>
        device.operate(life, device.drawSyncMs(), (): Result<void, KvOpenError> => {
          if (state === 'hopeless') return err({ kind: 'corrupt', message: 'nothing can be read' })
          if (state === 'damaged') lose(doomed)
          doomed = []
          state = 'whole'
          return ok(undefined)
        }),
      setAside: () =>
        device.operate(life, device.drawSyncMs(), (): Result<string, KvOpenError> => {
          lose([...rows.keys()])
          doomed = []
          state = 'whole'
          heaps += 1
          return ok(`/buffer/index.quarantined-${heaps}`)
        }),
    }),
  }
}
