/**
 * Moves what waits in one buffer into another, as new recordings of the same tracks: units as they are, lines as they
 * are. Recordings are named again there, so this is for what no store has heard of, or when nothing of it is on its way
 * to one any more.
 */
import type { Buffer, Held } from '../buffer/buffer.ts'
import { type Chunk, type RecordingId, recordingName } from '../format/recording.ts'
import { ticksBetween, ticksPerMs, type Unit, wrapTicks } from '../format/unit.ts'

export interface CarryOptions {
  /** Names of the recordings that have moved; added to at the moment of each move. */
  readonly moved: Set<string>
  /** Recordings that have a name too. */
  readonly named: boolean
}

/** Oldest first. What cannot be read stays where it is. */
export async function carryOver(source: Buffer, target: Buffer, { moved, named }: CarryOptions): Promise<void> {
  const moves = (held: Held | undefined): held is Held =>
    held !== undefined && held.pending.length > 0 && (named || held.claim === undefined)
  for (const id of source.held()) {
    const held = source.recording(id)
    if (!moves(held) || moved.has(recordingName(id))) continue
    const units = await readAll(source, id, held)
    // It may have got its name, or shrunk, while it was read.
    const now = source.recording(id)
    if (units === undefined || !moves(now) || now.pending.length !== units.length) continue
    moved.add(recordingName(id))
    source.release(id)
    hand(target, held, units)
  }
}

interface Read {
  readonly chunk: Chunk
  readonly bytes: Uint8Array
}

async function readAll(source: Buffer, id: RecordingId, { pending }: Held): Promise<Read[] | undefined> {
  const found: Read[] = []
  for (const chunk of pending) {
    const read = await source.read(id, chunk.seq, 1)
    if (!read.ok) {
      source.release(id)
      return undefined
    }
    found.push({ chunk, bytes: read.value })
  }
  return found
}

/** In one go: no other unit of the track may come in between. */
function hand(target: Buffer, { head }: Held, found: readonly Read[]): void {
  const { track } = head.id
  const { video } = head
  if (video === undefined) {
    const text = Buffer.concat(found.map(({ bytes }) => bytes)).toString()
    for (const line of text.trimEnd().split('\n')) void target.write(track, line)
    return
  }
  const units = found.flatMap(({ bytes, chunk: { crc64, media } }): Unit[] =>
    media === undefined ? [] : [{ bytes, crc64, media }],
  )
  const [first] = units
  if (first === undefined) return
  const startPts = wrapTicks(Math.round(head.startMonoMs * ticksPerMs))
  const startMonoMs = head.startMonoMs + ticksBetween(startPts, first.media.firstPts) / ticksPerMs
  target.begin(track, { startMonoMs, video })
  for (const unit of units) target.put(track, unit)
  target.endOpen(track)
}
