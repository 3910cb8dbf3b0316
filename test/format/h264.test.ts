import { expect, test } from 'vitest'
import { seededRandom } from '../../src/base/random.ts'
import { readSps } from '../../src/format/h264.ts'
import { concat, joined, lengthsAndMedia, packetsOf, pidOf, send } from '../support/transport.ts'
import { clip, codedFrames } from '../support/ts-clips.ts'

const withoutRandomAccess = (bytes: Uint8Array): Uint8Array =>
  concat(
    packetsOf(bytes).map((packet) => {
      if (((packet[3] ?? 0) & 0x20) !== 0 && (packet[4] ?? 0) > 0) packet[5] = (packet[5] ?? 0) & ~0x40
      return packet
    }),
  )

test.each([
  ['cropped', '322x182', []],
  ['baseline', '320x180', ['-profile:v', 'baseline']],
  ['full chroma', '322x182', ['-pix_fmt', 'yuv444p']],
  ['half chroma', '322x182', ['-pix_fmt', 'yuv422p']],
  ['grey', '322x182', ['-pix_fmt', 'gray']],
  ['interlaced', '720x564', ['-flags', '+ildct+ilme', '-x264-params', 'tff=1']],
  ['scaling lists', '320x180', ['-x264-params', 'cqm=jvt']],
  ['full HD', '1920x1080', ['-x264-params', 'nal-hrd=vbr:vbv-maxrate=400:vbv-bufsize=800']],
])('reads the picture size that the encoder was given: %s', (_, size, encoder) => {
  const [first] = send(clip({ seconds: 1, fps: 5, size, encoder }))
  expect(`${first?.video.width}x${first?.video.height}`).toBe(size)
})

test('a decoder may start at a recovery point with parameter sets (open GOPs), as ffmpeg says too', () => {
  const open = clip({ seconds: 6, gop: 25, bFrames: 3, encoder: ['-x264-params', 'open-gop=1'] })
  const units = send(open, { seconds: 6 })
  expect(units.length).toBeGreaterThan(4)
  expect(lengthsAndMedia(send(withoutRandomAccess(open), { seconds: 6 }))).toEqual(lengthsAndMedia(units))
})

test('but not in the middle of a gradual refresh', () => {
  const refresh = clip({ seconds: 4, gop: 25, encoder: ['-x264-params', 'intra-refresh=1'] })
  const units = send(withoutRandomAccess(refresh), { seconds: 4 })
  expect(units.length).toBe(1)
  expect(codedFrames(joined(units)).length).toBe(100)
})

test('a head of many messages and several slices is read over as many packets as it takes', () => {
  const bytes = clip({ seconds: 3, gop: 25, encoder: ['-x264-params', 'slices=4'] })
  const packets = packetsOf(withoutRandomAccess(bytes))
  const key = packets.find((packet) => pidOf(packet) === 0x100)
  expect(key).toBeDefined()
  expect(lengthsAndMedia(send(concat(packets)))).toEqual(lengthsAndMedia(send(bytes)))
})

test('what is no parameter set gives no size, and never an exception (2,000 seeds)', () => {
  for (let seed = 0; seed < 2_000; seed += 1) {
    const random = seededRandom(seed)
    const bytes = Uint8Array.from({ length: 1 + Math.floor(random.fraction() * 40) }, () => random.fraction() * 256)
    bytes[0] = 0x67
    const size = readSps(bytes)
    if (size === undefined) continue
    expect(size.width).toBeGreaterThan(0)
    expect(size.width).toBeLessThanOrEqual(16_384)
  }
  expect(readSps(new Uint8Array(0))).toBe(undefined)
  expect(readSps(Uint8Array.of(0x67, 66, 0, 30))).toBe(undefined)
})
