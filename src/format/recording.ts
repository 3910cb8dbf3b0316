/**
 * Tracks and recordings. A track is one ordered stream of a device: a camera's video, its events, its health reports,
 * its catalogue. A recording is one append object of a track; its identity is (track, boot, number), decided at capture;
 * its name is given later, at the claim.
 */
import type { MediaInfo } from './unit.ts'

export type TrackKind = 'video' | 'events' | 'health' | 'catalogue'

/** `video/<camera>`, `events`, `health` or `catalogue`. */
export type TrackId = string

export const videoTrack = (camera: string): TrackId => `video/${camera}`

export function trackKind(track: TrackId): TrackKind {
  return track.startsWith('video/') ? 'video' : (track as TrackKind)
}

/** The camera of a video track; `undefined` for the others. */
export const cameraOf = (track: TrackId): string | undefined =>
  track.startsWith('video/') ? track.slice('video/'.length) : undefined

/** One life of the machine. `counter` is ours: it grows by one at each new kernel boot id. */
export interface Boot {
  readonly id: string
  readonly counter: number
}

export interface RecordingId {
  readonly track: TrackId
  /** Boot counter. */
  readonly boot: number
  /** 0, 1, 2 … within track and boot. */
  readonly number: number
}

export const recordingName = (id: RecordingId): string => `${id.track}|${id.boot}|${id.number}`

/** What every unit of a video recording has in common; a change begins a new recording. */
export interface VideoHeader {
  readonly codec: 'h264'
  readonly width: number
  readonly height: number
  /** HLS target duration in whole seconds: no unit of the recording is longer. 1 to 10. */
  readonly targetDurationS: number
}

export interface RecordingHead {
  readonly id: RecordingId
  /** Monotonic time of the first frame (of the first line), in ms of its boot. */
  readonly startMonoMs: number
  /** Sequence number of its first chunk within the track. */
  readonly firstSeq: number
  /** Present on video tracks only. */
  readonly video?: VideoHeader
}

/** The moment a recording gets its name. One synced row before its first append; never changes. */
export interface Claim {
  readonly key: string
  /** The playlist beside it; video only. */
  readonly playlistKey?: string
  /** Unique per claim; in the name, in the object's metadata and in the catalogue. */
  readonly token: string
  /** Wall time of `startMonoMs` as known at the claim; absent if the boot ended before its time was known. */
  readonly start?: { readonly wallMs: number; readonly errorMs: number }
}

/** A length in bytes and the CRC-64/XZ of everything up to it. */
export interface Extent {
  readonly length: number
  readonly crc64: bigint
}

export const emptyExtent: Extent = { length: 0, crc64: 0n }

/** One thing the buffer holds and the uplink sends whole: a unit of video, or the lines of one record write. */
export interface Chunk {
  /** Position in the track: without holes; gap records consume numbers too. */
  readonly seq: number
  readonly length: number
  readonly crc64: bigint
  /** Present on video tracks only. */
  readonly media?: MediaInfo
}
