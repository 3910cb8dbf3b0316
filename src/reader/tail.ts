/**
 * Follows a camera's footage, or one object, as it grows: ask for the length, fetch what is new, hand it on whole.
 * `watchpost tail CAMERA | ffplay -` is its reason to be.
 *
 * It never asks for bytes past the end, and reads in pieces, so that it costs what it delivers. When a recording is over
 * it goes on with the camera's next one: MPEG-TS may simply be continued. It gives nothing up for a broken link: the
 * archive it is given waits (`patient-archive.ts`). It does not repair or reorder anything.
 */
import type { Clock, MonoMs } from '../base/clock.ts'
import { err, ok, type Result } from '../base/result.ts'
import type { Archive, ArchiveError } from './archive.ts'
import { firstSpot, hasEnded, nextRecording, type Spot, type TailFrom, type TailTarget } from './follow.ts'
import { pieceBytesMax } from './read-pieces.ts'

/**
 * A recording that neither grew nor ended for this long is left when a newer one exists: its device lost power, and its
 * end mark may come hours later. Longer than the 15 s between two tries of an uplink that just came back.
 */
const stalledMs = 30_000
/** Without growth for this long we begin to ask whether the recording is over: one more request a poll. */
const quietMs = 3_000

/** Where the bytes go. */
export interface ByteSink {
  /** Resolves when there is room for more: `false` if nobody reads any longer, which ends the tail quietly. */
  write(bytes: Uint8Array): Promise<boolean>
}

export interface TailWorld {
  readonly archive: Archive
  readonly clock: Clock
  readonly sink: ByteSink
  /** A sentence for the person who looks on; never on the way of the bytes. */
  readonly tell: (message: string) => void
}

export interface TailOptions {
  readonly from: TailFrom
  /** False: stop at the present end instead of waiting for more. */
  readonly follow: boolean
  /** From one question for the length to the next, in ms; a unit of video lasts 1 to 2 s. */
  readonly pollMs: number
}

interface Progress {
  key: string
  offset: number
  bytes: number
  grewAt: MonoMs
  ended: boolean
}

/** @returns how many bytes were handed on, when there is no more, nobody reads, or `signal` aborts */
export async function tail(
  world: TailWorld,
  target: TailTarget,
  options: TailOptions,
  signal: AbortSignal,
): Promise<Result<number, ArchiveError>> {
  const first = await waitForFirst(world, target, options, signal)
  if (!first.ok || first.value === undefined) return first.ok ? ok(0) : stopped(first, 0, signal)
  const at: Progress = { ...first.value, bytes: 0, grewAt: world.clock.mono(), ended: false }
  while (!signal.aborted) {
    const moved = await handOn(world, at, signal)
    if (!moved.ok) return stopped(moved, at.bytes, signal)
    if (moved.value === 'nobody reads') return ok(at.bytes)
    if (moved.value === 'more') continue
    const next = await goOn(world, target, options, at, signal)
    if (!next.ok) return stopped(next, at.bytes, signal)
    if (next.value === 'over') return ok(at.bytes)
    if (next.value === 'wait') await world.clock.sleep(options.pollMs, signal)
  }
  return ok(at.bytes)
}

async function waitForFirst(
  world: TailWorld,
  target: TailTarget,
  options: TailOptions,
  signal: AbortSignal,
): Promise<Result<Spot | undefined, ArchiveError>> {
  for (let looks = 1; ; looks += 1) {
    const spot = await firstSpot(world.archive, target, options.from, world.clock.wall(), signal)
    if (!spot.ok || spot.value !== undefined || signal.aborted) return spot
    if (!options.follow) return spot
    if (looks === 1) world.tell(`There is no such footage of ${nameOf(target)} yet; waiting for it.`)
    await world.clock.sleep(options.pollMs, signal)
  }
}

/** One piece of what is new. `quiet`: there is nothing new. */
async function handOn(
  world: TailWorld,
  at: Progress,
  signal: AbortSignal,
): Promise<Result<'more' | 'quiet' | 'nobody reads', ArchiveError>> {
  const stat = await world.archive.stat(at.key, signal)
  if (!stat.ok) return stat
  if (stat.value.length < at.offset) {
    const message = `${at.key} has become shorter (${stat.value.length} bytes, ${at.offset} were read): somebody replaced it.`
    return err({ kind: 'rejected', message })
  }
  const end = Math.min(stat.value.length, at.offset + pieceBytesMax)
  if (end === at.offset) return ok('quiet')
  const piece = await world.archive.readRange(at.key, at.offset, end, signal)
  if (!piece.ok) return piece
  if (piece.value.length === 0) return ok('quiet')
  at.offset += piece.value.length
  at.grewAt = world.clock.mono()
  if (!(await world.sink.write(piece.value))) return ok('nobody reads')
  at.bytes += piece.value.length
  return ok('more')
}

/** The object has nothing new: wait, go on with the next recording (`at` is moved there), or be done. */
async function goOn(
  world: TailWorld,
  target: TailTarget,
  options: TailOptions,
  at: Progress,
  signal: AbortSignal,
): Promise<Result<'wait' | 'moved' | 'over', ArchiveError>> {
  const quiet = world.clock.mono() - at.grewAt
  if (options.follow && quiet < quietMs) return ok('wait')
  if (options.follow && !at.ended) {
    const ended = await hasEnded(world.archive, at.key, signal)
    if (!ended.ok) return ended
    if (ended.value) {
      // Bytes that came between our last look and the end mark are still to be fetched: look once more.
      at.ended = true
      return ok('moved')
    }
    if (quiet < stalledMs) return ok('wait')
  }
  const next = await nextRecording(world.archive, target, at.key, world.clock.wall(), signal)
  if (!next.ok) return next
  if (next.value === undefined) return ok(!options.follow || (at.ended && target.kind === 'object') ? 'over' : 'wait')
  if (!at.ended && options.follow)
    world.tell(`${at.key} stopped growing without an end; going on with the next recording.`)
  Object.assign(at, { key: next.value, offset: 0, ended: false, grewAt: world.clock.mono() })
  return ok('moved')
}

const nameOf = (target: TailTarget): string => (target.kind === 'camera' ? `camera ${target.camera}` : target.key)

/** An error that only says that we were told to stop is no error. */
const stopped = (
  failed: { readonly ok: false; readonly error: ArchiveError },
  bytes: number,
  signal: AbortSignal,
): Result<number, ArchiveError> => (signal.aborted ? ok(bytes) : failed)
