/**
 * The recorder's buffer on its real disk: segment files and LevelDB side by side in `buffer.directory`.
 *
 * A disk that cannot be used (not mounted, read-only, broken, full with nothing to give up, closed to this user, or
 * hanging) does not keep the recorder from recording: it starts in memory (`late-disk.ts`). What a person has just set
 * wrong (a file where the directory should be, a buffer that is in use) ends the start.
 */
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { levelStore } from '../adapters/level-store.ts'
import { memoryRows, refusingDisk } from '../adapters/memory-disk.ts'
import { segmentFiles } from '../adapters/segment-files.ts'
import type { Settings } from '../adapters/settings-file.ts'
import { assert } from '../base/assert.ts'
import { err } from '../base/result.ts'
import type { Buffer } from '../buffer/buffer.ts'
import { type BufferOptions, openBuffer } from '../buffer/open-buffer.ts'
import type { BufferOpenError } from '../buffer/open-error.ts'
import { bootKey, formatKey, formatVersion } from '../buffer/rows.ts'
import type { SegmentDisk } from '../buffer/segment-disk.ts'
import { memoryLimits } from '../buffer/stage.ts'
import { CommandError, type FailureCode } from './command-error.ts'
import { createLateDisk, type Opening, openMsMax } from './late-disk.ts'

/** What a person must mend before anything can start; the others are a disk that may come back. */
const exitCodes: Readonly<Partial<Record<BufferOpenError['kind'], FailureCode>>> = {
  locked: 4,
  'not-a-directory': 3,
}

export interface RecorderBuffer {
  readonly buffer: Buffer
  /** What is not sent when the buffer is closed waits on the disk; else it is lost. */
  onDisk(): boolean
  /** Calls to LevelDB that have not come back: see `leaveProcess`. */
  indexCalls(): number
}

type World = Omit<BufferOptions, 'kv' | 'disk' | 'quotaBytes' | 'minFreeBytes'>

/** @throws {CommandError} with a sentence that names the directory */
export async function openRecorderBuffer({ buffer }: Settings, world: World): Promise<RecorderBuffer> {
  const { directory, quotaBytes, minFreeBytes, mountPoint } = buffer
  const options = { ...world, quotaBytes, minFreeBytes, memory: memoryLimits(buffer) }
  const kv = levelStore(join(directory, 'index'), mountPoint)
  const indexCalls = kv.running
  const open = opener(options, { kv, disk: segmentFiles(join(directory, 'segments'), mountPoint) })
  const first = open()
  const answer = await inTime(first, world)
  if (answer?.ok === true) return { buffer: answer.value, onDisk: () => true, indexCalls }
  const code = answer === undefined ? undefined : exitCodes[answer.error.kind]
  if (answer !== undefined && code !== undefined) throw new CommandError(code, answer.error.message)
  const memory = await openInMemory(options, directory)
  const { clock, log, fatal } = world
  const late = createLateDisk({ memory, first, open, place: directory, clock, log, fatal })
  return { buffer: late, onDisk: late.onDisk, indexCalls }
}

/** `undefined`: no answer yet. */
async function inTime(opening: Opening, { clock }: World): Promise<Awaited<Opening> | undefined> {
  const answered = new AbortController()
  const late = clock.sleep(openMsMax, answered.signal).then(() => undefined)
  const first = await Promise.race([opening, late])
  answered.abort()
  return first
}

/** As many as one try may give up to open on a full disk, in all tries together: a try comes every 10 s. */
const removalsMax = 2

/** How the buffer on the real disk is opened, however often. */
export function opener(
  options: Omit<BufferOptions, 'kv' | 'disk'>,
  { kv, disk }: Pick<BufferOptions, 'kv' | 'disk'>,
): () => Opening {
  let removals = 0
  let opened = false
  const sparing: SegmentDisk = {
    ...disk,
    async remove(segment) {
      if (!opened && removals >= removalsMax) return err({ kind: 'full', message: 'enough was given up' })
      removals += 1
      return disk.remove(segment)
    },
  }
  return async () => {
    const result = await openBuffer({ ...options, kv, disk: sparing })
    opened ||= result.ok
    return result
  }
}

/**
 * Boot counters of a recorder in memory: from 10⁹, which no machine reaches by starting, and 2³⁶ beyond. They are made of
 * the kernel's boot id, so that all recorders of one boot agree on it, as they do on its clock, and two boots do not: no
 * row remembers which ones were used. A thousand such boots of one device collide with a probability below 10⁻⁵.
 */
const memoryBootsFrom = 1e9
const memoryBootDigits = 9

export const memoryBootCounter = (bootId: string): number =>
  memoryBootsFrom + Number.parseInt(createHash('sha256').update(bootId).digest('hex').slice(0, memoryBootDigits), 16)

export async function openInMemory(options: Omit<BufferOptions, 'kv' | 'disk'>, directory: string): Promise<Buffer> {
  const boot = { counter: memoryBootCounter(options.bootId), id: options.bootId }
  const rows = new Map([
    [formatKey, formatVersion],
    [bootKey, JSON.stringify(boot)],
  ])
  const opened = await openBuffer({
    ...options,
    kv: memoryRows(directory, rows),
    disk: refusingDisk(directory, () => 'it could not be used since the recorder started'),
  })
  assert(opened.ok, 'a buffer in memory opens')
  return opened.value
}
