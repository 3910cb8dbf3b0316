/**
 * The unit: one GOP of coded video in MPEG-TS. It begins with PAT, PMT and a keyframe, lasts about 1 to 2 s, and is
 * what pre-roll, buffering, upload and playback count in. Its bytes and checksum never change once made (invariant 1).
 */

/** MPEG-TS time: 90,000 ticks a second, modulo 2^33 (26.5 hours). Source: ISO/IEC 13818-1, 2.4.3.7. */
export type Ticks = number

export const ticksPerSecond = 90_000
export const ticksPerMs = 90
export const ticksModulo = 2 ** 33

/** What a playlist and a checker need to know about a unit. All of it can be found again in the unit's bytes. */
export interface MediaInfo {
  /** PTS of the first frame: this boot's monotonic clock, in ticks, 0 to 2^33 - 1. */
  readonly firstPts: Ticks
  /** Next unit's first PTS minus own; for the last of a run: last PTS - first PTS + the last frame interval. */
  readonly durationTicks: Ticks
  /** True for the first unit of a camera run: the media clock, or the stream's parameters, may have jumped. */
  readonly discontinuity: boolean
  /** False where a GOP longer than the target duration was cut at a frame that is no keyframe. */
  readonly keyframe: boolean
}

export interface Unit {
  readonly bytes: Uint8Array
  readonly crc64: bigint
  readonly media: MediaInfo
}

/** Ticks from `earlier` to `later`, allowing for one wrap: -2^32 to 2^32 - 1. */
export function ticksBetween(earlier: Ticks, later: Ticks): Ticks {
  const difference = (((later - earlier) % ticksModulo) + ticksModulo) % ticksModulo
  return difference >= ticksModulo / 2 ? difference - ticksModulo : difference
}

/** `ticks` brought into 0 to 2^33 - 1. */
export const wrapTicks = (ticks: number): Ticks => ((ticks % ticksModulo) + ticksModulo) % ticksModulo
