/**
 * Which recording to read, from which byte, and which one after it: the questions `tail` asks of the archive. Each
 * answer is asked afresh, since recordings appear while we read.
 */
import { err, ok, type Result } from '../base/result.ts'
import { type Place, playlistKeyOf, startInKey } from '../format/names.ts'
import type { Archive, ArchiveError } from './archive.ts'
import { readPlaylist, readPlaylistTail } from './playlist-reader.ts'
import { readText } from './read-pieces.ts'
import { listCameraKeys } from './recordings.ts'

/** What to follow: a camera from recording to recording, or one object of any kind. */
export type TailTarget =
  | { readonly kind: 'camera'; readonly place: Place; readonly camera: string }
  | { readonly kind: 'object'; readonly key: string }

/** Where to begin: at the last published keyframe, at the first byte, or at a wall time in ms. */
export type TailFrom =
  | { readonly at: 'live' }
  | { readonly at: 'start' }
  | { readonly at: 'time'; readonly wallMs: number }

export interface Spot {
  readonly key: string
  readonly offset: number
}

/** How far back the last line of a JSON-lines object is looked for. */
const lineLookBackBytes = 4 * 1024
/** A recording lasts an hour at most: one that covers a moment begins at most this long before it. */
const recordingMsMax = 3_600_000

/** Where to begin reading; `undefined` while there is nothing (yet). */
export async function firstSpot(
  archive: Archive,
  target: TailTarget,
  from: TailFrom,
  nowMs: number,
  signal: AbortSignal,
): Promise<Result<Spot | undefined, ArchiveError>> {
  if (target.kind === 'object') {
    const offset = await offsetIn(archive, target.key, from, signal)
    return offset.ok ? ok(offset.value === undefined ? undefined : { key: target.key, offset: offset.value }) : offset
  }
  const sinceMs = from.at === 'time' ? from.wallMs - recordingMsMax : undefined
  const videos = await videosOf(archive, target, sinceMs, nowMs, signal)
  if (!videos.ok) return videos
  for (const key of candidates(videos.value, from)) {
    const offset = await offsetIn(archive, key, from, signal)
    if (!offset.ok) return offset
    if (offset.value !== undefined) return ok({ key, offset: offset.value })
  }
  return ok(undefined)
}

/** The camera's next recording after `key`; `undefined` while there is none. Undated recordings are not followed. */
export async function nextRecording(
  archive: Archive,
  target: TailTarget,
  key: string,
  nowMs: number,
  signal: AbortSignal,
): Promise<Result<string | undefined, ArchiveError>> {
  if (target.kind === 'object') return ok(undefined)
  const startMs = startInKey(key)
  const videos = await videosOf(archive, target, startMs, nowMs, signal)
  if (!videos.ok) return videos
  return ok(videos.value[videos.value.indexOf(key) + 1])
}

/** True once nothing will be added: its playlist has its end mark. Always false for objects without a playlist. */
export async function hasEnded(
  archive: Archive,
  key: string,
  signal: AbortSignal,
): Promise<Result<boolean, ArchiveError>> {
  if (!key.endsWith('.ts')) return ok(false)
  const tail = await readPlaylistTail(archive, playlistKeyOf(key), signal)
  if (tail.ok) return ok(tail.value.ended)
  return tail.error.kind === 'absent' ? ok(false) : tail
}

async function videosOf(
  archive: Archive,
  target: TailTarget & { kind: 'camera' },
  sinceMs: number | undefined,
  nowMs: number,
  signal: AbortSignal,
): Promise<Result<string[], ArchiveError>> {
  const range = sinceMs === undefined ? { nowMs } : { nowMs, sinceMs }
  const keys = await listCameraKeys(archive, target.place, target.camera, range, signal)
  if (!keys.ok) return keys
  return ok(keys.value.map(({ key }) => key).filter((key) => key.endsWith('.ts') && startInKey(key) !== undefined))
}

function candidates(videos: readonly string[], from: TailFrom): readonly string[] {
  if (from.at === 'live') return videos.slice(-1)
  if (from.at === 'start') return videos.slice(0, 1)
  // The last one that begins before the moment, and the first after it, should the moment lie in a gap.
  const after = videos.findIndex((key) => (startInKey(key) ?? 0) > from.wallMs)
  const before = after === -1 ? videos.length - 1 : after - 1
  return videos.slice(Math.max(before, 0), before + 2)
}

/** `undefined`: the object ends before the moment asked for. */
async function offsetIn(
  archive: Archive,
  key: string,
  from: TailFrom,
  signal: AbortSignal,
): Promise<Result<number | undefined, ArchiveError>> {
  if (from.at === 'start') return ok(0)
  if (!key.endsWith('.ts')) return from.at === 'live' ? lastLineOf(archive, key, signal) : ok(0)
  const playlistKey = playlistKeyOf(key)
  if (from.at === 'live') {
    const tail = await readPlaylistTail(archive, playlistKey, signal)
    if (!tail.ok) return tail.error.kind === 'absent' ? ok(0) : tail
    return ok(tail.value.entries.at(-1)?.offset ?? 0)
  }
  const playlist = await readPlaylist(archive, playlistKey, signal)
  if (!playlist.ok) return playlist.error.kind === 'absent' ? ok(undefined) : playlist
  const { entries } = playlist.value
  if (entries[0]?.wallMs === undefined) {
    return err({
      kind: 'rejected',
      message: `${key} holds no dates, so no time can be found in it: read it from its start.`,
    })
  }
  return ok(entries.find((entry) => (entry.wallMs ?? 0) + entry.durationS * 1000 > from.wallMs)?.offset)
}

/** The begin of the last line of a text object; its end if no line ends within the look back. */
async function lastLineOf(archive: Archive, key: string, signal: AbortSignal): Promise<Result<number, ArchiveError>> {
  const stat = await archive.stat(key, signal)
  if (!stat.ok) return stat
  const end = stat.value.length
  const start = Math.max(0, end - lineLookBackBytes)
  const text = await readText(archive, key, { start, end, bytesMax: lineLookBackBytes }, signal)
  if (!text.ok) return text
  const line = text.value.lastIndexOf('\n', text.value.length - 2)
  if (line === -1) return ok(start === 0 ? 0 : end)
  return ok(start + Buffer.byteLength(text.value.slice(0, line + 1)))
}
