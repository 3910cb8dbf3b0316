/**
 * The holes between one life of the recorder and the next: from the end of the footage of the old one, which may be known
 * only after the store was asked, to the first footage of the new one. Each is owed until both ends are known; until then it
 * stands in the row of its track, so that another power cut does not forget it.
 */
import type { TrackId } from '../format/recording.ts'
import { cameraOf, recordingName, trackKind } from '../format/recording.ts'
import { ticksPerMs } from '../format/unit.ts'
import { endOfFootage, laterOf, type Moment, type OwedGap, type Recording, type Track } from './holding.ts'
import type { Holdings } from './holdings.ts'
import type { Loss } from './loss.ts'

/** A shorter hole is none: as in `capture/recorder.ts`, a camera's clock is only so exact. */
const gapMsMin = 800
/** A usual GOP, where nothing better is known. */
const unitMsUsual = 1_000
/** Lives without an answer from the store, per track. Beyond it the oldest hole is named as it is known. */
const owedMax = 64

export interface LifeGaps {
  /** Footage of a track is about to begin in a new recording: open holes end here. */
  begins(track: TrackId, at: Moment): void
  /**
   * Nothing about a recording is in doubt any more, or it is given up.
   *
   * @param named where what is missing in it ends, if all of that is named by others, its end included
   */
  settled(recording: Recording, named: Moment | undefined): void
  /** Holes whose ends are both known. The caller makes their gap records durable, together with the rows. */
  take(): Loss[]
}

export function createLifeGaps(holdings: Holdings): LifeGaps {
  function change(track: Track, owed: OwedGap[]): void {
    track.owed = owed
    holdings.touch(track.id)
  }

  /** Where its footage ends; `at` if nobody knows. */
  function endOfTrack({ id, end }: Track, at: Moment): Moment {
    const ends = holdings
      .recordings()
      .filter(({ head }) => head.id.track === id)
      .map(endOfFootage)
    const known = end === undefined ? ends : [end, ...ends]
    return known.length === 0 ? at : known.reduce(laterOf)
  }

  /** A cut may have moved the end of a life to another recording. */
  function lastBelow({ from, belowSeq = 0 }: OwedGap, track: TrackId, end: Moment): Moment {
    return holdings
      .recordings()
      .filter(({ head, chunks }) => head.id.track === track && head.firstSeq < belowSeq && chunks.length > 0)
      .map(endOfFootage)
      .reduce(laterOf, laterOf(from, end))
  }

  return {
    begins(id, at) {
      const track = holdings.track(id)
      // Capture names the hole behind a recording that is open; this one was cut or given up before anything joined it.
      if (track.carried && track.open === undefined)
        change(track, [...track.owed, { cause: 'stopped', from: endOfTrack(track, at), to: at }])
      track.carried = false
      if (track.owed.every(({ to }) => to !== undefined)) return
      change(
        track,
        track.owed.map((gap) => (gap.to === undefined ? { ...gap, to: at } : gap)),
      )
    },
    settled(recording, named) {
      const { id } = recording.head
      const name = recordingName(id)
      const track = holdings.track(id.track)
      if (!track.owed.some(({ of }) => of === name)) return
      const end = named === undefined ? endOfFootage(recording) : laterOf(named, endOfFootage(recording))
      change(
        track,
        track.owed.flatMap((gap) => {
          if (gap.of !== name) return [gap]
          // What follows a recording whose end is known is known, too: its camera was down, or said so.
          if (named !== undefined && gap.belowSeq === undefined) return []
          return [{ ...gap, from: lastBelow(gap, id.track, end), of: undefined }]
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
    const owed = track.owed.map((gap) => endedSince(gap, own))
    own.forEach((recording, at) => {
      const of = recordingName(recording.head.id)
      if (!recording.doubtful || owed.some((gap) => gap.of === of)) return
      const to = endOfTail(recording, own[at + 1]?.head, track.end)
      if (to !== undefined) owed.push({ cause, from: endOfFootage(recording), of, to })
    })
    const last = track.open === undefined && owed.every(({ to }) => to !== undefined) ? lastOf(own, track) : undefined
    if (last !== undefined) owed.push({ cause, ...last })
    if (owed.length === track.owed.length && owed.every((gap, at) => gap === track.owed[at])) continue
    track.owed = owed
    holdings.touch(track.id)
  }
}

/**
 * Where the hole behind a doubtful recording ends, if anything is known to lie behind it: the next recording, or footage
 * that was given up and named. How many of its last units are missing is known where it was closed; then the hole is as
 * long as they were, as near as one can tell.
 */
function endOfTail(
  recording: Recording,
  next: Recording['head'] | undefined,
  trackEnd: Moment | undefined,
): Moment | undefined {
  const end = endOfFootage(recording)
  const { media } = recording.chunks.at(-1)?.chunk ?? {}
  const missing = recording.endSeq - (recording.chunks.at(-1)?.chunk.seq ?? recording.arrivedSeq - 1) - 1
  const start = next && { boot: next.id.boot, monoMs: next.startMonoMs }
  if (start !== undefined && (missing === 0 || next?.firstSeq === recording.endSeq)) return start
  if (missing === 0 || (start === undefined && (trackEnd === undefined || laterOf(trackEnd, end) === end)))
    return undefined
  const unitMs = media === undefined ? unitMsUsual : media.durationTicks / ticksPerMs
  return { boot: end.boot, monoMs: end.monoMs + missing * unitMs }
}

/** Footage has begun behind it, and its process ended before that was written down. */
function endedSince(gap: OwedGap, own: readonly Recording[]): OwedGap {
  const { to, from, belowSeq } = gap
  // A recording of the old life that never had footage begins at the same number, and not later.
  const next = own.find(({ head }) => {
    const start = { boot: head.id.boot, monoMs: head.startMonoMs }
    return belowSeq !== undefined && head.firstSeq >= belowSeq && laterOf(start, from) === start
  })?.head
  return to !== undefined || next === undefined ? gap : { ...gap, to: { boot: next.id.boot, monoMs: next.startMonoMs } }
}

function lastOf(own: readonly Recording[], track: Track): Pick<OwedGap, 'from' | 'of' | 'belowSeq'> | undefined {
  const last = own.at(-1)
  const end = last && endOfFootage(last)
  const belowSeq = track.nextSeq
  if (end === undefined || (track.end !== undefined && laterOf(track.end, end) === track.end)) {
    return track.end === undefined ? undefined : { from: track.end, belowSeq }
  }
  return last?.doubtful === true ? { from: end, of: recordingName(last.head.id), belowSeq } : { from: end, belowSeq }
}

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
