/** The recorder as the demo and tests run it: a process of its own that can be killed, with its log in a file. */
import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'

export interface RecorderChild {
  readonly pid: number
  /** Exit code, or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals>
  /** No warning, no last words: as if the plug of the process were pulled. */
  kill(): Promise<void>
  /** SIGTERM, and the wait for its end. */
  stop(): Promise<number | NodeJS.Signals>
}

/**
 * Starts `watchpost` with these arguments; its output is appended to `logFile`.
 *
 * @param cli path of the compiled `cli.js`
 * @param under a command that runs the one behind it as its own process, such as `unshare --mount`
 */
export function startRecorder(
  cli: string,
  args: readonly string[],
  logFile: string,
  under: readonly string[] = [],
): RecorderChild {
  const log = openSync(logFile, 'a')
  const [program = process.execPath, ...words] = [...under, process.execPath, cli, ...args]
  // As the unit of systemd has it: calls to a disk that hangs must leave threads for the rest.
  const env = { ...process.env, UV_THREADPOOL_SIZE: '16' }
  const child: ChildProcess = spawn(program, words, { stdio: ['ignore', log, log], env })
  closeSync(log)
  const ended = new Promise<number | NodeJS.Signals>((resolve, reject) => {
    child.on('error', reject)
    child.on('exit', (code, signal) => resolve(code ?? signal ?? 'SIGKILL'))
  })
  return {
    pid: child.pid ?? 0,
    ended,
    async kill() {
      child.kill('SIGKILL')
      await ended
    },
    stop() {
      child.kill('SIGTERM')
      return ended
    },
  }
}
