/** Times that belong to events, per camera: footage in them goes to the disk at once and is given up last. */
import type { Clock } from '../base/clock.ts'
import type { Chunk, TrackId } from '../format/recording.ts'
import { ticksPerMs } from '../format/unit.ts'
import type { Boots } from './boots.ts'
import { monoOf, type Recording } from './holding.ts'
import type { Holdings } from './holdings.ts'

/** Of all cameras; windows that touch are one. At the limit the oldest goes, and what it covered stays protected. */
const windowsMax = 256
/** Footage may come late: a camera's first units wait up to 8 s for their clock, a GOP lasts up to 10 s. */
const windowMsKept = 60_000

export interface EventWindows {
  /** Also for what is held already. In ms of this boot's monotonic clock. */
  add(track: TrackId, fromMonoMs: number, toMonoMs: number): void
  covers(owner: Recording, chunk: Chunk): boolean
}

interface Window {
  readonly track: TrackId
  readonly from: number
  readonly to: number
}

export function createEventWindows(world: {
  readonly clock: Clock
  readonly boots: Boots
  readonly holdings: Holdings
}): EventWindows {
  const { clock, boots, holdings } = world
  let windows: readonly Window[] = []

  function covers(owner: Recording, { media }: Chunk): boolean {
    if (media === undefined || windows.length === 0) return false
    const from = monoOf(owner, media.firstPts)
    const to = from + media.durationTicks / ticksPerMs
    return windows.some((one) => one.track === owner.head.id.track && from <= one.to && to >= one.from)
  }

  return {
    covers,
    add(track, from, to) {
      const now = clock.mono()
      const current = windows.filter((one) => one.to >= now - windowMsKept)
      const touches = (one: Window): boolean => one.track === track && one.from <= to && from <= one.to
      const joined = current.filter(touches)
      const window = {
        track,
        from: Math.min(from, ...joined.map((one) => one.from)),
        to: Math.max(to, ...joined.map((one) => one.to)),
      }
      windows = [...current.filter((one) => !touches(one)), window].slice(-windowsMax)
      for (const recording of holdings.recordings()) {
        if (recording.head.id.track !== track || recording.head.id.boot !== boots.boot.counter) continue
        for (const held of recording.chunks) held.protected ||= covers(recording, held.chunk)
      }
    },
  }
}
