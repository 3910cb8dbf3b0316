/**
 * A small file system of its own that the chaos fills and frees: a tmpfs in a mount namespace, held by a process that
 * does nothing else, so that it outlives each recorder. Where no namespace may be made, the recorder's own rule for free
 * space does it: `minFreeBytes` beyond what any disk has makes every disk too full.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { closeSync, existsSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { dyingWithUs } from './die-with-us.ts'

export interface SmallDisk {
  /** One line for people: what was used. */
  readonly how: string
  /** False: `fill` and `free` of the settings are asked for instead. */
  readonly mounted: boolean
  /** Starts a process where this disk is mounted; stands before its command. */
  readonly under: readonly string[]
  /** Fills it up, but for `leaveBytes`. */
  fill(leaveBytes: number): void
  free(): void
  close(): Promise<void>
}

/** Two closed segments and the index fit; a few minutes of footage fill it. */
const smallDiskBytes = 80 * 1024 * 1024

const asRoot = (): boolean => spawnSync('unshare', ['--mount', 'true']).status === 0
const asAnybody = (): boolean => spawnSync('unshare', ['--map-root-user', '--mount', 'true']).status === 0
const has = (program: string): boolean => spawnSync(program, ['--version']).error === undefined

export async function openSmallDisk(folder: string): Promise<SmallDisk> {
  await mkdir(folder, { recursive: true })
  const rights = !has('nsenter') ? undefined : asRoot() ? [] : asAnybody() ? ['--map-root-user'] : undefined
  const holder = rights === undefined ? undefined : await hold(folder, rights)
  if (rights === undefined || holder === undefined) {
    return {
      how: 'no mount namespace is permitted here: buffer.minFreeBytes stands in for a full disk',
      mounted: false,
      under: [],
      fill() {},
      free() {},
      async close() {},
    }
  }
  const user = rights.length === 0 ? [] : ['--user', '--preserve-credentials']
  const seen = join(`/proc/${holder.pid}/root`, folder)
  const ballast = join(seen, 'ballast')
  return {
    how: `a tmpfs of ${smallDiskBytes / 1024 / 1024} MiB in a mount namespace${rights.length === 0 ? '' : ' of an ordinary user'}`,
    mounted: true,
    under: ['nsenter', '--target', String(holder.pid), ...user, '--mount', '--'],
    fill: (leaveBytes) => fillUp(seen, ballast, leaveBytes),
    free: () => rmSync(ballast, { force: true }),
    async close() {
      const ended = new Promise((resolve) => holder.once('exit', resolve))
      if (holder.exitCode === null && holder.signalCode === null) {
        holder.kill('SIGKILL')
        await ended
      }
    },
  }
}

async function hold(folder: string, rights: readonly string[]): Promise<ChildProcess | undefined> {
  const ready = 'mount -t tmpfs -o "size=$1" tmpfs "$0" && : > "$0/.mounted" && exec sleep infinity'
  const [program = 'unshare', ...args] = [...dyingWithUs, 'unshare', ...rights, '--mount', 'sh', '-c', ready, folder]
  const holder = spawn(program, [...args, String(smallDiskBytes)], { stdio: 'ignore' })
  holder.on('error', () => {})
  for (let waitedMs = 0; waitedMs < 5_000 && holder.exitCode === null; waitedMs += 50) {
    if (holder.pid !== undefined && existsSync(join(`/proc/${holder.pid}/root`, folder, '.mounted'))) return holder
    await sleep(50)
  }
  holder.kill('SIGKILL')
  return undefined
}

function fillUp(folder: string, ballast: string, leaveBytes: number): void {
  const { bavail, bsize } = statfsSync(folder)
  const file = openSync(ballast, 'a')
  const piece = Buffer.alloc(64 * 1024)
  try {
    for (let left = bavail * bsize - leaveBytes; left > 0; left -= piece.length) writeSync(file, piece)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error
  } finally {
    closeSync(file)
  }
}
