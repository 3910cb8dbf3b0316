/**
 * How long to wait after the n-th failure in a row: full jitter, so that a fleet behind one broken link does not come
 * back in step (Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog).
 */
import type { Random } from './random.ts'

export interface BackoffRange {
  /** Upper bound of the first wait, in milliseconds. */
  readonly firstMs: number
  /** Upper bound of every wait, in milliseconds. */
  readonly capMs: number
  /** No wait is shorter than this, in milliseconds. */
  readonly floorMs: number
}

/** @param failures how many in a row, 1 or more */
export function backoffMs(range: BackoffRange, failures: number, random: Random): number {
  const ceiling = Math.min(range.capMs, range.firstMs * 2 ** Math.min(failures - 1, 30))
  return Math.max(range.floorMs, Math.round(random.fraction() * ceiling))
}
