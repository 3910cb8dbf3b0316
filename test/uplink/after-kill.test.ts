import { describe, expect, test } from 'vitest'
import { createMemoryBacklog } from '../support/memory-backlog.ts'
import { createMemoryStore, type MemoryStore } from '../support/memory-store.ts'
import { clip } from './haul.ts'
import { catalogueOf, drainAll, extentOf, type Killed, key, nextLife, playlistKey, publishedLengths } from './killed.ts'

const units = await clip(8)
const lengths = units.map((unit) => unit.bytes.length)
const joined = (from: number, to: number): Buffer => Buffer.concat(units.slice(from, to).map((unit) => unit.bytes))
const bytesAt = (store: MemoryStore, name: string): Buffer => store.objects.get(name)?.bytes ?? Buffer.alloc(0)

async function live(
  killed: Omit<Killed, 'units'>,
  store = createMemoryStore(),
): Promise<ReturnType<typeof nextLife> & { store: MemoryStore; reads: number; appended: number }> {
  const before = bytesAt(store, key).length
  let reads = 0
  const { read, append } = store
  let appended = 0
  store.read = (name, ...rest) => {
    if (name === key) reads += 1
    return read(name, ...rest)
  }
  store.append = (request, signal) => {
    if (request.key.endsWith('.ts')) appended += request.body.length
    return append(request, signal)
  }
  const life = nextLife(store, { units, ...killed })
  await drainAll(store, life.backlog)
  expect(before).toBe(0)
  return { ...life, store, reads, appended }
}

/** The units that the other video recordings of the backlog hold in the store. */
const inHeirs = ({ backlog, store }: { backlog: ReturnType<typeof nextLife>['backlog']; store: MemoryStore }): Buffer =>
  Buffer.concat(
    backlog.kept
      .slice(1)
      .filter((one) => one.head.id.track !== 'catalogue')
      .map((one) => bytesAt(store, one.claim?.key ?? '')),
  )

describe('after a kill', () => {
  test('a longer object is proven, adopted and published, and nothing of it is sent again', async () => {
    const life = await live({ stored: 6, known: 2 })
    expect(life.appended).toBe(0)
    expect(life.backlog.settled).toEqual([{ id: life.id, arrived: extentOf(units.slice(0, 6)), unitsRead: 4 }])
    expect(life.backlog.cuts).toEqual([])
    expect(publishedLengths(life.store)).toEqual(lengths.slice(0, 6))
    const lines = catalogueOf(life.backlog)
    expect(lines.map((line) => line.kind)).toEqual(['recording-end'])
    expect(lines[0]).toMatchObject({ key, why: 'complete', bytes: joined(0, 6).length })
  })

  test('a recording of which nothing was known gets its first line too', async () => {
    const life = await live({ stored: 3, known: 0 })
    expect(catalogueOf(life.backlog).map((line) => line.kind)).toEqual(['recording', 'recording-end'])
    expect(publishedLengths(life.store)).toEqual(lengths.slice(0, 3))
  })

  test.each([
    ['what was pending is there already', { stored: 5, known: 1, pending: [3, 5] }, 1],
    ['a part of it is', { stored: 4, known: 1, pending: [3, 5] }, 1],
    ['it goes on where the object ends', { stored: 3, known: 1, pending: [3, 5] }, 1],
    ['units that died had arrived behind it', { stored: 7, known: 1, pending: [3, 5] }, 2],
  ] as const)('%s', async (_name, killed, readsMin) => {
    const life = await live(killed)
    const end = Math.max(killed.stored, 5)
    expect(Buffer.compare(bytesAt(life.store, key), joined(0, end))).toBe(0)
    expect(life.appended).toBe(joined(killed.stored, end).length)
    expect(life.backlog.cuts).toEqual([])
    expect(publishedLengths(life.store)).toEqual(lengths.slice(0, end))
    expect(life.reads).toBeGreaterThanOrEqual(readsMin - 1)
  })

  test('units lost before what is pending end the object, and the survivors go on in a new one', async () => {
    const life = await live({ stored: 2, known: 1, pending: [4, 6] })
    expect(life.backlog.settled).toMatchObject([{ arrived: extentOf(units.slice(0, 2)), unitsRead: 1 }])
    expect(Buffer.compare(bytesAt(life.store, key), joined(0, 2))).toBe(0)
    expect(Buffer.compare(inHeirs(life), joined(4, 6))).toBe(0)
    expect(publishedLengths(life.store)).toEqual(lengths.slice(0, 2))
  })

  test.each([
    ['noise behind ours', { stored: 3, known: 2, foreign: Buffer.alloc(5_000, 0x46) }],
    [
      'noise as long as what is pending',
      { stored: 3, known: 1, pending: [3, 4], foreign: Buffer.alloc(lengths[3] ?? 0) },
    ],
    ['noise inside what is pending', { stored: 3, known: 1, pending: [3, 5], foreign: Buffer.alloc(100) }],
    ['half a unit', { stored: 2, known: 1, foreign: joined(2, 3).subarray(0, 188 * 3 + 7) }],
  ] as const)(
    '%s is foreign: the object is left, an alarm is raised, what is pending goes on',
    async (_name, killed) => {
      const life = await live(killed)
      expect(bytesAt(life.store, key).length).toBe(joined(0, killed.stored).length + killed.foreign.length)
      expect(life.backlog.settled).toEqual([])
      expect(catalogueOf(life.backlog)).toContainEqual(expect.objectContaining({ kind: 'alarm', about: key }))
      const pending = 'pending' in killed ? joined(killed.pending[0], killed.pending[1]) : Buffer.alloc(0)
      expect(Buffer.compare(inHeirs(life), pending)).toBe(0)
    },
  )

  test('an append of the dead life that lands after the doubt was settled is adopted, not foreign', async () => {
    // The dead life had sent units 3 to 6 as one body; of these 5 and 6 were never spilled.
    const store = createMemoryStore()
    const { append } = store
    let isLanded = false
    store.append = (request, signal) => {
      if (!isLanded && request.key === key) {
        isLanded = true
        store.objects.set(key, { bytes: joined(0, 7), appendable: true, headers: {} })
      }
      return append(request, signal)
    }
    const life = await live({ stored: 3, known: 3, pending: [3, 5] }, store)
    expect(life.backlog.settled.map((one) => one.arrived)).toEqual([
      extentOf(units.slice(0, 3)),
      extentOf(units.slice(0, 7)),
    ])
    expect(life.backlog.cuts).toEqual([])
    expect(publishedLengths(life.store)).toEqual(lengths.slice(0, 7))
    expect(catalogueOf(life.backlog).map((line) => line.kind)).toEqual(['recording-end'])
  })

  test('before a recording that was in doubt ends, the store is asked once more', async () => {
    const store = createMemoryStore()
    let heads = 0
    store.fate = (_call, name, what) => {
      if (what === 'inspect' && name === key) heads += 1
      // After the first answer, and long before the end is written.
      if (heads === 2) store.objects.set(key, { bytes: joined(0, 4), appendable: true, headers: {} })
      return undefined
    }
    const life = await live({ stored: 2, known: 2 }, store)
    expect(life.backlog.settled).toMatchObject([
      { unitsRead: 0 },
      { arrived: extentOf(units.slice(0, 4)), unitsRead: 2 },
    ])
    expect(publishedLengths(life.store)).toEqual(lengths.slice(0, 4))
    expect(catalogueOf(life.backlog)).toMatchObject([{ kind: 'recording-end', bytes: joined(0, 4).length }])
  })

  test('a backlog that takes no second settlement ends the object where the first one left it', async () => {
    const store = createMemoryStore()
    let heads = 0
    store.fate = (_call, name, what) => {
      if (what === 'inspect' && name === key) heads += 1
      if (heads === 2) store.objects.set(key, { bytes: joined(0, 4), appendable: true, headers: {} })
      return undefined
    }
    const life = nextLife(store, { units, stored: 2, known: 2 })
    const { settle } = life.backlog
    life.backlog.settle = async (...args) => {
      if (life.kept.doubt !== undefined) await settle.apply(life.backlog, args)
    }
    await drainAll(store, life.backlog)
    expect(catalogueOf(life.backlog)).toContainEqual(expect.objectContaining({ kind: 'alarm', about: key }))
    expect(store.objects.get(key)?.bytes.length).toBe(joined(0, 4).length)
  })

  test('a tail too long to be read back closes the object as the store gives it, with an alarm', async () => {
    const foreign = Buffer.alloc(65 * 2 ** 20, 0x47)
    const store = createMemoryStore()
    const life = nextLife(store, { units, stored: 3, known: 1, pending: [2, 3], foreign })
    await drainAll(store, life.backlog)
    const whole = bytesAt(store, key)
    const lines = catalogueOf(life.backlog).filter((line) => 'key' in line && line.key === key)
    expect(lines).toMatchObject([{ kind: 'recording-end', why: 'unproven', bytes: whole.length }])
    expect(catalogueOf(life.backlog)).toContainEqual(expect.objectContaining({ kind: 'alarm', about: key }))
    expect(Buffer.compare(inHeirs({ ...life, store }), joined(2, 3))).toBe(0)
    expect(whole.length).toBe(joined(0, 3).length + foreign.length)
  })

  test('reading a tail goes on where a lost reply left it', async () => {
    const store = createMemoryStore()
    let reads = 0
    store.fate = (_call, name, what) => {
      if (name !== key || what !== 'read') return undefined
      reads += 1
      return reads % 2 === 1 ? 'lost' : undefined
    }
    const life = await live({ stored: 6, known: 1 }, store)
    expect(life.backlog.settled).toMatchObject([{ arrived: extentOf(units.slice(0, 6)), unitsRead: 5 }])
  })

  test('an object that became shorter while it was read is asked for, not waited for', async () => {
    const store = createMemoryStore()
    store.fate = (_call, name, what) => {
      if (name === key && what === 'read')
        store.objects.set(key, { bytes: joined(0, 2), appendable: true, headers: {} })
      return undefined
    }
    const life = await live({ stored: 6, known: 1 }, store)
    expect(life.backlog.settled).toMatchObject([{ arrived: extentOf(units.slice(0, 2)), unitsRead: 1 }])
  })

  test('bytes that arrive after the end mark of a playlist stay outside of it', async () => {
    const first = await live({ stored: 2, known: 2 })
    const published = bytesAt(first.store, playlistKey)
    const life = nextLife(first.store, { units, stored: 4, known: 2 })
    await drainAll(first.store, life.backlog)
    expect(life.backlog.settled).toMatchObject([{ arrived: extentOf(units.slice(0, 4)), unitsRead: 2 }])
    expect(bytesAt(first.store, playlistKey).equals(published)).toBe(true)
  })

  test('a recording whose end was written twice has twice the same line', async () => {
    const store = createMemoryStore()
    const first = nextLife(store, { units, stored: 0, known: 0, pending: [0, 8] })
    first.kept.doubt = undefined
    await drainAll(store, first.backlog)
    // The next life finds the claim, and everything published already.
    const second = nextLife(store, { units, stored: 8, known: 8 })
    await drainAll(store, second.backlog)
    const ends = [first, second].map(({ backlog }) =>
      catalogueOf(backlog).filter((line) => line.kind === 'recording-end'),
    )
    expect(ends[1]).toEqual(ends[0])
    expect(ends[0]).toMatchObject([{ end: expect.stringMatching(/Z$/) }])
  })

  test('lines that only the store still has are adopted', async () => {
    const lines = ['{"v":1,"a":1}\n', '{"v":1,"b":2}\n', '{"v":1,"c":3}\n'].map((text) => Buffer.from(text))
    const store = createMemoryStore()
    const backlog = createMemoryBacklog({ id: 'b', counter: 2 })
    const id = backlog.begin('events', 0)
    backlog.close('events')
    const [kept] = backlog.kept
    if (kept === undefined) throw new Error('nothing is kept')
    kept.claim = { key: 'site/events/shed/x.jsonl', token: 't' }
    kept.arrived = extentOf([{ bytes: lines[0] ?? Buffer.alloc(0) }])
    kept.doubt = { pendingFrom: kept.arrived, beyond: true }
    const bytes = Buffer.concat(lines)
    store.objects.set(kept.claim.key, { bytes, appendable: true, headers: {} })
    await drainAll(store, backlog)
    expect(backlog.settled).toMatchObject([{ id, arrived: extentOf([{ bytes }]), unitsRead: 2 }])
  })
})
