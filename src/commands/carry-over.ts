/**
 * From one buffer to another: the account of where footage is missing, and what waits. That moves as new recordings of
 * the same tracks, units and lines as they are. They get new names there, so this is for what no store has heard of, or
 * when nothing of it is on its way to one any more.
 */
import type { Buffer } from '../buffer/buffer.ts'
import type { Held } from '../buffer/snapshot.ts'
import {
  type Chunk,
  cameraOf,
  type RecordingId,
  recordingName,
  type TrackId,
  type VideoHeader,
} from '../format/recording.ts'
import { type Ticks, ticksBetween, ticksPerMs, type Unit, wrapTicks } from '../format/unit.ts'

/** How the footage of a track began in a buffer. */
export interface Beginning {
  readonly startMonoMs: number
  readonly video: VideoHeader
}

/** A shorter hole is none: as in `capture/recorder.ts`, a camera's clock is only so exact. */
const gapMsMin = 800

/**
 * Footage of `track` begins in the other buffer. What was missing before it ends there, and not where the first unit of
 * this buffer begins: the hole since the recorder ran last gets its gap record, or the one that is owed gets its end.
 */
export function joinLives(target: Buffer, track: TrackId, start: Beginning): void {
  const open = target.open(track)
  const camera = cameraOf(track)
  if (open !== undefined && camera !== undefined) {
    const fromMonoMs = monoOf(open.head.startMonoMs, open.endPts)
    const note = 'The recorder was not running, or was just starting.'
    if (start.startMonoMs - fromMonoMs >= gapMsMin) {
      void target.gap({ camera, cause: 'stopped', fromMonoMs, toMonoMs: start.startMonoMs, note })
    }
  }
  target.begin(track, start)
  const id = target.open(track)?.head.id
  target.endOpen(track)
  // It was there to mark the moment.
  if (id !== undefined) void target.finish(id)
}

/** On the clock that does not wrap: no recording is longer than an hour or so. */
const monoOf = (startMonoMs: number, pts: Ticks): number =>
  startMonoMs + ticksBetween(wrapTicks(Math.round(startMonoMs * ticksPerMs)), pts) / ticksPerMs

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
  target.begin(track, { startMonoMs: monoOf(head.startMonoMs, first.media.firstPts), video })
  for (const unit of units) target.put(track, unit)
  target.endOpen(track)
}
