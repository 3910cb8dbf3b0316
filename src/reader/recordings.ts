/**
 * What is in the archive: devices, cameras, recordings, gaps. Names come from listings by prefix, facts from the
 * catalogue; where the catalogue has not (yet) spoken of a recording's end, its playlist is asked. A bucket that lost
 * its catalogue can still be listed.
 */
import { ok, type Result } from '../base/result.ts'
import { classFolder, dayPath, type Place, playlistKeyOf, startInKey, trackFolder } from '../format/names.ts'
import { videoTrack } from '../format/recording.ts'
import type { Archive, ArchiveError } from './archive.ts'
import type { Catalogue, CatalogueReader, Gap } from './catalogue.ts'
import { readPlaylistTail } from './playlist-reader.ts'
import { aFewAtATime } from './read-pieces.ts'

const hourMs = 3_600_000
const dayMs = 24 * hourMs
/** A longer span is listed whole: 60 listings of a day cost as much as one of a year. */
const dayListingsMax = 60

export interface CameraName {
  readonly device: string
  readonly camera: string
}

/** `growing`: no end is known; whether the device still runs is another question (its last picture tells). */
export type RecordingState = 'growing' | 'complete' | 'given-up'

export interface RecordingSummary extends CameraName {
  readonly key: string
  /** `undefined` while nothing of it is published. */
  readonly playlistKey: string | undefined
  readonly bytes: number
  readonly state: RecordingState
  /** Wall time in ms; `undefined` if its boot never learnt the time. */
  readonly startMs: number | undefined
  /** Wall time in ms of the end of the last published picture; `undefined` if nothing dates it. */
  readonly endMs: number | undefined
}

export interface TimeRange {
  /** Wall ms; recordings that end before it are left out. */
  readonly sinceMs?: number
  /** Wall ms; recordings that begin after it are left out. */
  readonly untilMs?: number
}

export interface CameraHistory {
  /** Oldest first; those without a date come first. */
  readonly recordings: readonly RecordingSummary[]
  readonly gaps: readonly Gap[]
}

/** Every camera that ever stored footage below the prefix, by device and name. */
export async function listCameras(
  archive: Archive,
  prefix: string,
  signal?: AbortSignal,
): Promise<Result<CameraName[], ArchiveError>> {
  const devices = await archive.list(classFolder(prefix, 'video'), '/', signal)
  if (!devices.ok) return devices
  const found = await aFewAtATime(devices.value.folders, async (folder) => {
    const cameras = await archive.list(folder, '/', signal)
    if (!cameras.ok) return cameras
    return ok(cameras.value.folders.map((path) => ({ device: lastPart(folder), camera: lastPart(path) })))
  })
  return found.ok ? ok(found.value.flat()) : found
}

/** Names and lengths of a camera's objects, videos and playlists, oldest first (undated ones before all others). */
export async function listCameraKeys(
  archive: Archive,
  place: Place,
  camera: string,
  range: TimeRange & { readonly nowMs: number },
  signal?: AbortSignal,
): Promise<Result<{ readonly key: string; readonly length: number }[], ArchiveError>> {
  const folder = trackFolder(place, videoTrack(camera))
  const found = await aFewAtATime(foldersOf(folder, range), (path) => archive.list(path, '', signal))
  if (!found.ok) return found
  const objects = found.value.flatMap((listing) => listing.objects)
  return ok(
    [...objects].sort((a, b) => (startInKey(a.key) ?? 0) - (startInKey(b.key) ?? 0) || (a.key < b.key ? -1 : 1)),
  )
}

/** The recordings and gaps of one camera. */
export async function readCamera(
  world: { readonly archive: Archive; readonly catalogues: CatalogueReader; readonly nowMs: number },
  name: { readonly place: Place; readonly camera: string },
  range: TimeRange,
  signal?: AbortSignal,
): Promise<Result<CameraHistory & { readonly catalogue: Catalogue }, ArchiveError>> {
  const { archive, nowMs } = world
  const catalogue = await world.catalogues.read(name.place, range.sinceMs, signal)
  if (!catalogue.ok) return catalogue
  const keys = await listCameraKeys(archive, name.place, name.camera, { ...range, nowMs }, signal)
  if (!keys.ok) return keys
  const present = new Set(keys.value.map(({ key }) => key))
  const videos = keys.value.filter(({ key }) => key.endsWith('.ts'))
  const summaries = await aFewAtATime(videos, async (object): Promise<Result<RecordingSummary, ArchiveError>> => {
    const playlistKey = playlistKeyOf(object.key)
    const published = present.has(playlistKey) ? playlistKey : undefined
    const end = await endOf(archive, object.key, published, catalogue.value, signal)
    if (!end.ok) return end
    const line = catalogue.value.recordings.get(object.key)
    const startMs = startInKey(object.key) ?? (line && catalogue.value.wallOf(line.bootCounter, line.startMonoMs))
    const { key, length: bytes } = object
    const { device } = name.place
    return ok({ device, camera: name.camera, key, playlistKey: published, bytes, startMs, ...end.value })
  })
  if (!summaries.ok) return summaries
  const recordings = summaries.value.filter((recording) => overlaps(recording.startMs, recording.endMs, range))
  const gaps = catalogue.value.gaps
    .filter((gap) => gap.camera === name.camera && overlaps(gap.fromMs, gap.toMs, range))
    .sort((a, b) => (a.fromMs ?? 0) - (b.fromMs ?? 0))
  return ok({ recordings, gaps, catalogue: catalogue.value })
}

async function endOf(
  archive: Archive,
  key: string,
  playlistKey: string | undefined,
  catalogue: Catalogue,
  signal: AbortSignal | undefined,
): Promise<Result<{ state: RecordingState; endMs: number | undefined }, ArchiveError>> {
  const line = catalogue.ends.get(key)
  const state: RecordingState = line === undefined ? 'growing' : line.why === 'complete' ? 'complete' : 'given-up'
  if (line?.end != null) return ok({ state, endMs: Date.parse(line.end) })
  if (playlistKey === undefined) return ok({ state, endMs: undefined })
  const tail = await readPlaylistTail(archive, playlistKey, signal)
  // A playlist that vanished or cannot be read is `verify`'s business; a list must not fail for it.
  if (!tail.ok) return tail.error.kind === 'unanswered' ? tail : ok({ state, endMs: undefined })
  const last = tail.value.entries.at(-1)
  const endMs = last?.wallMs === undefined ? undefined : last.wallMs + last.durationS * 1000
  return ok({ state: line === undefined && tail.value.ended ? 'complete' : state, endMs })
}

/** The folders to list for a range of time: one a day, or the whole camera. */
function foldersOf(folder: string, range: TimeRange & { readonly nowMs: number }): string[] {
  if (range.sinceMs === undefined) return [folder]
  // An hour earlier: a recording begins in the hour before it reaches into the range. A day later: clocks differ.
  const from = range.sinceMs - hourMs
  const to = (range.untilMs ?? range.nowMs + dayMs) + hourMs
  const days = Math.floor(to / dayMs) - Math.floor(from / dayMs) + 1
  if (days > dayListingsMax) return [folder]
  const paths = Array.from({ length: Math.max(days, 0) }, (_, day) => `${folder}${dayPath(from + day * dayMs)}/`)
  return [`${folder}unsynced/`, ...paths]
}

function overlaps(fromMs: number | undefined, toMs: number | undefined, range: TimeRange): boolean {
  if (range.sinceMs !== undefined && toMs !== undefined && toMs < range.sinceMs) return false
  return range.untilMs === undefined || fromMs === undefined || fromMs <= range.untilMs
}

const lastPart = (folder: string): string => folder.replace(/\/$/, '').split('/').at(-1) ?? ''
