/** The figures for people: a line each, and under a missed aim its reason. */
import { type BenchResult, keepsFloor, meetsAim } from './result.ts'

export function tableOf(results: readonly BenchResult[]): string {
  const rows = results.map((result) => [
    result.name,
    numberText(result.value),
    result.unit,
    `aim ${result.better === 'more' ? '≥' : '≤'} ${result.aim}`,
    meetsAim(result) ? 'met' : 'MISSED',
    result.baseline,
  ])
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  return results
    .flatMap((result, at) => {
      const cells = (rows[at] ?? []).map((cell, column) =>
        column === 1 ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0),
      )
      const line = cells.join('  ').trimEnd()
      if (!keepsFloor(result)) return [line, `  BELOW ITS FLOOR of ${result.floor}; ${result.reason}`]
      return meetsAim(result) ? [line] : [line, `  missed: ${result.reason}`]
    })
    .map((line) => `${line}\n`)
    .join('')
}

/** Four digits say all that a noisy machine can. */
const numberText = (value: number): string => (value >= 100 ? value.toFixed(0) : value.toPrecision(3))
