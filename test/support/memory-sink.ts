/** A `UnitSink` that keeps everything in memory, with the rules of the real one: what a test looks at afterwards. */

import type { UnitSink } from '../../src/capture/unit-sink.ts'
import { type RecordingHead, recordingName, type TrackId, type VideoHeader } from '../../src/format/recording.ts'
import { type Ticks, type Unit, wrapTicks } from '../../src/format/unit.ts'

interface KeptRecording {
  readonly head: RecordingHead
  readonly units: Unit[]
}

export interface MemorySink extends UnitSink {
  readonly recordings: readonly KeptRecording[]
  /** Closes the open recording of a track, as an eviction does. */
  cut(track: TrackId): void
  /** A recording's bytes, as its object would hold them. */
  bytesOf(recording: KeptRecording): Uint8Array
}

export function createMemorySink(bootCounter = 1): MemorySink {
  const recordings: KeptRecording[] = []
  const openOf = new Map<TrackId, KeptRecording>()
  const seqOf = new Map<TrackId, number>()

  function begin(track: TrackId, start: { readonly startMonoMs: number; readonly video: VideoHeader }): void {
    const number = recordings.filter((kept) => kept.head.id.track === track).length
    const head = { id: { track, boot: bootCounter, number }, ...start, firstSeq: seqOf.get(track) ?? 0 }
    const kept: KeptRecording = { head, units: [] }
    recordings.push(kept)
    openOf.set(track, kept)
  }

  function put(track: TrackId, unit: Unit): void {
    const kept = openOf.get(track)
    if (kept === undefined) throw new Error(`a unit of ${track} came before its recording`)
    if (kept.units.length === 0 && !unit.media.keyframe) {
      throw new Error(`${recordingName(kept.head.id)} begins without a keyframe`)
    }
    seqOf.set(track, (seqOf.get(track) ?? 0) + 1)
    kept.units.push(unit)
  }

  return {
    recordings,
    begin,
    put,
    open(track) {
      const kept = openOf.get(track)
      const last = kept?.units.at(-1)
      if (kept === undefined || last === undefined) return undefined
      return { head: kept.head, length: lengthOf(kept), endPts: endOf(last) }
    },
    cut: (track) => void openOf.delete(track),
    bytesOf: (kept) => Buffer.concat(kept.units.map((unit) => unit.bytes)),
  }
}

const lengthOf = (kept: KeptRecording): number => kept.units.reduce((sum, unit) => sum + unit.bytes.length, 0)
const endOf = (unit: Unit): Ticks => wrapTicks(unit.media.firstPts + unit.media.durationTicks)
