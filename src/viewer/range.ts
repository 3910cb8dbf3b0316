/**
 * What part of an object does a `Range` header ask for? Standard behaviour (RFC 9110, 14.2), as a bucket gives it to a
 * request with `x-oss-range-behavior: standard`: an end past the object is clipped, a start past it is refused.
 * Several ranges in one request are refused too, as OSS does; what is no range of bytes is passed over. Pure.
 */
export type RangeAnswer =
  | { readonly kind: 'whole' }
  /** `start` inclusive, `end` exclusive, in bytes. */
  | { readonly kind: 'part'; readonly start: number; readonly end: number }
  | { readonly kind: 'unsatisfiable' }

/** @param length of the object in bytes */
export function answerRange(header: string | undefined, length: number): RangeAnswer {
  if (header === undefined) return { kind: 'whole' }
  if (/^bytes=.*,/.test(header)) return { kind: 'unsatisfiable' }
  const match = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header.trim())
  if (match === null) return { kind: 'whole' }
  const [, first = '', last = ''] = match
  if (first === '' && last === '') return { kind: 'whole' }
  if (first === '') {
    const count = Math.min(Number(last), length)
    return count === 0 ? { kind: 'unsatisfiable' } : { kind: 'part', start: length - count, end: length }
  }
  const start = Number(first)
  if (last !== '' && Number(last) < start) return { kind: 'whole' }
  if (start >= length) return { kind: 'unsatisfiable' }
  return { kind: 'part', start, end: last === '' ? length : Math.min(length, Number(last) + 1) }
}
