/**
 * One object, one recorder that was killed, and everything that may have happened to both: what the store holds, what of
 * it was known, what is pending, an append of the dead life that lands late, lost requests and replies, somebody who
 * meddles. The plan is driven by the real step until it rests or gives up, over a store that holds the bytes.
 *
 * Chunks are lines of JSON, so that a tail can be read. Checks, at every call and at the end:
 * nothing is appended to an object that is not a beginning of our stream; no byte is sent that a good answer had proven;
 * what is confirmed is really there; it ends settled or given up; without a meddler it never gives up.
 */
import { crc64 } from '../../src/base/crc64.ts'
import { ok } from '../../src/base/result.ts'
import type { Chunk, Extent } from '../../src/format/recording.ts'
import { type PlanState, startState } from '../../src/uplink/append-plan.ts'
import type { Doubt } from '../../src/uplink/backlog.ts'
import { type Source, step } from '../../src/uplink/drain.ts'
import type { ObjectStore } from '../../src/uplink/object-store.ts'
import { createLineTail } from '../../src/uplink/tail-reader.ts'
import { createMemoryStore, type StoreFault } from '../support/memory-store.ts'

export type Meddling =
  | 'none'
  | 'noise'
  | 'noise like ours'
  | 'deleted'
  | 'replaced'
  | 'other bytes'
  | 'one other byte'
  | 'shorter'

export interface History {
  /** Length of the filling of each chunk, in bytes. */
  readonly fillings: readonly number[]
  /** Chunks in the store, of these known, and the pending ones, each as a fraction of what is possible. */
  readonly stored: number
  readonly known: number
  readonly from: number
  readonly to: number
  /** The dead life was killed: there is a doubt. Otherwise everything from `known` on is pending. */
  readonly killed: boolean
  /** Chunks that an append of the dead life still brings, and before which call. */
  readonly late: number
  readonly lateAt: number
  readonly meddling: Meddling
  readonly meddlesAt: number
  /** Of each call; the last ones are answered. */
  readonly faults: readonly (StoreFault | undefined)[]
  readonly bodyBytesMax: number
}

export interface Outcome {
  readonly end: 'rests' | 'gave up'
  readonly calls: number
  readonly wasInDoubt: boolean
  readonly readBack: boolean
}

const key = 'events/x.jsonl'
/** Two calls for each fault, and a few for each chunk. */
const stepsMax = 400

export async function live(history: History): Promise<Outcome> {
  const bytes = history.fillings.map((filling, n) => Buffer.from(`{"v":1,"n":${n},"f":"${'x'.repeat(filling)}"}\n`))
  const stream = Buffer.concat(bytes)
  const endOf = (count: number): number => bytes.slice(0, count).reduce((sum, one) => sum + one.length, 0)
  const extent = (count: number): Extent => {
    const part = stream.subarray(0, endOf(count))
    return { length: part.length, crc64: crc64(part) }
  }
  const pick = (fraction: number, from: number, to: number): number => from + Math.floor(fraction * (to - from + 1))
  const total = bytes.length
  const stored = pick(history.stored, 0, total)
  const known = pick(history.known, 0, stored)
  const from = history.killed ? pick(history.from, known, total) : known
  const to = history.killed ? pick(history.to, from, total) : total

  let arrived = extent(known)
  let pending: Chunk[] = bytes
    .slice(from, to)
    .map((one, n) => ({ seq: from + n, length: one.length, crc64: crc64(one) }))
  const pendingFrom = pending.length > 0 ? extent(from) : arrived
  let doubt: Doubt | undefined = history.killed ? { pendingFrom, beyond: true } : undefined
  let late = false

  const world = openWorld(history, { stream, endOf, stored, total })
  const source: Source = {
    key,
    creation: { contentType: 'application/x-ndjson', headers: {} },
    layout: () => ({ arrived, pending, late, ...(doubt === undefined ? {} : { doubt }) }),
    read: async (count) =>
      ok(Buffer.concat(pending.slice(0, count).map((chunk) => bytes[chunk.seq] ?? Buffer.alloc(0)))),
    async landed(found, count) {
      world.mustHold(found)
      arrived = found
      pending = pending.slice(count)
    },
    doubtful: {
      tail: createLineTail(),
      async settle(found) {
        world.mustHold(found.arrived)
        const base = doubt?.pendingFrom ?? arrived
        let position = base.length
        while (pending[0] !== undefined && position + pending[0].length <= found.arrived.length) {
          position += pending[0].length
          pending = pending.slice(1)
        }
        // What is lost before the first pending chunk ends the object; the rest goes on elsewhere.
        if (found.arrived.length < base.length) pending = []
        arrived = found.arrived
        doubt = undefined
        late = true
      },
    },
  }

  let state: PlanState = startState
  for (let steps = 0; steps < stepsMax; steps += 1) {
    const stepped = await step(
      world.store,
      source,
      { state, bodyBytesMax: history.bodyBytesMax },
      new AbortController().signal,
    )
    state = stepped.state
    const outcome = { calls: world.calls(), wasInDoubt: history.killed, readBack: world.readBack() }
    if (stepped.report.did === 'abandon') {
      if (history.meddling === 'none') throw new Error(`gave its own object up: ${stepped.report.why}`)
      return { end: 'gave up', ...outcome }
    }
    if (stepped.report.did !== 'rest') continue
    if (doubt !== undefined || pending.length > 0) throw new Error('rests with something left to do')
    return { end: 'rests', ...outcome }
  }
  throw new Error(`did not end in ${stepsMax} steps`)
}

interface Given {
  readonly stream: Buffer
  endOf(chunks: number): number
  readonly stored: number
  readonly total: number
}

function openWorld(history: History, given: Given) {
  const memory = createMemoryStore()
  const { stream, endOf, stored, total } = given
  let proven = 0
  let reads = 0
  if (stored > 0) memory.objects.set(key, { bytes: stream.subarray(0, endOf(stored)), appendable: true, headers: {} })
  const now = (): Buffer => memory.objects.get(key)?.bytes ?? Buffer.alloc(0)
  const isOurs = (): boolean => now().equals(stream.subarray(0, now().length))
  const set = (bytes: Buffer, appendable = true): void =>
    void memory.objects.set(key, { bytes, appendable, headers: {} })

  function happen(call: number): void {
    const lateEnd = Math.min(total, stored + history.late)
    if (
      call === history.lateAt &&
      now().length === endOf(stored) &&
      isOurs() &&
      memory.objects.get(key)?.appendable !== false
    )
      if (lateEnd > stored) set(stream.subarray(0, endOf(lateEnd)))
    if (call === history.meddlesAt)
      meddle(history.meddling, { now, set, remove: () => memory.objects.delete(key) }, given)
  }

  const believe = (answer: Awaited<ReturnType<ObjectStore['inspect']>>): typeof answer => {
    if (answer.ok && answer.value.kind === 'appendable' && isOurs()) proven = Math.max(proven, answer.value.length)
    return answer
  }
  memory.fate = (call) => {
    happen(call)
    return history.faults[call]
  }
  const store: ObjectStore = {
    inspect: async (name, signal) => believe(await memory.inspect(name, signal)),
    async append(request, signal) {
      const { position, body } = request
      // Of an object that vanished nothing is there twice.
      if (position < Math.min(proven, now().length))
        throw new Error(`sent ${position} again, though ${proven} bytes had been proven`)
      if (!stream.subarray(position, position + body.length).equals(body)) throw new Error('sent other bytes')
      const before = now()
      const wasOurs = isOurs()
      const answer = await memory.append(request, signal)
      if (!wasOurs && now().length > before.length) throw new Error('appended to an object that is not ours')
      return believe(answer)
    },
    read(...args) {
      reads += 1
      return memory.read(...args)
    },
  }
  return {
    store,
    calls: memory.calls,
    readBack: () => reads > 0,
    mustHold(found: Extent): void {
      const there = now().subarray(0, found.length)
      if (history.meddling === 'none' && !there.equals(stream.subarray(0, found.length)))
        throw new Error('confirmed what is not there')
      if (found.length > 0 && crc64(stream.subarray(0, found.length)) !== found.crc64)
        throw new Error('confirmed bytes that are not ours')
    },
  }
}

function meddle(
  how: Meddling,
  object: { now(): Buffer; set(bytes: Buffer, appendable?: boolean): void; remove(): void },
  { stream }: Given,
): void {
  const bytes = object.now()
  switch (how) {
    case 'none':
      break
    case 'noise':
      object.set(Buffer.concat([bytes, Buffer.alloc(17, 0x46)]))
      break
    case 'noise like ours': {
      const next = stream.indexOf(0x0a, bytes.length) + 1
      object.set(Buffer.concat([bytes, Buffer.alloc(Math.max(1, next - bytes.length), 0x46)]))
      break
    }
    case 'deleted':
      object.remove()
      break
    case 'replaced':
      object.set(Buffer.alloc(bytes.length, 0x46), false)
      break
    case 'other bytes':
      object.set(Buffer.alloc(bytes.length, 0x46))
      break
    case 'one other byte':
      object.set(Buffer.concat([Buffer.alloc(Math.min(1, bytes.length), 0x46), bytes.subarray(1)]))
      break
    case 'shorter':
      object.set(bytes.subarray(0, Math.floor(bytes.length / 2)))
  }
}
