/**
 * Appends any bytes to any object by hand, with the guarantees of footage: each byte once, in order, proven by the
 * store's own length and CRC-64. The same plan and the same step as the recorder's; only the source differs.
 *
 * A file can be taken up again at any byte, so running the command again after a kill continues: if the object is the
 * beginning of the file (its CRC-64 says so), the rest follows. A stream cannot be read twice: what was read is kept in
 * memory until it is proven, and a kill loses what had not been sent.
 */
import { backoffMs } from '../base/backoff.ts'
import type { Clock } from '../base/clock.ts'
import { crc64 } from '../base/crc64.ts'
import type { Random } from '../base/random.ts'
import { err, ok, type Result } from '../base/result.ts'
import { type Chunk, type Extent, emptyExtent } from '../format/recording.ts'
import type { AbandonReason, PlanState } from './append-plan.ts'
import { type Source, step } from './drain.ts'
import type { LinkRate } from './link-rate.ts'
import type { CreationHeaders, ObjectStore, StoreError } from './object-store.ts'
import { storeErrorRules } from './store-errors.ts'

export interface ByteSource {
  /** The next bytes, 1 to `bytesMax`, as soon as it makes sense to send them; `undefined` at the end. */
  next(bytesMax: number, signal: AbortSignal): Promise<Uint8Array | undefined>
}

export interface AppendWorld {
  readonly store: ObjectStore
  readonly clock: Clock
  readonly random: Random
  readonly rate: LinkRate
  /** The object's proven length so far. */
  progress(length: number): void
  /** A try failed and will be repeated; one sentence for people. */
  trouble(message: string): void
}

export interface AppendOrder {
  readonly key: string
  readonly creation: CreationHeaders
  /** Where the object ends now, as the store says: the source continues there. */
  readonly from: Extent
  readonly source: ByteSource
}

export type AppendFailure =
  /** The object is not what we left: somebody else writes, or a process before us still did. */
  | { readonly kind: 'changed'; readonly why: AbandonReason; readonly message: string }
  /** No progress for so long, or a refusal that a person must mend. */
  | { readonly kind: 'store'; readonly message: string }
  | { readonly kind: 'stopped'; readonly message: string }

/** Without progress for this long a command ends and says how to continue; a service would go on. */
const patienceMs = 10 * 60_000

/** @returns the whole object's length and checksum, as the store gave them last */
export async function appendBytes(
  world: AppendWorld,
  order: AppendOrder,
  signal: AbortSignal,
): Promise<Result<Extent, AppendFailure>> {
  let arrived = order.from
  let state: PlanState = { at: 'aligned' }
  for (let seq = 0; !signal.aborted; seq += 1) {
    const bytes = await order.source.next(world.rate.bodyBytesMax(), signal)
    if (bytes === undefined) break
    const chunk: Chunk = { seq, length: bytes.length, crc64: crc64(bytes) }
    const sent = await sendChunk(world, order, { chunk, bytes, arrived, state }, signal)
    if (!sent.ok) return sent
    arrived = sent.value
    state = { at: 'aligned' }
    world.progress(arrived.length)
  }
  return signal.aborted ? err(stopped) : ok(arrived)
}

/** One chunk, until it is proven to be there. Its bytes never change meanwhile. */
async function sendChunk(
  world: AppendWorld,
  order: AppendOrder,
  at: { readonly chunk: Chunk; readonly bytes: Uint8Array; readonly arrived: Extent; readonly state: PlanState },
  signal: AbortSignal,
): Promise<Result<Extent, AppendFailure>> {
  const { clock, random, rate, store } = world
  let landed: Extent | undefined
  let { state } = at
  let failures = 0
  const since = clock.mono()
  const source: Source = {
    key: order.key,
    creation: order.creation,
    layout: () => ({ arrived: at.arrived, pending: [at.chunk] }),
    read: async () => ok(at.bytes),
    landed: async (extent) => {
      landed = extent
    },
  }
  while (landed === undefined) {
    if (signal.aborted) return err(stopped)
    const sentAt = clock.mono()
    const stepped = await step(store, source, { state, bodyBytesMax: at.chunk.length }, signal)
    state = stepped.state
    const { report } = stepped
    if (report.did === 'append') rate.sent(report.bytes, sentAt)
    if (report.did === 'abandon') return err(changed(order.key, report.why))
    if (report.did !== 'fail') continue
    const { error } = report
    failures += 1
    if (error.kind === 'unanswered') rate.failed()
    if (givesUp(error, clock.mono() - since)) return err({ kind: 'store', message: error.message })
    const wait = Math.max(error.retryAfterMs ?? 0, backoffMs(storeErrorRules[error.kind].wait, failures, random))
    if (wait >= troubleMsMin) world.trouble(`${error.message} Trying again.`)
    await clock.sleep(wait, signal)
  }
  return ok(landed)
}

/** Shorter hiccups are nobody's business. */
const troubleMsMin = 1_000

const givesUp = (error: StoreError, silentMs: number): boolean =>
  storeErrorRules[error.kind].needsPerson || silentMs > patienceMs

const stopped: AppendFailure = { kind: 'stopped', message: 'Stopped before the end.' }

const changed = (key: string, why: AbandonReason): AppendFailure => ({
  kind: 'changed',
  why,
  message: changes[why](key),
})

const nothingSent = 'Nothing further was sent.'
const changes: Readonly<Record<AbandonReason, (key: string) => string>> = {
  'not-appendable': (key) =>
    `${key} cannot be appended to: it was uploaded in another way, or it is locked. ${nothingSent}`,
  deleted: (key) => `${key} was deleted meanwhile. ${nothingSent}`,
  shorter: (key) => `${key} became shorter: it was replaced meanwhile. ${nothingSent}`,
  longer: (key) => `${key} grew by bytes that are not ours: somebody else appends to it. ${nothingSent}`,
  torn: (key) => `${key} ends in the middle of what was sent: somebody else appends to it. ${nothingSent}`,
  different: (key) =>
    `${key} has the right length and other bytes (its CRC-64 differs): somebody else appends to it. ${nothingSent}`,
  unproven: (key) => `${key} grew by more than can be read back: somebody else appends to it. ${nothingSent}`,
  unseen: (key) => `The store does not say whether ${key} is there. ${nothingSent}`,
  damaged: (key) =>
    `What is sent to ${key} arrives damaged, again and again: look for a device on the way that changes data. ${nothingSent}`,
  full: (key) => `${key} takes no more bytes: OSS append objects end at 5 GB. Use another name for the rest.`,
}

/** Where the object ends now. Asked until answered, within the patience of a command. */
export async function endOf(
  world: AppendWorld,
  key: string,
  signal: AbortSignal,
): Promise<Result<Extent, AppendFailure>> {
  const since = world.clock.mono()
  for (let failures = 1; !signal.aborted; failures += 1) {
    const answer = await world.store.inspect(key, signal)
    if (answer.ok) {
      if (answer.value.kind === 'other') return err(changed(key, 'not-appendable'))
      if (answer.value.kind === 'absent') return ok(emptyExtent)
      return ok({ length: answer.value.length, crc64: answer.value.crc64 })
    }
    const { error } = answer
    if (givesUp(error, world.clock.mono() - since)) return err({ kind: 'store', message: error.message })
    const wait = Math.max(error.retryAfterMs ?? 0, backoffMs(storeErrorRules[error.kind].wait, failures, world.random))
    if (wait >= troubleMsMin) world.trouble(`${error.message} Trying again.`)
    await world.clock.sleep(wait, signal)
  }
  return err(stopped)
}

/** What is wrong with a key, as the end of the sentence "The key …"; `undefined` for a good one. Source: OSS, "Object naming". */
export function keyProblem(key: string): string | undefined {
  const bytes = Buffer.byteLength(key)
  if (bytes === 0) return 'is empty; it needs 1 to 1023 bytes.'
  if (bytes > 1023) return `has ${bytes} bytes; OSS takes at most 1023.`
  if (key.startsWith('/') || key.startsWith('\\'))
    return `begins with ${key[0]}; OSS refuses that. Leave it out: ${key.replace(/^[/\\]+/, '')}`
  if (key.includes('\0') || Buffer.from(key).toString() !== key) return 'holds a character that is no text.'
  return undefined
}
