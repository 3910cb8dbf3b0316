/**
 * The beginning of a frame, at its position in the bytes of the open unit: all that decides whether a unit begins there,
 * and what such a unit would lack.
 */
import { limits } from '../base/limits.ts'
import type { FrameTime } from './input-clock.ts'
import { adaptationFlags, discontinuityFlag, discontinuityPacket, flagsAt } from './ts-packet.ts'
import { type Ticks, ticksPerSecond } from './unit.ts'
import type { UnitBuffer } from './unit-buffer.ts'

/** A unit is cut at the first frame after this: what is left takes a frame of 4 MiB, several times any real one. */
const cutBytes = limits.unitBytesMax - 4 * 1024 * 1024
/** An HLS entry may be this much longer than the target duration: it counts rounded. Source: RFC 8216, 4.3.3.1. */
const roundingTicks = ticksPerSecond / 2

export interface FrameStart {
  /** Position of its first packet. */
  readonly at: number
  /** Position of the tables directly before it; `tailAt` allows for more of them than a lead may have. */
  readonly leadAt: number
  readonly tailAt: number
  /** The PAT and PMT that a unit beginning here would lack; nothing, if its lead has them. */
  readonly missingTables: readonly Uint8Array[]
  readonly videoPid: number
  readonly pts: Ticks
  readonly dts: Ticks
  /** It carries a discontinuity bit. */
  readonly isMarked: boolean
  readonly isRandomAccess: boolean
  readonly arrival: number
}

/**
 * The rule for a GOP that is too long or too large: of all frames, the one nearest to the longest duration begins a unit,
 * or an earlier one, if waiting for the next would round up.
 *
 * @param unitTicks from the open unit's first DTS to the frame's
 */
export function mustCut(frame: FrameStart, time: FrameTime, unitTicks: Ticks, longestTicks: Ticks): boolean {
  const step = Math.max(0, time.step)
  return unitTicks >= longestTicks - Math.max(step / 2, step - roundingTicks) || frame.leadAt >= cutBytes
}

/**
 * Gives the beginning of a unit what it lacks: tables, and the mark of a run's first unit.
 *
 * @param at position of the frame's first packet
 * @returns bytes inserted there
 */
export function completeStart(buffer: UnitBuffer, frame: FrameStart, at: number, startsRun: boolean): number {
  let frameAt = at
  for (const table of frame.missingTables) {
    buffer.insert(frameAt, table)
    frameAt += table.length
  }
  if (startsRun) {
    const flags = flagsAt(buffer.bytes, frameAt)
    if (flags !== -1) buffer.bytes[flags] = adaptationFlags(buffer.bytes, frameAt) | discontinuityFlag
    else {
      const packet = discontinuityPacket(buffer.bytes, frameAt)
      buffer.insert(frameAt, packet)
      frameAt += packet.length
    }
  }
  return frameAt - at
}
