#!/usr/bin/env node
/** The command `watchpost`: says every failure in one sentence, with an exit code and without a stack trace. */
import { CommanderError } from 'commander'
import { AssertionFailed } from './base/assert.ts'
import { CommandError } from './commands/command-error.ts'
import { createProgram } from './commands/program.ts'

function failed(error: unknown): void {
  if (error instanceof CommanderError) {
    // Commander has already written its words; help and version are no failures.
    process.exitCode = error.exitCode === 0 ? 0 : 2
  } else if (error instanceof CommandError) {
    process.stderr.write(`${error.message}\n`)
    process.exitCode = error.exitCode
  } else {
    const what = error instanceof Error ? error.message : String(error)
    const kind = error instanceof AssertionFailed ? 'An assumption of the program does not hold' : 'Unexpected failure'
    process.stderr.write(`${kind}: ${what}. This is a bug; what was recorded is safe. Please report these words.\n`)
    process.exit(1)
  }
}

process.on('uncaughtException', failed)
process.on('unhandledRejection', failed)
// Whoever read our output has gone: there is nobody left to tell.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0)
})

createProgram().parseAsync().catch(failed)
