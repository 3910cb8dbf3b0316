/**
 * How a group of figures is measured. Each group runs in a process of its own, and the rounds of all take turns: a slow
 * minute of the machine hits a round of each, and no median.
 */
import type { BenchResult } from './result.ts'

export interface Bench {
  /** Its word on the command line. */
  readonly name: string
  /** Makes ready and warms up: the recorder runs for months, not for a second. */
  open(): Promise<OpenBench>
}

export interface OpenBench {
  /** Takes one sample of each figure of the group. */
  round(): Promise<void>
  /** Medians over the rounds so far. */
  results(): readonly BenchResult[]
  close(): Promise<void>
}
