/** The buffer's own limits (`base/limits.ts` gives the values and their reasons); tests open it with smaller ones. */
import { limits } from '../base/limits.ts'

export interface Sizes {
  readonly segmentBytes: number
  readonly commitBytes: number
  readonly commitAgeMs: number
  readonly commitAgeOutageMs: number
  /** Confirmed bytes whose rows are not synced yet. */
  readonly unsyncedBytes: number
  /** What must be durable before anybody acts on it is acted on anyway after so long: see `limits.diskPatienceMs`. */
  readonly patienceMs: number
  /** Unconfirmed lines of one record track. */
  readonly recordsHeld: number
  /** A recording of a record track ends at this length; one index of a year of events stays readable in one piece. */
  readonly recordingBytes: number
}

export const defaultSizes: Sizes = {
  segmentBytes: limits.segmentBytesMax,
  commitBytes: limits.commitBytesMax,
  commitAgeMs: limits.commitAgeMs,
  commitAgeOutageMs: limits.commitAgeOutageMs,
  unsyncedBytes: limits.unsyncedBytesMax,
  patienceMs: limits.diskPatienceMs,
  recordsHeld: limits.recordsHeldMax,
  recordingBytes: 100 * 1024 * 1024,
}
