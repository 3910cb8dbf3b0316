/**
 * Reads a segment whose row is missing: it was open when the process ended, or the database is lost.
 *
 * A record whose header or payload does not have its checksum is passed over, and the search for the next header goes
 * on behind it; what is missing shows later as a hole in the sequence. Damage without a whole record behind it is the
 * torn end of the last write, which nobody was promised.
 */
import { crc32 } from 'node:zlib'
import { ok, type Result } from '../base/result.ts'
import type { Extent } from '../format/recording.ts'
import type { Ticks } from '../format/unit.ts'
import type { Identity, SegmentEntry } from './rows.ts'
import type { DiskError, SegmentDisk } from './segment-disk.ts'
import { decodeHead, findMagic, isOtherVersion, type NotedLoss, type SegmentMeta } from './segment-record.ts'

export interface FoundUnit {
  readonly entry: SegmentEntry
  readonly of: Identity
}

export interface FoundClaim {
  readonly of: Identity
  readonly arrived: Extent
  readonly arrivedSeq: number
  readonly arrivedEndPts: Ticks
}

export interface ScannedSegment {
  readonly segment: number
  /** End of the last whole record. */
  readonly bytes: number
  /** Length of the file. */
  readonly fileBytes: number
  readonly meta: SegmentMeta | undefined
  readonly units: readonly FoundUnit[]
  readonly claims: readonly FoundClaim[]
  readonly losses: readonly NotedLoss[]
  /** Damaged places with whole records behind them. */
  readonly damaged: number
  /** Another version of this program wrote it, and nothing in it can be read. */
  readonly foreign: boolean
}

/**
 * @param fileBytes length of the file: at most one segment, which is read into memory whole (32 MiB and one group)
 */
export async function scanSegment(
  disk: SegmentDisk,
  segment: number,
  fileBytes: number,
): Promise<Result<ScannedSegment, DiskError>> {
  const read = await disk.read(segment, 0, fileBytes)
  if (!read.ok) return read
  const bytes = Buffer.from(read.value.buffer, read.value.byteOffset, read.value.byteLength)
  const units: FoundUnit[] = []
  const claims: FoundClaim[] = []
  const losses: NotedLoss[] = []
  let meta: SegmentMeta | undefined
  let end = 0
  let damaged = 0
  for (let at = 0; at < bytes.length; ) {
    const head = decodeHead(bytes, at)
    const payloadAt = at + (head?.headBytes ?? 0)
    const payload = head && bytes.subarray(payloadAt, payloadAt + head.payloadBytes)
    if (head === undefined || payload?.length !== head.payloadBytes || crc32(payload) !== head.payloadCrc32) {
      // Behind the header, not behind the record: a length must not be believed once the payload is wrong.
      at = findMagic(bytes, at + 1)
      if (at === -1) break
      continue
    }
    if (at > end) damaged += 1
    const { record } = head
    if (record.kind === 'segment') meta = record.meta
    else if (record.kind === 'claim') claims.push(record)
    else if (record.kind === 'loss') losses.push(record.loss)
    else units.push({ of: record.of, entry: { ...record.entry, offset: payloadAt } })
    at = payloadAt + head.payloadBytes
    end = at
  }
  const foreign = end === 0 && isOtherVersion(bytes)
  return ok({ segment, bytes: end, fileBytes, meta, units, claims, losses, damaged, foreign })
}
