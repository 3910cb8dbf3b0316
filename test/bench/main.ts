/**
 * `npm run bench`: measures, prints each figure with its aim, and with `--json FILE` writes them for machines too. Ends
 * with 0 also when an aim is missed, since machines differ; with 1 when a figure is below its floor, or none came.
 */
import { existsSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { Command, InvalidArgumentError, Option } from 'commander'
import { benchAppend } from './append.ts'
import type { Bench, OpenBench } from './bench.ts'
import { benchCrc64 } from './crc64.ts'
import { benchLink } from './link.ts'
import { benchPath } from './path.ts'
import { type BenchResult, keepsFloor, meetsAim } from './result.ts'
import { benchSplitter } from './splitter.ts'
import { tableOf } from './table.ts'
import { benchWritten } from './written.ts'

const everything: readonly Bench[] = [benchSplitter, benchCrc64, benchAppend, benchWritten, benchLink, benchPath]
const roundsMost = 100

interface Options {
  readonly json?: string
  readonly only?: string
  readonly rounds: number
}

function wholeRounds(text: string): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 1 || value > roundsMost) {
    throw new InvalidArgumentError(`It takes a whole number from 1 to ${roundsMost}.`)
  }
  return value
}

const options = new Command('bench')
  .description('Measures the recorder against baselines of the same run; rounds are interleaved, figures are medians.')
  .option('--json <file>', 'write the figures there too')
  .addOption(new Option('--only <name>', 'one group of figures').choices(everything.map(({ name }) => name)))
  .option('--rounds <number>', 'samples of each figure', wholeRounds, 5)
  .parse()
  .opts<Options>()

const note = (text: string): void => void process.stderr.write(`${text}\n`)

/** Rounds of all benches take turns. */
async function measure(benches: readonly Bench[], rounds: number): Promise<readonly BenchResult[]> {
  const open: OpenBench[] = []
  try {
    for (const bench of benches) {
      note(`${bench.name}: warming up`)
      open.push(await bench.open())
    }
    for (let round = 1; round <= rounds; round += 1) {
      note(`${benches.map(({ name }) => name).join(', ')}: round ${round} of ${rounds}`)
      for (const bench of open) await bench.round()
    }
    return open.flatMap((bench) => bench.results())
  } finally {
    for (const bench of open) await bench.close()
  }
}

if (!existsSync('/proc/self/io')) {
  note('npm run bench counts with the files of Linux under /proc, which this system does not have.')
  process.exit(1)
}
const chosen = everything.filter(({ name }) => options.only === undefined || options.only === name)
const together = chosen.filter(({ alone }) => alone !== true)
const results = together.length === 0 ? [] : [...(await measure(together, options.rounds))]
for (const bench of chosen.filter(({ alone }) => alone === true)) {
  results.push(...(await measure([bench], options.rounds)))
}
process.stdout.write(tableOf(results))
if (options.json !== undefined) {
  const machine = { node: process.version, cpu: cpus()[0]?.model ?? 'unknown', cpus: cpus().length }
  const figures = results.map((result) => {
    const met = meetsAim(result)
    const { reason, ...figure } = result
    return met ? { ...figure, met } : { ...figure, met, reason }
  })
  writeFileSync(options.json, `${JSON.stringify({ machine, rounds: options.rounds, figures }, undefined, 2)}\n`)
}
process.exit(results.every(keepsFloor) ? 0 : 1)
