/** What many seeds add up to, and how it is told. */
import { coverageTable, createCoverage } from './coverage.ts'
import type { SeedResult } from './run-seed.ts'
import type { Weight } from './script.ts'

export interface Failure {
  readonly seed: number
  readonly violations: readonly { readonly rule: string; readonly what: string }[]
  readonly story: readonly string[]
}

export interface Tally {
  add(result: Omit<SeedResult, 'history'>, story: readonly string[]): void
  hung(seed: number): void
  readonly failures: Failure[]
  seeds(): number
  weight(): Weight
  coverage(): string
  /** Of pairs of a word or trick and a state, those that were met less often than this. */
  rare(least: number): readonly string[]
}

export function createTally(): Tally {
  const coverage = createCoverage()
  const failures: Failure[] = []
  const sum = { chaosMs: 0, units: 0, faults: 0, ends: 0 }
  let seeds = 0
  return {
    failures,
    seeds: () => seeds,
    weight: () => sum,
    add({ seed, violations, weight, coverage: met }, story) {
      seeds += 1
      for (const key of ['chaosMs', 'units', 'faults', 'ends'] as const) sum[key] += weight[key]
      coverage.add(met)
      if (violations.length > 0) failures.push({ seed, violations, story })
    },
    hung(seed) {
      seeds += 1
      failures.push({ seed, violations: [{ rule: 'hangs', what: 'the seed does not come to its end' }], story: [] })
    },
    coverage: () => coverageTable(coverage.counts()),
    rare(least) {
      return Object.entries(coverage.counts()).flatMap(([what, row]) =>
        Object.entries(row).flatMap(([state, times]) => (times < least ? [`${what} × ${state}: ${times}`] : [])),
      )
    },
  }
}

export const failureText = ({ seed, violations, story }: Failure, stories: boolean): string =>
  [
    `seed ${seed}: ${violations.length} violations; again with: npm run sim -- --seed ${seed}`,
    ...violations.slice(0, 12).map(({ rule, what }) => `  ${rule}: ${what}`),
    ...(stories ? story.map((line) => `    ${line}`) : []),
  ].join('\n')
