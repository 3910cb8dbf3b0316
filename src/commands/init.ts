/** `watchpost init`: a commented settings file to start from. Never overwrites one without being told to. */
import { mkdir, stat } from 'node:fs/promises'
import { hostname } from 'node:os'
import { dirname } from 'node:path'
import type { Command } from 'commander'
import { saveSettingsFile } from '../adapters/settings-file.ts'
import { exampleSettings } from '../config/example.ts'
import { nameRule } from '../config/text-rules.ts'
import { CommandError } from './command-error.ts'
import { configOption } from './config-option.ts'

export function registerInit(program: Command): void {
  program
    .command('init')
    .description('write a commented settings file to start from')
    .addOption(configOption())
    .option('--force', 'replace a file that is there')
    .action(async (options: { readonly config: string; readonly force?: boolean }) => {
      const { config: path } = options
      const exists = await stat(path).then(
        () => true,
        () => false,
      )
      if (exists && options.force !== true) {
        throw new CommandError(
          2,
          `${path} exists and is left as it is. To replace it with the example: watchpost init --force`,
        )
      }
      await mkdir(dirname(path), { recursive: true, mode: 0o755 }).catch(() => undefined)
      const name = hostname().split('.')[0] ?? ''
      const saved = await saveSettingsFile(
        path,
        exampleSettings({ device: nameRule.pattern.test(name) ? name : 'recorder-1' }),
      )
      if (!saved.ok) throw new CommandError(3, saved.error)
      process.stdout.write(
        `${path} is written, readable by this user only.\nFill in store.bucket, store.region and store.credentials, then run: watchpost check --config ${path}\n`,
      )
    })
}
