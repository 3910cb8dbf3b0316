/**
 * `npm run chaos`: the recorder, the store and `ali-oss` as they are, killed, cut, starved and lied to at random under a
 * printed seed, then held to what is promised. Exit 0 when everything holds, 1 with the findings, 2 for wrong usage.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { Command, InvalidArgumentError } from 'commander'
import { runChaos } from './run-chaos.ts'
import { tableOf } from './table.ts'

const number = (least: number, most: number, whole: boolean) => (text: string) => {
  const value = Number(text)
  if (text === '' || !(value >= least && value <= most) || (whole && !Number.isInteger(value))) {
    throw new InvalidArgumentError(`It takes a ${whole ? 'whole ' : ''}number from ${least} to ${most}.`)
  }
  return value
}

const options = new Command('chaos')
  .description('Torments real processes at random for some minutes, then proves that nothing was lost.')
  .option('--minutes <number>', 'how long', number(0.2, 1440, false), 10)
  .option('--seed <number>', 'what happens; printed, so that it can happen again', number(0, 0x3fff_ffff, true))
  .option('--cli <file>', 'the compiled program to torment', 'dist/cli.js')
  .option('--keep', 'keep the directory with log, objects and witnesses also when everything holds')
  .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2))
  .parse()
  .opts<{ minutes: number; seed?: number; cli: string; keep?: true }>()

const say = (text: string): void => void process.stdout.write(`${text}\n`)
const seed = options.seed ?? Date.now() % 1_000_000
const replay = `npm run chaos -- --minutes ${options.minutes} --seed ${seed}`
const directory = mkdtempSync(join(tmpdir(), 'watchpost-chaos-'))
const stop = new AbortController()
let interrupts = 0
for (const name of ['SIGINT', 'SIGTERM'] as const) {
  process.on(name, () => {
    interrupts += 1
    if (interrupts > 1) {
      // What was started ends with us: the kernel sees to it.
      say(`log, objects and witnesses are kept in ${directory}`)
      process.exit(130)
    }
    say('stopping early: everything drains and is judged; once more ends it at once')
    stop.abort()
  })
}

say(`seed ${seed}, ${options.minutes} min; again with: ${replay}`)
let holds = false
try {
  const root = process.cwd()
  const cli = resolve(options.cli)
  const result = await runChaos({
    seed,
    lengthMs: options.minutes * 60_000,
    directory,
    cli,
    root,
    signal: stop.signal,
    say,
  })
  say(tableOf(result))
  for (const finding of result.findings) say(`FOUND  ${finding}`)
  holds = result.findings.length === 0
  say(
    holds
      ? result.verified
      : `NOT verified: ${result.findings.length} findings under seed ${seed}; again with: ${replay}`,
  )
} catch (error) {
  say(`The chaos could not go on: ${error instanceof Error ? error.message : String(error)}`)
  say(`again with: ${replay}`)
}
if (holds && options.keep !== true) rmSync(directory, { recursive: true, force: true })
else say(`log, objects and witnesses are kept in ${directory}`)
process.exit(holds ? 0 : 1)
