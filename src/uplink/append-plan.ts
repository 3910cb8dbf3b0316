/**
 * Where are we in this object, and what is the next safe thing to do?
 *
 * A layout is what had arrived when we last looked (its bytes may be gone from the buffer) and what has not, in order.
 * Lengths and checksums fold, so the store's own (length, CRC-64) tells which chunks have arrived. We keep no cursor
 * that could disagree: after any failure we forget and ask again. A lost request, a lost reply, a late commit and a
 * restart are therefore one case.
 *
 *     unknown --inspect--> aligned --append--> aligned …
 *        ^                    |
 *        +---- any failure ---+        suspected: one answer did not fit; asked once more
 *                                      abandoned: asked twice, it is not our object any more
 *
 * Pure: no clock, no network, no storage. The step that obeys it is in `drain.ts`.
 */
import { assert } from '../base/assert.ts'
import { crc64Combine } from '../base/crc64.ts'
import { type Chunk, type Extent, emptyExtent } from '../format/recording.ts'
import type { RemoteObject } from './object-store.ts'

export interface Layout {
  readonly arrived: Extent
  readonly pending: readonly Chunk[]
}

/** Why an object is given up. Footage is not: it goes on in a new object. */
export type AbandonReason =
  /** Somebody put something there that cannot be appended to. */
  | 'not-appendable'
  /** It is gone, though bytes of ours were confirmed. */
  | 'deleted'
  /** It is shorter than what was confirmed. */
  | 'shorter'
  /** It is longer than everything we have. */
  | 'longer'
  /** It ends inside a chunk: appends are all or nothing, so somebody else wrote. */
  | 'torn'
  /** The right length, the wrong bytes. */
  | 'different'
  /** The store takes no more bytes in this object. */
  | 'full'

export type PlanState =
  | { readonly at: 'unknown' }
  /** The store holds exactly `arrived`. */
  | { readonly at: 'aligned' }
  | { readonly at: 'suspected'; readonly why: AbandonReason }
  | { readonly at: 'abandoned'; readonly why: AbandonReason }

export type PlanCommand =
  | { readonly do: 'inspect' }
  /** Send the first `count` pending chunks as one body at the end of `arrived`; afterwards the store must hold `expect`. */
  | { readonly do: 'append'; readonly count: number; readonly expect: Extent }
  | { readonly do: 'rest' }
  | { readonly do: 'stop'; readonly why: AbandonReason }

export const startState: PlanState = { at: 'unknown' }

/** Something failed or stayed silent. We no longer know what the store holds. */
export const onFailure = (): PlanState => ({ at: 'unknown' })

/**
 * What to do now.
 *
 * @param bodyBytesMax size of one append in bytes; a single larger chunk is still sent whole, so that an object always
 *   ends between chunks
 */
export function commandFor(layout: Layout, state: PlanState, bodyBytesMax: number): PlanCommand {
  switch (state.at) {
    case 'unknown':
    case 'suspected':
      return { do: 'inspect' }
    case 'abandoned':
      return { do: 'stop', why: state.why }
    case 'aligned': {
      const count = bodyCount(layout.pending, bodyBytesMax)
      return count === 0 ? { do: 'rest' } : { do: 'append', count, expect: extentAfter(layout, count) }
    }
  }
}

/** What an answer proves: how many pending chunks the store holds beyond `arrived`, or that something is wrong. */
export type Verdict =
  | { readonly landed: number; readonly extent: Extent }
  | { readonly landed: undefined; readonly why: AbandonReason }

/** Believes the store, whatever we thought before; trusts no length without its checksum. */
export function judge(layout: Layout, remote: RemoteObject): Verdict {
  if (remote.kind === 'other') return { landed: undefined, why: 'not-appendable' }
  const { length, crc64 } = remote.kind === 'absent' ? emptyExtent : remote
  if (length < layout.arrived.length) {
    return { landed: undefined, why: remote.kind === 'absent' ? 'deleted' : 'shorter' }
  }
  let position = layout.arrived.length
  let landed = 0
  for (const chunk of layout.pending) {
    if (position >= length) break
    position += chunk.length
    landed += 1
  }
  if (position < length) return { landed: undefined, why: 'longer' }
  if (position > length) return { landed: undefined, why: 'torn' }
  const extent = extentAfter(layout, landed)
  return extent.crc64 === crc64 ? { landed, extent } : { landed: undefined, why: 'different' }
}

/** The state after an inspection gave this verdict. One misfit is asked about once more: a reply can be damaged too. */
export function onInspected(before: PlanState, verdict: Verdict): PlanState {
  if (verdict.landed !== undefined) return { at: 'aligned' }
  return before.at === 'suspected' ? { at: 'abandoned', why: verdict.why } : { at: 'suspected', why: verdict.why }
}

/** Length and checksum of the object once the first `count` pending chunks are in it. */
export function extentAfter(layout: Layout, count: number): Extent {
  assert(count <= layout.pending.length, 'only chunks that are held can be counted')
  let { length, crc64 } = layout.arrived
  for (let i = 0; i < count; i += 1) {
    const chunk = layout.pending[i]
    assert(chunk !== undefined, 'a layout has no holes')
    crc64 = length === 0 ? chunk.crc64 : crc64Combine(crc64, chunk.crc64, chunk.length)
    length += chunk.length
  }
  return { length, crc64 }
}

function bodyCount(pending: readonly Chunk[], bodyBytesMax: number): number {
  let bytes = 0
  let count = 0
  for (const chunk of pending) {
    if (count > 0 && bytes + chunk.length > bodyBytesMax) break
    bytes += chunk.length
    count += 1
  }
  return count
}
