import { describe, expect, test } from 'vitest'
import { crc64 } from '../../src/base/crc64.ts'
import { limits } from '../../src/base/limits.ts'
import { err, ok } from '../../src/base/result.ts'
import { type Chunk, type Extent, emptyExtent } from '../../src/format/recording.ts'
import { type PlanState, spoiltMax, startState, unseenMax } from '../../src/uplink/append-plan.ts'
import { type Source, type StepReport, step } from '../../src/uplink/drain.ts'
import type { ObjectStore, StoreError } from '../../src/uplink/object-store.ts'
import { createLineTail } from '../../src/uplink/tail-reader.ts'
import { createMemoryStore, type MemoryStore } from '../support/memory-store.ts'

const never = new AbortController().signal
const texts = ['first ', 'second ', 'third ', 'fourth']
const key = 'k'

/** One object of four chunks, and how a recorder goes about it. */
function sender(store: ObjectStore, arrived: Extent = emptyExtent, first = 0, doubtFrom?: Extent) {
  const bytes = texts.map((text) => Buffer.from(text))
  let pending: Chunk[] = bytes.map((one, seq) => ({ seq, length: one.length, crc64: crc64(one) })).slice(first)
  let doubt = doubtFrom === undefined ? undefined : { pendingFrom: doubtFrom, beyond: true }
  let known = arrived
  let state: PlanState = startState
  const source: Source = {
    key,
    creation: { contentType: 'text/plain', headers: {} },
    layout: () => ({ arrived: known, pending, ...(doubt === undefined ? {} : { doubt }) }),
    read: async (count) => ok(Buffer.concat(pending.slice(0, count).map(({ seq }) => bytes[seq] ?? Buffer.alloc(0)))),
    async landed(extent, count) {
      known = extent
      pending = pending.slice(count)
    },
    doubtful: {
      tail: createLineTail(),
      async settle(found) {
        for (let at = doubt?.pendingFrom.length ?? 0; at < found.arrived.length; ) at += pending.shift()?.length ?? 1
        known = found.arrived
        doubt = undefined
      },
    },
  }
  return {
    async step(bodyBytesMax = 1): Promise<StepReport> {
      const stepped = await step(store, source, { state, bodyBytesMax }, never)
      state = stepped.state
      return stepped.report
    },
    /** Steps until nothing is left to do, or the object is given up. */
    async run(bodyBytesMax = 1): Promise<StepReport> {
      for (let n = 0; n < 100; n += 1) {
        const report = await this.step(bodyBytesMax)
        if (report.did === 'rest' || report.did === 'abandon') return report
      }
      throw new Error('does not end')
    },
    left: () => pending.length,
  }
}

const textOf = (store: MemoryStore): string => store.objects.get(key)?.bytes.toString() ?? ''
const refusal = (kind: StoreError['kind'], code: string) => err<StoreError>({ kind, code, message: `${code}.` })

/** A store of which some calls are answered by the test. */
function refusing(
  store: MemoryStore,
  refuse: Partial<Record<'inspect' | 'append', () => ReturnType<typeof refusal> | undefined>>,
) {
  const asked = { inspect: 0, append: 0 }
  const wrapped: ObjectStore = {
    async inspect(name, signal) {
      asked.inspect += 1
      return refuse.inspect?.() ?? store.inspect(name, signal)
    },
    async append(request, signal) {
      asked.append += 1
      return refuse.append?.() ?? store.append(request, signal)
    },
    read: (...args) => store.read(...args),
  }
  return { asked, store: wrapped }
}

describe('an append without an answer', () => {
  test.each(['lost', 'reply lost'] as const)('costs one question when it was %s', async (fault) => {
    const store = createMemoryStore()
    // Calls: 0 asks, 1 appends, 2 appends and hears nothing, 3 asks.
    store.fate = (call) => (call === 2 ? fault : undefined)
    expect(await sender(store).run()).toEqual({ did: 'rest' })
    expect(textOf(store)).toBe(texts.join(''))
    // One opens the object, four appends; the question; and a lost body goes a second time.
    expect(store.calls()).toBe(1 + 4 + 1 + (fault === 'lost' ? 1 : 0))
  })

  test('may still land after the question, also when the next body has another size', async () => {
    for (const [first, second] of [
      [1, 100],
      [100, 1],
      [14, 21],
    ] as const) {
      const store = createMemoryStore()
      const one = sender(store)
      await one.step(first)
      let late: (() => Promise<unknown>) | undefined
      const { append } = store
      store.append = async (request, signal) => {
        late = () => append(request, signal)
        return refusal('unanswered', 'Silence')
      }
      expect((await one.step(first)).did).toBe('fail')
      store.append = async (request, signal) => {
        // It lands between our question and our next body.
        await late?.()
        late = undefined
        return append(request, signal)
      }
      expect(await one.run(second)).toEqual({ did: 'rest' })
      expect(textOf(store)).toBe(texts.join(''))
    }
  })
})

describe('a body that arrives damaged', () => {
  test('is sent again a few times, then the object is given up', async () => {
    const memory = createMemoryStore()
    const { store, asked } = refusing(memory, { append: () => refusal('damaged', 'InvalidDigest') })
    expect(await sender(store).run()).toEqual({ did: 'abandon', why: 'damaged' })
    expect(asked).toEqual({ append: spoiltMax, inspect: spoiltMax + 1 })
  })

  test('now and then gives nothing up', async () => {
    const memory = createMemoryStore()
    let n = 0
    const { store } = refusing(memory, {
      append: () => {
        n += 1
        return n % spoiltMax === 0 ? undefined : refusal('damaged', 'InvalidDigest')
      },
    })
    expect(await sender(store).run()).toEqual({ did: 'rest' })
  })

  test('in the store itself is found by the next question, and never continued', async () => {
    const store = createMemoryStore()
    const { append } = store
    store.append = async (request, signal) => {
      const body = Uint8Array.from(request.body)
      body[0] = 0
      return append({ ...request, body }, signal)
    }
    const one = sender(store)
    expect(await one.run()).toEqual({ did: 'abandon', why: 'different' })
    expect(textOf(store).length).toBe(texts[0]?.length)
    expect(one.left()).toBe(4)
  })
})

describe('a key without the right to list', () => {
  const denied = () => refusal('denied', 'AccessDenied')
  const unseen = (memory: MemoryStore) => () => (memory.objects.has(key) ? undefined : denied())

  test('begins an object that it may not ask for while it is not there', async () => {
    const memory = createMemoryStore()
    const { store, asked } = refusing(memory, { inspect: unseen(memory) })
    expect(await sender(store).run()).toEqual({ did: 'rest' })
    expect(textOf(memory)).toBe(texts.join(''))
    expect(asked).toEqual({ inspect: 1, append: 4 })
  })

  test('is told so when it may not append either, or when something is there that it may not see', async () => {
    for (const there of [undefined, 'other']) {
      const memory = createMemoryStore()
      if (there !== undefined) memory.objects.set(key, { bytes: Buffer.from(there), appendable: true, headers: {} })
      const { store } = refusing(memory, {
        inspect: denied,
        append: there === undefined ? denied : () => undefined,
      })
      const one = sender(store)
      await one.step()
      expect(await one.step()).toMatchObject({ did: 'fail', error: { kind: 'denied', code: 'AccessDenied' } })
      expect(textOf(memory)).toBe(there ?? '')
    }
  })

  test('after a kill is guessed about only from the very beginning', async () => {
    const memory = createMemoryStore()
    const { store } = refusing(memory, { inspect: unseen(memory) })
    expect(await sender(store, emptyExtent, 0, emptyExtent).run()).toEqual({ did: 'rest' })
    expect(textOf(memory)).toBe(texts.join(''))

    const other = createMemoryStore()
    const { store: blind, asked } = refusing(other, { inspect: denied })
    const begun = { length: 6, crc64: crc64(Buffer.from('first ')) }
    for (const [first, from] of [
      [1, begun],
      [4, emptyExtent],
    ] as const) {
      asked.inspect = 0
      expect(await sender(blind, emptyExtent, first, from).run()).toEqual({ did: 'abandon', why: 'unseen' })
      expect(asked).toEqual({ inspect: unseenMax, append: 0 })
    }
  })

  test('is never guessed about once something of ours had arrived, nor for another refusal', async () => {
    const arrived = { length: 3, crc64: crc64(Buffer.from('abc')) }
    const memory = createMemoryStore()
    const { store, asked } = refusing(memory, { inspect: denied })
    expect(await sender(store, arrived).step()).toMatchObject({ did: 'fail', error: { kind: 'denied' } })
    const poor = refusing(memory, { inspect: () => refusal('denied', 'InDebt') })
    expect(await sender(poor.store).step()).toMatchObject({ did: 'fail', error: { code: 'InDebt' } })
    expect(asked.append + poor.asked.append).toBe(0)
  })
})

describe('near the limit of the store', () => {
  test.each([
    [limits.objectBytesMax - 1_000, { did: 'abandon', why: 'full' }],
    [1_000, { did: 'fail', error: { kind: 'rejected' } }],
  ] as const)('at %i bytes an unknown refusal is taken for what it is', async (length, expected) => {
    const store: ObjectStore = {
      inspect: async () => ok({ kind: 'appendable', length, crc64: 5n }),
      append: async () => refusal('rejected', 'SomethingNew'),
      read: async () => refusal('absent', 'NoSuchKey'),
    }
    const one = sender(store, { length, crc64: 5n })
    await one.step()
    expect(await one.step()).toMatchObject(expected)
  })
})
