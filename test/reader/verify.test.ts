import { beforeAll, describe, expect, test } from 'vitest'
import { ffmpegDecoder } from '../../src/adapters/ffmpeg-decoder.ts'
import { crc64 } from '../../src/base/crc64.ts'
import { createCatalogueReader } from '../../src/reader/catalogue.ts'
import type { Decoder } from '../../src/reader/decoder.ts'
import { findingTable } from '../../src/reader/findings.ts'
import { type VerifyReport, type VerifyTarget, verify } from '../../src/reader/verify.ts'
import { objectText, reportJson, summaryText } from '../../src/reader/verify-text.ts'
import { type ClipUnit, makeClip } from '../support/clip.ts'
import { camera, type MadeRecording, makeRecording, note, noteGap, place } from '../support/make-recording.ts'
import { type MemoryArchive, memoryArchive } from '../support/memory-archive.ts'

const startWallMs = Date.UTC(2026, 10, 23, 15, 0, 0, 120)
const startMonoMs = 1_000_000
const catalogueKey = 'site/catalogue/shed/2026/11/23-00aa.jsonl'
const all: VerifyTarget = { kind: 'camera', place, camera }

let first: ClipUnit[]
let second: ClipUnit[]
let later: ClipUnit[]

beforeAll(async () => {
  first = await makeClip({ seconds: 5, startMonoMs })
  second = await makeClip({ seconds: 3, startMonoMs: startMonoMs + 10_000 })
  later = await makeClip({ seconds: 3, startMonoMs: startMonoMs + 20_000 })
})

async function check(
  archive: MemoryArchive,
  {
    target = all,
    decoder,
    range = {},
  }: { target?: VerifyTarget; decoder?: Decoder; range?: { sinceMs?: number } } = {},
): Promise<VerifyReport> {
  const world = {
    archive,
    catalogues: createCatalogueReader(archive),
    nowMs: startWallMs + 60_000,
    decoder,
    progress: () => {},
    done: () => {},
  }
  const report = await verify(world, target, range, new AbortController().signal)
  if (!report.ok) throw new Error(report.error.message)
  return report.value
}

const kinds = (report: VerifyReport): string[] => [...new Set(report.findings.map(({ kind }) => kind))].sort()

/** A recording of five seconds, and what one would do to it. */
function oneRecording(): { archive: MemoryArchive; made: MadeRecording } {
  const archive = memoryArchive()
  const made = makeRecording(archive, { startWallMs, startMonoMs, runs: [first] })
  return { archive, made }
}

const playlistOf = (archive: MemoryArchive, made: MadeRecording): string =>
  archive.objects.get(made.playlistKey)?.toString() ?? ''
const setPlaylist = (archive: MemoryArchive, made: MadeRecording, text: string): unknown =>
  archive.objects.set(made.playlistKey, Buffer.from(text))

describe('verify', () => {
  test('agrees with what a recorder leaves: a hole with a cause, a restart, two recordings', async () => {
    const archive = memoryArchive()
    makeRecording(archive, { startWallMs, startMonoMs, runs: [first, second] })
    makeRecording(archive, {
      startWallMs: startWallMs + 20_000,
      startMonoMs: startMonoMs + 20_000,
      runs: [later],
      number: 1,
    })
    noteGap(archive, startWallMs + 5_000, startWallMs + 10_000)
    noteGap(archive, startWallMs + 13_000, startWallMs + 20_000, 'power')
    const report = await check(archive, { decoder: ffmpegDecoder() })
    expect(report.findings).toEqual([])
    expect(report.exitCode).toBe(0)
    expect(report.objects.map(({ units, decoded }) => [units, decoded])).toEqual([
      [8, true],
      [3, true],
    ])
    expect(report.gaps.map(({ cause }) => cause)).toEqual(['camera', 'power'])
    const text = report.objects.map(objectText).join('') + summaryText(report, 'Europe/Berlin')
    expect(text).toContain(
      'no footage from 2026-11-23 16:00:05 +01:00 to 2026-11-23 16:00:10 +01:00 (5.0 s), cause: camera.',
    )
    expect(text).toMatch(/\nverified: 2 objects, 11 units, \d+ bytes, CRC-64 equal, 2 gaps, each with its cause\n$/)
    expect(JSON.parse(JSON.stringify(reportJson(report)))).toMatchObject({ exitCode: 0, findings: [], gaps: [{}, {}] })
  })

  test('reads in pieces, each byte of an object once', async () => {
    const { archive, made } = oneRecording()
    const big = Buffer.alloc(9 * 1024 * 1024, 7)
    archive.append('site/logs/today.bin', big)
    const reads: string[] = []
    archive.onRequest = (what) => reads.push(what)
    await check(archive, { target: { kind: 'object', place, key: 'site/logs/today.bin' } })
    expect(reads.filter((what) => what.startsWith('read site/logs'))).toHaveLength(3)
    archive.counts.bytes = 0
    await check(archive)
    const catalogueBytes = archive.objects.get(catalogueKey)?.length ?? 0
    const playlistBytes = playlistOf(archive, made).length
    expect(archive.counts.bytes).toBe((archive.objects.get(made.key)?.length ?? 0) + playlistBytes + catalogueBytes)
  })

  test('names a gap that the catalogue does not explain, within a recording and between two', async () => {
    const archive = memoryArchive()
    makeRecording(archive, { startWallMs, startMonoMs, runs: [first, second] })
    makeRecording(archive, {
      startWallMs: startWallMs + 20_000,
      startMonoMs: startMonoMs + 20_000,
      runs: [later],
      number: 1,
    })
    // Three of the seven seconds between the recordings are explained.
    noteGap(archive, startWallMs + 13_000, startWallMs + 16_000)
    const report = await check(archive)
    expect(report.exitCode).toBe(15)
    const spans = report.findings.map(({ fromMs, toMs }) => [(fromMs ?? 0) - startWallMs, (toMs ?? 0) - startWallMs])
    expect(spans).toEqual([
      [5_000, 10_000],
      [17_000, 20_000],
    ])
    expect(report.findings[0]?.sentence).toContain('2026-11-23T15:00:05.120Z to 2026-11-23T15:00:10.120Z (5.0 s)')
    expect(summaryText(report, 'UTC')).toContain('NOT verified')
  })

  test('takes a growing recording for what it is', async () => {
    const archive = memoryArchive()
    const made = makeRecording(archive, { startWallMs, startMonoMs, runs: [first], complete: false })
    archive.append(made.key, second[0]?.bytes ?? '')
    const report = await check(archive, { decoder: ffmpegDecoder() })
    expect(report.findings).toEqual([])
    expect(report.objects[0]).toMatchObject({ ended: false, units: 5, unpublishedBytes: second[0]?.bytes.length })
  })

  test('verifies everything of a device: cameras, and every line of the other tracks', async () => {
    const { archive } = oneRecording()
    archive.append('site/events/shed/2026/11/23-01.jsonl', '{"v":1}\n{"v":1}\n')
    const good = await check(archive, { target: { kind: 'everything', place } })
    expect(good.findings).toEqual([])
    expect(good.objects.map(({ key, units }) => [key.split('/')[1], units])).toEqual([
      ['video', 5],
      ['events', 2],
      ['catalogue', 2],
    ])
    archive.append('site/events/shed/2026/11/23-01.jsonl', 'power\n{"v"')
    const bad = await check(archive, { target: { kind: 'everything', place } })
    expect(bad.exitCode).toBe(19)
    expect(bad.findings.map(({ sentence }) => sentence)).toEqual([
      'site/events/shed/2026/11/23-01.jsonl: line 3 is not JSON.',
      'site/events/shed/2026/11/23-01.jsonl: the last line (4) is not complete: a record is written whole.',
    ])
  })

  test('verifies one object, named by itself or by its playlist', async () => {
    const { archive, made } = oneRecording()
    for (const key of [made.key, made.playlistKey]) {
      const report = await check(archive, { target: { kind: 'object', place, key } })
      expect(report).toMatchObject({ exitCode: 0, objects: [{ key: made.key, camera, units: 5 }] })
    }
    const report = await check(archive, { target: { kind: 'object', place, key: 'site/logs/none' } })
    expect(report).toMatchObject({ exitCode: 16, findings: [{ kind: 'absent' }] })
  })

  test('says that the store could not be asked instead of finding anything', async () => {
    const { archive } = oneRecording()
    archive.onRequest = (what) => {
      if (what.startsWith('read site/video')) archive.down = true
    }
    await expect(check(archive)).rejects.toThrow('does not answer')
  })

  test('the gravest finding gives the exit code', async () => {
    const { archive, made } = oneRecording()
    archive.objects.delete(made.playlistKey)
    const bytes = archive.objects.get(made.key)
    if (bytes !== undefined) bytes[300] = (bytes[300] ?? 0) ^ 1
    const report = await check(archive)
    expect(kinds(report)).toEqual(['checksum', 'no-playlist'])
    expect(report.exitCode).toBe(10)
  })

  test('has an exit code of its own for every kind', () => {
    const codes = findingTable.map(({ exitCode }) => exitCode)
    expect(new Set(codes).size).toBe(codes.length)
    expect(Math.min(...codes)).toBe(10)
  })
})

interface Damage {
  readonly name: string
  readonly kind: string
  readonly words: RegExp
  readonly exitCode: number
  readonly decoder?: Decoder
  readonly harm: (archive: MemoryArchive, made: MadeRecording) => unknown
}

const damages: readonly Damage[] = [
  {
    name: 'a flipped bit that the catalogue did not see',
    kind: 'checksum',
    words: /the catalogue closed it with/,
    exitCode: 10,
    harm(archive, made) {
      const bytes = archive.objects.get(made.key)
      // In the middle of a packet of the third unit: picture data.
      const at = 2 * (first[0]?.bytes.length ?? 0) + 100
      if (bytes !== undefined) bytes[at] = (bytes[at] ?? 0) ^ 0x10
    },
  },
  {
    name: 'bytes that are not what the store has a checksum of',
    kind: 'checksum',
    words: /as downloaded; the store says 1/,
    exitCode: 10,
    harm: (archive, made) => archive.lies.set(made.key, { crc64: 1n }),
  },
  {
    name: 'an object that ends before its head says',
    kind: 'length',
    words: /only \d+ could be read/,
    exitCode: 11,
    harm: (archive, made) => archive.lies.set(made.key, { length: (archive.objects.get(made.key)?.length ?? 0) + 188 }),
  },
  {
    name: 'an object that grew after the catalogue had closed it',
    kind: 'length',
    words: /the catalogue closed it with/,
    exitCode: 11,
    harm: (archive, made) => archive.append(made.key, first[0]?.bytes ?? ''),
  },
  {
    name: 'damage that every checksum agrees with',
    kind: 'undecodable',
    words: /does not decode cleanly; ffmpeg says "\[h264\] .*"\.$/m,
    exitCode: 12,
    decoder: ffmpegDecoder(),
    harm(archive, made) {
      const bytes = archive.objects.get(made.key)
      if (bytes === undefined) return
      // The payload of a few packets in the middle of the second unit; their headers stay.
      const unit = first[0]?.bytes.length ?? 0
      for (let packet = 20; packet < 40; packet += 1)
        bytes.fill(0x55, unit + packet * 188 + 20, unit + packet * 188 + 180)
      closeAgain(archive, made)
    },
  },
  {
    name: 'no decoder on this machine',
    kind: 'not-checked',
    words: /ffmpeg was not found.*--no-decode/,
    exitCode: 20,
    decoder: ffmpegDecoder('/nowhere/ffmpeg'),
    harm: () => {},
  },
  {
    name: 'a range that is missing',
    kind: 'range',
    words: /entry 3 begins at byte \d+: bytes \d+ to \d+ are in no range/,
    exitCode: 13,
    harm: (archive, made) => setPlaylist(archive, made, withoutEntry(playlistOf(archive, made), 2)),
  },
  {
    name: 'a range that stands twice',
    kind: 'range',
    words: /entry 3 begins at byte \d+, inside or before the range that ends at/,
    exitCode: 13,
    harm: (archive, made) => setPlaylist(archive, made, twiceEntry(playlistOf(archive, made), 1)),
  },
  {
    name: 'a range past the end',
    kind: 'range',
    words: /reaches \d+ bytes past the end/,
    exitCode: 13,
    harm(archive, made) {
      archive.objects.set(made.key, archive.objects.get(made.key)?.subarray(0, -188) ?? Buffer.alloc(0))
      closeAgain(archive, made)
    },
  },
  {
    name: 'an end mark before the last bytes',
    kind: 'range',
    words: /has its end mark, but the last \d+ bytes/,
    exitCode: 13,
    harm: (archive, made) => setPlaylist(archive, made, withoutEntry(playlistOf(archive, made), 4)),
  },
  {
    name: 'an entry that names another object',
    kind: 'range',
    words: /names other\.ts instead of/,
    exitCode: 13,
    harm: (archive, made) => setPlaylist(archive, made, playlistOf(archive, made).replace(/^2026.*\.ts$/m, 'other.ts')),
  },
  {
    name: 'an entry of two units',
    kind: 'unit',
    words: /is not one unit: it holds 2 units/,
    exitCode: 14,
    harm(archive, made) {
      const [a = '', b = '', ...rest] = entriesOf(playlistOf(archive, made)).entries
      const length = (text: string): number => Number(/BYTERANGE:(\d+)/.exec(text)?.[1])
      const both = a.replace(/BYTERANGE:\d+/, `BYTERANGE:${length(a) + length(b)}`).replace('1.00000', '2.00000')
      setPlaylist(archive, made, entriesOf(playlistOf(archive, made)).head + [both, ...rest].join(''))
    },
  },
  {
    name: 'an entry with the wrong duration',
    kind: 'unit',
    words: /entry 1 \(byte 0\) says 1\.1 s; its frames last 1\.00000 s, 2026-11-23T15:00:00\.120Z/,
    exitCode: 14,
    harm: (archive, made) =>
      setPlaylist(archive, made, playlistOf(archive, made).replace('EXTINF:1.00000', 'EXTINF:1.10000')),
  },
  {
    name: 'a discontinuity that only the playlist knows',
    kind: 'unit',
    words: /entry 3 .* has a discontinuity that is not in its bytes/,
    exitCode: 14,
    harm(archive, made) {
      const { head, entries } = entriesOf(playlistOf(archive, made))
      entries[2] = `#EXT-X-DISCONTINUITY\n${entries[2]}`
      setPlaylist(archive, made, head + entries.join(''))
    },
  },
  {
    name: 'a date that is off',
    kind: 'unit',
    words: /entry 3 .* is dated 500 ms away from its media time/,
    exitCode: 14,
    harm(archive, made) {
      const { head, entries } = entriesOf(playlistOf(archive, made))
      entries[2] = `#EXT-X-PROGRAM-DATE-TIME:2026-11-23T15:00:02.620Z\n${entries[2]}`
      setPlaylist(archive, made, head + entries.join(''))
    },
  },
  {
    name: 'a recording that was deleted',
    kind: 'absent',
    words: /stands in the catalogue and is not in the bucket \(it began 2026-11-23T15:00:00\.120Z\)/,
    exitCode: 16,
    harm(archive, made) {
      archive.objects.delete(made.key)
      archive.objects.delete(made.playlistKey)
    },
  },
  {
    name: 'a recording without its playlist',
    kind: 'no-playlist',
    words: /has no playlist beside it/,
    exitCode: 17,
    harm: (archive, made) => archive.objects.delete(made.playlistKey),
  },
  {
    name: 'a torn playlist',
    kind: 'playlist',
    words: /cannot be read: its last line is not complete/,
    exitCode: 18,
    harm: (archive, made) => setPlaylist(archive, made, playlistOf(archive, made).slice(0, -20)),
  },
  {
    name: 'a store that gives no checksum',
    kind: 'not-checked',
    words: /gives no CRC-64/,
    exitCode: 20,
    harm: (archive, made) => archive.lies.set(made.key, { crc64: undefined }),
  },
]

describe('verify finds', () => {
  test.each(damages)('$name', async ({ kind, words, exitCode, decoder, harm }) => {
    const { archive, made } = oneRecording()
    harm(archive, made)
    const report = await check(archive, decoder === undefined ? {} : { decoder })
    expect(report.findings.map((finding) => `${finding.kind}: ${finding.sentence}`).join('\n')).toMatch(words)
    expect(kinds(report)).toContain(kind)
    expect(report.exitCode).toBe(exitCode)
    for (const { sentence } of report.findings) expect(sentence).toMatch(/[.)]$/)
  })

  test('no more than twenty of a kind in one object, and counts the rest', async () => {
    const { archive, made } = oneRecording()
    const { head, entries } = entriesOf(playlistOf(archive, made))
    const [entry = ''] = entries
    setPlaylist(archive, made, head + Array.from({ length: 40 }, () => entry).join(''))
    const { findings } = await check(archive)
    const ranges = findings.filter(({ kind }) => kind === 'range')
    expect(ranges).toHaveLength(20)
    expect(ranges.at(-1)?.sentence).toMatch(/\(and 19 more in this object\)$/)
  })
})

/** The catalogue's last word on an object, for damage that happened before it was closed. */
function closeAgain(archive: MemoryArchive, made: MadeRecording): void {
  const bytes = archive.objects.get(made.key) ?? Buffer.alloc(0)
  note(archive, {
    ...{ v: 1, kind: 'recording-end', bootCounter: 7, key: made.key, bytes: bytes.length },
    ...{ crc64: crc64(bytes).toString(), end: null, why: 'complete' },
  })
}

function entriesOf(playlist: string): { head: string; entries: string[] } {
  const at = playlist.indexOf('#EXT-X-PROGRAM-DATE-TIME')
  const entries = playlist.slice(at).match(/(?:#.*\n)+2026.*\n|#EXT-X-ENDLIST\n/g) ?? []
  return { head: playlist.slice(0, at), entries: [...entries] }
}

function withoutEntry(playlist: string, index: number): string {
  const { head, entries } = entriesOf(playlist)
  return head + entries.toSpliced(index, 1).join('')
}

function twiceEntry(playlist: string, index: number): string {
  const { head, entries } = entriesOf(playlist)
  return head + entries.toSpliced(index, 0, entries[index] ?? '').join('')
}
