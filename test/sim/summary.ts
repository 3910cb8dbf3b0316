/** A row per run in `test/results/sim.md`. */
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import type { Tally } from './tally.ts'

const head = `# \`npm run sim\`: the runs

Each seed is at least ten simulated minutes with 200 units, 3 faults and an end of the process or the power (see
\`test/sim/README.md\`). Seeds per second are those of the machine as it was, with all its other work.

| date | commit | seeds | first | violations | seeds/s | units | simulated days | faults | ends of a life |
|---|---|---|---|---|---|---|---|---|---|
`

export interface Run {
  readonly first: number
  readonly seconds: number
}

export function writeSummary(file: string, tally: Tally, { first, seconds }: Run): void {
  const known = existsSync(file) ? readFileSync(file, 'utf8') : head
  const { chaosMs, units, faults, ends } = tally.weight()
  const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim()
  const cells = [
    ...[new Date().toISOString().slice(0, 10), commit, tally.seeds(), first, tally.failures.length],
    ...[(tally.seeds() / seconds).toFixed(1), units, (chaosMs / 86_400_000).toFixed(1), faults, ends],
  ]
  const [rows = ''] = known.split('\n\nMet in the last run')
  const table = `Met in the last run, by the state of the plan:\n\n${tally.coverage()}`
  writeFileSync(file, `${rows.trimEnd()}\n| ${cells.join(' | ')} |\n\n${table}\n`)
}
