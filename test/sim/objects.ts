/**
 * What the bucket holds. It is its own oracle: it keeps every byte and sums them with the stand-in's CRC-64, which shares
 * nothing with the recorder's. Appends are whole or not at all, at the exact end; everything else here is what somebody
 * else does to an object.
 */
import { crc64 } from '../../src/oss-server/crc64.ts'

export interface StoredObject {
  readonly key: string
  pieces: Uint8Array[]
  length: number
  crc64: bigint
  appendable: boolean
  /** Where somebody else's bytes begin; what stands before them is ours. */
  foreignFrom: number | undefined
  /** Bytes that landed when nobody waited for the answer any more. */
  readonly late: { readonly from: number; readonly to: number; readonly senderIsDead: boolean }[]
  /** When something of ours was appended first and last, in ms of the world. */
  firstAt: number
  lastAt: number
}

/** An object that somebody deleted or replaced, as it was. */
export interface Destroyed {
  readonly object: StoredObject
  readonly how: 'deleted' | 'replaced'
  readonly at: number
  /** Of it the recorder knew so many bytes. */
  readonly confirmed: number
}

export type Appended =
  | { readonly ok: true; readonly object: StoredObject }
  | { readonly ok: false; readonly why: 'position' | 'not appendable' | 'full' }

export interface Bucket {
  find(key: string): StoredObject | undefined
  all(): readonly StoredObject[]
  append(
    key: string,
    position: number,
    body: Uint8Array,
    when: { readonly at: number; readonly late: boolean; readonly senderIsDead: boolean },
  ): Appended
  /** Somebody else appends so many bytes. */
  foreign(key: string, bytes: number): void
  destroy(key: string, how: 'deleted' | 'replaced', at: number, confirmed: number): void
  readonly destroyed: readonly Destroyed[]
  /** No object takes more. */
  sizeLimit: number
}

const foreignByte = 0x46

export function createBucket(): Bucket {
  const objects = new Map<string, StoredObject>()
  const destroyed: Destroyed[] = []

  function create(key: string): StoredObject {
    const created: StoredObject = {
      key,
      pieces: [],
      length: 0,
      crc64: 0n,
      appendable: true,
      foreignFrom: undefined,
      late: [],
      firstAt: Number.POSITIVE_INFINITY,
      lastAt: 0,
    }
    objects.set(key, created)
    return created
  }

  function add(object: StoredObject, bytes: Uint8Array): void {
    object.pieces.push(bytes)
    object.length += bytes.length
    object.crc64 = crc64(bytes, object.crc64)
  }

  const bucket: Bucket = {
    destroyed,
    sizeLimit: Number.POSITIVE_INFINITY,
    find: (key) => objects.get(key),
    all: () => [...objects.values()],
    append(key, position, body, { at, late, senderIsDead }) {
      const found = objects.get(key)
      if (found?.appendable === false) return { ok: false, why: 'not appendable' }
      if (position !== (found?.length ?? 0)) return { ok: false, why: 'position' }
      if (position + body.length > bucket.sizeLimit) return { ok: false, why: 'full' }
      const object = found ?? create(key)
      if (late) object.late.push({ from: object.length, to: object.length + body.length, senderIsDead })
      object.firstAt = Math.min(object.firstAt, at)
      object.lastAt = at
      // As the wire carries it: what the sender does to its memory afterwards changes nothing here.
      add(object, Uint8Array.from(body))
      return { ok: true, object }
    },
    foreign(key, bytes) {
      const object = objects.get(key) ?? create(key)
      if (!object.appendable) return
      object.foreignFrom ??= object.length
      add(object, new Uint8Array(bytes).fill(foreignByte))
    },
    destroy(key, how, at, confirmed) {
      const object = objects.get(key)
      if (object === undefined) return
      destroyed.push({ object, how, at, confirmed })
      objects.delete(key)
      if (how === 'deleted') return
      const other = create(key)
      other.appendable = false
      other.foreignFrom = 0
      add(other, new Uint8Array(object.length).fill(foreignByte))
    },
  }
  return bucket
}

export function bytesOf(object: StoredObject): Buffer {
  return Buffer.concat(object.pieces)
}
