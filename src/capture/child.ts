/**
 * The port for child processes: a program that writes a stream to its standard output, and words to its standard error.
 * Implemented by `adapters/child-process.ts`. A child never outlives the recorder, however the recorder ends.
 */
import type { Secret } from '../base/secret.ts'

export interface ChildCommand {
  /** The program, by name or path, and its arguments. May hold secrets in the clear: never log it. */
  readonly argv: readonly [program: string, ...args: string[]]
  /** Replaced in every line of standard error before anybody sees it. */
  readonly secrets: readonly Secret[]
  /** `many` if the program may start others (a shell, a script): they then end together with it, and with us. */
  readonly members: 'one' | 'many'
}

/** How a child ended. `absent`: the program is not installed. `refused`: the system would not start it, with its word. */
export type ChildExit =
  | { readonly kind: 'exited'; readonly code: number }
  | { readonly kind: 'killed'; readonly signal: string }
  | { readonly kind: 'absent'; readonly program: string }
  | { readonly kind: 'refused'; readonly program: string; readonly reason: string }

export interface ChildListener {
  /** Standard output, cut anywhere. The bytes are the listener's from now on. */
  onBytes(bytes: Uint8Array): void
  /** One line of standard error, redacted, at most `limits.childLineBytesMax` long. */
  onLine(line: string): void
}

export interface Child {
  /** Resolves when the process is gone and its last output was handed over. Never rejects. */
  readonly exit: Promise<ChildExit>
  /**
   * TERM to the whole group, KILL after `limits.childKillMs`. May be repeated.
   *
   * @returns false if it is still there a while after KILL: it hangs in the kernel (a dead disk, USB or network mount)
   */
  stop(): Promise<boolean>
}

export interface ChildStarter {
  /** Starts it in a process group of its own. A program that cannot be started is an `exit`, not an exception. */
  start(command: ChildCommand, listener: ChildListener): Child
}
