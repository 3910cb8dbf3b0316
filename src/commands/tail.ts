/** `watchpost tail`: footage, or any object, to standard output as it grows. */
import { type Command, Option } from 'commander'
import { systemClock } from '../adapters/system-clock.ts'
import type { TailFrom } from '../reader/follow.ts'
import { type ByteSink, tail } from '../reader/tail.ts'
import { resolveTarget } from '../reader/target.ts'
import { CommandError } from './command-error.ts'
import { configOption } from './config-option.ts'
import { answered, momentHelp, momentOption, openArchive, say, triesMax } from './read-archive.ts'

const pollMs = 1_000

interface TailCommandOptions {
  readonly config: string
  readonly from: string
  readonly follow: boolean
}

export function registerTail(program: Command): void {
  program
    .command('tail')
    .description('write footage to standard output as it grows: watchpost tail front-door | ffplay -')
    .argument('<camera|key>', 'a camera of this device, DEVICE/CAMERA, or the name of any object')
    .addOption(configOption())
    .addOption(new Option('--from <when>', `live, start, or a time, ${momentHelp}`).default('live'))
    .option('--no-follow', 'stop at the present end instead of waiting for more')
    .action(async (name: string, options: TailCommandOptions) => {
      const open = await openArchive(options.config, options.follow ? Number.POSITIVE_INFINITY : triesMax)
      try {
        const from = fromOption(options.from, open.timeZone)
        const target = answered(await resolveTarget(open.archive, open.place, name, open.signal))
        const video = target.kind === 'camera' || target.key.endsWith('.ts')
        if (video && process.stdout.isTTY) throw new CommandError(2, terminalWords(name))
        const world = { archive: open.archive, clock: systemClock, sink: standardOutput(), tell: say }
        answered(await tail(world, target, { from, follow: options.follow, pollMs }, open.signal))
      } finally {
        await open.close()
      }
    })
}

function fromOption(text: string, timeZone: string): TailFrom {
  if (text === 'live' || text === 'start') return { at: text }
  return { at: 'time', wallMs: momentOption(text, timeZone) ?? 0 }
}

const terminalWords = (name: string): string =>
  `This is video, and standard output is a terminal. Pipe it into a player (watchpost tail ${name} | ffplay -) or a file (watchpost tail --no-follow --from start ${name} > ${name.replaceAll('/', '-')}.ts).`

/** Waits for whoever reads. A reader that left (`| head`, a closed player) ends the tail without a word. */
function standardOutput(): ByteSink {
  let open = true
  process.stdout.on('error', () => {
    open = false
  })
  return {
    write(bytes) {
      if (!open) return Promise.resolve(false)
      return new Promise((resolve) => process.stdout.write(bytes, (problem) => resolve(open && !problem)))
    },
  }
}
