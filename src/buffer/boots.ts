/** The boots we remember: which one runs, and where each lay on the wall. */
import type { Boot } from '../format/recording.ts'
import type { KvOp } from './kv.ts'
import { type BootTimeRow, bootKey, bootTimeKey } from './rows.ts'

export interface BootTime {
  readonly boot: Boot
  readonly offset?: { readonly ms: number; readonly errorMs: number }
}

export interface Boots {
  readonly boot: Boot
  time(counter: number): BootTime | undefined
  /** The rows that remember it. */
  learn(offset: { readonly ms: number; readonly errorMs: number }): KvOp[]
  /** Forgets boots of which nothing is held. */
  prune(held: ReadonlySet<number>): KvOp[]
  /** The rows of the running boot. */
  rows(): KvOp[]
}

export function createBoots(boot: Boot, known: ReadonlyMap<number, BootTimeRow>): Boots {
  const rows = new Map(known)
  if (!rows.has(boot.counter)) rows.set(boot.counter, { id: boot.id })

  const put = (counter: number): KvOp => ({
    type: 'put',
    key: bootTimeKey(counter),
    value: JSON.stringify(rows.get(counter)),
  })

  return {
    boot,
    time(counter) {
      const row = rows.get(counter)
      if (row === undefined) return undefined
      return { boot: { id: row.id, counter }, ...(row.offset === undefined ? {} : { offset: row.offset }) }
    },
    learn({ ms, errorMs }) {
      rows.set(boot.counter, { id: boot.id, offset: { ms, errorMs } })
      return [put(boot.counter)]
    },
    prune(held) {
      const gone = [...rows.keys()].filter((counter) => counter !== boot.counter && !held.has(counter))
      for (const counter of gone) rows.delete(counter)
      return gone.map((counter) => ({ type: 'del', key: bootTimeKey(counter) }))
    },
    rows: () => [{ type: 'put', key: bootKey, value: JSON.stringify(boot) }, put(boot.counter)],
  }
}
