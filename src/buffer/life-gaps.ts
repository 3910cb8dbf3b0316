/**
 * The holes between one life of the recorder and the next: from the end of the footage of the old one, which may be known
 * only after the store was asked, to the first footage of the new one. Each is owed until both ends are known; until then it
 * stands in the row of its track, so that another power cut does not forget it.
 */
import type { TrackId } from '../format/recording.ts'
import { cameraOf, recordingName, trackKind } from '../format/recording.ts'
import { endPtsOf, type Moment, monoOf, type OwedGap, type Recording, type Track } from './holding.ts'
import type { Holdings } from './holdings.ts'
import type { Loss } from './loss.ts'

/** A shorter hole is none: as in `capture/recorder.ts`, a camera's clock is only so exact. */
const gapMsMin = 800
/** Lives without an answer from the store, per track. Beyond it the oldest hole is named as it is known. */
const owedMax = 64

export interface LifeGaps {
  /** Footage of a track begins: open holes end here. */
  began(track: TrackId, at: Moment): void
  /** Nothing about a recording is in doubt any more, or it is given up. `whole`: it misses nothing at its end. */
  settled(recording: Recording, whole: boolean): void
  /** Holes whose ends are both known. The caller makes their gap records durable, together with the rows. */
  take(): Loss[]
}

export function createLifeGaps(holdings: Holdings): LifeGaps {
  function change(track: Track, owed: OwedGap[]): void {
    track.owed = owed
    holdings.touch(track.id)
  }

  return {
    began(id, at) {
      const track = holdings.track(id)
      if (track.owed.every(({ to }) => to !== undefined)) return
      change(
        track,
        track.owed.map((gap) => (gap.to === undefined ? { ...gap, to: at } : gap)),
      )
    },
    settled(recording, whole) {
      const { id } = recording.head
      const name = recordingName(id)
      const track = holdings.track(id.track)
      if (!track.owed.some(({ of }) => of === name)) return
      const from = endOfFootage(recording)
      change(
        track,
        track.owed.flatMap((gap) => {
          if (gap.of !== name) return [gap]
          // What follows a recording that is whole is known: its camera was down, or said so.
          return whole && gap.ofLife !== true ? [] : [{ ...gap, from, of: undefined }]
        }),
      )
    },
    take() {
      return holdings.tracks().flatMap((track) => {
        const known = track.owed.filter(
          ({ of, to }, at) => to !== undefined && (of === undefined || at < track.owed.length - owedMax),
        )
        if (known.length === 0) return []
        change(
          track,
          track.owed.filter((gap) => !known.includes(gap)),
        )
        return known.flatMap((gap) => lossOfLife(track.id, gap))
      })
    },
  }
}

/**
 * What is owed now that a new life begins: behind each recording in doubt, to the next one, and behind the last one of the
 * life. A track that goes on in its open recording owes nothing for the life.
 */
export function oweForLives(holdings: Holdings, cause: OwedGap['cause']): void {
  for (const track of holdings.tracks()) {
    if (trackKind(track.id) !== 'video') continue
    const own = holdings.recordings().filter(({ head }) => head.id.track === track.id)
    const owed = [...track.owed]
    own.forEach((recording, at) => {
      const of = recordingName(recording.head.id)
      const next = own[at + 1]?.head
      if (!recording.doubtful || next === undefined || owed.some((gap) => gap.of === of)) return
      owed.push({ cause, from: endOfFootage(recording), of, to: { boot: next.id.boot, monoMs: next.startMonoMs } })
    })
    const last = track.open === undefined && owed.every(({ to }) => to !== undefined) ? lastOf(own, track) : undefined
    if (last !== undefined) owed.push({ cause, ...last })
    if (owed.length === track.owed.length) continue
    track.owed = owed
    holdings.touch(track.id)
  }
}

function lastOf(own: readonly Recording[], track: Track): Pick<OwedGap, 'from' | 'of' | 'ofLife'> | undefined {
  const last = own.at(-1)
  const from = last && endOfFootage(last)
  if (from === undefined || (track.end !== undefined && isLater(track.end, from))) {
    return track.end === undefined ? undefined : { from: track.end, ofLife: true }
  }
  return last?.doubtful === true ? { from, of: recordingName(last.head.id), ofLife: true } : { from, ofLife: true }
}

const isLater = (one: Moment, other: Moment): boolean =>
  one.boot > other.boot || (one.boot === other.boot && one.monoMs > other.monoMs)

const endOfFootage = (recording: Recording): Moment => ({
  boot: recording.head.id.boot,
  monoMs: monoOf(recording, endPtsOf(recording)),
})

const notes = {
  power: 'The recorder or its power ended, and what it held in memory with it.',
  stopped: 'The recorder was not running, or was just starting.',
} as const

function lossOfLife(track: TrackId, { cause, from, to }: OwedGap): Loss[] {
  const camera = cameraOf(track)
  if (camera === undefined || to === undefined) return []
  const sameBoot = to.boot === from.boot
  if (sameBoot && to.monoMs - from.monoMs < gapMsMin) return []
  return [
    {
      ...{ camera, cause, bootCounter: from.boot, fromMonoMs: from.monoMs },
      toMonoMs: sameBoot ? to.monoMs : from.monoMs,
      ...{ units: 0, bytes: 0, note: notes[cause] },
      end: sameBoot ? undefined : to,
    },
  ]
}
