/** A buffer on a disk, a database and a clock that the test holds in its hand. */
import { type WallTime, wallMs } from '../../src/base/clock.ts'
import type { Fields, Logger } from '../../src/base/log.ts'
import type { Random } from '../../src/base/random.ts'
import type { Result } from '../../src/base/result.ts'
import type { Buffer as FootageBuffer } from '../../src/buffer/buffer.ts'
import { openBuffer } from '../../src/buffer/open-buffer.ts'
import type { BufferOpenError } from '../../src/buffer/open-error.ts'
import type { Sizes } from '../../src/buffer/sizes.ts'
import type { MemoryLimits } from '../../src/buffer/stage.ts'
import { type CatalogueRecord, type GapRecord, parseCatalogueLine } from '../../src/format/catalogue-record.ts'
import type { Chunk, RecordingId } from '../../src/format/recording.ts'
import { createHandClock, type HandClock } from '../support/hand-clock.ts'
import { createMemoryDisk, type MemoryDisk } from '../support/memory-disk.ts'
import { createMemoryKv, type MemoryKv } from '../support/memory-kv.ts'

const smallSizes: Sizes = {
  segmentBytes: 4_000,
  commitBytes: 2_000,
  commitAgeMs: 1_000,
  commitAgeOutageMs: 1_000,
  unsyncedBytes: 100_000,
  patienceMs: 2_000,
  recordsHeld: 1_000,
  recordingBytes: 10_000,
}

/** Most tests look at what is on the disk. */
const writeThrough: MemoryLimits = { spillAfterMs: 0, memoryBytes: 8_000, memoryBytesPerCamera: 8_000 }

export interface Stage {
  readonly disk: MemoryDisk
  readonly kv: MemoryKv
  readonly logged: { readonly event: string; readonly message: string; readonly fields: Fields | undefined }[]
  /** What ended the process, if something did. */
  readonly fatal: unknown[]
  clock: HandClock
  /** wall = mono + offset of this boot; `undefined`: not known yet. */
  wallOffsetMs: number | undefined
  bootId: string
  tryOpen(): Promise<Result<FootageBuffer, BufferOpenError>>
  open(): Promise<FootageBuffer>
  /** The process is gone: killed, or with `power` the machine, which then boots anew. */
  restart(power?: Random): void
}

export function createStage(
  options: { sizes?: Partial<Sizes>; quotaBytes?: number; minFreeBytes?: number; memory?: Partial<MemoryLimits> } = {},
): Stage {
  const disk = createMemoryDisk()
  const kv = createMemoryKv()
  kv.crashed = () => disk.crashed()
  const logged: Stage['logged'] = []
  const fatal: unknown[] = []
  const wallTime: WallTime = {
    at: (moment) =>
      stage.wallOffsetMs === undefined ? undefined : { wallMs: wallMs(moment + stage.wallOffsetMs), errorMs: 5 },
  }
  const note = (event: string, message: string, fields?: Fields): void => void logged.push({ event, message, fields })
  const log: Logger = { debug: note, info: note, warn: note, error: note, with: () => log }
  let boots = 1

  const stage: Stage = {
    disk,
    kv,
    logged,
    fatal,
    clock: createHandClock({ mono: 50_000 }),
    wallOffsetMs: undefined,
    bootId: 'boot-1',
    tryOpen: () =>
      openBuffer({
        ...{ kv, disk, wallTime, log, clock: stage.clock, bootId: stage.bootId },
        quotaBytes: options.quotaBytes ?? 1e9,
        minFreeBytes: options.minFreeBytes ?? 0,
        memory: { ...writeThrough, ...options.memory },
        fatal: (error) => void fatal.push(error),
        sizes: { ...smallSizes, ...options.sizes },
      }),
    async open() {
      const opened = await stage.tryOpen()
      if (!opened.ok) throw new Error(opened.error.message)
      return opened.value
    },
    restart(power) {
      disk.restart(power)
      kv.restart(power)
      if (power === undefined) {
        stage.clock = createHandClock({ mono: stage.clock.mono() + 500 })
        return
      }
      boots += 1
      stage.bootId = `boot-${boots}`
      stage.clock = createHandClock({ mono: 10_000 + boots })
      stage.wallOffsetMs = undefined
    },
  }
  return stage
}

/** Lets everything run that waits for no clock. */
export async function calm(): Promise<void> {
  for (let turn = 0; turn < 4; turn += 1) await new Promise((resolve) => setImmediate(resolve))
}

/** Moves the clock on in small steps, so that what is woken can act. */
export async function pass(stage: Stage, ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= 500) {
    await stage.clock.advance(Math.min(500, left))
    await calm()
  }
}

export const at = <T>(list: readonly T[], index: number): T => {
  const found = list.at(index)
  if (found === undefined) throw new Error(`nothing at ${index}`)
  return found
}

export function pendingOf(buffer: FootageBuffer, id: RecordingId): readonly Chunk[] {
  return buffer.recording(id)?.pending ?? []
}

export const videoHeld = (buffer: FootageBuffer): RecordingId[] =>
  buffer.held().filter(({ track }) => track.startsWith('video/'))

/** Every line of a record track that is held, in order. */
export async function linesOf(buffer: FootageBuffer, track: string): Promise<string[]> {
  const found: string[] = []
  for (const id of buffer.held().filter((held) => held.track === track)) {
    for (const { seq } of pendingOf(buffer, id)) {
      const read = await buffer.read(id, seq, 1)
      if (!read.ok) throw new Error(read.error.message)
      found.push(...Buffer.from(read.value).toString().trimEnd().split('\n'))
    }
  }
  return found
}

export async function catalogueOf(buffer: FootageBuffer): Promise<CatalogueRecord[]> {
  return (await linesOf(buffer, 'catalogue')).flatMap((line) => {
    const record = parseCatalogueLine(line)
    if (record === undefined) throw new Error(`no catalogue line: ${line}`)
    return [record]
  })
}

export async function gapsOf(buffer: FootageBuffer): Promise<GapRecord[]> {
  return (await catalogueOf(buffer)).filter((record) => record.kind === 'gap')
}
