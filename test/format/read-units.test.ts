import { expect, test } from 'vitest'
import { seededRandom } from '../../src/base/random.ts'
import { readUnits } from '../../src/format/read-units.ts'
import { frameParts, joined, lengthsAndMedia, send, sendPaced } from '../support/transport.ts'
import { clip } from '../support/ts-clips.ts'

const longest = 2 * 90_000
const units = send(clip({ seconds: 6, gop: 25, audio: true }), { seconds: 6, targetDurationS: 2 })
const whole = joined(units)
const total = (found: readonly { length: number }[]): number => found.reduce((sum, unit) => sum + unit.length, 0)

test('gives the units that were stored, from the start of any of them', () => {
  expect(units.length).toBe(6)
  for (let i = 0; i < units.length; i += 1) {
    expect(readUnits(joined(units.slice(i)), longest)).toEqual(lengthsAndMedia(units).slice(i))
  }
})

test('gives the last unit, if more follows elsewhere, the time of its own frames', () => {
  const first = units[0]
  expect(readUnits(first?.unit.bytes ?? whole, longest)).toEqual([
    { length: first?.unit.bytes.length, media: first?.unit.media },
  ])
})

test('accounts for every byte, also where they end inside a unit, a packet or a table', () => {
  const random = seededRandom(5)
  const ends = units.map((_, index) => joined(units.slice(0, index)).length)
  const lengths = Array.from({ length: 200 }, () => 3_000 + Math.floor(random.fraction() * (whole.length - 3_000)))
  for (const length of [...lengths, ...ends.slice(1).map((end) => end + 200)]) {
    const found = readUnits(whole.subarray(0, length), longest)
    expect(total(found), `${length} bytes`).toBe(length)
    const certain = ends.filter((end) => end <= length).length - 1
    expect(found.length).toBeGreaterThanOrEqual(certain)
    for (const [index, unit] of found.slice(0, -1).entries()) {
      expect(unit).toEqual({ length: units[index]?.unit.bytes.length, media: units[index]?.unit.media })
    }
  }
})

test('marks the first unit of each run, and knows a run by the mark alone', () => {
  const parts = frameParts(clip({ seconds: 4, gop: 25 }))
  const one = sendPaced(parts, (part) => 20_000 + part.dtsMs, { targetDurationS: 2 }).units
  const two = sendPaced(parts.slice(0, 60), (part) => 24_100 + part.dtsMs, { targetDurationS: 2 }).units
  const both = [...one, ...two]
  const found = readUnits(joined(both), longest)
  expect(found).toEqual(lengthsAndMedia(both))
  expect(found.map((unit) => unit.media.discontinuity)).toEqual([true, false, false, false, true, false, false])
})

test('does not add up where something else stands between the packets', () => {
  const at = 188 * 200
  const torn = new Uint8Array(whole.length + 3)
  torn.set(whole.subarray(0, at))
  torn.set(whole.subarray(at), at + 3)
  expect(total(readUnits(torn, longest))).not.toBe(torn.length)
  expect(readUnits(new Uint8Array(100_000), longest)).toEqual([])
  expect(readUnits(new Uint8Array(0), longest)).toEqual([])
})
