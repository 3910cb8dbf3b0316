/** What the recorder was given, written down beside it: every unit, every line, and what became of the lives between. */
import type { RunUnit } from '../../src/capture/camera-run.ts'
import { ticksPerMs } from '../../src/format/unit.ts'
import type { Boot, Life } from './life.ts'

export interface Captured {
  readonly camera: string
  /** Of the camera's units in this world, from 0. */
  readonly index: number
  readonly life: number
  readonly bytes: Buffer
  readonly keyframe: boolean
  /** First frame, and end, in ms of the world. */
  readonly fromMs: number
  readonly toMs: number
  /** When the recorder got it, in ms of the world. */
  readonly at: number
  /** When it was safe on the disk; `undefined`: never. */
  storedAt: number | undefined
  storedIn: number | undefined
  /** A bit of it was changed on the disk. */
  rotted: boolean
}

export interface WrittenLine {
  readonly track: string
  readonly text: string
  readonly life: number
  readonly at: number
  /** When the buffer said that it was written. */
  settledAt: number | undefined
}

export interface Ended {
  readonly life: number
  readonly at: number
  readonly how: 'kill' | 'power' | 'stop'
}

export interface Witness {
  readonly units: Map<string, Captured[]>
  readonly lines: WrittenLine[]
  readonly ended: Ended[]
  /** Boot counters as the recorder counts them. */
  readonly boots: Map<number, Boot>
  /** Rows of lines that damage to the database took. */
  readonly destroyedLines: { readonly track: string; readonly text: string; readonly at: number }[]
  capture(camera: string, life: Life, unit: RunUnit, at: number): void
  stored(bytes: Uint8Array, segment: number, at: number): void
  rotted(bytes: Uint8Array): Captured | undefined
  isFootage(bytes: Uint8Array): boolean
  total(): number
}

export function createWitness(): Witness {
  const units = new Map<string, Captured[]>()
  const byBytes = new Map<Uint8Array, Captured>()
  let total = 0
  return {
    units,
    lines: [],
    ended: [],
    boots: new Map(),
    destroyedLines: [],
    capture(camera, life, { unit, startMonoMs }, at) {
      const own = units.get(camera) ?? []
      units.set(camera, own)
      const fromMs = life.boot.zeroAt + startMonoMs
      const captured: Captured = {
        ...{ camera, index: own.length, life: life.number, at, keyframe: unit.media.keyframe },
        ...{ bytes: Buffer.from(unit.bytes), fromMs, toMs: fromMs + unit.media.durationTicks / ticksPerMs },
        ...{ storedAt: undefined, storedIn: undefined, rotted: false },
      }
      own.push(captured)
      byBytes.set(unit.bytes, captured)
      total += 1
    },
    stored(bytes, segment, at) {
      const captured = byBytes.get(bytes)
      if (captured === undefined) return
      captured.storedAt ??= at
      captured.storedIn = segment
    },
    rotted(bytes) {
      const captured = byBytes.get(bytes)
      if (captured !== undefined) captured.rotted = true
      return captured
    },
    isFootage: (bytes) => byBytes.has(bytes),
    total: () => total,
  }
}

const packetBytes = 188

/**
 * Enough of a unit to know it by: the tables, and the first packet of its first frame, which has the serial number. The
 * first unit of a run may have a packet without a payload before that one.
 */
export function nameOf(bytes: Buffer, at: number): string {
  const third = at + 2 * packetBytes
  const isMark = ((bytes[third + 3] ?? 0x10) & 0x10) === 0
  return bytes.toString('latin1', at, third + (isMark ? 2 : 1) * packetBytes)
}
