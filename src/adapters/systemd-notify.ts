/**
 * Words to systemd (`Type=notify`, watchdog) by its own helper program `systemd-notify`: the socket they go to takes
 * Unix datagrams, which Node.js cannot send. The unit needs `NotifyAccess=all`, since the words come from a child; the
 * helper waits until systemd has read them, so that they are not lost with its process (since systemd 246).
 *
 * At most four helpers run at once, each for 5 s at most: a helper that hangs must not pile up. A word that is not taken
 * is not repeated; the next beat comes anyway, and a missing beat is what a watchdog is for.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import type { Logger } from '../base/log.ts'
import type { Supervisor } from '../health/watchdog.ts'

export interface NotifyOptions {
  readonly log: Logger
  /** The environment of the process. */
  readonly env: NodeJS.ProcessEnv
  /** For tests. */
  readonly program?: string
}

const helperMs = 5_000
const helpersMax = 4
/** `systemctl status` shows one line of a terminal. */
const statusCharsMax = 200

/** Does nothing at all if systemd did not start us. Never throws. */
export function createSystemdNotify({ log, env, program = 'systemd-notify' }: NotifyOptions): Supervisor {
  const socket = env.NOTIFY_SOCKET
  const running = new Set<ChildProcess>()

  function say(words: readonly string[]): void {
    if (socket === undefined || socket === '') return
    if (running.size >= helpersMax) {
      log.warn('systemd-notify', 'systemd-notify does not come back; the words to systemd are left out meanwhile.')
      return
    }
    const childEnv = { PATH: env.PATH ?? '/usr/bin:/bin', NOTIFY_SOCKET: socket }
    const child = spawn(program, words, { stdio: 'ignore', timeout: helperMs, killSignal: 'SIGKILL', env: childEnv })
    running.add(child)
    child.once('error', (error: NodeJS.ErrnoException) => {
      running.delete(child)
      const why = error.code === 'ENOENT' ? 'the program is not installed (Debian: package systemd)' : error.code
      log.error('systemd-notify', `systemd cannot be told how the recorder is: ${why}. Its watchdog will end it.`)
    })
    child.once('exit', (code, signal) => {
      running.delete(child)
      if (code !== 0)
        log.warn('systemd-notify', `systemd-notify ended with ${signal ?? code}; systemd did not hear us.`)
    })
  }

  return {
    watchdogMs: watchdogMsOf(env),
    ready: () => say(['READY=1']),
    alive: (text) => say(['WATCHDOG=1', statusWord(text)]),
    stuck: (text) => say([statusWord(text)]),
    stopping: () => say(['STOPPING=1']),
  }
}

const statusWord = (text: string): string => `STATUS=${text.replace(/\p{Cc}/gu, ' ').slice(0, statusCharsMax)}`

/** Source: sd_watchdog_enabled(3): the variables count only if they were set for this process. */
function watchdogMsOf(env: NodeJS.ProcessEnv): number | undefined {
  const us = Number(env.WATCHDOG_USEC)
  const forUs = env.WATCHDOG_PID === undefined || env.WATCHDOG_PID === String(process.pid)
  return forUs && Number.isInteger(us) && us > 0 ? us / 1000 : undefined
}
