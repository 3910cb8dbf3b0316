/** The real buffer on the real disk, in a directory of its own, with footage that is one unit again and again. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { levelStore } from '../../src/adapters/level-store.ts'
import { segmentFiles } from '../../src/adapters/segment-files.ts'
import { systemClock } from '../../src/adapters/system-clock.ts'
import { type WallTime, wallMs } from '../../src/base/clock.ts'
import { crc64 } from '../../src/base/crc64.ts'
import { silentLogger } from '../../src/base/log.ts'
import type { Buffer as FootageBuffer } from '../../src/buffer/buffer.ts'
import { openBuffer } from '../../src/buffer/open-buffer.ts'
import type { Sizes } from '../../src/buffer/sizes.ts'
import type { Unit } from '../../src/format/unit.ts'
import { noise } from './noise.ts'

/** Not the system's directory for such things: that is often memory. */
export function makeDirectory(): string {
  const parent = resolve('node_modules/.cache')
  mkdirSync(parent, { recursive: true })
  return mkdtempSync(join(parent, 'watchpost-bench-run-'))
}

export const removeDirectory = (directory: string): void => rmSync(directory, { recursive: true, force: true })

export const wallTime: WallTime = { at: (moment) => ({ wallMs: wallMs(1.7e12 + moment), errorMs: 1 }) }

export async function openBenchBuffer(directory: string, sizes: Partial<Sizes>): Promise<FootageBuffer> {
  const opened = await openBuffer({
    kv: levelStore(join(directory, 'index')),
    disk: segmentFiles(join(directory, 'segments')),
    ...{ clock: systemClock, wallTime, log: silentLogger, bootId: 'bench', quotaBytes: 10e9, minFreeBytes: 0, sizes },
    fatal: (error) => {
      throw error
    },
  })
  if (!opened.ok) throw new Error(opened.error.message)
  return opened.value
}

export const header = { codec: 'h264', width: 1920, height: 1080, targetDurationS: 2 } as const

/** The units of a camera of 4 Mbit/s with a keyframe a second. */
export function unitMaker(): (index: number) => Unit {
  const bytes = noise(500_000)
  const sum = crc64(bytes)
  return (index) => ({
    bytes,
    crc64: sum,
    media: { firstPts: 90_000 * (index + 1), durationTicks: 90_000, discontinuity: index === 0, keyframe: true },
  })
}
