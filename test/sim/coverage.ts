/** What was met in which state of the plan: rows are the store's words and the network's tricks, columns the states. */
import type { PlanAt } from './plan-mirror.ts'
import type { Fate } from './trouble.ts'

export interface Coverage {
  count(fate: Fate, before: { readonly state: PlanAt; readonly doubt: boolean }): void
  add(other: CoverageCounts): void
  counts(): CoverageCounts
}

/** `what → state → times` */
export type CoverageCounts = Readonly<Record<string, Readonly<Record<string, number>>>>

const states = [
  'unknown',
  'unknown+doubt',
  'aligned',
  'suspected',
  'suspected+doubt',
  'tail',
  'guessed',
  'playlist',
  'time',
] as const

export function createCoverage(): Coverage {
  const table: Record<string, Record<string, number>> = {}
  const add = (what: string, state: string, times: number): void => {
    const row = table[what] ?? {}
    table[what] = row
    row[state] = (row[state] ?? 0) + times
  }
  return {
    count(fate, { state, doubt }) {
      const what = fate.is === 'word' ? fate.word.code : fate.is === 'skewed' ? 'RequestTimeTooSkewed' : `~ ${fate.is}`
      if (fate.is === 'fine') return
      add(what, doubt && state !== 'tail' ? `${state}+doubt` : state, 1)
    },
    add(other) {
      for (const [what, row] of Object.entries(other)) {
        for (const [state, times] of Object.entries(row)) add(what, state, times)
      }
    },
    counts: () => table,
  }
}

/** As a table in Markdown, most met first within words and tricks. */
export function coverageTable(counts: CoverageCounts): string {
  const rows = Object.entries(counts).sort(([one], [other]) => (one < other ? -1 : 1))
  const lines = rows.map(([what, row]) => `| ${what} | ${states.map((state) => row[state] ?? '').join(' | ')} |`)
  return [`| met | ${states.join(' | ')} |`, `|---|${states.map(() => '---').join('|')}|`, ...lines].join('\n')
}
