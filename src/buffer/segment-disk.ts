/**
 * The files that hold footage, as numbers and bytes. Declared here, implemented by `adapters/segment-files.ts`, and by a
 * fake with power cuts, torn writes and full disks in the tests; one contract suite runs on both.
 */
import type { Result } from '../base/result.ts'

export interface DiskError {
  readonly kind: 'full' | 'absent' | 'unwritable' | 'not-a-directory' | 'io'
  /** What the system said, one sentence for people. */
  readonly message: string
}

export interface SegmentDisk {
  /** Where it is, for people. */
  readonly place: string
  /** Makes the folder if need be, and tries whether a file can be written in it. Safe to repeat. */
  prepare(): Promise<Result<void, DiskError>>
  /** Number and length of every segment, lowest number first. Other files in the folder are nobody's business. */
  list(): Promise<Result<readonly { readonly segment: number; readonly bytes: number }[], DiskError>>
  /** A new, empty file whose name survives a power cut. An existing one is an error: numbers are used once. */
  create(segment: number): Promise<Result<SegmentFile, DiskError>>
  /** Up to `length` bytes; fewer where the file ends. */
  read(segment: number, position: number, length: number): Promise<Result<Uint8Array, DiskError>>
  /** Cuts the file to `bytes`; durable when answered. */
  truncate(segment: number, bytes: number): Promise<Result<void, DiskError>>
  /** Gives the space back. A file that is not there is fine. */
  remove(segment: number): Promise<Result<void, DiskError>>
  /**
   * Puts files aside that nothing here can read; they are no segments any more. Two such heaps are kept; the oldest goes
   * when a third comes. Returns where they are now, for people.
   */
  setAside(segments: readonly number[]): Promise<Result<string, DiskError>>
  /** Deletes the heap that was put aside longest ago. Returns where it was; `undefined` if there was none. */
  dropAside(): Promise<Result<string | undefined, DiskError>>
  /** Free space of the file system in bytes, for this user; `undefined` if it does not answer. */
  freeBytes(): Promise<number | undefined>
}

export interface SegmentFile {
  /**
   * Writes the pieces one after the other from `position` and makes them durable (one write, one sync). After an error
   * any part of them may be there, and the file must not be written again: the kernel may have dropped what it could
   * not write, and a second sync would not say so.
   */
  append(position: number, pieces: readonly Uint8Array[]): Promise<Result<void, DiskError>>
  close(): Promise<void>
}
