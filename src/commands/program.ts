/** Every command of `watchpost`, joined. The table in the README is made from it too. */
import { readFileSync } from 'node:fs'
import { Command } from 'commander'
import { registerAppend } from './append.ts'
import { registerCheck } from './check.ts'
import { registerConsole } from './console.ts'
import { registerInit } from './init.ts'
import { registerList } from './list.ts'
import { registerOssServer } from './oss-server.ts'
import { registerRun } from './run.ts'
import { registerStatus } from './status.ts'
import { registerTail } from './tail.ts'
import { registerVerify } from './verify.ts'
import { registerView } from './view.ts'

const exitCodes = `
Exit codes: 0 done; 1 it failed, or a problem was found; 2 wrong usage or settings; 3 the store, the recorder or a
file could not be reached; 4 already in use (port, buffer, socket). verify has further ones: see verify --help.`

const registrations = [
  ...[registerInit, registerCheck, registerRun, registerStatus, registerConsole, registerList, registerTail],
  ...[registerVerify, registerView, registerAppend, registerOssServer],
]

/** Wrong usage throws a `CommanderError` after its words are written, instead of ending the process. */
export function createProgram(): Command {
  const program = new Command('watchpost')
    .description('An unattended surveillance recorder: a camera becomes one growing object in Alibaba Cloud OSS.')
    .version(version())
    .addHelpText('after', exitCodes)
    .exitOverride()
  for (const register of registrations) register(program)
  for (const command of program.commands) command.exitOverride()
  return program
}

/** The commands as a table for people, in Markdown. */
export function commandTable(): string {
  const rows = createProgram().commands.map(
    (command) => `| \`watchpost ${usageOf(command)}\` | ${command.description()} |`,
  )
  return ['| command | what it does |', '|---|---|', ...rows].join('\n')
}

const usageOf = (command: Command): string => `${command.name()} ${command.usage()}`.replaceAll('|', '\\|')

function version(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}
