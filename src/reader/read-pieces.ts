/** Reading more than one request may carry: pieces in order, or many small objects a few at a time. */
import { err, ok, type Result } from '../base/result.ts'
import type { Archive, ArchiveError } from './archive.ts'

/** One ranged read. 4 MiB is 34 s at 1 Mbit/s, and a cut connection repeats no more than this. */
export const pieceBytesMax = 4 * 1024 * 1024
/** Requests of one reader at a time: enough to hide the round trips of a far store, few enough for a shared link. */
const readsAtOnceMax = 6

/** An object that is held in memory whole, as text. `bytesMax`: a longer one is refused, in words. */
export async function readText(
  archive: Archive,
  key: string,
  range: { readonly start: number; readonly end: number; readonly bytesMax: number },
  signal?: AbortSignal,
): Promise<Result<string, ArchiveError>> {
  if (range.end - range.start > range.bytesMax) {
    const message = `${key} is longer than the ${range.bytesMax} bytes that this program reads of such an object.`
    return err({ kind: 'rejected', message })
  }
  const pieces: Uint8Array[] = []
  let at = range.start
  while (at < range.end) {
    const piece = await archive.readRange(key, at, Math.min(range.end, at + pieceBytesMax), signal)
    if (!piece.ok) return piece
    if (piece.value.length === 0) break
    pieces.push(piece.value)
    at += piece.value.length
  }
  return ok(Buffer.concat(pieces).toString('utf8'))
}

/** `work` on every item, a few at a time; results in the order of the items, or the first error. */
export async function aFewAtATime<T, R, E>(
  items: readonly T[],
  work: (item: T) => Promise<Result<R, E>>,
): Promise<Result<R[], E>> {
  const results: R[] = new Array(items.length)
  let next = 0
  let failure: { readonly error: E } | undefined
  async function worker(): Promise<void> {
    while (next < items.length && failure === undefined) {
      const index = next
      next += 1
      const item = items[index] as T
      const result = await work(item)
      if (result.ok) results[index] = result.value
      else failure ??= { error: result.error }
    }
  }
  await Promise.all(Array.from({ length: Math.min(readsAtOnceMax, items.length) }, worker))
  return failure === undefined ? ok(results) : err(failure.error)
}
