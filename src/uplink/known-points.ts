/**
 * Where can an object of ours end? At what had arrived, where the first pending chunk begins, and at the end of each
 * pending chunk: appends are all or nothing, and a body is whole chunks, whatever its size was. Everywhere else somebody
 * else wrote, with two exceptions, both after a kill: between what had arrived and the first pending chunk, and behind
 * the last one, units may stand that only the memory of the life before knew.
 *
 * Pure. What follows from an answer of the store is decided in `append-plan.ts`.
 */
import { assert } from '../base/assert.ts'
import { crc64Combine } from '../base/crc64.ts'
import type { Chunk, Extent } from '../format/recording.ts'
import type { Doubt } from './backlog.ts'

export interface Layout {
  readonly arrived: Extent
  readonly pending: readonly Chunk[]
  readonly doubt?: Doubt
  /**
   * The doubt was settled in this life. An append that the life before had on its way may still land: of chunks that are
   * pending here, or of units that died with that life, behind everything known.
   */
  readonly late?: boolean
}

export interface KnownPoint {
  readonly extent: Extent
  /** Pending chunks in the object when it ends here. */
  readonly landed: number
}

export interface PointsBelow {
  /** The greatest known point that is not behind `length`; `undefined` if the object is shorter than what had arrived. */
  readonly below: KnownPoint | undefined
  /** Beyond that point units of an earlier life may stand. */
  readonly inDoubt: boolean
  readonly isBehindAll: boolean
}

/** Where `length` lies among the known points. */
export function pointsBelow(layout: Layout, length: number): PointsBelow {
  const { arrived, pending, doubt } = layout
  if (length < arrived.length) return { below: undefined, inDoubt: false, isBehindAll: false }
  const base = doubt?.pendingFrom ?? arrived
  if (length < base.length) return { below: { extent: arrived, landed: 0 }, inDoubt: true, isBehindAll: false }
  let landed = 0
  let position = base.length
  for (const chunk of pending) {
    if (position + chunk.length > length) break
    position += chunk.length
    landed += 1
  }
  const isBehindAll = landed === pending.length && position < length
  const inDoubt = isBehindAll && (doubt?.beyond === true || layout.late === true)
  return { below: { extent: extentAfter(layout, landed), landed }, inDoubt, isBehindAll }
}

/** Length and checksum of the object once the first `count` pending chunks are in it. */
export function extentAfter(layout: Layout, count: number): Extent {
  assert(count <= layout.pending.length, 'only chunks that are held can be counted')
  let { length, crc64 } = layout.doubt?.pendingFrom ?? layout.arrived
  for (let i = 0; i < count; i += 1) {
    const chunk = layout.pending[i]
    assert(chunk !== undefined, 'a layout has no holes')
    crc64 = length === 0 ? chunk.crc64 : crc64Combine(crc64, chunk.crc64, chunk.length)
    length += chunk.length
  }
  return { length, crc64 }
}
