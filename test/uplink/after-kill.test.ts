import { describe, expect, test } from 'vitest'
import { createMemoryStore, type MemoryStore } from '../support/memory-store.ts'
import { clip } from './haul.ts'
import { catalogueOf, drainAll, extentOf, type Killed, key, nextLife, publishedLengths } from './killed.ts'

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
})
