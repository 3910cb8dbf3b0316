/**
 * Which units are these bytes? Splits stored video again into the units that capture made of it, for a playlist that
 * has to catch up, for the tail of an object, and for a checker. See `unit-cutter.ts` for why the answer is the same.
 */

import type { CutUnit, UnitBegin } from './open-unit.ts'
import { type MediaInfo, type Ticks, ticksBetween } from './unit.ts'
import { UnitCutter } from './unit-cutter.ts'

export interface StoredUnit {
  readonly length: number
  readonly media: MediaInfo
}

/** The same in pieces, for more bytes than should be held at once: one unit at a time is. */
export interface UnitReader {
  push(bytes: Uint8Array): void
  /** All bytes were given: the last unit is handed out. */
  end(): void
}

/**
 * @param longestTicks of its recording: the target duration
 * @param onUnit is given each unit, in order
 */
export function createUnitReader(longestTicks: Ticks, onUnit: (unit: StoredUnit) => void): UnitReader {
  const take = (unit: CutUnit, next: UnitBegin | undefined, restBytes: number): void => {
    const { pts, isForced, isKeyframe } = unit.begin
    const durationTicks = next === undefined || next.isForced ? unit.ticksAlone : ticksBetween(pts, next.pts)
    const media = { firstPts: pts, durationTicks, discontinuity: isForced, keyframe: isKeyframe }
    onUnit({ length: unit.bytes.length + restBytes, media })
  }
  const cutter = new UnitCutter({
    mode: 'read',
    longestTicks,
    onBegin: (next, ended) => {
      if (ended !== undefined) take(ended, next, 0)
      return false
    },
  })
  return {
    push: (bytes) => cutter.push(bytes, 0),
    end() {
      const last = cutter.end()
      if (last !== undefined) take(last, undefined, cutter.restBytes)
    },
  }
}

/**
 * @param bytes stored video, from the beginning of a unit on
 * @param longestTicks of its recording: the target duration
 * @returns the units in order. Their lengths add up to all the bytes, unless something in them is no whole packet where
 * one should be. The last unit has the duration of the last of a run; if the bytes end inside a unit, it is what there is.
 */
export function readUnits(bytes: Uint8Array, longestTicks: Ticks): StoredUnit[] {
  const units: StoredUnit[] = []
  const reader = createUnitReader(longestTicks, (unit) => units.push(unit))
  reader.push(bytes)
  reader.end()
  return units
}
