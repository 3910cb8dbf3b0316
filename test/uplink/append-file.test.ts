import { describe, expect, test } from 'vitest'
import { systemClock } from '../../src/adapters/system-clock.ts'
import { crc64 } from '../../src/base/crc64.ts'
import { seededRandom } from '../../src/base/random.ts'
import type { Extent } from '../../src/format/recording.ts'
import { type AppendWorld, appendBytes, keyProblem } from '../../src/uplink/append-bytes.ts'
import { appendFile, type BaseNote, type FileBytes } from '../../src/uplink/append-file.ts'
import { createLinkRate } from '../../src/uplink/link-rate.ts'
import { createMemoryStore, type MemoryStore } from '../support/memory-store.ts'
import { fastClock } from './haul.ts'

const creation = { contentType: 'text/plain', headers: {} }
const key = 'logs/door.log'
const content = Uint8Array.from({ length: 1_500_000 }, (_, i) => (i * 31) ^ (i >> 7))

function worldOf(store: MemoryStore, seed = 1): AppendWorld & { readonly troubles: string[] } {
  const troubles: string[] = []
  return {
    store,
    clock: fastClock,
    random: seededRandom(seed),
    rate: createLinkRate(systemClock, undefined),
    progress: () => {},
    trouble: (message) => void troubles.push(message),
    troubles,
  }
}

const fileOf = (bytes: Uint8Array): FileBytes => ({
  length: bytes.length,
  read: async (start, length) => bytes.subarray(start, start + length),
})

function noteOf(): BaseNote & { kept: Extent | undefined } {
  const note = {
    kept: undefined as Extent | undefined,
    read: async () => note.kept,
    write: async (base: Extent) => {
      note.kept = base
    },
    remove: async () => {
      note.kept = undefined
    },
  }
  return note
}

const bytesIn = (store: MemoryStore): Buffer => store.objects.get(key)?.bytes ?? Buffer.alloc(0)
const put = (store: MemoryStore, bytes: Uint8Array): void =>
  void store.objects.set(key, { bytes: Buffer.from(bytes), appendable: true, headers: {} })

/** Runs again and again, each run killed at its n-th call (its request done or not), until one comes through. */
async function runKilled(store: MemoryStore, seed: number, after: BaseNote | undefined): Promise<number> {
  const random = seededRandom(seed)
  for (let runs = 1; runs < 200; runs += 1) {
    const kill = new AbortController()
    const first = store.calls()
    const killAt = first + Math.floor(random.fraction() * 5)
    const lands = random.fraction() < 0.5
    store.fate = (call) => {
      if (call === killAt) kill.abort()
      if (call >= killAt && runs < 30) return lands ? 'reply lost' : 'lost'
      return random.fraction() < 0.1 ? 'reply lost' : undefined
    }
    const done = await appendFile(worldOf(store, seed), { key, creation, file: fileOf(content), after }, kill.signal)
    if (done.ok) return runs
    expect(done.error.kind).toBe('stopped')
  }
  throw new Error('never came through')
}

describe('append by hand', () => {
  test('a file arrives whole, and a second run finds nothing to do', async () => {
    const store = createMemoryStore()
    const order = { key, creation, file: fileOf(content), after: undefined }
    const never = new AbortController().signal
    const done = await appendFile(worldOf(store), order, never)
    const extent = { length: content.length, crc64: crc64(content) }
    expect(done).toEqual({ ok: true, value: { extent, before: 0, sent: content.length } })
    expect(bytesIn(store).equals(content)).toBe(true)
    const again = await appendFile(worldOf(store), order, never)
    expect(again).toEqual({ ok: true, value: { extent, before: content.length, sent: 0 } })
  })

  test('a log that grew continues where it was', async () => {
    const store = createMemoryStore()
    const never = new AbortController().signal
    await appendFile(
      worldOf(store),
      { key, creation, file: fileOf(content.subarray(0, 700_001)), after: undefined },
      never,
    )
    const done = await appendFile(worldOf(store), { key, creation, file: fileOf(content), after: undefined }, never)
    expect(done).toMatchObject({ ok: true, value: { before: 700_001, sent: content.length - 700_001 } })
    expect(bytesIn(store).equals(content)).toBe(true)
  })

  test('killed at any call, it ends with each byte once', async () => {
    for (let seed = 1; seed <= 25; seed += 1) {
      const store = createMemoryStore()
      await runKilled(store, seed, undefined)
      expect(bytesIn(store).equals(content)).toBe(true)
    }
  })

  test('with --after too, behind what was there', async () => {
    for (let seed = 1; seed <= 25; seed += 1) {
      const store = createMemoryStore()
      put(store, Buffer.from('before'))
      const note = noteOf()
      await runKilled(store, seed, note)
      expect(bytesIn(store).equals(Buffer.concat([Buffer.from('before'), content]))).toBe(true)
      expect(note.kept).toBeUndefined()
    }
  })

  test.each([
    ['another beginning', Buffer.from('something else'), 'does not begin as this file does'],
    ['a longer object', Buffer.concat([content, Buffer.from('x')]), 'is longer'],
  ])('%s is refused and left alone', async (_name, there, words) => {
    const store = createMemoryStore()
    put(store, there)
    const never = new AbortController().signal
    const done = await appendFile(worldOf(store), { key, creation, file: fileOf(content), after: undefined }, never)
    expect(done).toMatchObject({ ok: false, error: { kind: 'unfit', message: expect.stringContaining(words) } })
    expect(bytesIn(store).equals(there)).toBe(true)
  })

  test('somebody else who appends meanwhile ends it', async () => {
    const store = createMemoryStore()
    let appends = 0
    store.fate = (_call, _key, what) => {
      if (what === 'append') appends += 1
      if (what === 'append' && appends === 2) put(store, Buffer.concat([bytesIn(store), Buffer.from('theirs')]))
      return undefined
    }
    const never = new AbortController().signal
    const done = await appendFile(worldOf(store), { key, creation, file: fileOf(content), after: undefined }, never)
    expect(done.ok).toBe(false)
  })

  test('a stream goes behind what is there, whatever is lost on the way', async () => {
    for (let seed = 1; seed <= 25; seed += 1) {
      const random = seededRandom(seed)
      const store = createMemoryStore()
      put(store, Buffer.from('head '))
      store.fate = () =>
        (['lost', 'reply lost', 'wrong reply', undefined, undefined, undefined] as const)[
          Math.floor(random.fraction() * 6)
        ]
      // Wrong replies to two questions in a row would be a foreign object.
      const fate = store.fate
      store.fate = (call, at, what) => {
        const fault = fate(call, at, what)
        return fault === 'wrong reply' && what === 'inspect' ? undefined : fault
      }
      let left = 12
      const source = { next: async () => (left-- > 0 ? Buffer.from(`line ${left}\n`) : undefined) }
      const from = { length: 5, crc64: crc64(Buffer.from('head ')) }
      const done = await appendBytes(
        worldOf(store, seed),
        { key, creation, from, source },
        new AbortController().signal,
      )
      expect(done.ok).toBe(true)
      const lines = Array.from({ length: 12 }, (_, i) => `line ${11 - i}\n`)
      expect(bytesIn(store).toString()).toBe(`head ${lines.join('')}`)
    }
  })

  test('gives up with a sentence where a person must act, and after ten minutes of silence', async () => {
    for (const fault of ['denied', 'lost'] as const) {
      const store = createMemoryStore()
      store.fate = () => fault
      const order = { key, creation, file: fileOf(content), after: undefined }
      const done = await appendFile(worldOf(store), order, new AbortController().signal)
      expect(done).toMatchObject({ ok: false, error: { kind: 'store' } })
    }
  })

  test('says what is wrong with a key', () => {
    expect(keyProblem('logs/ü.txt')).toBeUndefined()
    expect(keyProblem('')).toContain('empty')
    expect(keyProblem('/logs')).toContain('begins with /')
    expect(keyProblem('\\logs')).toContain('begins with \\')
    expect(keyProblem('x'.repeat(1023))).toBeUndefined()
    expect(keyProblem('ü'.repeat(512))).toContain('1024 bytes')
    expect(keyProblem('a\ud800')).toContain('no text')
  })
})
