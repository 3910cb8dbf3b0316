/** `watchpost status`: what the running recorder says of itself. */
import type { Command } from 'commander'
import { askControl } from '../adapters/control-socket.ts'
import { loadSettings } from '../adapters/settings-file.ts'
import { asStatus } from '../console/console-world.ts'
import { statusText } from '../console/status-text.ts'
import { CommandError } from './command-error.ts'
import { configOption } from './config-option.ts'
import { settingsOrFail } from './store-from-settings.ts'

interface StatusOptions {
  readonly config: string
  readonly json?: boolean
  readonly socket?: string
}

export function registerStatus(program: Command): void {
  program
    .command('status')
    .description('show what the running recorder is doing')
    .addOption(configOption())
    .option('--socket <path>', 'the control socket (default: the one in the settings)')
    .option('--json', 'for programs: one JSON document')
    .action(async (options: StatusOptions) => {
      const path = options.socket ?? settingsOrFail(options.config, await loadSettings(options.config)).control.socket
      const answer = await askControl(path, { do: 'status' })
      if (!answer.ok) throw new CommandError(3, answer.error.message)
      if (options.json === true) {
        process.stdout.write(`${JSON.stringify(answer.value, undefined, 2)}\n`)
        return
      }
      const status = asStatus(answer.value)
      if (status === undefined) {
        throw new CommandError(
          1,
          'The running recorder is of another version than this command. Try: watchpost status --json',
        )
      }
      process.stdout.write(`${statusText(status)}\n`)
    })
}
