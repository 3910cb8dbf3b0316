/** How a command says that it did not do what it was asked: one sentence for standard error, and the exit code. */

/**
 * 1 it failed or found a problem; 2 wrong usage or bad settings; 3 the store, the recorder or a file could not be
 * reached; 4 already in use.
 */
export type FailureCode = 1 | 2 | 3 | 4

/** Thrown by commands, caught and printed by `cli.ts`. The message is for people: complete sentences, no secret. */
export class CommandError extends Error {
  override readonly name = 'CommandError'
  readonly exitCode: FailureCode

  constructor(exitCode: FailureCode, message: string) {
    super(message)
    this.exitCode = exitCode
  }
}
