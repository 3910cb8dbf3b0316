/**
 * The ports of the buffer without a disk: rows in memory, and a place for segments that refuses every one of them with
 * the reason. A buffer on these works as one whose disk has just failed: what is not sent is held up to the limits of
 * memory, and gone with the process.
 */
import { err, ok } from '../base/result.ts'
import type { Kv, KvStore } from '../buffer/kv.ts'
import type { SegmentDisk } from '../buffer/segment-disk.ts'

/** @param why what the system said of the real disk, for people; asked at each refusal */
export function refusingDisk(place: string, why: () => string): SegmentDisk {
  return {
    place,
    prepare: async () => ok(undefined),
    list: async () => ok([]),
    create: async () => err({ kind: 'unwritable', message: why() }),
    read: async () => err({ kind: 'absent', message: 'nothing was written' }),
    truncate: async () => ok(undefined),
    remove: async () => ok(undefined),
    setAside: async () => ok(place),
    dropAside: async () => ok(undefined),
    freeBytes: async () => undefined,
  }
}

/** @param rows what is in it from the start */
export function memoryRows(place: string, rows: ReadonlyMap<string, string>): KvStore {
  const held = new Map(rows)
  const kv: Kv = {
    async scan(prefix, visit) {
      const found = [...held].filter(([key]) => key.startsWith(prefix))
      for (const [key, value] of found.sort(([one], [other]) => (one < other ? -1 : 1))) visit(key, value)
      return ok(undefined)
    },
    get: async (key) => ok(held.get(key)),
    async batch(ops) {
      for (const op of ops) {
        if (op.type === 'put') held.set(op.key, op.value)
        else held.delete(op.key)
      }
      return ok(undefined)
    },
    close: async () => {},
  }
  return {
    place,
    open: async () => ok(kv),
    repair: async () => ok(undefined),
    async setAside() {
      held.clear()
      return ok(place)
    },
  }
}
