/** Where capture leaves its units. Implemented by `buffer/buffer.ts`. Nothing here waits for a disk or a network. */
import type { RecordingHead, TrackId, VideoHeader } from '../format/recording.ts'
import type { Ticks, Unit } from '../format/unit.ts'

/** The recording that units of a track would join now, also after a restart of the process in the same boot. */
export interface OpenRecording {
  readonly head: RecordingHead
  /** Bytes of all its units so far, in the store, on the disk or in memory. */
  readonly length: number
  /** Media time at which its last unit ends: a later run must not start before it. */
  readonly endPts: Ticks
}

export interface UnitSink {
  /** `undefined` if the track has no recording of this boot, or its last one was closed. */
  open(track: TrackId): OpenRecording | undefined
  /** Closes the open recording of the track, if any, and begins the next; its first unit follows. */
  begin(track: TrackId, start: { readonly startMonoMs: number; readonly video: VideoHeader }): void
  /** Takes a unit into the open recording. The sink owns the bytes from now on. Never blocks, never throws for a disk. */
  put(track: TrackId, unit: Unit): void
}
