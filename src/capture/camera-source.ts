/** What a camera is, as capture needs to know it. `config/camera-settings.ts` says what a person may write. */
import type { Secret } from '../base/secret.ts'

/** A pattern with the wall clock (UTC) and the camera's name burned in. */
interface TestSource {
  readonly kind: 'test'
  readonly width: number
  readonly height: number
  readonly framesPerS: number
  readonly gopS: number
  readonly bitsPerS: number
  /** A tone, as AAC. */
  readonly audio?: boolean
}

/** A file with H.264, in a loop, in real time. */
interface FileSource {
  readonly kind: 'file'
  readonly path: string
  readonly audio?: boolean
}

/** A network camera. */
export interface RtspSource {
  readonly kind: 'rtsp'
  /** Without user and password. */
  readonly url: string
  readonly user?: Secret
  readonly password?: Secret
  /** `tcp` unless the camera cannot do it. */
  readonly transport?: 'tcp' | 'udp'
  readonly audio?: boolean
}

/** Any program that writes MPEG-TS with H.264 to its standard output: an argument list, or a line for `sh`. */
interface CommandSource {
  readonly kind: 'command'
  readonly command: readonly string[] | string
  readonly audio?: boolean
}

/** Kinds that have their place in the table and no process yet. */
interface LaterSource {
  readonly kind: 'rpicam' | 'v4l2'
}

export type CameraSource = TestSource | FileSource | RtspSource | CommandSource | LaterSource
export type SourceKind = CameraSource['kind']
export type SourceOf<K extends SourceKind> = Extract<CameraSource, { readonly kind: K }>
