/** One figure of the benchmark. Ratios to a baseline of the same run mean something on a noisy machine; seconds do not. */
export interface BenchResult {
  readonly name: string
  readonly value: number
  readonly unit: string
  readonly aim: number
  /** Whether the aim is the least or the most that is wanted. */
  readonly better: 'more' | 'less'
  /** Beyond this the benchmark fails; a missed aim is only named. */
  readonly floor?: number
  /** What the value was compared with, in words and figures. */
  readonly baseline: string
  /** Why the aim is missed when it is, as far as it is known. */
  readonly reason: string
}

/** A value that is not a number meets nothing. */
const reaches = ({ value, better }: BenchResult, mark: number): boolean =>
  better === 'more' ? value >= mark : value <= mark

export const meetsAim = (result: BenchResult): boolean => reaches(result, result.aim)
export const keepsFloor = (result: BenchResult): boolean => result.floor === undefined || reaches(result, result.floor)

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length / 2
  const upper = sorted[Math.floor(middle)] ?? Number.NaN
  return Number.isInteger(middle) ? ((sorted[middle - 1] ?? Number.NaN) + upper) / 2 : upper
}

/** @param share 0 to 1 */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}
