/**
 * Where are we in this object, and what is the next safe thing to do?
 *
 * A layout is what had arrived when we last looked (its bytes may be gone from the buffer) and what has not, in order.
 * Lengths and checksums fold, so the store's own (length, CRC-64) tells which chunks have arrived. We keep no cursor
 * that could disagree: after any failure we forget and ask again. A lost request, a lost reply, a late commit and a
 * restart are therefore one case.
 *
 *     unknown --inspect--> aligned --append--> aligned …
 *      ^   |                  |
 *      |   |   any failure ---+        suspected: one answer did not fit; asked once more
 *      +-- reading                     abandoned: asked twice, it is not our object any more
 *
 * After a kill the object may hold units that only the memory of the life before knew. Where the layout says so, they are
 * read back (`reading`) and judged by what stands in `known-points.ts`; then the store is asked again, since more may have
 * landed meanwhile, and only an answer that ends where the reading ended is believed.
 *
 * Pure: no clock, no network, no storage. The step that obeys it is in `drain.ts`.
 */
import { assert } from '../base/assert.ts'
import { crc64Combine } from '../base/crc64.ts'
import { type Chunk, type Extent, emptyExtent } from '../format/recording.ts'
import type { Ticks } from '../format/unit.ts'
import { extentAfter, type Layout, pointsBelow } from './known-points.ts'
import type { RemoteObject, StoreError } from './object-store.ts'

/** Why an object is given up. Footage is not: it goes on in a new object. */
export type AbandonReason =
  /** Somebody put something there that cannot be appended to. */
  | 'not-appendable'
  /** It is gone, though bytes of ours were confirmed. */
  | 'deleted'
  /** It is shorter than what was confirmed. */
  | 'shorter'
  /** It holds bytes behind ours that are not ours. */
  | 'longer'
  /** It ends inside a chunk: appends are all or nothing, so somebody else wrote. */
  | 'torn'
  /** Ours and its checksums differ. */
  | 'different'
  /** What an earlier life may have left in it is too long to be read back. */
  | 'unproven'
  /** Nothing is known to have arrived, and the store does not show whether it is there. */
  | 'unseen'
  /** What we send arrives damaged, again and again. */
  | 'damaged'
  /** The store takes no more bytes in this object. */
  | 'full'

/** A tail that was read back and is ours: the object was proven up to here. */
export interface ProvenTail {
  readonly extent: Extent
  readonly unitsRead: number
  readonly endPts: Ticks | undefined
}

export type PlanState =
  /**
   * `spoilt`: bodies in a row that the store called damaged. `proven`: read back since the doubt began. `unseen`: how often
   * in a row the store refused to show it.
   */
  | { readonly at: 'unknown'; readonly spoilt?: number; readonly proven?: ProvenTail; readonly unseen?: number }
  /** The store does not let us see whether there is an object, and nothing of ours can be in it. */
  | { readonly at: 'guessed'; readonly refusal: StoreError }
  /** Of `from` to `to`, the first `read.length` bytes are read; `read.crc64` is theirs alone. */
  | {
      readonly at: 'reading'
      readonly from: Extent
      readonly to: Extent
      readonly read: Extent
      readonly suspected?: AbandonReason
      readonly proven?: ProvenTail
    }
  /** The store holds exactly `arrived`. */
  | { readonly at: 'aligned'; readonly spoilt?: number }
  | { readonly at: 'suspected'; readonly why: AbandonReason }
  /** `found`: what the store says of it, where that is all that can be said. */
  | { readonly at: 'abandoned'; readonly why: AbandonReason; readonly found?: Extent }

export type PlanCommand =
  | { readonly do: 'inspect' }
  /** Read these bytes of the object: the next part of a tail. */
  | { readonly do: 'read-tail'; readonly from: number; readonly to: number }
  /** Send the first `count` pending chunks as one body at the end of `arrived`; afterwards the store must hold `expect`. */
  | { readonly do: 'append'; readonly count: number; readonly expect: Extent }
  | { readonly do: 'rest' }
  | { readonly do: 'stop'; readonly why: AbandonReason }

/** One read of a tail: as much as one append, so that a turn on the link is never longer. */
const tailWindowBytes = 4 * 1024 * 1024
/**
 * A longer tail is not read back. What arrived is written down every 10 s at the latest, so that a power cut hides 20 MB
 * of a 16 Mbit/s camera and one body (4 MiB); three times as much is no tail of ours, or not worth a metered link.
 */
export const tailBytesMax = 64 * 1024 * 1024
/** Bodies that arrive damaged, in a row, before the object is given up. */
export const spoiltMax = 5
/** Refusals to show an object in doubt, in a row, half a minute together at least: a policy that is being changed is waited for. */
export const unseenMax = 4

export const startState: PlanState = { at: 'unknown' }

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
    case 'reading': {
      const from = state.from.length + state.read.length
      return { do: 'read-tail', from, to: Math.min(state.to.length, from + tailWindowBytes) }
    }
    case 'abandoned':
      return { do: 'stop', why: state.why }
    case 'aligned':
    case 'guessed': {
      // A guess that succeeds is its own proof.
      if (layout.doubt !== undefined && state.at === 'aligned') return { do: 'inspect' }
      const count = bodyCount(layout.pending, bodyBytesMax)
      return count === 0 ? { do: 'rest' } : { do: 'append', count, expect: extentAfter(layout, count) }
    }
  }
}

/** What an answer of the store proves. */
export type Verdict =
  /** It ends at a point we know, or have read up to; the first `landed` pending chunks are in it. */
  | ({ readonly is: 'proven'; readonly landed: number } & ProvenTail)
  /** It ends where units of an earlier life may stand: `from` is proven if what follows fits. */
  | {
      readonly is: 'tail'
      readonly landed: undefined
      readonly from: Extent
      readonly to: Extent
      readonly tooLong: boolean
    }
  | { readonly is: 'misfit'; readonly landed: undefined; readonly why: AbandonReason }

const misfit = (why: AbandonReason): Verdict => ({ is: 'misfit', landed: undefined, why })

/** Believes the store, whatever we thought before; trusts no length without its checksum. */
export function judge(layout: Layout, remote: RemoteObject, proven?: ProvenTail): Verdict {
  if (remote.kind === 'other') return misfit('not-appendable')
  const { length, crc64 } = remote.kind === 'absent' ? emptyExtent : remote
  const { below, inDoubt, isBehindAll } = pointsBelow(layout, length)
  if (below === undefined) return misfit(remote.kind === 'absent' ? 'deleted' : 'shorter')
  if (below.extent.length === length) {
    if (below.extent.crc64 !== crc64) return misfit('different')
    return { is: 'proven', landed: below.landed, extent: below.extent, unitsRead: 0, endPts: undefined }
  }
  if (!inDoubt) return misfit(isBehindAll ? 'longer' : 'torn')
  const known = proven !== undefined && proven.extent.length <= length ? proven : undefined
  if (known?.extent.length === length) {
    return known.extent.crc64 === crc64 ? { is: 'proven', landed: below.landed, ...known } : misfit('different')
  }
  const from = known === undefined || known.extent.length < below.extent.length ? below.extent : known.extent
  const tooLong = length - below.extent.length > tailBytesMax
  return { is: 'tail', landed: undefined, from, to: { length, crc64 }, tooLong }
}

/** The state after an inspection gave this verdict. One misfit is asked about once more: a reply can be damaged too. */
export function onInspected(before: PlanState, verdict: Verdict): PlanState {
  switch (verdict.is) {
    case 'proven': {
      const spoilt = before.at === 'unknown' && verdict.landed === 0 ? (before.spoilt ?? 0) : 0
      if (spoilt >= spoiltMax) return { at: 'abandoned', why: 'damaged' }
      return spoilt === 0 ? { at: 'aligned' } : { at: 'aligned', spoilt }
    }
    case 'tail': {
      const { from, to } = verdict
      if (verdict.tooLong) {
        return isSuspected(before) ? { at: 'abandoned', why: 'unproven', found: to } : doubted(before, 'unproven')
      }
      const suspected = before.at === 'suspected' ? { suspected: before.why } : {}
      const proven = before.at === 'unknown' && before.proven !== undefined ? { proven: before.proven } : {}
      return { at: 'reading', from, to, read: emptyExtent, ...suspected, ...proven }
    }
    case 'misfit':
      return doubted(before, verdict.why)
  }
}

/** More of the tail is here: `read` is all of it so far. */
export function onTailPiece(state: PlanState, read: Extent): PlanState {
  assert(state.at === 'reading' && read.length > state.read.length, 'a tail is read forwards')
  return { ...state, read }
}

export const isTailRead = (state: PlanState): boolean =>
  state.at === 'reading' && state.from.length + state.read.length >= state.to.length

/**
 * All of the tail is here.
 *
 * @param contents what it reads as; `undefined` if it is not whole units (whole lines) of this recording
 */
export function onTailRead(
  state: PlanState,
  contents: { readonly units: number; readonly endPts: Ticks | undefined } | undefined,
): PlanState {
  assert(state.at === 'reading' && isTailRead(state), 'a tail is judged when it is whole')
  const { from, to, read, proven } = state
  if (crc64Combine(from.crc64, read.crc64, read.length) !== to.crc64) return doubted(state, 'different')
  if (contents === undefined) return doubted(state, 'longer')
  const unitsRead = contents.units + (proven?.extent.length === from.length ? proven.unitsRead : 0)
  return { at: 'unknown', proven: { extent: to, unitsRead, endPts: contents.endPts } }
}

/** Something failed or stayed silent: we no longer know what the store holds. Only what was being read stays as it is. */
export function onFailure(before: PlanState = startState, error?: StoreError): PlanState {
  if (before.at === 'reading' && error?.kind !== 'absent') return before
  if (before.at !== 'aligned' && before.at !== 'unknown') return { at: 'unknown' }
  const { spoilt = 0 } = before
  const count = before.at === 'aligned' && error?.kind === 'damaged' ? spoilt + 1 : spoilt
  const proven = before.at === 'unknown' && before.proven !== undefined ? { proven: before.proven } : {}
  return { at: 'unknown', ...proven, ...(count === 0 ? {} : { spoilt: count }) }
}

/**
 * The store refuses to say whether there is an object. A key without the right to list may be told so of any missing
 * object: while nothing of ours can be in it, the first append may be tried. It succeeds on nothing but nothing. Where
 * there is nothing to try, an object of which nothing had arrived is given up after a while, for it may never have been.
 */
export function onUnseen(layout: Layout, before: PlanState, refusal: StoreError): PlanState {
  const { arrived, doubt, late, pending } = layout
  if (arrived.length > 0 || late === true) return onFailure(before, refusal)
  if (pending.length > 0 && (doubt === undefined || doubt.pendingFrom.length === 0)) return { at: 'guessed', refusal }
  const unseen = (before.at === 'unknown' ? (before.unseen ?? 0) : 0) + 1
  return unseen < unseenMax ? { at: 'unknown', unseen } : { at: 'abandoned', why: 'unseen' }
}

const isSuspected = (state: PlanState): boolean =>
  state.at === 'suspected' || (state.at === 'reading' && state.suspected !== undefined)

const doubted = (before: PlanState, why: AbandonReason): PlanState =>
  isSuspected(before) ? { at: 'abandoned', why } : { at: 'suspected', why }

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

export { extentAfter } from './known-points.ts'
