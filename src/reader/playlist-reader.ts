/**
 * A playlist as it lies in the store: whole, or only its end. The end answers what a reader asks most often (where is
 * the live edge, is it over), and costs 8 KiB instead of the 250 KB of a full hour.
 */
import { err, ok, type Result } from '../base/result.ts'
import { type Playlist, type PlaylistEntry, parsePlaylist } from '../format/playlist.ts'
import type { Archive, ArchiveError } from './archive.ts'
import { readText } from './read-pieces.ts'

/** Holds at least 60 entries with our names, and so two dates: they stand at every 30th entry. */
const tailBytes = 8 * 1024
/** One hour of one-second units is 350 KB with our names; the rest is for recordings without an hour. */
const playlistBytesMax = 16 * 1024 * 1024

export interface PlaylistTail {
  /** The last entries, oldest first. Their dates are missing if none stood in the part that was read. */
  readonly entries: readonly PlaylistEntry[]
  readonly ended: boolean
}

/** The whole playlist. One that does not parse is `rejected`, with the reason. */
export async function readPlaylist(
  archive: Archive,
  key: string,
  signal?: AbortSignal,
): Promise<Result<Playlist, ArchiveError>> {
  const stat = await archive.stat(key, signal)
  if (!stat.ok) return stat
  const text = await readText(archive, key, { start: 0, end: stat.value.length, bytesMax: playlistBytesMax }, signal)
  return text.ok ? parsed(key, text.value) : text
}

/** The end of the playlist: its last entries, and whether it is complete. */
export async function readPlaylistTail(
  archive: Archive,
  key: string,
  signal?: AbortSignal,
): Promise<Result<PlaylistTail, ArchiveError>> {
  const stat = await archive.stat(key, signal)
  if (!stat.ok) return stat
  const start = Math.max(0, stat.value.length - tailBytes)
  const text = await readText(archive, key, { start, end: stat.value.length, bytesMax: tailBytes }, signal)
  if (!text.ok) return text
  return parsed(key, start === 0 ? text.value : afterFirstEntry(text.value))
}

/** A name ends an entry: what follows the first whole one is a playlist that only lacks its header. */
function afterFirstEntry(part: string): string {
  const lines = part.split('\n').slice(1)
  const name = lines.findIndex((line) => line !== '' && !line.startsWith('#'))
  return `#EXTM3U\n#EXT-X-TARGETDURATION:1\n${lines.slice(name + 1).join('\n')}`
}

function parsed(key: string, text: string): Result<Playlist, ArchiveError> {
  const playlist = parsePlaylist(text)
  if (playlist.ok) return ok(playlist.value)
  return err({ kind: 'rejected', message: `The playlist ${key} cannot be read: ${playlist.error}.` })
}
