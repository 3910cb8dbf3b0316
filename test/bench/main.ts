/**
 * `npm run bench`: measures, prints each figure with its aim, and with `--json FILE` writes them for machines too. Ends
 * with 0 also when an aim is missed, since machines differ; with 1 when a figure is below its floor, or none came.
 */
import { existsSync, writeFileSync } from 'node:fs'
import { cpus, loadavg } from 'node:os'
import { Argument, Command, InvalidArgumentError } from 'commander'
import { openRemote, type RemoteBench } from './remote.ts'
import { type BenchResult, keepsFloor, meetsAim } from './result.ts'
import { tableOf } from './table.ts'

/** Their rounds take turns. */
const together = ['splitter', 'crc64', 'append', 'written', 'capture', 'link']
/** They load the whole machine, or empty its memory of files: measured one by one when the others are done. */
const alone = ['opening', 'path']
/** Takes minutes, and is measured only when it is asked for, once. */
const long = ['growth']
const roundsMost = 100

interface Options {
  readonly json?: string
  readonly rounds: number
}

function wholeRounds(text: string): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 1 || value > roundsMost) {
    throw new InvalidArgumentError(`It takes a whole number from 1 to ${roundsMost}.`)
  }
  return value
}

const command = new Command('bench')
  .description('Measures the recorder against baselines of the same run; rounds are interleaved, figures are medians.')
  .addArgument(
    new Argument('[group]', 'one group of figures; left out, all but growth').choices([...together, ...alone, ...long]),
  )
  .option('--json <file>', 'write the figures there too')
  .option('--rounds <number>', 'samples of each figure', wholeRounds, 5)
  .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2))
  .parse()
const options = command.opts<Options>()
const [only] = command.args

const note = (text: string): void => void process.stderr.write(`${text}\n`)

async function measure(names: readonly string[], rounds: number): Promise<readonly BenchResult[]> {
  const open: RemoteBench[] = []
  try {
    for (const name of names) {
      note(`${name}: warming up`)
      open.push(await openRemote(name))
    }
    for (let round = 1; names.length > 0 && round <= rounds; round += 1) {
      note(`${names.join(', ')}: round ${round} of ${rounds}`)
      for (const bench of open) await bench.round()
    }
    return (await Promise.all(open.map((bench) => bench.results()))).flat()
  } finally {
    await Promise.all(open.map((bench) => bench.close()))
  }
}

async function oneByOne(names: readonly string[], rounds: number): Promise<readonly BenchResult[]> {
  const results: BenchResult[] = []
  for (const name of names) results.push(...(await measure([name], rounds)))
  return results
}

if (!existsSync('/proc/self/io')) {
  note('npm run bench counts with the files of Linux under /proc, which this system does not have.')
  process.exit(1)
}
const wanted = (name: string): boolean => only === name || (only === undefined && !long.includes(name))
// The load of the minute before we add ours: others take from every figure but those that count bytes.
const [load = 0] = loadavg()
const results = [
  ...(await measure(together.filter(wanted), options.rounds)),
  ...(await oneByOne(alone.filter(wanted), options.rounds)),
  ...(await oneByOne(long.filter(wanted), 1)),
]
process.stdout.write(tableOf(results))
process.stdout.write(
  `Load before ${load.toFixed(1)}, after ${(loadavg()[0] ?? 0).toFixed(1)}, ${cpus().length} CPUs.\n`,
)
if (load > cpus().length / 2) {
  process.stdout.write(
    `The machine was busy before this began (load ${load.toFixed(1)} on ${cpus().length} CPUs): on a quiet one the figures are better.\n`,
  )
}
if (options.json !== undefined) {
  const machine = { node: process.version, cpu: cpus()[0]?.model ?? 'unknown', cpus: cpus().length, loadBefore: load }
  const figures = results.map((result) => {
    const met = meetsAim(result)
    const { reason, ...figure } = result
    return met ? { ...figure, met } : { ...figure, met, reason }
  })
  writeFileSync(options.json, `${JSON.stringify({ machine, rounds: options.rounds, figures }, undefined, 2)}\n`)
}
process.exit(results.every(keepsFloor) ? 0 : 1)
