/**
 * Has a camera stalled? Bytes and keyframes are the only signs of life that count: a hung process, a frozen camera and a
 * dead network all look alike from here, and all end in the same restart. Pure.
 */
import type { MonoMs } from '../base/clock.ts'
import type { RunState } from './camera-run.ts'
import type { StallKind } from './camera-words.ts'

/** Cameras probe, log in and wait for their next keyframe; the slowest seen took 12 s (ffmpeg leaves a silent one at 10 s). */
const firstKeyframeMsMax = 20_000
/** A network camera on Wi-Fi is silent for seconds now and then; below this nothing is a stall, however short its GOPs. */
const stallMsMin = 5_000
const silenceGops = 3
/** From here on a camera is silent: more than the time between two frames of any camera that is worth recording. */
const silentMsMin = 2_000
const silenceMsMax = 30_000
const keyframeGops = 4
/** A camera is never waited for longer. */
const keyframeMsMax = 60_000

export interface Stall {
  readonly stall: StallKind
  readonly waitedMs: number
}

export interface Patience {
  readonly startedAt: MonoMs
  /**
   * The longest time from keyframe to keyframe that this camera ever took, also in earlier runs: cameras with "smart"
   * coding stretch their GOPs when nothing moves, and the last one seen says little about the next.
   */
  readonly longestGopMs: number | undefined
}

export function stallAt(now: MonoMs, run: RunState, { startedAt, longestGopMs }: Patience): Stall | undefined {
  if (run.lastKeyframeAt === undefined) {
    const waitedMs = now - startedAt
    if (waitedMs < keyframeLimitMs(longestGopMs, firstKeyframeMsMax)) return undefined
    return { stall: run.lastByteAt === undefined ? 'no-bytes' : 'no-first-keyframe', waitedMs }
  }
  const silentMs = now - (run.lastByteAt ?? run.lastKeyframeAt)
  const silenceLimitMs = Math.min(silenceMsMax, Math.max(stallMsMin, silenceGops * (run.gopMs ?? 0)))
  if (silentMs >= silenceLimitMs) return { stall: 'no-bytes', waitedMs: silentMs }
  // Keyframes are missed only while other bytes come; a camera that is silent altogether has its own limit and sentence.
  if (silentMs >= silentMsMin) return undefined

  const waitedMs = now - run.lastKeyframeAt
  // Until two keyframes were seen nobody knows how far apart they are.
  const least = longestGopMs === undefined ? firstKeyframeMsMax : stallMsMin
  return waitedMs >= keyframeLimitMs(longestGopMs, least) ? { stall: 'no-keyframe', waitedMs } : undefined
}

const keyframeLimitMs = (longestGopMs: number | undefined, leastMs: number): number =>
  Math.min(keyframeMsMax, Math.max(leastMs, keyframeGops * (longestGopMs ?? 0)))

/** What a life taught: the longest GOP, or that the camera may let so much time pass, and the next life waits longer. */
export function longerGop(known: number | undefined, gopMs: number | undefined, stall?: Stall): number | undefined {
  const seen = [known, gopMs, stall?.stall === 'no-keyframe' ? stall.waitedMs : undefined].filter(
    (ms) => ms !== undefined,
  )
  return seen.length === 0 ? undefined : Math.min(keyframeMsMax, Math.max(...seen))
}
