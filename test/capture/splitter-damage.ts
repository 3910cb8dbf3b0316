/** What must hold of a damaged stream; shared by the short and the long tier. */
import { expect } from 'vitest'
import { crc64 } from '../../src/base/crc64.ts'
import { limits } from '../../src/base/limits.ts'
import { seededRandom } from '../../src/base/random.ts'
import { bareStream, damaged, damages, lengthsAndMedia, readBack, recordingsOf, send } from '../support/transport.ts'
import { clip } from '../support/ts-clips.ts'

const clips = [
  { seconds: 6, gop: 25 },
  { seconds: 6, gop: 12, audio: true, plainMuxer: true },
  { seconds: 6, gop: 50, bFrames: 3, offsetS: 95_440 },
  { seconds: 6, fps: 5, gop: 30, bitrate: '40k' },
]

/** One seed: a clip, damaged in some of the ways, read in pieces of any size, at any pace. */
export function checkDamagedStream(seed: number): number {
  const random = seededRandom(seed)
  const below = (count: number): number => Math.floor(random.fraction() * count)
  const filmed = clip(clips[below(clips.length)] ?? { seconds: 6 })
  const source = random.fraction() < 0.2 ? bareStream(filmed) : filmed
  const how = damages.filter(() => random.fraction() < 0.5)
  const bytes = damaged(source, how, 2 + below(200), random)
  const pace = random.fraction() < 0.7 ? 6_000 : 60_000 * random.fraction()
  const pieces = 1 + below(10_000)
  const units = send(bytes, {
    pieceBytes: () => 1 + below(pieces),
    arrivalMs: (at) => 10_000 + (at / source.length) * pace,
    targetDurationS: random.fraction() < 0.5 ? 1 + below(4) : undefined,
    notBefore: random.fraction() < 0.5 ? below(900_000) : undefined,
  })
  const label = `SEED=${seed}`
  for (const { unit } of units) {
    expect(unit.bytes.length, label).toBeLessThanOrEqual(limits.unitBytesMax)
    expect(unit.bytes.length % 188, label).toBe(0)
    expect(unit.media.durationTicks, label).toBeGreaterThan(0)
    expect(crc64(unit.bytes), label).toBe(unit.crc64)
  }
  for (const [first, ...rest] of recordingsOf(units)) {
    expect(first?.unit.media.discontinuity, label).toBe(true)
    for (const { unit } of rest) expect(unit.media.durationTicks, label).toBeLessThanOrEqual(13 * 90_000)
  }
  expect(readBack(units), label).toEqual(lengthsAndMedia(units))
  const recordings = recordingsOf(units)
  const recording = recordings[below(recordings.length)] ?? []
  const rest = recording.slice(below(recording.length))
  expect(readBack(rest), `${label}, from the middle`).toEqual(lengthsAndMedia(rest))
  return units.length
}
