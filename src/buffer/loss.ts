/** What was lost, when, and why: the gap record, the line in the log, and the wall time of a moment of any boot. */
import type { Clock, WallTime } from '../base/clock.ts'
import { monoMs } from '../base/clock.ts'
import { type CatalogueRecord, catalogueLine, type GapCause } from '../format/catalogue-record.ts'
import { isoOf } from '../format/names.ts'
import { cameraOf, type TrackId } from '../format/recording.ts'
import type { Boots } from './boots.ts'
import { endMonoOf, type HeldChunk, type Moment, startMonoOf } from './holding.ts'

/** A range of footage that is owed and does not exist. */
export interface Loss {
  readonly camera: string
  readonly cause: GapCause
  readonly bootCounter: number
  readonly fromMonoMs: number
  readonly toMonoMs: number
  readonly units: number
  readonly bytes: number
  /** Where a later boot ended it; `toMonoMs` is a guess then. */
  readonly end?: Moment | undefined
  /** One sentence for people. */
  readonly note: string
  /** The sequence numbers it used up; absent where no unit was ever made. */
  readonly seqs?: LostSeqs
}

export interface LostSeqs {
  readonly track: TrackId
  readonly from: number
  /** One past the last. */
  readonly below: number
}

export interface Times {
  /** ISO 8601 UTC; `null` where that boot never learnt the time. */
  at(bootCounter: number, mono: number): string | null
}

export function createTimes(boots: Boots, wallTime: WallTime): Times {
  return {
    at(bootCounter, mono) {
      if (bootCounter === boots.boot.counter) {
        const wall = wallTime.at(monoMs(mono))
        return wall === undefined ? null : isoOf(wall.wallMs)
      }
      const offset = boots.time(bootCounter)?.offset
      return offset === undefined ? null : isoOf(mono + offset.ms)
    },
  }
}

/** The loss of these chunks of one recording, which follow each other. `undefined` for lines, and for none. */
export function lossOf(lost: readonly HeldChunk[], cause: GapCause, note: string): Loss | undefined {
  const [first] = lost
  const last = lost.at(-1)
  const camera = first && cameraOf(first.owner.head.id.track)
  if (first === undefined || last === undefined || camera === undefined) return undefined
  return {
    camera,
    cause,
    bootCounter: first.owner.head.id.boot,
    fromMonoMs: startMonoOf(first),
    toMonoMs: endMonoOf(last),
    units: lost.length,
    bytes: lost.reduce((sum, { chunk }) => sum + chunk.length, 0),
    note,
    seqs: { track: first.owner.head.id.track, from: first.chunk.seq, below: last.chunk.seq + 1 },
  }
}

export function gapLine(loss: Loss, times: Times): string {
  const { camera, cause, fromMonoMs, toMonoMs, bootCounter, units, bytes, note, end } = loss
  const from = times.at(bootCounter, fromMonoMs)
  const to = end === undefined ? times.at(bootCounter, toMonoMs) : times.at(end.boot, end.monoMs)
  const later = end === undefined ? {} : { endBootCounter: end.boot, endMonoMs: end.monoMs }
  const range = { from, to, fromMonoMs, toMonoMs, ...later }
  return catalogueLine({ v: 1, kind: 'gap', bootCounter, camera, cause, ...range, units, bytes, note })
}

export function alarmLine(
  about: string,
  note: string,
  world: { readonly times: Times; readonly boots: Boots; readonly clock: Clock },
): string {
  const bootCounter = world.boots.boot.counter
  const mono = world.clock.mono()
  const alarm: CatalogueRecord = {
    v: 1,
    kind: 'alarm',
    bootCounter,
    about,
    note,
    time: world.times.at(bootCounter, mono),
    monoMs: mono,
  }
  return catalogueLine(alarm)
}

/** For the log: "12 units (6.0 MB) of camera gate, 2026-… to 2026-…". */
export function lossSentence(loss: Loss, times: Times): string {
  const from = times.at(loss.bootCounter, loss.fromMonoMs)
  const to = times.at(loss.bootCounter, loss.toMonoMs)
  const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s of boot ${loss.bootCounter}`
  const when =
    from === null || to === null ? `${seconds(loss.fromMonoMs)} to ${seconds(loss.toMonoMs)}` : `${from} to ${to}`
  return `${loss.units} units (${(loss.bytes / 1e6).toFixed(1)} MB) of camera ${loss.camera}, ${when}`
}
