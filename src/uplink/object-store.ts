/** The far end of the uplink, as small as we can make it. Implemented by `adapters/oss-store.ts` and `test/fakes/`. */
import type { Result } from '../base/result.ts'

export type RemoteObject =
  | { readonly kind: 'absent' }
  /** An append object. `crc64` is CRC-64/XZ of all its bytes. */
  | { readonly kind: 'appendable'; readonly length: number; readonly crc64: bigint }
  /** Something we cannot append to: made by Put, Multipart, or a link. */
  | { readonly kind: 'other' }

/**
 * Why the store did not do what we asked. Closed: a new kind is a new decision for every caller (`store-errors.ts`).
 * `unanswered` is the dangerous one: the request may have been applied and only the reply lost.
 * `message` is one sentence for people and holds no secret.
 */
export type StoreError = { readonly kind: StoreErrorKind; readonly message: string; readonly code?: string } & {
  /** How long the store asks us to wait, in ms. */
  readonly retryAfterMs?: number
}

export type StoreErrorKind =
  /** No reply, a broken one, or a 500/502/504: the commit state is unknown. */
  | 'unanswered'
  /** A reply that is not OSS's (captive portal, proxy): no request id. Nothing in it is believed. */
  | 'impostor'
  /** 429, 503: the store is shedding load. */
  | 'busy'
  /** 409: the position is not the length. */
  | 'position-mismatch'
  /** The name is taken by something we may not append to (ObjectNotAppendable, FileImmutable, InvalidObjectState …). */
  | 'not-appendable'
  /** 400 InvalidDigest, or a wrong CRC in a reply: the body was damaged on the way. */
  | 'damaged'
  /** 403 RequestTimeTooSkewed: our signing clock is wrong; the adapter has learnt the right time from the reply. */
  | 'clock-skewed'
  /** 403 for a token that is expired or unknown: fetch credentials again. */
  | 'credentials-expired'
  /** 403, 404 NoSuchBucket: policy, arrears, wrong bucket or region. A person must act; we retry slowly. */
  | 'denied'
  /** 404 NoSuchKey on a read. */
  | 'absent'
  /** 400 EntityTooLarge and kin: the object is full. */
  | 'full'
  /** Any other 4xx: a bug or a setting; the request will never succeed as it is. */
  | 'rejected'

/** Fixed when the object is created; sent at position 0 only. */
export interface CreationHeaders {
  readonly contentType: string
  /** Further headers, already spelled as OSS wants them (`x-oss-object-acl`, `Cache-Control`, `x-oss-meta-device` …). */
  readonly headers: Readonly<Record<string, string>>
}

export interface AppendRequest {
  readonly key: string
  /** Byte offset; must equal the current remote length. */
  readonly position: number
  /** 1 byte to `limits.appendBytesMax`. */
  readonly body: Uint8Array
  /** Required at position 0, ignored elsewhere. */
  readonly creation: CreationHeaders
}

export interface ObjectStore {
  /** Asks for length and checksum. Changes nothing; safe to repeat. */
  inspect(key: string, signal: AbortSignal): Promise<Result<RemoteObject, StoreError>>
  /**
   * Appends `body` at `position`, creating the object when `position` is 0. All or nothing when answered.
   * Not idempotent: repeating it after `unanswered` yields `position-mismatch` if the first attempt was applied.
   *
   * @returns the object as the store now sees it (never `absent`)
   * Source: OSS API reference, AppendObject (x-oss-next-append-position, x-oss-hash-crc64ecma).
   */
  append(request: AppendRequest, signal: AbortSignal): Promise<Result<RemoteObject, StoreError>>
  /** Bytes `start` (inclusive) to `end` (exclusive) of an object; shorter if the object ends earlier. Safe to repeat. */
  read(key: string, start: number, end: number, signal: AbortSignal): Promise<Result<Uint8Array, StoreError>>
}
