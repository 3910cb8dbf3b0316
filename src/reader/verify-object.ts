/**
 * One object against everything that is said about it: the store's length and CRC-64, the catalogue's, the playlist's
 * ranges, the units in the bytes, and a real decoder. It is read once, from the first byte to the last, in pieces.
 *
 * A growing object is judged by what it held when we asked; it may be longer a moment later.
 */
import { ok, type Result } from '../base/result.ts'
import { isoOf, playlistKeyOf } from '../format/names.ts'
import type { Playlist } from '../format/playlist.ts'
import type { Archive, ArchiveError, ArchiveObject } from './archive.ts'
import type { Catalogue } from './catalogue.ts'
import { type RunningChecksum, runningChecksum } from './checksum.ts'
import type { Decoder, DecodeVerdict } from './decoder.ts'
import { aboutObject, type Finding, type FindingKind } from './findings.ts'
import { readPlaylist } from './playlist-reader.ts'
import { pieceBytesMax } from './read-pieces.ts'
import { createEntryCheck, type EntryCheck } from './verify-entries.ts'
import { type Span, spansOf } from './verify-gaps.ts'
import { createLineCheck, type LineCheck } from './verify-lines.ts'
import { checkRanges } from './verify-ranges.ts'

/** Of one object; further findings of it are counted in the last one. A broken hour would make 3,600. */
const findingsMax = 20

export interface ObjectWorld {
  readonly archive: Archive
  /** `undefined`: nobody wants the footage decoded. */
  readonly decoder: Decoder | undefined
  /** Bytes read so far and in all, for a person who waits. */
  readonly progress: (key: string, bytes: number, length: number) => void
}

export interface VerifiedObject {
  readonly key: string
  readonly camera: string | undefined
  readonly bytes: number
  /** Of the bytes as they were read. */
  readonly crc64: bigint
  /** Playlist entries found to be one unit each; lines of a JSON-lines object; 0 for other objects. */
  readonly units: number
  /** Of the units, those that were cut at the target duration and begin without a keyframe. */
  readonly cutByRule: number
  /** Bytes that no playlist entry covers yet. */
  readonly unpublishedBytes: number
  readonly ended: boolean
  readonly decoded: boolean
  /** The footage it holds, where it is dated. */
  readonly footage: readonly Span[]
  readonly findings: readonly Finding[]
}

interface Complaints {
  readonly findings: Finding[]
  add(kind: FindingKind, sentence: string, fromMs?: number): void
}

/** @param object `camera` is known for video objects */
export async function verifyObject(
  world: ObjectWorld,
  object: { readonly key: string; readonly camera: string | undefined },
  catalogue: Catalogue | undefined,
  signal: AbortSignal,
): Promise<Result<VerifiedObject, ArchiveError>> {
  const { key } = object
  const complaints = complaintsAbout(object)
  const video = key.endsWith('.ts') && object.camera !== undefined
  // The playlist first: what it publishes must lie in an object that is asked for its length afterwards.
  const playlist = video ? await playlistOf(world.archive, key, complaints, signal) : ok(undefined)
  if (!playlist.ok) return playlist
  const stat = await world.archive.stat(key, signal)
  if (!stat.ok) {
    if (stat.error.kind !== 'absent') return stat
    complaints.add('absent', `${key} is not in the bucket.`)
    return ok({ ...nothingOf(object), findings: complaints.findings })
  }
  const ranges = playlist.value && checkRanges(playlist.value, lastPart(key), stat.value.length)
  for (const problem of ranges?.problems ?? []) complaints.add('range', `${playlistKeyOf(key)}: ${problem}.`)
  const entries = createEntryCheck(ranges?.sound ?? [], playlist.value?.targetDurationS ?? 1, (problem, wallMs) =>
    complaints.add('unit', `${playlistKeyOf(key)}: ${problem}.`, wallMs),
  )
  const lines = key.endsWith('.jsonl')
    ? createLineCheck((problem) => complaints.add('line', `${key}: ${problem}.`))
    : undefined
  const read = await readThrough(world, { key, length: stat.value.length, video }, { entries, lines }, signal)
  if (!read.ok) return read
  entries.finish()
  lines?.finish()
  judgeChecksums(key, stat.value, read.value, complaints, catalogue)
  judgeDecoding(key, read.value, complaints)
  return ok({
    key,
    camera: object.camera,
    bytes: read.value.sum.length,
    crc64: read.value.sum.crc64,
    units: lines?.lines ?? entries.units,
    cutByRule: entries.cutByRule,
    unpublishedBytes: ranges?.unpublishedBytes ?? 0,
    ended: playlist.value?.ended ?? false,
    decoded: read.value.verdict?.kind === 'decoded',
    footage: spansOf(playlist.value?.entries ?? []),
    findings: complaints.findings,
  })
}

async function playlistOf(
  archive: Archive,
  key: string,
  complaints: Complaints,
  signal: AbortSignal,
): Promise<Result<Playlist | undefined, ArchiveError>> {
  const playlist = await readPlaylist(archive, playlistKeyOf(key), signal)
  if (playlist.ok) return playlist
  if (playlist.error.kind === 'absent') complaints.add('no-playlist', `${key} has no playlist beside it.`)
  else if (playlist.error.kind === 'rejected') complaints.add('playlist', playlist.error.message)
  else return playlist
  return ok(undefined)
}

interface ReadThrough {
  readonly sum: RunningChecksum
  /** `undefined`: nobody asked a decoder. */
  readonly verdict: DecodeVerdict | undefined
}

async function readThrough(
  world: ObjectWorld,
  object: { readonly key: string; readonly length: number; readonly video: boolean },
  checks: { readonly entries: EntryCheck; readonly lines: LineCheck | undefined },
  signal: AbortSignal,
): Promise<Result<ReadThrough, ArchiveError>> {
  const sum = runningChecksum()
  const decoding = object.video && object.length > 0 ? world.decoder?.begin() : undefined
  while (sum.length < object.length && !signal.aborted) {
    const end = Math.min(object.length, sum.length + pieceBytesMax)
    const piece = await world.archive.readRange(object.key, sum.length, end, signal)
    if (!piece.ok) {
      decoding?.cancel()
      return piece
    }
    if (piece.value.length === 0) break
    sum.add(piece.value)
    checks.entries.add(piece.value)
    checks.lines?.add(piece.value)
    await decoding?.write(piece.value)
    world.progress(object.key, sum.length, object.length)
  }
  if (signal.aborted) {
    decoding?.cancel()
    return { ok: false, error: { kind: 'unanswered', message: `Reading ${object.key} was interrupted.` } }
  }
  return ok({ sum, verdict: await decoding?.finish() })
}

function judgeChecksums(
  key: string,
  stat: ArchiveObject,
  { sum }: ReadThrough,
  complaints: Complaints,
  catalogue: Catalogue | undefined,
): void {
  if (sum.length !== stat.length) {
    complaints.add('length', `${key} has ${stat.length} bytes by its head, but only ${sum.length} could be read.`)
  } else if (stat.crc64 === undefined) {
    complaints.add('not-checked', `The store gives no CRC-64 for ${key}: its bytes were read, but nothing proves them.`)
  } else if (stat.crc64 !== sum.crc64) {
    complaints.add('checksum', `${key} has CRC-64 ${sum.crc64} as downloaded; the store says ${stat.crc64}.`)
  }
  const end = catalogue?.ends.get(key)
  if (end === undefined || end.why !== 'complete') return
  if (end.bytes !== sum.length) {
    complaints.add('length', `${key} has ${sum.length} bytes; the catalogue closed it with ${end.bytes}.`)
  } else if (end.crc64 !== sum.crc64.toString()) {
    complaints.add(
      'checksum',
      `${key} has CRC-64 ${sum.crc64} as downloaded; the catalogue closed it with ${end.crc64}.`,
    )
  }
}

function judgeDecoding(key: string, { verdict }: ReadThrough, complaints: Complaints): void {
  if (verdict?.kind === 'undecodable')
    complaints.add('undecodable', `${key} does not decode cleanly; ffmpeg says "${verdict.words}".`)
  else if (verdict?.kind === 'missing') complaints.add('not-checked', `${key} was not decoded: ${verdict.message}`)
}

function complaintsAbout(object: { readonly key: string; readonly camera: string | undefined }): Complaints {
  const findings: Finding[] = []
  let more = 0
  return {
    findings,
    add(kind, sentence, fromMs) {
      const dated = fromMs === undefined ? sentence : `${sentence.replace(/\.$/, '')}, ${isoOf(fromMs)}.`
      // Another kind is always told: its exit code may be the graver one.
      if (findings.length < findingsMax || !findings.some((finding) => finding.kind === kind)) {
        findings.push(aboutObject(object, kind, dated, fromMs))
        return
      }
      more += 1
      const last = findings.at(-1)
      if (last === undefined) return
      const base = more === 1 ? last.sentence : last.sentence.replace(/ \(and \d+ more.*$/, '')
      findings[findings.length - 1] = { ...last, sentence: `${base} (and ${more} more in this object)` }
    },
  }
}

const nothingOf = (object: { readonly key: string; readonly camera: string | undefined }) => ({
  key: object.key,
  camera: object.camera,
  bytes: 0,
  crc64: 0n,
  units: 0,
  cutByRule: 0,
  unpublishedBytes: 0,
  ended: false,
  decoded: false,
  footage: [],
})

const lastPart = (key: string): string => key.slice(key.lastIndexOf('/') + 1)
