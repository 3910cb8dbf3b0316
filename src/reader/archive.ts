/** What a reader needs of the store. Implemented by `adapters/oss-store.ts`. Nothing here changes anything. */
import type { Result } from '../base/result.ts'

export interface ArchiveError {
  /** `absent`: no such object. `denied`: a person must act. `unanswered`: try again. `rejected`: a bug or a bad name. */
  readonly kind: 'absent' | 'denied' | 'unanswered' | 'rejected'
  /** One sentence for people, without secrets. */
  readonly message: string
}

export interface ArchiveObject {
  readonly length: number
  /** CRC-64/XZ of the whole object; `undefined` if the store did not say. */
  readonly crc64: bigint | undefined
  readonly appendable: boolean
}

export interface ArchiveListing {
  readonly objects: readonly { readonly key: string; readonly length: number }[]
  /** Common prefixes up to the delimiter. */
  readonly folders: readonly string[]
}

export interface Archive {
  stat(key: string, signal?: AbortSignal): Promise<Result<ArchiveObject, ArchiveError>>
  /** Bytes `start` (inclusive) to `end` (exclusive), shorter if the object ends earlier; empty past its end. */
  readRange(key: string, start: number, end: number, signal?: AbortSignal): Promise<Result<Uint8Array, ArchiveError>>
  /** All pages of a listing. `delimiter` '/' groups into folders; '' lists everything below the prefix. */
  list(prefix: string, delimiter: '/' | '', signal?: AbortSignal): Promise<Result<ArchiveListing, ArchiveError>>
}
