/** The real buffer on the real disk, in a directory of its own, with footage that is one unit again and again. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { levelStore } from '../../src/adapters/level-store.ts'
import { segmentFiles } from '../../src/adapters/segment-files.ts'
import { systemClock } from '../../src/adapters/system-clock.ts'
import { type Clock, type WallTime, wallMs } from '../../src/base/clock.ts'
import { crc64 } from '../../src/base/crc64.ts'
import { limits } from '../../src/base/limits.ts'
import { silentLogger } from '../../src/base/log.ts'
import type { Buffer as FootageBuffer } from '../../src/buffer/buffer.ts'
import { openBuffer } from '../../src/buffer/open-buffer.ts'
import type { Sizes } from '../../src/buffer/sizes.ts'
import type { MemoryLimits } from '../../src/buffer/stage.ts'
import type { Unit } from '../../src/format/unit.ts'
import { noise } from './noise.ts'

/** Not the system's directory for such things: that is often memory. */
export function makeDirectory(): string {
  const parent = resolve('node_modules/.cache')
  mkdirSync(parent, { recursive: true })
  return mkdtempSync(join(parent, 'watchpost-bench-run-'))
}

export const removeDirectory = (directory: string): void => rmSync(directory, { recursive: true, force: true })

/** What the files below it take of the disk, in whole blocks. */
export function diskBytesBelow(directory: string): number {
  const entries = readdirSync(directory, { withFileTypes: true })
  return entries.reduce((sum, entry) => {
    const path = join(directory, entry.name)
    return sum + (entry.isDirectory() ? diskBytesBelow(path) : statSync(path).blocks * 512)
  }, 0)
}

export const wallTime: WallTime = { at: (moment) => ({ wallMs: wallMs(1.7e12 + moment), errorMs: 1 }) }

export interface BenchBufferOptions {
  /** Left out: as a new installation has it. */
  readonly memory?: Partial<MemoryLimits>
  readonly sizes?: Partial<Sizes>
  readonly clock?: Clock
  /** Sees every promise of the disk and of the database. */
  readonly watch?: DiskWatch
}

export async function openBenchBuffer(directory: string, options: BenchBufferOptions = {}): Promise<FootageBuffer> {
  const { clock = systemClock, sizes = {}, watch } = options
  const kv = levelStore(join(directory, 'index'))
  const disk = segmentFiles(join(directory, 'segments'))
  const opened = await openBuffer({
    kv: watch?.watched(kv) ?? kv,
    disk: watch?.watched(disk) ?? disk,
    memory: { ...limits.memory, ...options.memory },
    ...{ clock, wallTime, log: silentLogger, bootId: 'bench', quotaBytes: 10e9, minFreeBytes: 0, sizes },
    fatal: (error) => {
      throw error
    },
  })
  if (!opened.ok) throw new Error(opened.error.message)
  return opened.value
}

export interface DiskWatch {
  watched<T extends object>(port: T): T
  /** Resolves when nothing is on its way to the disk, and nothing more follows from that. */
  quiet(): Promise<void>
}

/** For a buffer whose clock is moved by hand: what each moment asks of the disk is over before the next one comes. */
export function createDiskWatch(): DiskWatch {
  let underWay = 0
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
  const opened = (value: unknown): unknown => {
    if (value === null || typeof value !== 'object' || !('value' in value)) return value
    const inner = value.value
    // A file or a database that was opened: its own calls count too.
    const isPort = inner !== null && typeof inner === 'object' && Object.values(inner).some(isFunction)
    return isPort ? { ...value, value: watched(inner) } : value
  }
  function watched<T extends object>(port: T): T {
    return new Proxy(port, {
      get(target, name) {
        const member: unknown = Reflect.get(target, name)
        if (!isFunction(member)) return member
        return (...args: unknown[]): unknown => {
          const answer: unknown = member.apply(target, args)
          if (!(answer instanceof Promise)) return answer
          underWay += 1
          return answer.then(opened).finally(() => {
            underWay -= 1
          })
        }
      },
    })
  }
  return {
    watched,
    async quiet() {
      for (let still = 0; still < 3; ) {
        await turn()
        still = underWay === 0 ? still + 1 : 0
      }
    },
  }
}

const isFunction = (value: unknown): value is (...args: unknown[]) => unknown => typeof value === 'function'

export const header = { codec: 'h264', width: 1920, height: 1080, targetDurationS: 2 } as const

/** The units of a camera with a keyframe a second. @param length bytes of each; left out, those of 4 Mbit/s */
export function unitMaker(length = 500_000): (index: number) => Unit {
  const bytes = noise(length)
  const sum = crc64(bytes)
  return (index) => ({
    bytes,
    crc64: sum,
    media: {
      firstPts: (90_000 * (index + 1)) % 2 ** 33,
      durationTicks: 90_000,
      discontinuity: index === 0,
      keyframe: true,
    },
  })
}

/** Resolves when so many bytes of footage have gone to the disk. A group that was written rings nobody: it is looked. */
export async function spilled(buffer: FootageBuffer, bytes: number): Promise<void> {
  while (buffer.status().spilledBytes < bytes) await systemClock.sleep(2)
}
