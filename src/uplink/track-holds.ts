/**
 * How soon may a track begin another object, after one had to be given up? A bucket that takes no append object at all
 * must not make us try new names as fast as we can.
 */
import { backoffMs } from '../base/backoff.ts'
import type { Clock } from '../base/clock.ts'
import type { Random } from '../base/random.ts'
import type { TrackId } from '../format/recording.ts'

/** One foreign object is replaced at once; a bucket full of them is tried less and less often. */
const abandonWait = { firstMs: 100, capMs: 300_000, floorMs: 0 }

export interface TrackHolds {
  /** An object of the track was given up. */
  abandoned(track: TrackId): void
  /** Something of the track has arrived. */
  progressed(track: TrackId): void
  /** Monotonic time in ms until which nothing of the track is tried; 0 for now. */
  until(track: TrackId): number
}

export function createTrackHolds(clock: Clock, random: Random): TrackHolds {
  const holds = new Map<TrackId, { readonly failures: number; readonly until: number }>()
  return {
    abandoned(track) {
      const failures = (holds.get(track)?.failures ?? 0) + 1
      holds.set(track, { failures, until: clock.mono() + backoffMs(abandonWait, failures, random) })
    },
    progressed: (track) => void holds.delete(track),
    until: (track) => holds.get(track)?.until ?? 0,
  }
}
