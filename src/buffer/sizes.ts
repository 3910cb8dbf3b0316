/** The buffer's own limits (`base/limits.ts` gives the values and their reasons); tests open it with smaller ones. */
import { limits } from '../base/limits.ts'

export interface Sizes {
  readonly segmentBytes: number
  readonly commitBytes: number
  readonly commitAgeMs: number
  /** Footage waiting for the disk. */
  readonly queueBytes: number
  /** Unconfirmed lines of one record track. */
  readonly recordsHeld: number
  /** Footage kept in memory after it is on the disk, so that the uplink need not read it: 32 s of 4 Mbit/s. */
  readonly recentBytes: number
  /** A recording of a record track ends at this length; one index of a year of events stays readable in one piece. */
  readonly recordingBytes: number
}

export const defaultSizes: Sizes = {
  segmentBytes: limits.segmentBytesMax,
  commitBytes: limits.commitBytesMax,
  commitAgeMs: limits.commitAgeMs,
  queueBytes: limits.commitQueueBytesMax,
  recordsHeld: limits.recordsHeldMax,
  recentBytes: 16 * 1024 * 1024,
  recordingBytes: 100 * 1024 * 1024,
}
