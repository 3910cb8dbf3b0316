/**
 * Do a playlist's ranges describe its object: from byte 0, one after the other, nothing between, nothing past its end?
 * A recording's bytes are its units in order and nothing else (invariant 2), so a hole is a finding, not a matter of
 * taste. Pure.
 */
import type { Playlist, PlaylistEntry } from '../format/playlist.ts'

export interface RangeCheck {
  /** The entries up to the first one that does not fit: only they can be compared with the bytes. */
  readonly sound: readonly PlaylistEntry[]
  /** Sentences without a subject ("entry 3 …"). */
  readonly problems: readonly string[]
  /** Bytes of the object behind the last range: not published yet, or never. */
  readonly unpublishedBytes: number
}

/**
 * @param name last part of the object's key: what every entry must name
 * @param length of the object in bytes, asked after the playlist was read
 */
export function checkRanges(playlist: Playlist, name: string, length: number): RangeCheck {
  const sound: PlaylistEntry[] = []
  const problems: string[] = []
  let end = 0
  for (const [index, entry] of playlist.entries.entries()) {
    const problem = problemOf(entry, name, end, length)
    if (problem !== undefined) problems.push(`entry ${index + 1} ${problem}`)
    else if (problems.length === 0) sound.push(entry)
    end = entry.offset + entry.length
  }
  const unpublishedBytes = Math.max(0, length - end)
  if (playlist.ended && unpublishedBytes > 0) {
    problems.push(`the playlist has its end mark, but the last ${unpublishedBytes} bytes of the object are in no range`)
  }
  return { sound, problems, unpublishedBytes }
}

function problemOf(entry: PlaylistEntry, name: string, end: number, length: number): string | undefined {
  if (entry.uri !== name) return `names ${entry.uri} instead of ${name}`
  if (entry.length === 0) return 'has no bytes'
  if (entry.offset > end) return `begins at byte ${entry.offset}: bytes ${end} to ${entry.offset} are in no range`
  if (entry.offset < end) return `begins at byte ${entry.offset}, inside or before the range that ends at ${end}`
  const past = entry.offset + entry.length - length
  return past > 0 ? `reaches ${past} bytes past the end of the object` : undefined
}
