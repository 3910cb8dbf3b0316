/**
 * A store in memory with the rules of the real one (whole appends at the exact position, CRC-64 of the whole object), and
 * faults by number: "the third call loses its reply". It passes the same contract as the real adapter.
 */
import { crc64 } from '../../src/base/crc64.ts'
import { err, ok } from '../../src/base/result.ts'
import type { ObjectStore, StoreErrorKind } from '../../src/uplink/object-store.ts'

/** `lost`: nothing was done. `reply lost`: it was done, and nobody said so. Or any kind, with nothing done. */
export type StoreFault = 'lost' | 'reply lost' | 'wrong reply' | StoreErrorKind

interface Kept {
  bytes: Buffer
  readonly appendable: boolean
  readonly headers: Readonly<Record<string, string>>
}

export interface MemoryStore extends ObjectStore {
  readonly objects: Map<string, Kept>
  /** Decides the fate of each call, counted from 0. */
  fate: (call: number, key: string, what: 'inspect' | 'append' | 'read') => StoreFault | undefined
  calls(): number
  /** The most appends to one key that were under way together. */
  togetherMax(): number
}

export function createMemoryStore(): MemoryStore {
  const objects = new Map<string, Kept>()
  const appending = new Map<string, number>()
  let calls = 0
  let together = 0
  const store: MemoryStore = {
    objects,
    fate: () => undefined,
    calls: () => calls,
    togetherMax: () => together,
    async inspect(key) {
      const fault = next(key, 'inspect')
      if (fault !== undefined && fault !== 'wrong reply') return failure(fault)
      const found = objects.get(key)
      if (found === undefined) return ok({ kind: 'absent' })
      if (!found.appendable) return ok({ kind: 'other' })
      return ok(remote(found.bytes, fault === 'wrong reply'))
    },
    async append({ key, position, body, creation }) {
      const fault = next(key, 'append')
      const count = (appending.get(key) ?? 0) + 1
      appending.set(key, count)
      together = Math.max(together, count)
      await Promise.resolve()
      appending.set(key, count - 1)
      if (fault !== undefined && fault !== 'reply lost' && fault !== 'wrong reply') return failure(fault)
      const found = objects.get(key)
      if (found?.appendable === false) return failure('not-appendable')
      const before = found?.bytes ?? Buffer.alloc(0)
      if (position !== before.length) return failure('position-mismatch')
      const bytes = Buffer.concat([before, body])
      objects.set(key, { bytes, appendable: true, headers: found?.headers ?? creation.headers })
      if (fault === 'reply lost') return failure('unanswered')
      return ok(remote(bytes, fault === 'wrong reply'))
    },
    async read(key, start, end) {
      const fault = next(key, 'read')
      if (fault !== undefined && fault !== 'wrong reply') return failure(fault)
      const found = objects.get(key)
      if (found === undefined) return failure('absent')
      return ok(Uint8Array.from(found.bytes.subarray(start, end)))
    },
  }
  function next(key: string, what: 'inspect' | 'append' | 'read'): StoreFault | undefined {
    const fault = store.fate(calls, key, what)
    calls += 1
    return fault
  }
  return store
}

const remote = (bytes: Uint8Array, wrong: boolean): { kind: 'appendable'; length: number; crc64: bigint } => ({
  kind: 'appendable',
  length: bytes.length,
  crc64: crc64(bytes) ^ (wrong ? 1n : 0n),
})

function failure(fault: StoreFault): ReturnType<typeof err<{ kind: StoreErrorKind; message: string }>> {
  const kind = fault === 'lost' || fault === 'reply lost' || fault === 'wrong reply' ? 'unanswered' : fault
  return err({ kind, message: `A test made this ${fault}.` })
}
