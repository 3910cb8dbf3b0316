/**
 * Reads the row of a segment. By hand, unlike all other rows: a backlog of gigabytes has thousands of entries, and the
 * schema library took a third of the time of the opening for them.
 */
import type { Extent } from '../format/recording.ts'
import type { SegmentEntry, SegmentRow } from './rows.ts'

/** `undefined` for a value that is not what it should be. */
export function parseSegmentRow(value: string): SegmentRow | undefined {
  try {
    const row = JSON.parse(value) as Record<string, unknown>
    const { bytes, protected: kept } = row
    if (!isCount(bytes) || !(kept === undefined || typeof kept === 'boolean') || !Array.isArray(row.chunks))
      return undefined
    const chunks: SegmentEntry[] = []
    for (const one of row.chunks as unknown[]) {
      const entry = entryOf(one as Record<string, unknown>)
      if (entry === undefined) return undefined
      chunks.push(entry)
    }
    return { bytes, chunks, ...(kept === undefined ? {} : { protected: kept }) }
  } catch {
    return undefined
  }
}

function entryOf({ track, offset, length, seq, ...rest }: Record<string, unknown>): SegmentEntry | undefined {
  const crc64 = checksumOf(rest.crc64)
  const before = extentOf(rest.before)
  const media = mediaOf(rest.media)
  if (typeof track !== 'string' || !isCount(offset) || !isCount(length) || !isCount(seq)) return undefined
  if (crc64 === undefined || before === undefined || media === undefined) return undefined
  return { track, offset, length, seq, crc64, before, media }
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0

const checksumOf = (value: unknown): bigint | undefined =>
  typeof value === 'string' && /^\d{1,20}$/.test(value) ? BigInt(value) : undefined

function extentOf(value: unknown): Extent | undefined {
  if (!Array.isArray(value)) return undefined
  const [length, sum] = value as unknown[]
  const crc64 = checksumOf(sum)
  return isCount(length) && crc64 !== undefined ? { length, crc64 } : undefined
}

function mediaOf(value: unknown): SegmentEntry['media'] | undefined {
  if (!Array.isArray(value)) return undefined
  const [firstPts, durationTicks, discontinuity, keyframe] = value as unknown[]
  if (typeof firstPts !== 'number' || typeof durationTicks !== 'number') return undefined
  if (typeof discontinuity !== 'boolean' || typeof keyframe !== 'boolean') return undefined
  return { firstPts, durationTicks, discontinuity, keyframe }
}
