/** `watchpost view`: the page that plays the cameras live, and the footage behind it, from this machine. */
import { type Command, InvalidArgumentError } from 'commander'
import { systemClock } from '../adapters/system-clock.ts'
import { openViewServer } from '../adapters/view-server.ts'
import { CommandError } from './command-error.ts'
import { configOption } from './config-option.ts'
import { openArchive, say } from './read-archive.ts'

const portDefault = 8040

interface ViewOptions {
  readonly config: string
  readonly port: number
  readonly host: string
}

export function registerView(program: Command): void {
  program
    .command('view')
    .description('serve a page that plays the cameras live from the bucket')
    .addOption(configOption())
    .option('--port <port>', 'port of the page; 0 takes a free one', portOf, portDefault)
    .option(
      '--host <address>',
      'address to listen on; others than 127.0.0.1 show your footage to whoever asks',
      '127.0.0.1',
    )
    .action(async (options: ViewOptions) => {
      // The page asks again by itself: an answer that waits would only hide that the store is away.
      const open = await openArchive(options.config, 1)
      try {
        const server = await openViewServer({ ...open, clock: systemClock }, options)
        if (!server.ok) throw new CommandError(server.error.kind === 'in-use' ? 4 : 1, server.error.message)
        process.stdout.write(`The page is at ${server.value.address}\n`)
        if (options.host !== '127.0.0.1') say('Whoever reaches this address sees the footage: there is no password.')
        await aborted(open.signal)
        await server.value.close()
      } finally {
        await open.close()
      }
    })
}

function portOf(text: string): number {
  const port = Number(text)
  if (!/^\d+$/.test(text) || port > 65_535) throw new InvalidArgumentError('A port is a number from 0 to 65535.')
  return port
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
