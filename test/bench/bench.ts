/**
 * How a group of figures is measured. The rounds of all groups take turns, so that a slow minute of the machine hits
 * each of them and no median; a group that loads the whole machine is measured alone, when the others are done.
 */
import type { BenchResult } from './result.ts'

export interface Bench {
  /** The word for `--only`. */
  readonly name: string
  readonly alone?: true
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
