/** What a card does to files, on real files and a real LevelDB: each opens, keeps what is intact, and says what was done. */
import { cp, mkdtemp, readdir, readFile, rm, truncate, unlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { levelStore } from '../../src/adapters/level-store.ts'
import { segmentFiles } from '../../src/adapters/segment-files.ts'
import { systemClock } from '../../src/adapters/system-clock.ts'
import { silentLogger } from '../../src/base/log.ts'
import type { Buffer as FootageBuffer } from '../../src/buffer/buffer.ts'
import { openBuffer } from '../../src/buffer/open-buffer.ts'
import { gate, unitAt, video } from './footage.ts'
import { gapsOf, linesOf, pendingOf, videoHeld } from './stage.ts'

let directory = ''
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'watchpost-damage-'))
})
afterEach(() => rm(directory, { recursive: true, force: true }))

const unitBytes = 2_000
const units = 30
const claim = { key: 'v/gate.ts', playlistKey: 'v/gate.m3u8', token: 'abc' }

async function open(bootId: string): Promise<FootageBuffer> {
  const opened = await openBuffer({
    kv: levelStore(join(directory, 'index')),
    disk: segmentFiles(join(directory, 'segments')),
    clock: systemClock,
    wallTime: { at: () => undefined },
    log: silentLogger,
    bootId,
    quotaBytes: 1e9,
    minFreeBytes: 0,
    memory: { spillAfterMs: 0, memoryBytes: 8e6, memoryBytesPerCamera: 8e6 },
    sizes: { segmentBytes: 20_000, commitBytes: 5_000, commitAgeMs: 1 },
    fatal: (error) => {
      throw error
    },
  })
  if (!opened.ok) throw new Error(opened.error.message)
  return opened.value
}

/** Thirty units in several segments, with a name and an event. */
async function live(): Promise<void> {
  const buffer = await open('one')
  buffer.begin(gate, { startMonoMs: 1_000, video })
  const [id] = videoHeld(buffer)
  if (id === undefined) throw new Error('held')
  await buffer.claim(id, claim)
  for (let i = 0; i < units; i += 1) buffer.put(gate, unitAt(1_000 + i * 1_000, unitBytes))
  await buffer.write('events', '{"n":1}')
  await buffer.close()
}

const index = async (pattern: RegExp): Promise<string[]> =>
  (await readdir(join(directory, 'index')))
    .filter((name) => pattern.test(name))
    .map((name) => join(directory, 'index', name))
const segments = async (): Promise<string[]> =>
  (await readdir(join(directory, 'segments'))).sort().map((name) => join(directory, 'segments', name))
const each = async (names: Promise<string[]>, damage: (name: string) => Promise<void>): Promise<void> => {
  const found = await names
  if (found.length === 0) throw new Error('nothing to damage')
  for (const name of found) await damage(name)
}
async function flip(name: string, position: number): Promise<void> {
  const bytes = await readFile(name)
  bytes[position] = (bytes[position] ?? 0) ^ 0xff
  await writeFile(name, bytes)
}

async function settleAll(buffer: FootageBuffer): Promise<void> {
  for (const id of videoHeld(buffer)) {
    if (buffer.recording(id)?.doubt === undefined) continue
    await buffer.settle(id, { arrived: { length: 0, crc64: 0n }, unitsRead: 0, endPts: undefined })
  }
}

const seqs = (buffer: FootageBuffer): number[] =>
  videoHeld(buffer).flatMap((id) => pendingOf(buffer, id).map(({ seq }) => seq))
const everything = Array.from({ length: units }, (_, seq) => seq)

async function provesAll(buffer: FootageBuffer): Promise<void> {
  for (const id of videoHeld(buffer)) {
    for (const { seq } of pendingOf(buffer, id)) {
      const read = await buffer.read(id, seq, 1)
      expect(read.ok && Buffer.compare(read.value, unitAt(1_000 + seq * 1_000, unitBytes).bytes), `unit ${seq}`).toBe(0)
    }
  }
}

/** What happens to the index, and whether its events survive that. */
const indexDamage: readonly [string, () => Promise<void>][] = [
  ['no MANIFEST', () => each(index(/^MANIFEST/), unlink)],
  ['an empty MANIFEST', () => each(index(/^MANIFEST/), (name) => truncate(name, 0))],
  ['a CURRENT of zeros', () => each(index(/^CURRENT$/), (name) => writeFile(name, Buffer.alloc(16)))],
  ['an empty log', () => each(index(/\.log$/), (name) => truncate(name, 0))],
  ['a log of zeros', () => each(index(/\.log$/), (name) => writeFile(name, Buffer.alloc(4_096)))],
  ['half a MANIFEST', () => each(index(/^MANIFEST/), (name) => truncate(name, 20))],
  [
    'files of zeros only',
    () => each(index(/^(MANIFEST|CURRENT|.*\.log|.*\.ldb)/), (name) => writeFile(name, Buffer.alloc(64))),
  ],
  ['files that are missing, its lock apart', () => each(index(/^(?!LOCK)/), unlink)],
  ['no folder', () => rm(join(directory, 'index'), { recursive: true })],
]

describe('an index with', () => {
  test.each(indexDamage)('%s', async (_what, damage) => {
    await live()
    await damage()
    const buffer = await open('two')
    expect(seqs(buffer)).toEqual(everything)
    const [id] = videoHeld(buffer)
    expect(id && buffer.recording(id)?.claim).toEqual(claim)
    await provesAll(buffer)
    expect(buffer.status().repairs.length).toBeGreaterThan(0)
    expect(await gapsOf(buffer)).toEqual([])
    buffer.begin(gate, { startMonoMs: 100_000, video })
    buffer.put(gate, unitAt(100_000, unitBytes))
    await buffer.close()
    // Once is enough.
    const again = await open('two')
    expect(again.status().repairs).toEqual([])
    expect(seqs(again).length).toBe(units + 1)
    await again.close()
  })

  test('no CURRENT: LevelDB begins anew by itself, and reads its old log', async () => {
    await live()
    await each(index(/^CURRENT$/), unlink)
    const buffer = await open('two')
    expect(seqs(buffer)).toEqual(everything)
    await provesAll(buffer)
    await buffer.close()
  })

  test('a table of no bytes', async () => {
    await live()
    // Opened again, LevelDB moves its log into a table.
    await (await open('one')).close()
    await each(index(/\.ldb$/), (name) => truncate(name, 0))
    const buffer = await open('two')
    expect(seqs(buffer)).toEqual(everything)
    await provesAll(buffer)
    expect(buffer.status().repairs.length).toBeGreaterThan(0)
    await buffer.close()
  })

  test('nothing wrong is left alone, and its events are there', async () => {
    await live()
    const buffer = await open('two')
    expect(buffer.status().repairs).toEqual([])
    expect(await linesOf(buffer, 'events')).toEqual(['{"n":1}'])
    expect(seqs(buffer)).toEqual(everything)
    await buffer.close()
  })
})

describe('a segment with', () => {
  const whole = async (): Promise<number> => (await segments()).length
  test.each([
    ['a flipped bit in its first head', 30],
    ['a flipped bit in its middle', 9_000],
  ])('%s costs no more than it touches, with the index and without', async (_what, position) => {
    for (const withIndex of [true, false]) {
      await live()
      expect(await whole()).toBeGreaterThan(2)
      const [, second] = await segments()
      await flip(second ?? '', position)
      if (!withIndex) await rm(join(directory, 'index'), { recursive: true })
      const buffer = await open('two')
      // Without the index only the store knows what it holds: nothing.
      await settleAll(buffer)
      // With the index the segment is not read at the start; the uplink finds out, and gives up that unit alone.
      for (const id of videoHeld(buffer)) {
        for (const { seq } of pendingOf(buffer, id)) await buffer.read(id, seq, 1)
      }
      const left = seqs(buffer)
      expect(left.length).toBeGreaterThanOrEqual(units - 1)
      await provesAll(buffer)
      const gaps = await gapsOf(buffer)
      expect(gaps.reduce((sum, gap) => sum + gap.units, 0)).toBe(units - left.length)
      await buffer.close()
      await rm(directory, { recursive: true })
    }
  })

  test('no end is known by its row: what is missing is named', async () => {
    await live()
    const [, second] = await segments()
    await truncate(second ?? '', 9_000)
    const buffer = await open('two')
    const gaps = await gapsOf(buffer)
    const left = seqs(buffer)
    expect(left.length).toBeLessThan(units)
    expect(gaps.reduce((sum, gap) => sum + gap.units, 0)).toBe(units - left.length)
    expect(new Set(gaps.map(({ cause }) => cause))).toEqual(new Set(['corrupt']))
    await provesAll(buffer)
    await buffer.close()
  })

  test('no file is named, and the rows of it go', async () => {
    await live()
    const all = await segments()
    await unlink(all[1] ?? '')
    await unlink(all[2] ?? '')
    const buffer = await open('two')
    const left = seqs(buffer)
    const gaps = await gapsOf(buffer)
    expect(gaps.reduce((sum, gap) => sum + gap.units, 0)).toBe(units - left.length)
    await buffer.close()
    const again = await open('two')
    expect((await gapsOf(again)).length).toBe(gaps.length)
    await again.close()
  })
})

test('rows that are older than the segments, and rows that are newer', async () => {
  for (const kept of ['rows', 'segments'] as const) {
    const buffer = await open('one')
    buffer.begin(gate, { startMonoMs: 1_000, video })
    for (let i = 0; i < 10; i += 1) buffer.put(gate, unitAt(1_000 + i * 1_000, unitBytes))
    await buffer.close()
    const copy = join(directory, 'copy')
    await cp(join(directory, kept === 'rows' ? 'segments' : 'index'), copy, { recursive: true })
    const later = await open('one')
    for (let i = 10; i < 20; i += 1) later.put(gate, unitAt(1_000 + i * 1_000, unitBytes))
    await later.close()
    // One of the two is as it was before.
    const back = join(directory, kept === 'rows' ? 'segments' : 'index')
    await rm(back, { recursive: true })
    await cp(copy, back, { recursive: true })
    const mixed = await open('two')
    const left = seqs(mixed)
    const gaps = await gapsOf(mixed)
    if (kept === 'segments') expect(left).toEqual(Array.from({ length: 20 }, (_, seq) => seq))
    else expect(left.length + gaps.reduce((sum, gap) => sum + gap.units, 0)).toBe(20)
    await provesAll(mixed)
    await mixed.close()
    await rm(directory, { recursive: true })
  }
})
