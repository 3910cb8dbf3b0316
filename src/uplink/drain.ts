/**
 * One step of bringing an object up to date: ask the plan, obey it, report. Footage, playlists, JSON-lines tracks and
 * files appended by hand all go through here; there is no other way to the store. The caller loops, and waits as
 * long as `store-errors.ts` says after a failure.
 */
import type { Result } from '../base/result.ts'
import type { Extent } from '../format/recording.ts'
import {
  type AbandonReason,
  commandFor,
  judge,
  type Layout,
  onFailure,
  onInspected,
  type PlanState,
  type Verdict,
} from './append-plan.ts'
import type { CreationHeaders, ObjectStore, RemoteObject, StoreError } from './object-store.ts'

/** The bytes of one object, as their owner holds them. */
export interface Source {
  readonly key: string
  readonly creation: CreationHeaders
  layout(): Layout
  /** The bytes of the first `count` pending chunks, in one piece. The same bytes each time, until `landed`. */
  read(count: number): Promise<Result<Uint8Array, { readonly message: string }>>
  /** Proven by length and checksum: the store holds the first `count` pending chunks. */
  landed(extent: Extent, count: number): Promise<void>
}

export type StepReport =
  /** Nothing left to send. */
  | { readonly did: 'rest' }
  /** Asked the store where the object ends. `landed` counts chunks found there that we had not known to have arrived. */
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

export async function step(
  store: ObjectStore,
  source: Source,
  at: { readonly state: PlanState; readonly bodyBytesMax: number },
  signal: AbortSignal,
): Promise<Stepped> {
  const layout = source.layout()
  const command = commandFor(layout, at.state, at.bodyBytesMax)
  switch (command.do) {
    case 'rest':
      return { state: at.state, report: { did: 'rest' } }
    case 'stop':
      return { state: at.state, report: { did: 'abandon', why: command.why } }
    case 'inspect': {
      const answer = await store.inspect(source.key, signal)
      if (!answer.ok) return failed(answer.error)
      const verdict = judge(layout, answer.value)
      const landed = await settle(source, verdict)
      const state = onInspected(at.state, verdict)
      if (state.at === 'abandoned') return { state, report: { did: 'abandon', why: state.why } }
      return { state, report: { did: 'inspect', ...landed } }
    }
    case 'append': {
      const body = await source.read(command.count)
      if (!body.ok) return { state: at.state, report: { did: 'unreadable', message: body.error.message } }
      const request = { key: source.key, position: layout.arrived.length, body: body.value, creation: source.creation }
      const answer = await store.append(request, signal)
      return answer.ok ? appended(source, layout, answer.value, command.expect) : failed(answer.error)
    }
  }
}

/** A reply that does not say exactly what we expect proves nothing: forget, and ask. */
async function appended(source: Source, layout: Layout, remote: RemoteObject, expect: Extent): Promise<Stepped> {
  const verdict = judge(layout, remote)
  if (verdict.landed === undefined || verdict.extent.length !== expect.length) {
    const message = `The store's reply to an append of ${source.key} does not fit what was sent; asking where the object ends.`
    return { state: onFailure(), report: { did: 'fail', error: { kind: 'damaged', message } } }
  }
  return { state: { at: 'aligned' }, report: { did: 'append', ...(await settle(source, verdict)) } }
}

async function settle(source: Source, verdict: Verdict): Promise<{ landed: number; bytes: number }> {
  if (verdict.landed === undefined || verdict.landed === 0) return { landed: 0, bytes: 0 }
  const bytes = verdict.extent.length - source.layout().arrived.length
  await source.landed(verdict.extent, verdict.landed)
  return { landed: verdict.landed, bytes }
}

function failed(error: StoreError): Stepped {
  if (error.kind === 'not-appendable' || error.kind === 'full') {
    const why = error.kind
    return { state: { at: 'abandoned', why }, report: { did: 'abandon', why } }
  }
  return { state: onFailure(), report: { did: 'fail', error } }
}
