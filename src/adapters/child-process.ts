/**
 * Child processes by `node:child_process`: started in a group of their own, ended with their group, and never left
 * behind, not even by a recorder that was killed with KILL.
 *
 * A single program is started by `setpriv --pdeathsig KILL` (util-linux): the kernel kills it when we die, also while it
 * is stopped. The wish is not inherited by what a program starts, so a command of `many` members, and everything where
 * `setpriv` is missing (macOS, BusyBox), gets a guard: a shell that leads the group and holds one end of a pipe from us.
 * When we die, however, the pipe closes and the guard kills the whole group. A member that leaves the group (a daemon)
 * escapes; it loses its standard output and is expected to end by that.
 *
 * Standard output is read at once and never paused by us; a slow reader is the kernel's pipe, not our memory.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { accessSync, constants, statSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { limits } from '../base/limits.ts'
import type { Child, ChildCommand, ChildExit, ChildListener, ChildStarter } from '../capture/child.ts'
import { createLineReader } from './child-lines.ts'

/** After KILL a process is gone within milliseconds, unless it hangs in the kernel; then nobody can end it. */
const lingerMs = 1_000
/** After the exit of its leader, what is left in the pipes is read for this long: a daemon may hold them open for ever. */
const pipesMs = 500

/**
 * Leader of a group. `$@` is the command; descriptor 3 the pipe from us, at whose end everybody is killed, the guard
 * included. TERM goes to the whole group: the guard itself lets it pass and reports how the command ended.
 */
const guardScript = `
trap : TERM INT HUP
( trap '' TERM INT HUP; read -r line <&3; kill -KILL 0 ) &
watcher=$!
"$@" 3<&- &
command=$!
while :; do
  wait "$command"; code=$?
  kill -0 "$command" 2>/dev/null || break
done
kill -KILL "$watcher" 2>/dev/null
exit "$code"
`

export function createChildStarter(): ChildStarter {
  let deathSignal: boolean | undefined
  return {
    start(command, listener) {
      const [program] = command.argv
      if (!isInstalled(program)) return gone({ kind: 'absent', program })
      deathSignal ??= hasDeathSignal()
      const guarded = command.members === 'many' || !deathSignal
      const argv = guarded
        ? ['sh', '-c', guardScript, 'watchpost-guard', ...command.argv]
        : ['setpriv', '--pdeathsig', 'KILL', '--', ...command.argv]
      return startGroup(argv, guarded, command, listener)
    },
  }
}

function startGroup(argv: readonly string[], guarded: boolean, command: ChildCommand, listener: ChildListener): Child {
  const [first = '', ...args] = argv
  const lines = createLineReader(command.secrets, (line) => listener.onLine(line))
  let child: ChildProcess
  try {
    child = spawn(first, args, {
      detached: true,
      env: childEnvironment(process.env),
      stdio: ['ignore', 'pipe', 'pipe', ...(guarded ? (['pipe'] as const) : [])],
    })
  } catch (error) {
    // An argument list that is too long, a null byte in an argument: thrown, not emitted.
    return gone({ kind: 'refused', program: command.argv[0], reason: reasonOf(error) })
  }
  child.stdout?.on('data', (bytes: Buffer) => listener.onBytes(bytes))
  child.stderr?.on('data', (bytes: Buffer) => lines.push(bytes))
  for (const pipe of child.stdio) pipe?.on('error', () => {}) // the exit says what happened

  let exited = false
  const exit = new Promise<ChildExit>((resolve) => {
    child.once('error', (error) => {
      exited = true
      resolve({ kind: 'refused', program: command.argv[0], reason: reasonOf(error) })
    })
    child.once('exit', (code, signal) => {
      exited = true
      // Whoever is left of the group goes too. Its number is still ours: Node has only just collected the leader.
      signalGroup(child, 'SIGKILL')
      const timer = setTimeout(() => {
        for (const pipe of child.stdio) pipe?.destroy()
      }, pipesMs)
      child.once('close', () => {
        clearTimeout(timer)
        lines.end()
        resolve(signal === null ? { kind: 'exited', code: code ?? 0 } : { kind: 'killed', signal })
      })
    })
  })
  return { exit, stop: () => stopGroup(child, exit, () => exited) }
}

async function stopGroup(child: ChildProcess, exit: Promise<ChildExit>, exited: () => boolean): Promise<boolean> {
  for (const [signal, waitMs] of [
    ['SIGTERM', limits.childKillMs],
    ['SIGKILL', lingerMs],
  ] as const) {
    if (!exited()) signalGroup(child, signal)
    if (await within(exit, exited() ? lingerMs : waitMs)) return true
  }
  return false
}

function within(exit: Promise<ChildExit>, ms: number): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), ms)
    void exit.then(() => {
      clearTimeout(timer)
      resolve(true)
    })
  })
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return
  try {
    process.kill(-child.pid, signal)
  } catch {
    // Nobody is left in the group.
  }
}

const gone = (exit: ChildExit): Child => ({ exit: Promise.resolve(exit), stop: () => Promise.resolve(true) })

const reasonOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? 'unknown reason'

/** Looked up each time: a person may install the missing program while the recorder runs. */
export function isInstalled(program: string): boolean {
  if (program.includes('/')) return isExecutable(program)
  const folders = (process.env.PATH ?? '/usr/local/bin:/usr/bin:/bin').split(delimiter)
  return folders.some((folder) => isExecutable(join(folder, program)))
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return statSync(path).isFile()
  } catch {
    return false
  }
}

/** BusyBox has a `setpriv` without this option, so having the program is not enough. */
function hasDeathSignal(): boolean {
  if (process.platform !== 'linux') return false
  const answer = spawnSync('setpriv', ['--pdeathsig', 'KILL', '--', 'true'], { stdio: 'ignore', timeout: 5_000 })
  return answer.status === 0
}

/** What a child need not know: our credentials may be in the environment, and systemd's socket is ours alone. */
export function childEnvironment(own: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const withheld = /key|secret|token|passw|credential|^NOTIFY_SOCKET$|^WATCHDOG_|^LISTEN_|^NODE_OPTIONS$/i
  return Object.fromEntries(Object.entries(own).filter(([name]) => !withheld.test(name)))
}
