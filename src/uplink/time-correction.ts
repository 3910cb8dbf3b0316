/**
 * What is the time, on a board that may have booted in 1970?
 *
 * We look for one number: the offset of this boot's monotonic clock, wall = mono + offset. Each witness bounds it. A
 * store that wrote `Date: 12:00:00` between our sending and our hearing had a clock in [12:00:00, 12:00:01), so the
 * offset lies in [date - heard, date + 1 s - sent]. Bounds of several witnesses intersect; with age they widen by what a
 * crystal drifts. The middle is the estimate, half the width its greatest error.
 *
 * A witness that contradicts the bounds is not believed until a second one in a row agrees with it: one broken front end
 * must not move our clock, and a real step of the store's time still does. A refusal for clock skew is believed at once:
 * the store has just acted on it. Dates before this program was written come from a dead clock and are ignored.
 *
 * Nothing here steps the system's clock, and media time never looks at it.
 */
import { type Clock, type MonoMs, type WallMoment, type WallTime, wallMs } from '../base/clock.ts'

export interface TimeWitness {
  /** Monotonic time before the question left, and after the answer was here. */
  readonly sentAt: MonoMs
  readonly heardAt: MonoMs
  /** What the witness's clock showed, in wall ms, and how coarse it is: the truth was in [shown, shown + grainMs]. */
  readonly shownMs: number
  readonly grainMs: number
  /** The store refused us for our time: it is right by definition, since it decides. */
  readonly decisive?: boolean
}

export interface Offset {
  /** wall ms = monotonic ms + `ms`. */
  readonly ms: number
  readonly errorMs: number
}

export interface TimeCorrection extends WallTime {
  /** A trustworthy answer from the store (request id present) showed the time. */
  heard(witness: TimeWitness): void
  /** The system says that its clock is kept by NTP: right now, within `errorMs`. */
  systemClockIsRight(errorMs: number): void
  /** wall = mono + offset as known now; `undefined` before the first witness. */
  offset(): Offset | undefined
  /** Add this to the system's wall clock for signing requests, in ms: 0 while nothing better is known. */
  signingSkewMs(): number
}

/** 2025-01-01: any date before it was shown by a clock that nobody had set. */
const oldestMs = Date.UTC(2025, 0, 1)
const newestMs = Date.UTC(2100, 0, 1)
/** A cheap crystal in the cold: 100 parts in a million, 8.6 s a day. */
const driftPerMs = 100e-6
/** Front ends of one service differ by some tens of ms; bounds that miss each other by less are joined, not doubted. */
const disagreementMsMax = 500
/** A step larger than this cuts the recording and leaves a line in the catalogue; a smaller one takes effect later. */
const correctionReportMs = 2_000

interface Bounds {
  readonly low: number
  readonly high: number
  readonly at: MonoMs
}

/** @param onCorrection the time became known (`beforeMs` undefined) or moved by more than 2 s */
export function createTimeCorrection(
  clock: Clock,
  onCorrection: (offset: Offset, beforeMs: number | undefined) => void = () => {},
): TimeCorrection {
  let known: Bounds | undefined
  let doubted: Bounds | undefined
  let reportedMs: number | undefined

  function take(found: Bounds, decisive: boolean): void {
    const now = known === undefined ? undefined : widened(known, found.at)
    const joined = now === undefined || decisive ? found : joinOf(now, found)
    if (joined !== undefined) {
      known = joined
      doubted = undefined
    } else {
      const agreed = doubted === undefined ? undefined : joinOf(widened(doubted, found.at), found)
      if (agreed === undefined) doubted = found
      else {
        known = agreed
        doubted = undefined
      }
    }
    report()
  }

  function report(): void {
    if (known === undefined) return
    const offset = offsetOf(known)
    if (reportedMs !== undefined && Math.abs(offset.ms - reportedMs) <= correctionReportMs) return
    const before = reportedMs
    reportedMs = offset.ms
    onCorrection(offset, before)
  }

  const offset = (): Offset | undefined => (known === undefined ? undefined : offsetOf(known))

  return {
    heard({ sentAt, heardAt, shownMs, grainMs, decisive }) {
      if (!(shownMs >= oldestMs && shownMs < newestMs) || heardAt < sentAt) return
      take({ low: shownMs - heardAt, high: shownMs + grainMs - sentAt, at: heardAt }, decisive ?? false)
    },
    systemClockIsRight(errorMs) {
      const mono = clock.mono()
      const wall = clock.wall()
      if (!(wall >= oldestMs && wall < newestMs)) return
      take({ low: wall - mono - errorMs, high: wall - mono + errorMs, at: mono }, false)
    },
    at(moment): WallMoment | undefined {
      if (known === undefined) return undefined
      const { ms, errorMs } = offsetOf(widened(known, moment))
      return { wallMs: wallMs(moment + ms), errorMs }
    },
    offset,
    signingSkewMs() {
      const found = offset()
      return found === undefined ? 0 : Math.round(clock.mono() + found.ms - clock.wall())
    },
  }
}

const offsetOf = ({ low, high }: Bounds): Offset => ({ ms: (low + high) / 2, errorMs: (high - low) / 2 })

function widened(bounds: Bounds, at: MonoMs): Bounds {
  const drift = Math.abs(at - bounds.at) * driftPerMs
  return { low: bounds.low - drift, high: bounds.high + drift, at }
}

/** What both allow; where they miss each other by little, all that either allows; `undefined` for a contradiction. */
function joinOf(a: Bounds, b: Bounds): Bounds | undefined {
  const low = Math.max(a.low, b.low)
  const high = Math.min(a.high, b.high)
  if (low <= high) return { low, high, at: b.at }
  if (low - high > disagreementMsMax) return undefined
  return { low: high, high: low, at: b.at }
}
