/**
 * The recorder's account of itself at one moment: what `watchpost status`, the console and the health report say, and
 * what the live block of the demo draws. Plain JSON; units stand in the names; `null` means "not known (yet)".
 */

/** `starting`: no picture yet. `waiting`: between two tries. `recording`: pictures arrive. `stalled`: being ended. */
export type CameraState = 'starting' | 'recording' | 'stalled' | 'waiting' | 'stopped'

export interface CameraStatus {
  readonly name: string
  readonly state: CameraState
  /** Why it is not recording, one sentence for people, without secrets. */
  readonly problem: string | null
  readonly codec: string | null
  readonly width: number | null
  readonly height: number | null
  readonly framesPerS: number | null
  readonly bitsPerS: number | null
  /** Length of the last GOP. */
  readonly gopMs: number | null
  /** Times the process was started again since the recorder started. */
  readonly restarts: number
  readonly unitsCaptured: number
  readonly bytesCaptured: number
  /** Age of the newest whole unit. */
  readonly lastUnitAgeMs: number | null
}

export interface BufferStatus {
  /** Units held, on the disk or waiting for it. */
  readonly units: number
  readonly bytes: number
  readonly oldestUnitAgeMs: number | null
  readonly quotaBytes: number
  /** Free bytes of the file system; `null` if it does not answer. */
  readonly freeBytes: number | null
  /** Footage in memory, confirmed footage excepted. */
  readonly memoryBytes: number
  /** Footage written to the disk since the recorder started: what the store did not confirm in time. */
  readonly spilledBytes: number
  /** Footage held that belongs to events. */
  readonly protectedBytes: number
  readonly evictedUnits: number
  readonly evictedBytes: number
  /** What is wrong with the disk, one sentence for people. */
  readonly problem: string | null
  /** What was found wrong when the buffer was opened, and what was done about it; one sentence each. */
  readonly repairs: readonly string[]
}

/** `idle`: nothing to send. `sending`: appends succeed. `waiting`: the last try failed. `blocked`: a person must act. */
export type UplinkState = 'idle' | 'sending' | 'waiting' | 'blocked'

export interface UplinkStatus {
  readonly state: UplinkState
  readonly problem: string | null
  readonly bytesConfirmed: number
  readonly bytesPerS: number | null
  /** Held and not yet confirmed. */
  readonly backlogBytes: number
  readonly requests: number
  readonly failures: number
  /** Times the store was asked where an object ends after a failure. */
  readonly resyncs: number
  readonly lastConfirmedAgeMs: number | null
  /** Objects that are being written now. */
  readonly objects: readonly { readonly track: string; readonly key: string; readonly bytes: number }[]
}

export interface InputStatus {
  readonly name: string
  readonly active: boolean | null
  readonly problem: string | null
  readonly events: number
}

export interface Status {
  readonly device: string
  readonly version: string
  readonly bootCounter: number
  readonly processUptimeMs: number
  /** ISO 8601 UTC as the store taught it; `null` while this boot's time is not known. */
  readonly time: string | null
  readonly timeErrorMs: number | null
  readonly cameras: readonly CameraStatus[]
  readonly inputs: readonly InputStatus[]
  readonly buffer: BufferStatus
  readonly uplink: UplinkStatus
}
