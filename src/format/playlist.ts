/**
 * The playlist: an HLS EVENT media playlist that only grows, so that it can be an append object itself. Its text is a
 * pure fold over the units: header once, one entry per unit with an explicit byte range, an end mark when the recording
 * is complete. It holds no causes and no event marks: those have tracks of their own.
 *
 * Source of the form: RFC 8216, sections 4.3 and 6.2.1. Dates stand at the first entry, after each discontinuity and
 * at every 30th entry, so that a reader who fetched only a tail finds one nearby.
 */
import { err, ok, type Result } from '../base/result.ts'
import { isoOf } from './names.ts'
import { type MediaInfo, type Ticks, ticksBetween, ticksPerMs, ticksPerSecond, wrapTicks } from './unit.ts'

/** Entries from one PROGRAM-DATE-TIME to the next, where nothing else asks for one. */
const entriesPerDate = 30

export const playlistEnd = '#EXT-X-ENDLIST\n'

/** What the fold needs to know beside the units; all of it comes from the claim. */
export interface PlaylistPlan {
  /** Last part of the video object's key: entries name their object relatively. */
  readonly uri: string
  readonly targetDurationS: number
  /** Media time of the recording's start. */
  readonly startPts: Ticks
  /** Wall time of that moment in ms; `undefined` leaves all dates out. */
  readonly startWallMs: number | undefined
}

/** How far the fold has come. */
export interface PlaylistPosition {
  readonly entries: number
  /** End of the last published range in the video object, in bytes. */
  readonly mediaBytes: number
}

export const playlistStart: PlaylistPosition = { entries: 0, mediaBytes: 0 }

/** Media time in ticks of a recording's start, from its monotonic time in ms. */
export const startPtsOf = (startMonoMs: number): Ticks => wrapTicks(Math.round(startMonoMs * ticksPerMs))

function playlistHeader(plan: PlaylistPlan): string {
  return [
    '#EXTM3U',
    '#EXT-X-VERSION:4',
    `#EXT-X-TARGETDURATION:${plan.targetDurationS}`,
    '#EXT-X-PLAYLIST-TYPE:EVENT',
    '#EXT-X-MEDIA-SEQUENCE:0',
    '',
  ].join('\n')
}

/** The lines of one unit, the header before the first one included. */
export function playlistEntry(
  plan: PlaylistPlan,
  position: PlaylistPosition,
  unit: { readonly length: number; readonly media: MediaInfo },
): { readonly text: string; readonly next: PlaylistPosition } {
  const first = position.entries === 0
  const lines: string[] = []
  if (unit.media.discontinuity && !first) lines.push('#EXT-X-DISCONTINUITY')
  if (plan.startWallMs !== undefined && (unit.media.discontinuity || position.entries % entriesPerDate === 0)) {
    const wall = plan.startWallMs + ticksBetween(plan.startPts, unit.media.firstPts) / ticksPerMs
    lines.push(`#EXT-X-PROGRAM-DATE-TIME:${isoOf(wall)}`)
  }
  lines.push(`#EXTINF:${(unit.media.durationTicks / ticksPerSecond).toFixed(5)},`)
  lines.push(`#EXT-X-BYTERANGE:${unit.length}@${position.mediaBytes}`)
  lines.push(plan.uri, '')
  return {
    text: (first ? playlistHeader(plan) : '') + lines.join('\n'),
    next: { entries: position.entries + 1, mediaBytes: position.mediaBytes + unit.length },
  }
}

export interface PlaylistEntry {
  readonly offset: number
  readonly length: number
  readonly durationS: number
  readonly discontinuity: boolean
  /** Wall time of its first frame in ms, written or counted on from the last date; `undefined` without any date. */
  readonly wallMs: number | undefined
  readonly uri: string
}

export interface Playlist {
  readonly targetDurationS: number
  readonly entries: readonly PlaylistEntry[]
  readonly ended: boolean
}

/**
 * Reads a playlist as we write it (and any with explicit ranges). A last line without its line feed, or an entry
 * without its name, is an error: appends are whole entries, so a torn one is somebody else's.
 */
export function parsePlaylist(text: string): Result<Playlist, string> {
  if (!text.startsWith('#EXTM3U\n')) return err('it does not begin with #EXTM3U')
  if (!text.endsWith('\n')) return err('its last line is not complete')
  const target = /^#EXT-X-TARGETDURATION:(\d+)$/m.exec(text)
  if (target === null) return err('it has no #EXT-X-TARGETDURATION')
  const entries: PlaylistEntry[] = []
  let pending: { durationS?: number; range?: readonly [number, number]; discontinuity: boolean } = {
    discontinuity: false,
  }
  let wallMs: number | undefined
  let ended = false
  for (const line of text.split('\n')) {
    if (line === '') continue
    if (ended) return err('there are lines after #EXT-X-ENDLIST')
    const value = line.slice(line.indexOf(':') + 1)
    if (line.startsWith('#EXTINF:')) pending = { ...pending, durationS: Number.parseFloat(value) }
    else if (line.startsWith('#EXT-X-BYTERANGE:')) {
      const range = /^(\d+)@(\d+)$/.exec(value)
      if (range === null) return err(`the range ${value} is not <length>@<offset>`)
      pending = { ...pending, range: [Number(range[1]), Number(range[2])] }
    } else if (line === '#EXT-X-DISCONTINUITY') pending = { ...pending, discontinuity: true }
    else if (line.startsWith('#EXT-X-PROGRAM-DATE-TIME:')) wallMs = Date.parse(value)
    else if (line === '#EXT-X-ENDLIST') ended = true
    else if (!line.startsWith('#')) {
      const { durationS, range, discontinuity } = pending
      if (durationS === undefined || range === undefined) return err(`the entry ${line} has no duration or no range`)
      entries.push({ offset: range[1], length: range[0], durationS, discontinuity, wallMs, uri: line })
      wallMs = wallMs === undefined ? undefined : wallMs + durationS * 1000
      pending = { discontinuity: false }
    }
  }
  if (pending.durationS !== undefined || pending.range !== undefined) return err('its last entry is not complete')
  return ok({ targetDurationS: Number(target[1]), entries, ended })
}
