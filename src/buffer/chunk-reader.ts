/**
 * The bytes of one chunk, proven by its CRC-64: from memory, from a segment, from a row. Bytes that do not prove, and
 * bytes that the disk has refused several times, are corrupt: the caller gives them up, so that one bad block does not
 * stop everything behind it.
 */
import type { Clock } from '../base/clock.ts'
import { crc64 } from '../base/crc64.ts'
import { err, ok, type Result } from '../base/result.ts'
import type { HeldChunk } from './holding.ts'
import type { KvWriter } from './kv-writer.ts'
import type { SegmentDisk } from './segment-disk.ts'
import type { Turns } from './turns.ts'

/**
 * A read that the disk refuses counts once a minute, and only while the disk takes writes: a card that is gone for an hour
 * must cost nothing, a bad block on a good card must not stop what stands behind it for longer than 4 minutes.
 */
const triesMax = 5
const trySpacingMs = 60_000

export type ReadError = { readonly kind: 'disk' | 'corrupt'; readonly message: string }

export interface ReaderWorld {
  readonly disk: SegmentDisk
  readonly kv: KvWriter
  readonly turns: Turns
  readonly clock: Clock
  /** The last write succeeded. */
  readonly diskWell: () => boolean
}

export async function readChunk(world: ReaderWorld, held: HeldChunk): Promise<Result<Uint8Array, ReadError>> {
  // Never changed since it was made, and summed then.
  if (held.bytes !== undefined) return ok(held.bytes)
  const read = await fetchBytes(world, held)
  if (!read.ok) {
    countFailure(world, held)
    const hopeless = read.error.kind === 'corrupt' || held.readFailures >= triesMax
    return err({ kind: hopeless ? 'corrupt' : 'disk', message: read.error.message })
  }
  if (read.value.length !== held.chunk.length || crc64(read.value) !== held.chunk.crc64) {
    return err({ kind: 'corrupt', message: 'the checksum is wrong' })
  }
  held.readFailures = 0
  return read
}

function countFailure({ clock, diskWell }: ReaderWorld, held: HeldChunk): void {
  const now = clock.mono()
  if (!diskWell() || (held.readFailedAt !== undefined && now - held.readFailedAt < trySpacingMs)) return
  held.readFailures += 1
  held.readFailedAt = now
}

async function fetchBytes(world: ReaderWorld, held: HeldChunk): Promise<Result<Uint8Array, ReadError>> {
  const { place, chunk } = held
  if (place.at === 'segment') {
    const read = await world.turns.take(() => world.disk.read(place.segment, place.offset, chunk.length))
    if (read.ok) return read
    // It was copied to another segment meanwhile, and the old one is gone.
    if (held.place !== place) return fetchBytes(world, held)
    return err({ kind: read.error.kind === 'absent' ? 'corrupt' : 'disk', message: read.error.message })
  }
  if (place.at === 'row') {
    const row = await world.kv.get(place.key)
    if (!row.ok) return err({ kind: row.error.kind === 'corrupt' ? 'corrupt' : 'disk', message: row.error.message })
    if (row.value === undefined) return err({ kind: 'corrupt', message: 'the row is missing' })
    return ok(Buffer.from(row.value))
  }
  return err({ kind: 'disk', message: 'it is not written yet' })
}
