/**
 * What the segment files hold. Closed segments are known by their row; the one that was open when the process ended is
 * read, and all are when the database cannot be trusted. The torn end of an unfinished write is cut off. Files of another
 * version of this program are put aside whole: it may come back for them.
 */
import { ok, type Result } from '../base/result.ts'
import type { Loaded } from './load.ts'
import type { Repairs } from './repairs.ts'
import type { Identity, SegmentEntry } from './rows.ts'
import type { DiskError, SegmentDisk } from './segment-disk.ts'
import type { NotedLoss, SegmentMeta } from './segment-record.ts'
import { type FoundClaim, type ScannedSegment, scanSegment } from './segment-scan.ts'

export interface SurveyedEntry {
  readonly segment: number
  readonly entry: SegmentEntry
  /** The identity in its own header; known where the file was read. */
  readonly of: Identity | undefined
}

export interface SurveyedSegment {
  readonly segment: number
  readonly bytes: number
  readonly scanned: boolean
  readonly protected: boolean
}

export interface Survey {
  readonly segments: readonly SurveyedSegment[]
  readonly entries: readonly SurveyedEntry[]
  readonly claims: readonly FoundClaim[]
  readonly metas: readonly SegmentMeta[]
  readonly losses: readonly NotedLoss[]
  /** Segments that were put aside; their numbers are used up. */
  readonly aside: readonly number[]
}

export async function survey(disk: SegmentDisk, loaded: Loaded, repairs: Repairs): Promise<Result<Survey, DiskError>> {
  const listed = await disk.list()
  if (!listed.ok) return listed
  const segments: SurveyedSegment[] = []
  const entries: SurveyedEntry[] = []
  const claims: FoundClaim[] = []
  const metas: SegmentMeta[] = []
  const losses: NotedLoss[] = []
  const aside: number[] = []
  for (const { segment, bytes } of listed.value) {
    const row = loaded.state === 'whole' ? loaded.segments.get(segment) : undefined
    if (row !== undefined && row.bytes <= bytes) {
      segments.push({ segment, bytes, scanned: false, protected: row.protected === true })
      for (const entry of row.chunks) entries.push({ segment, entry, of: undefined })
      continue
    }
    const scanned = await scanSegment(disk, segment, bytes)
    if (!scanned.ok) {
      repairs.note(
        'segment-unreadable',
        `Segment ${segment} of ${disk.place} cannot be read: ${scanned.error.message}. What it held is missing, and a gap will say so.`,
      )
      segments.push({ segment, bytes, scanned: true, protected: false })
      continue
    }
    const { units, meta } = scanned.value
    if (scanned.value.foreign) {
      aside.push(segment)
      continue
    }
    const left = await cutTornEnd(disk, scanned.value, repairs)
    segments.push({ segment, bytes: left, scanned: true, protected: meta?.protected === true })
    for (const { entry, of } of units) entries.push({ segment, entry, of })
    claims.push(...scanned.value.claims)
    losses.push(...scanned.value.losses)
    if (scanned.value.meta !== undefined) metas.push(scanned.value.meta)
  }
  if (aside.length > 0) {
    const moved = await disk.setAside(aside)
    if (!moved.ok) return moved
    repairs.note(
      'segments-set-aside',
      `${aside.length} segments of ${disk.place} were written by another version of Watchpost and were moved to ${moved.value}: the footage in them is not sent by this one.`,
      'alarm',
    )
  }
  return ok({ segments, entries, claims, metas, losses, aside })
}

/** The length of the segment afterwards. */
async function cutTornEnd(disk: SegmentDisk, found: ScannedSegment, repairs: Repairs): Promise<number> {
  const { segment, bytes, fileBytes, damaged } = found
  if (damaged > 0) {
    repairs.note(
      'segment-damaged',
      `Segment ${segment} of ${disk.place} has ${damaged} damaged places; the footage in them is passed over.`,
    )
  }
  if (bytes === fileBytes) return bytes
  repairs.note(
    'segment-torn',
    `Segment ${segment} of ${disk.place} ended in an unfinished write of ${fileBytes - bytes} bytes, which was cut off.`,
    'usual',
  )
  const cut = await disk.truncate(segment, bytes)
  // Where it cannot be cut, the end is found torn again next time: no harm.
  return cut.ok ? bytes : fileBytes
}
