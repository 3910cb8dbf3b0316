/**
 * One step of bringing an object up to date: ask the plan, obey it, report. Footage, playlists, JSON-lines tracks and
 * files appended by hand all go through here; there is no other way to the store. The caller loops, and waits as
 * long as `store-errors.ts` says after a failure.
 */
import { crc64 } from '../base/crc64.ts'
import { limits } from '../base/limits.ts'
import type { Result } from '../base/result.ts'
import type { Extent } from '../format/recording.ts'
import {
  type AbandonReason,
  commandFor,
  isTailRead,
  judge,
  onFailure,
  onInspected,
  onTailPiece,
  onTailRead,
  onUnseen,
  type PlanCommand,
  type PlanState,
  type Verdict,
} from './append-plan.ts'
import type { Settlement } from './backlog.ts'
import type { Layout } from './known-points.ts'
import type { CreationHeaders, ObjectStore, StoreError } from './object-store.ts'
import type { TailReader } from './tail-reader.ts'

/** The bytes of one object, as their owner holds them. */
export interface Source {
  readonly key: string
  readonly creation: CreationHeaders
  layout(): Layout
  /** The bytes of the first `count` pending chunks, in one piece. The same bytes each time, until `landed`. */
  read(count: number): Promise<Result<Uint8Array, { readonly message: string }>>
  /** Proven by length and checksum: the store holds the first `count` pending chunks. */
  landed(extent: Extent, count: number): Promise<void>
  /** Present where the layout may have a doubt. */
  readonly doubtful?: {
    /** One for all steps: what an earlier life left is read back through it. */
    readonly tail: TailReader
    /** Proven: what the object holds is ours, through `found.arrived`. */
    settle(found: Settlement): Promise<void>
  }
}

export type StepReport =
  /** Nothing left to send. */
  | { readonly did: 'rest' }
  /**
   * Asked the store where the object ends, or read a part of it. `landed` counts chunks found there that we had not known
   * to have arrived.
   */
  | { readonly did: 'inspect'; readonly landed: number; readonly bytes: number }
  | { readonly did: 'append'; readonly landed: number; readonly bytes: number }
  /** The store refused or stayed silent, or an answer did not fit. */
  | { readonly did: 'fail'; readonly error: StoreError }
  /** Our own bytes could not be read; nothing was asked of the store. */
  | { readonly did: 'unreadable'; readonly message: string }
  /** The object is not ours any more, or full: the caller goes on in a new one. */
  | { readonly did: 'abandon'; readonly why: AbandonReason }

export interface Stepped {
  readonly state: PlanState
  readonly report: StepReport
}

interface At {
  readonly state: PlanState
  readonly bodyBytesMax: number
}

/** What is asked, what is held, and where the plan stands. */
interface Turn {
  readonly store: ObjectStore
  readonly source: Source
  readonly layout: Layout
  readonly state: PlanState
}

export async function step(store: ObjectStore, source: Source, at: At, signal: AbortSignal): Promise<Stepped> {
  const { state } = at
  const layout = source.layout()
  const turn: Turn = { store, source, layout, state }
  const command = commandFor(layout, state, at.bodyBytesMax)
  switch (command.do) {
    case 'rest':
      return { state, report: { did: 'rest' } }
    case 'stop':
      return { state, report: { did: 'abandon', why: command.why } }
    case 'inspect':
      return inspect(turn, signal)
    case 'read-tail':
      return readTail(turn, command, signal)
    case 'append':
      return append(turn, command, signal)
  }
}

async function inspect({ store, source, layout, state }: Turn, signal: AbortSignal): Promise<Stepped> {
  const answer = await store.inspect(source.key, signal)
  if (!answer.ok) {
    const { error } = answer
    if (error.kind !== 'denied' || error.code !== 'AccessDenied') return failed(state, error)
    const next = onUnseen(layout, state, error)
    if (next.at === 'abandoned') return abandoned(next)
    const report = next.at === 'guessed' ? nothingNew : ({ did: 'fail', error } as const)
    return { state: next, report }
  }
  const verdict = judge(layout, answer.value, state.at === 'unknown' ? state.proven : undefined)
  const next = onInspected(state, verdict)
  const landed = await accept(source, layout, verdict)
  return next.at === 'abandoned' ? abandoned(next) : { state: next, report: { did: 'inspect', ...landed } }
}

async function readTail(
  { store, source, state }: Turn,
  { from, to }: Extract<PlanCommand, { do: 'read-tail' }>,
  signal: AbortSignal,
): Promise<Stepped> {
  const tail = source.doubtful?.tail
  if (state.at !== 'reading' || tail === undefined) return { state: onFailure(), report: { did: 'rest' } }
  const answer = await store.read(source.key, from, to, signal)
  if (!answer.ok) return failed(state, answer.error)
  const bytes = answer.value
  if (bytes.length !== to - from) {
    const message = `${source.key} is shorter than the store said; asking where the object ends.`
    return { state: onFailure(), report: { did: 'fail', error: { kind: 'damaged', message } } }
  }
  if (state.read.length === 0) tail.begin()
  tail.push(bytes)
  const { read } = state
  const further = onTailPiece(state, { length: read.length + bytes.length, crc64: crc64(bytes, read.crc64) })
  const next = isTailRead(further) ? onTailRead(further, tail.end()) : further
  return next.at === 'abandoned' ? abandoned(next) : { state: next, report: nothingNew }
}

async function append(
  { store, source, layout, state }: Turn,
  { count, expect }: Extract<PlanCommand, { do: 'append' }>,
  signal: AbortSignal,
): Promise<Stepped> {
  const body = await source.read(count)
  if (!body.ok) return { state, report: { did: 'unreadable', message: body.error.message } }
  const request = { key: source.key, position: layout.arrived.length, body: body.value, creation: source.creation }
  const answer = await store.append(request, signal)
  if (!answer.ok) {
    const { error } = answer
    if (state.at === 'guessed' && error.kind === 'position-mismatch') return failed(state, state.refusal)
    // No page says how OSS refuses an append that would pass its size limit.
    const isFull = error.kind === 'rejected' && expect.length > nearlyFullBytes
    return failed(state, isFull ? { ...error, kind: 'full' } : error)
  }
  const verdict = judge(layout, answer.value)
  if (verdict.is === 'proven' && verdict.extent.length === expect.length) {
    return { state: { at: 'aligned' }, report: { did: 'append', ...(await accept(source, layout, verdict)) } }
  }
  // A reply that does not say exactly what we expect proves nothing: forget, and ask.
  const message = `The store's reply to an append of ${source.key} does not fit what was sent; asking where the object ends.`
  return failed(state, { kind: 'damaged', message })
}

/** So near to the store's limit any refusal of the request is taken for the limit. Whether 5 GB is 5 * 10^9 is not written. */
const nearlyFullBytes = 0.9 * limits.objectBytesMax

async function accept(
  { landed, doubtful }: Source,
  layout: Layout,
  verdict: Verdict,
): Promise<{ landed: number; bytes: number }> {
  if (verdict.is !== 'proven') return { landed: 0, bytes: 0 }
  const { extent, unitsRead, endPts } = verdict
  const bytes = extent.length - layout.arrived.length
  if (doubtful !== undefined && (layout.doubt !== undefined || unitsRead > 0)) {
    await doubtful.settle({ arrived: extent, unitsRead, endPts })
    return { landed: verdict.landed + unitsRead, bytes }
  }
  if (verdict.landed > 0) await landed(extent, verdict.landed)
  return { landed: verdict.landed, bytes }
}

const nothingNew: StepReport = { did: 'inspect', landed: 0, bytes: 0 }

const abandoned = (state: Extract<PlanState, { at: 'abandoned' }>): Stepped => ({
  state,
  report: { did: 'abandon', why: state.why },
})

function failed(state: PlanState, error: StoreError): Stepped {
  if (error.kind === 'not-appendable' || error.kind === 'full') return abandoned({ at: 'abandoned', why: error.kind })
  return { state: onFailure(state, error), report: { did: 'fail', error } }
}
