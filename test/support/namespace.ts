/** Mounts that only one process and its children see, made by root and by anybody else: gone when that process is. */
import { execFile, spawnSync } from 'node:child_process'
import { promisify } from 'node:util'

const run = promisify(execFile)
const asRoot = spawnSync('unshare', ['--mount', 'true']).status === 0

/** Runs the command behind it as its own process; `first` is done there before, with `folder` as `$0`. */
export const inNamespace =
  (first: string) =>
  (folder: string): string[] => {
    const rights = asRoot ? [] : ['--map-root-user']
    return ['unshare', ...rights, '--mount', 'sh', '-c', `{ ${first}; } && exec "$@"`, folder]
  }

/** A command where the mounts of the process `pid` are. */
export async function inNamespaceOf(pid: number, ...command: readonly string[]): Promise<void> {
  const user = asRoot ? [] : ['--user', '--preserve-credentials']
  await run('nsenter', ['--target', String(pid), ...user, '--mount', '--', ...command])
}
