/** Small units of made-up footage with true times and checksums, for tests that do not look inside. */
import { crc64 } from '../../src/base/crc64.ts'
import { seededRandom } from '../../src/base/random.ts'
import { startPtsOf } from '../../src/format/playlist.ts'
import type { VideoHeader } from '../../src/format/recording.ts'
import type { Unit } from '../../src/format/unit.ts'

export const video: VideoHeader = { codec: 'h264', width: 640, height: 360, targetDurationS: 2 }
export const gate = 'video/gate'

/** The unit that begins at `startMonoMs`, `bytes` long, different for every seed. */
export function unitAt(startMonoMs: number, bytes: number, seed = startMonoMs): Unit {
  const random = seededRandom(seed)
  const content = new Uint8Array(bytes)
  for (let i = 0; i < bytes; i += 1) content[i] = Math.floor(random.fraction() * 256)
  return {
    bytes: content,
    crc64: crc64(content),
    media: { firstPts: startPtsOf(startMonoMs), durationTicks: 90_000, discontinuity: false, keyframe: true },
  }
}
