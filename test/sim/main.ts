/**
 * `npm run sim -- --seeds N [--seed S]`: the recorder in simulated worlds, as fast as the CPU allows. Exit 0 when nothing
 * was violated, 1 with each failing seed and its story, 2 for wrong usage.
 */
import { availableParallelism } from 'node:os'
import { Command, InvalidArgumentError } from 'commander'
import { answer, runJobs } from './jobs.ts'
import { installLightAbort } from './light-abort.ts'
import { runSeed } from './run-seed.ts'
import { writeSummary } from './summary.ts'
import { createTally, failureText } from './tally.ts'

const number = (least: number, most: number) => (text: string) => {
  const value = Number(text)
  if (text === '' || !Number.isInteger(value) || value < least || value > most) {
    throw new InvalidArgumentError(`It takes a whole number from ${least} to ${most}.`)
  }
  return value
}

interface Options {
  readonly seeds?: number
  readonly seed?: number
  readonly jobs: number
  readonly stories: number
  readonly stopAt?: number
  readonly until?: string
  readonly summary?: string
  readonly all?: true
}

const options = new Command('sim')
  .description('Runs the recorder in simulated worlds and holds it to what is promised.')
  .option('--seeds <number>', 'how many; without it and with --seed, that one, with its whole story', number(1, 1e9))
  .option('--seed <number>', 'the first of them; printed, so that it can be run again', number(0, 2 ** 31))
  .option('--jobs <number>', 'threads', number(1, 64), availableParallelism())
  .option('--stories <number>', 'failing seeds that tell their story', number(0, 1000), 3)
  .option('--stop-at <number>', 'stop after so many failing seeds', number(1, 1e9))
  .option('--until <rules>', 'stop when one of these rules is violated; names, with commas between')
  .option('--summary <file>', 'append a row to this table')
  .option('--all', 'with one seed: tell of every request too')
  .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2))
  .parse()
  .opts<Options>()

const say = (text: string): void => void process.stdout.write(`${text}\n`)

/** One seed, told. */
async function tell(seed: number): Promise<boolean> {
  installLightAbort()
  const { story, result } = await answer(seed)
  const { history } = await runSeed(seed, { tells: true })
  const lines = options.all === true || story.length === 0 ? history : story
  say(lines.join('\n'))
  const { chaosMs, units, faults, ends } = result.weight
  say(`seed ${seed}: ${Math.round(chaosMs / 1000)} s, ${units} units, ${faults} faults, ${ends} ends of a life`)
  for (const { rule, what } of result.violations) say(`VIOLATED  ${rule}: ${what}`)
  if (result.violations.length === 0) say('Nothing was violated.')
  return result.violations.length === 0
}

async function runMany(first: number, seeds: number): Promise<boolean> {
  const tally = createTally()
  const began = performance.now()
  let given = 0
  let told = began
  const elapsed = (): number => (performance.now() - began) / 1000
  const wanted = new Set(options.until?.split(','))
  let found: string | undefined
  say(`seeds ${first} to ${first + seeds - 1} on ${options.jobs} threads`)
  await runJobs(
    options.jobs,
    () => {
      if (
        given === seeds ||
        found !== undefined ||
        tally.failures.length >= (options.stopAt ?? Number.POSITIVE_INFINITY)
      )
        return undefined
      given += 1
      return first + given - 1
    },
    {
      done({ result, story }) {
        tally.add(result, story)
        const failure = tally.failures.at(-1)
        if (failure?.seed === result.seed) say(failureText(failure, tally.failures.length <= options.stories))
        const rule =
          failure?.seed === result.seed ? failure.violations.find((one) => wanted.has(one.rule))?.rule : undefined
        if (rule !== undefined) found ??= `found by '${rule}' in seed ${result.seed}, after ${tally.seeds()} worlds`
        if (performance.now() - told < 30_000) return
        told = performance.now()
        say(
          `… ${tally.seeds()} seeds, ${tally.failures.length} failed, ${(tally.seeds() / elapsed()).toFixed(1)} a second`,
        )
      },
      hung(hungSeed) {
        tally.hung(hungSeed)
        if (wanted.has('hangs')) found ??= `found by 'hangs' in seed ${hungSeed}, after ${tally.seeds()} worlds`
      },
    },
  )
  const seconds = elapsed()
  say(tally.coverage())
  if (options.summary !== undefined) writeSummary(options.summary, tally, { first, seconds })
  const { chaosMs, units, faults, ends } = tally.weight()
  say(
    `${tally.seeds()} seeds from ${first}: ${units} units in ${(chaosMs / 86_400_000).toFixed(1)} days, ${faults} faults, ${ends} ends of a life; ` +
      `${(tally.seeds() / seconds).toFixed(1)} seeds a second; ${tally.failures.length} failed`,
  )
  if (tally.failures.length > 0) say(`failed: ${tally.failures.map(({ seed }) => seed).join(' ')}`)
  if (found !== undefined) say(found)
  return tally.failures.length === 0
}

const { seed, seeds } = options
const holds =
  seeds === undefined && seed !== undefined
    ? await tell(seed)
    : await runMany(seed ?? Date.now() % 1_000_000_000, seeds ?? 200)
process.exit(holds ? 0 : 1)
