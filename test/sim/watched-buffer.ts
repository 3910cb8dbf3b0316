/** The real buffer, with somebody who writes down what goes in and out, and who looks whether it keeps to its limits. */
import type { Buffer as FootageBuffer } from '../../src/buffer/buffer.ts'
import { recordingName } from '../../src/format/recording.ts'
import type { Life } from './life.ts'
import type { World } from './world.ts'

/** The largest unit, and what comes in one call. */
const slackBytes = 8 * 1024

export function watched(world: World, life: Life, buffer: FootageBuffer): FootageBuffer {
  const { pinned, time, witness } = world
  const unpin = (id: Parameters<FootageBuffer['release']>[0]): void => void pinned.delete(recordingName(id))
  return {
    ...buffer,
    async read(id, fromSeq, count) {
      const read = await buffer.read(id, fromSeq, count)
      if (read.ok && !life.dead) pinned.set(recordingName(id), read.value.length)
      return read
    },
    release(id) {
      unpin(id)
      buffer.release(id)
    },
    confirm(id, arrived, throughSeq) {
      unpin(id)
      return buffer.confirm(id, arrived, throughSeq)
    },
    settle(id, found) {
      unpin(id)
      return buffer.settle(id, found)
    },
    cut(id, why) {
      unpin(id)
      return buffer.cut(id, why)
    },
    write(track, text) {
      const line = { track, text, life: life.number, at: time.now(), settledAt: undefined as number | undefined }
      witness.lines.push(line)
      return buffer.write(track, text).then(() => {
        line.settledAt = time.now()
      })
    },
  }
}

/** Memory within its cap, but for what is on its way; the card within its quota. */
export function checkLimits(world: World, buffer: FootageBuffer): void {
  const { memoryBytes, quotaBytes } = world.scale.settings.buffer
  const { segmentBytes = 0, commitBytes = 0 } = world.scale.sizes
  let pinned = 0
  for (const bytes of world.pinned.values()) pinned += bytes
  const used = buffer.status().memoryBytes
  if (used > memoryBytes + pinned + slackBytes)
    world.violated('memory', `${used} bytes in memory, ${memoryBytes} allowed, ${pinned} on their way`)
  // What an earlier life may have on its way is not given up before the store was asked: a first life has nothing such.
  if (world.witness.ended.length > 0 || world.badDisk.length > 0) return
  const stored = world.disk.usedBytes()
  if (stored > quotaBytes + pinned + 3 * (segmentBytes + commitBytes))
    world.violated('quota', `${stored} bytes on the card, ${quotaBytes} allowed, ${pinned} on their way`)
}
