/**
 * Witnesses for a proof: what the camera's process said, byte for byte, and a hash of each unit before the buffer sees
 * it. Written with plain synchronous calls before the recorder goes on, so that a SIGKILL cannot leave footage in the
 * store that no witness saw. For the demo and for tests (`watchpost run --proof DIR`); it doubles what is written.
 */
import { createHash } from 'node:crypto'
import { appendFileSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { TrackId } from '../format/recording.ts'
import type { Unit } from '../format/unit.ts'
import { systemClock } from './system-clock.ts'

/** One line of `units.jsonl`. */
export interface UnitWitness {
  /** Process id and start of the recorder that made it: a new one begins where the old one was stopped or killed. */
  readonly life: string
  readonly track: TrackId
  readonly length: number
  readonly sha256: string
  /** When it was whole, on the machine's monotonic clock in ms: how old it was when a kill came. */
  readonly monoMs: number
}

export interface ProofFiles {
  /** Raw bytes of a camera's process; `run` counts its lives. */
  camera(name: string, run: number, bytes: Uint8Array): void
  unit(track: TrackId, unit: Unit): void
}

export const unitsFile = 'units.jsonl'

/** The raw bytes of one life of a camera's process. Sorts by time. */
const cameraFile = (name: string, life: string, run: number): string =>
  `camera-${name}-${life}-${String(run).padStart(4, '0')}.ts`

/** @throws if the directory cannot be made or written: a proof that cannot be kept must not look like one */
export function openProofFiles(directory: string, life: string): ProofFiles {
  mkdirSync(directory, { recursive: true })
  return {
    camera: (name, run, bytes) => appendFileSync(join(directory, cameraFile(name, life, run)), bytes),
    unit(track, unit) {
      const sha256 = createHash('sha256').update(unit.bytes).digest('hex')
      const witness: UnitWitness = { life, track, length: unit.bytes.length, sha256, monoMs: systemClock.mono() }
      appendFileSync(join(directory, unitsFile), `${JSON.stringify(witness)}\n`)
    },
  }
}
