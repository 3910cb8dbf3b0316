/** Is every beginning of what we store playable to its last whole frame? Shared by the short and the long tier. */
import { expect } from 'vitest'
import { seededRandom } from '../../src/base/random.ts'
import { concat, frameParts, joined, packetsOf, pidOf, sendPaced } from '../support/transport.ts'
import { clip, decodeAll } from '../support/ts-clips.ts'

const streamsPerProcess = 25

/** Two runs of a camera, the second with a clock of its own and with sound, as one object holds them. */
function stored(): Uint8Array {
  const first = frameParts(clip({ seconds: 2, gop: 25, size: '160x90' }))
  const second = frameParts(clip({ seconds: 2, gop: 25, size: '160x90', audio: true, offsetS: 7_000 }))
  const one = sendPaced(first, (part) => 50_000 + part.dtsMs, { targetDurationS: 2 }).units
  const two = sendPaced(second, (part) => part.dtsMs - 7_000_000 + 55_000, { targetDurationS: 2 }).units
  return concat([joined(one), joined(two)])
}

/** Position at which each video frame is whole, counted from the packets alone. */
function wholeFrameEnds(bytes: Uint8Array): number[] {
  const ends: number[] = []
  for (const [index, packet] of packetsOf(bytes).entries()) {
    if (pidOf(packet) !== 0x100 || ((packet[3] ?? 0) & 0x10) === 0) continue
    const end = (index + 1) * 188
    if (((packet[1] ?? 0) & 0x40) !== 0) ends.push(end)
    else ends[ends.length - 1] = end
  }
  return ends
}

/** Cuts at `count` random bytes; returns the least number of whole frames that were left. */
export function checkPrefixes(count: number, seed: number): number {
  const bytes = stored()
  const ends = wholeFrameEnds(bytes)
  const [whole = []] = decodeAll([bytes])
  expect(whole.length).toBe(100)
  expect(ends.length).toBe(100)
  const random = seededRandom(seed)
  const firstEnd = ends[0] ?? 0
  const lengths = Array.from(
    { length: count },
    () => firstEnd + Math.floor(random.fraction() * (bytes.length - firstEnd)),
  )
  let least = Number.POSITIVE_INFINITY
  for (let at = 0; at < count; at += streamsPerProcess) {
    const some = lengths.slice(at, at + streamsPerProcess)
    const decoded = decodeAll(some.map((length) => bytes.subarray(0, length)))
    for (const [index, length] of some.entries()) {
      const frames = ends.filter((end) => end <= length).length
      least = Math.min(least, frames)
      expect(decoded[index]?.slice(0, frames), `SEED=${seed}, ${length} bytes`).toEqual(whole.slice(0, frames))
    }
  }
  return least
}
