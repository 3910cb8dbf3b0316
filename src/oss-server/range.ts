/**
 * Which bytes does a Range header mean?
 *
 * OSS is not like other servers. By default a range with either end outside the object is ignored: 200 and the whole
 * object. Only with `x-oss-range-behavior: standard` is the end clipped, and a start beyond the end refused with 416.
 * Several ranges at once are refused either way.
 */
import { refusals } from './refusal.ts'

/** `end` is inclusive, as in the header. */
export type Slice = { readonly part: false } | { readonly part: true; readonly start: number; readonly end: number }

const whole: Slice = { part: false }

export function readRange(range: string | undefined, size: number, standard: boolean): Slice {
  if (range === undefined || !range.startsWith('bytes=')) return whole
  if (range.includes(',')) throw refusals.invalidRange(size, range)
  const found = /^bytes=(\d*)-(\d*)$/.exec(range.replaceAll(' ', ''))
  if (found === null) return whole
  const [first = '', last = ''] = found.slice(1)
  if (first === '' && last === '') return whole

  // The last n bytes.
  if (first === '') {
    const count = Number(last)
    if (standard) {
      if (count === 0 || size === 0) throw refusals.invalidRange(size, range)
      return { part: true, start: Math.max(0, size - count), end: size - 1 }
    }
    return count === 0 || count > size ? whole : { part: true, start: size - count, end: size - 1 }
  }

  const start = Number(first)
  const end = last === '' ? size - 1 : Number(last)
  if (last !== '' && start > end) return whole
  if (standard) {
    if (start >= size) throw refusals.invalidRange(size, range)
    return { part: true, start, end: Math.min(end, size - 1) }
  }
  return start >= size || end >= size ? whole : { part: true, start, end }
}
