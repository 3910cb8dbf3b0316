/** The recorder's buffer on its real disk: segment files and LevelDB side by side in `buffer.directory`. */
import { join } from 'node:path'
import { levelStore } from '../adapters/level-store.ts'
import { segmentFiles } from '../adapters/segment-files.ts'
import type { Settings } from '../adapters/settings-file.ts'
import type { Buffer } from '../buffer/buffer.ts'
import { type BufferOpenError, type BufferOptions, openBuffer } from '../buffer/open-buffer.ts'
import { CommandError, type FailureCode } from './command-error.ts'

const exitCodes: Readonly<Record<BufferOpenError['kind'], FailureCode>> = {
  locked: 4,
  unwritable: 3,
  'not-a-directory': 3,
  full: 3,
  io: 3,
  version: 3,
}

/** @throws {CommandError} with a sentence that names the directory */
export async function openRecorderBuffer(
  { buffer }: Settings,
  world: Omit<BufferOptions, 'kv' | 'disk' | 'quotaBytes' | 'minFreeBytes'>,
): Promise<Buffer> {
  const { directory, quotaBytes, minFreeBytes } = buffer
  const kv = levelStore(join(directory, 'index'))
  const opened = await openBuffer({
    ...world,
    quotaBytes,
    minFreeBytes,
    kv,
    disk: segmentFiles(join(directory, 'segments')),
  })
  if (!opened.ok) throw new CommandError(exitCodes[opened.error.kind], opened.error.message)
  return opened.value
}
