/** What an answer proves about an object. Length and checksum go together; an answer that lacks either proves nothing. */
import { parseCrc64 } from '../base/crc64.ts'
import { err, ok, type Result } from '../base/result.ts'
import type { ArchiveError, ArchiveObject } from '../reader/archive.ts'
import type { RemoteObject, StoreError, StoreErrorKind } from '../uplink/object-store.ts'
import { headerOf, numberOf, type OssAnswer } from './oss-answer.ts'

/** Of a HEAD that succeeded. */
export function headFacts(answer: OssAnswer, what: string): Result<ArchiveObject, StoreError> {
  const length = numberOf(answer, 'content-length')
  const type = headerOf(answer, 'x-oss-object-type')
  if (length === undefined || type === undefined) return damaged(what, 'without a length or a type')
  const crc64 = crc64Of(answer)
  // A sealed object is an append object that takes no more bytes.
  if (type !== 'Appendable' || headerOf(answer, 'x-oss-sealed-time') !== undefined) {
    return ok({ length, crc64, appendable: false })
  }
  if (crc64 === undefined) return damaged(what, 'without a CRC-64')
  if (numberOf(answer, 'x-oss-next-append-position') !== length) return damaged(what, 'with two lengths')
  return ok({ length, crc64, appendable: true })
}

export function remoteOfFacts({ appendable, length, crc64 }: ArchiveObject): RemoteObject {
  return appendable && crc64 !== undefined ? { kind: 'appendable', length, crc64 } : { kind: 'other' }
}

/** Of an append that succeeded. */
export function remoteAfterAppend(answer: OssAnswer, what: string): Result<RemoteObject, StoreError> {
  const length = numberOf(answer, 'x-oss-next-append-position')
  const crc64 = crc64Of(answer)
  if (length === undefined || crc64 === undefined) return damaged(what, 'without the new length and CRC-64')
  return ok({ kind: 'appendable', length, crc64 })
}

export interface Range {
  readonly start: number
  readonly end: number
}

/** Of a ranged GET that succeeded: exactly the bytes asked for, fewer only where the object ends. */
export function bytesOfRange(answer: OssAnswer, { start, end }: Range, what: string): Result<Uint8Array, StoreError> {
  const { body } = answer
  if (answer.status === 200) {
    // A store that ignores ranges sends everything.
    if (numberOf(answer, 'content-length') !== body.length) return damaged(what, 'with a part missing')
    return ok(body.subarray(start, end))
  }
  const range = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(headerOf(answer, 'content-range') ?? '')
  const [first, last, total] = [Number(range?.[1]), Number(range?.[2]), Number(range?.[3])]
  const whole = first === start && last === Math.min(end, total) - 1 && body.length === last - first + 1
  return whole ? ok(body) : damaged(what, 'with other bytes than were asked for')
}

const crc64Of = (answer: OssAnswer): bigint | undefined => parseCrc64(headerOf(answer, 'x-oss-hash-crc64ecma') ?? '')

const damaged = (what: string, how: string): { readonly ok: false; readonly error: StoreError } =>
  err({ kind: 'damaged', message: `${what}: the store answered ${how}.` })

const archiveKinds: Readonly<Partial<Record<StoreErrorKind, ArchiveError['kind']>>> = {
  absent: 'absent',
  denied: 'denied',
  'credentials-expired': 'denied',
  rejected: 'rejected',
  'not-appendable': 'rejected',
}

/** A reader knows four kinds; whatever may pass by itself is `unanswered`. */
export const archiveError = ({ kind, message }: StoreError): ArchiveError => ({
  kind: archiveKinds[kind] ?? 'unanswered',
  message,
})
