/** Looks at the running recorder and the store now and then, for what only shows while they run. */
import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import type { World } from './world.ts'

export interface Watch {
  readonly residentBytesMax: () => number
  readonly backlogBytesMax: () => number
  /** Resolves when it looks no more. */
  end(): Promise<void>
}

/** Often enough that a kill finds the account of the store at most this old. */
const lookMs = 500

export function watch(world: World): Watch {
  const ending = new AbortController()
  let resident = 0
  let backlog = 0
  async function look(): Promise<void> {
    const status = await world.status()
    backlog = Math.max(backlog, status?.uplink.backlogBytes ?? 0)
    resident = Math.max(resident, await residentOf(world.pid()))
    await world.standIn.count()
  }
  async function loop(): Promise<void> {
    while (!ending.signal.aborted) {
      await look()
      await sleep(lookMs, undefined, { signal: ending.signal }).catch(() => undefined)
    }
  }
  const done = loop()
  return {
    residentBytesMax: () => resident,
    backlogBytesMax: () => backlog,
    async end() {
      ending.abort()
      await done
    },
  }
}

/** 0 where nobody runs, and where there is no /proc. */
async function residentOf(pid: number | undefined): Promise<number> {
  if (pid === undefined) return 0
  const text = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(text)?.[1] ?? 0) * 1024
}
