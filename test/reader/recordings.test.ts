import { describe, expect, test } from 'vitest'
import { isoOf } from '../../src/format/names.ts'
import { createCatalogueReader, foldCatalogue } from '../../src/reader/catalogue.ts'
import { newestRecording } from '../../src/reader/newest.ts'
import { listCameras, readCamera, type TimeRange } from '../../src/reader/recordings.ts'
import { camera, makeRecording, note, noteGap, place } from '../support/make-recording.ts'
import { type MemoryArchive, memoryArchive } from '../support/memory-archive.ts'

const startMs = Date.UTC(2026, 10, 23, 15)
const hourMs = 3_600_000
const unit = (monoMs: number) => ({ pts: monoMs * 90, bytes: Buffer.alloc(188) })

/** An hour each, back to back; the last one grows. */
function manyHours(archive: MemoryArchive, hours: number): void {
  for (let hour = 0; hour < hours; hour += 1) {
    const startMonoMs = 1_000_000 + hour * hourMs
    const runs = [[unit(startMonoMs), unit(startMonoMs + 1_000)]]
    const complete = hour < hours - 1
    makeRecording(archive, { startWallMs: startMs + hour * hourMs, startMonoMs, runs, number: hour, complete })
  }
}

async function read(archive: MemoryArchive, range: TimeRange) {
  const world = { archive, catalogues: createCatalogueReader(archive), nowMs: startMs + 60 * hourMs }
  const history = await readCamera(world, { place, camera }, range)
  if (!history.ok) throw new Error(history.error.message)
  return history.value
}

describe('recordings of a camera', () => {
  test('have their times, sizes and states, oldest first', async () => {
    const archive = memoryArchive()
    manyHours(archive, 3)
    const { recordings } = await read(archive, {})
    expect(recordings.map(({ startMs: at, endMs, bytes, state }) => [at, endMs, bytes, state])).toEqual([
      [startMs, startMs + 2_000, 376, 'complete'],
      [startMs + hourMs, startMs + hourMs + 2_000, 376, 'complete'],
      [startMs + 2 * hourMs, startMs + 2 * hourMs + 2_000, 376, 'growing'],
    ])
  })

  test('of a range of time are those that reach into it, found by listing its days', async () => {
    const archive = memoryArchive()
    manyHours(archive, 50)
    const listed: string[] = []
    archive.onRequest = (what) => listed.push(what)
    const range = { sinceMs: startMs + 30 * hourMs + 1_000, untilMs: startMs + 32 * hourMs }
    const { recordings } = await read(archive, range)
    expect(recordings.map(({ startMs: at }) => ((at ?? 0) - startMs) / hourMs)).toEqual([30, 31, 32])
    expect(listed).not.toContain('list site/video/shed/door/')
    expect(listed).toContain('list site/video/shed/door/unsynced/')
  })

  test('without a date come first, and are dated once their boot learnt the time', async () => {
    const archive = memoryArchive()
    const key = 'site/video/shed/door/unsynced/2026/11/24/b3-512-00ff.ts'
    archive.append(key, Buffer.alloc(188))
    note(archive, {
      ...{ v: 1, kind: 'recording', bootCounter: 3, key, track: 'video/door', camera, number: 0, token: '00ff' },
      ...{ start: null, startErrorMs: null, startMonoMs: 512_000 },
    })
    manyHours(archive, 1)
    const before = await read(archive, {})
    expect(before.recordings.map(({ startMs: at }) => at)).toEqual([undefined, startMs])
    note(archive, {
      ...{ v: 1, kind: 'clock', bootCounter: 3, bootId: 'x', offsetMs: startMs - hourMs, errorMs: 10, time: null },
    })
    const after = await read(archive, {})
    expect(after.recordings[0]?.startMs).toBe(startMs - hourMs + 512_000)
  })

  test('that were given up are not called complete', async () => {
    const archive = memoryArchive()
    manyHours(archive, 1)
    const [key = ''] = [...archive.objects.keys()].filter((name) => name.endsWith('.ts'))
    note(archive, { v: 1, kind: 'recording-end', bootCounter: 7, key, bytes: 1, crc64: '0', end: null, why: 'foreign' })
    expect((await read(archive, {})).recordings[0]?.state).toBe('given-up')
  })

  test('are found without any catalogue', async () => {
    const archive = memoryArchive()
    manyHours(archive, 2)
    for (const key of archive.objects.keys()) if (key.includes('catalogue')) archive.objects.delete(key)
    const { recordings } = await read(archive, {})
    expect(recordings.map(({ state, endMs }) => [state, endMs])).toEqual([
      ['complete', startMs + 2_000],
      ['growing', startMs + hourMs + 2_000],
    ])
  })

  test('the newest is found in the last day, or by looking through all', async () => {
    const archive = memoryArchive()
    manyHours(archive, 3)
    const newest = await newestRecording(archive, { place, camera }, startMs + 2.5 * hourMs)
    expect(newest).toMatchObject({ ok: true, value: { startMs: startMs + 2 * hourMs } })
    const muchLater = await newestRecording(archive, { place, camera }, startMs + 1_000 * hourMs)
    expect(muchLater).toEqual(newest)
    const never = await newestRecording(archive, { place, camera: 'nobody' }, startMs)
    expect(never).toEqual({ ok: true, value: undefined })
  })
})

test('cameras are the folders below each device', async () => {
  const archive = memoryArchive()
  manyHours(archive, 1)
  archive.append('site/video/gate/left/2026/11/23/15/x.ts', 'x')
  archive.append('other/video/gate/right/2026/11/23/15/x.ts', 'x')
  expect(await listCameras(archive, 'site')).toEqual({
    ok: true,
    value: [
      { device: 'gate', camera: 'left' },
      { device: 'shed', camera },
    ],
  })
})

describe('the catalogue', () => {
  test('is fetched once, and then only what is new of it', async () => {
    const archive = memoryArchive()
    manyHours(archive, 5)
    const reader = createCatalogueReader(archive)
    await reader.read(place, undefined)
    const { bytes } = archive.counts
    const line = archive.objects.get('site/catalogue/shed/2026/11/23-00aa.jsonl')?.length ?? 0
    expect(bytes).toBe(line)
    await reader.read(place, undefined)
    expect(archive.counts.bytes).toBe(bytes)
    noteGap(archive, startMs, startMs + 5_000)
    const again = await reader.read(place, undefined)
    const grown = archive.objects.get('site/catalogue/shed/2026/11/23-00aa.jsonl')?.length ?? 0
    expect(archive.counts.bytes).toBe(grown)
    expect(again.ok && again.value.gaps).toHaveLength(1)
  })

  test('passes over lines it does not understand, and counts them', () => {
    const folded = foldCatalogue(
      '{"v":2,"kind":"gap"}\nnoise\n\n{"v":1,"kind":"alarm","bootCounter":1,"about":"x","note":"y","time":null,"monoMs":0}\n',
    )
    expect(folded).toMatchObject({ unreadable: 2, alarms: [{ about: 'x' }] })
  })

  test('dates a gap by what its boot learnt later', () => {
    const gap = { v: 1, kind: 'gap', bootCounter: 2, camera, cause: 'power', from: null, to: null }
    const rest = { fromMonoMs: 1_000, toMonoMs: 2_000, units: 0, bytes: 0, note: '' }
    const clock = {
      v: 1,
      kind: 'clock',
      bootCounter: 2,
      bootId: 'x',
      offsetMs: startMs,
      errorMs: 1,
      time: isoOf(startMs),
    }
    const text = [{ ...gap, ...rest }, clock].map((line) => `${JSON.stringify(line)}\n`).join('')
    expect(foldCatalogue(text).gaps[0]).toMatchObject({ fromMs: startMs + 1_000, toMs: startMs + 2_000 })
  })

  test('dates the end of a gap by the boot that ended it', () => {
    const gap = { v: 1, kind: 'gap', bootCounter: 2, camera, cause: 'power', from: null, to: null }
    const rest = {
      fromMonoMs: 1_000,
      toMonoMs: 1_000,
      endBootCounter: 3,
      endMonoMs: 7_000,
      units: 0,
      bytes: 0,
      note: '',
    }
    const clockOf = (bootCounter: number, offsetMs: number) => {
      return { v: 1, kind: 'clock', bootCounter, bootId: 'x', offsetMs, errorMs: 1, time: null }
    }
    const fold = (...lines: object[]) =>
      foldCatalogue(lines.map((line) => `${JSON.stringify(line)}\n`).join('')).gaps[0]
    const known = fold({ ...gap, ...rest }, clockOf(2, startMs), clockOf(3, startMs + 60_000))
    expect(known).toMatchObject({ fromMs: startMs + 1_000, toMs: startMs + 67_000, endBootCounter: 3 })
    expect(fold({ ...gap, ...rest }, clockOf(2, startMs))?.toMs).toBeUndefined()
  })
})
