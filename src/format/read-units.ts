/**
 * Which units are these bytes? Splits stored video again into the units that capture made of it, for a playlist that
 * has to catch up, and for a checker. See `unit-cutter.ts` for why the answer is the same.
 */

import type { CutUnit, UnitBegin } from './open-unit.ts'
import { type MediaInfo, type Ticks, ticksBetween } from './unit.ts'
import { UnitCutter } from './unit-cutter.ts'

/**
 * @param bytes stored video, from the beginning of a unit on
 * @param longestTicks of its recording: the target duration
 * @returns the units in order. Their lengths add up to all the bytes, unless something in them is no whole packet where
 * one should be. The last unit has the duration of the last of a run; if the bytes end inside a unit, it is what there is.
 */
export function readUnits(bytes: Uint8Array, longestTicks: Ticks): { length: number; media: MediaInfo }[] {
  const units: { length: number; media: MediaInfo }[] = []
  const take = (unit: CutUnit, next: UnitBegin | undefined, restBytes: number): void => {
    const { pts, isForced, isKeyframe } = unit.begin
    const durationTicks = next === undefined || next.isForced ? unit.ticksAlone : ticksBetween(pts, next.pts)
    const media = { firstPts: pts, durationTicks, discontinuity: isForced, keyframe: isKeyframe }
    units.push({ length: unit.bytes.length + restBytes, media })
  }
  const cutter = new UnitCutter({
    mode: 'read',
    longestTicks,
    onBegin: (next, ended) => {
      if (ended !== undefined) take(ended, next, 0)
      return false
    },
  })
  cutter.push(bytes, 0)
  const last = cutter.end()
  if (last !== undefined) take(last, undefined, cutter.restBytes)
  return units
}
