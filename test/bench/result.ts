/** One figure of the benchmark. Ratios to a baseline of the same run mean something on a noisy machine; seconds do not. */
export interface BenchResult {
  readonly name: string
  readonly value: number
  readonly unit: string
  readonly aim: number
  /** Whether the aim is the least or the most that is wanted. */
  readonly better: 'more' | 'less'
  /** What the value was compared with, in words and figures. */
  readonly baseline: string
  /** Where the aim is missed: why, as far as it is known. */
  readonly reason?: string
}

export const meetsAim = (result: BenchResult): boolean =>
  result.better === 'more' ? result.value >= result.aim : result.value <= result.aim

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}
