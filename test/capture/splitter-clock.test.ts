import { expect, test } from 'vitest'
import { monoMs } from '../../src/base/clock.ts'
import { limits } from '../../src/base/limits.ts'
import { createCameraRun } from '../../src/capture/run-splitter.ts'
import { concat, frameParts, joined, lengthsAndMedia, readBack, recordingsOf, sendPaced } from '../support/transport.ts'
import { clip, codedFrames } from '../support/ts-clips.ts'

const plain = { seconds: 8, gop: 25 }
const parts = frameParts(clip(plain))
const firstMs = parts[0]?.dtsMs ?? 0
const start = 60_000
/** Two clips, one after the other on one camera clock, the second `jumpMs` later than it should be. */
const jumping = (jumpMs: number, keep = parts.length, from = 0) => [
  ...parts.slice(0, keep),
  ...frameParts(clip({ ...plain, offsetS: 8 + jumpMs / 1000 })).slice(from),
]
const leastOf = (values: readonly number[]): number => Math.min(...values)

test.each([300, 1_500, 3_000, 4_900])(
  'finds true time behind a burst of %i ms at the start, within 12 ms',
  (burstMs) => {
    // Frames are filmed from `start` on; the process holds them for `burstMs` and then passes them on as they come,
    // with the jitter of a busy machine.
    const jitter = (index: number): number => 3 + ((index * 17) % 40)
    const { units } = sendPaced(parts, (part, index) =>
      Math.max(start + part.dtsMs - firstMs + jitter(index), start + burstMs + index * 0.1),
    )
    expect(units.length).toBe(8)
    for (const [index, unit] of units.entries()) {
      expect(Math.abs(unit.startMonoMs - (start + index * 1000))).toBeLessThanOrEqual(12)
      expect(unit.unit.media.discontinuity).toBe(index === 0)
    }
  },
)

test('holds no longer than it must: one unit at its pace if the target duration is known, two GOPs if not', () => {
  const pace = (part: { dtsMs: number }): number => start + part.dtsMs - firstMs
  const known = sendPaced(parts, pace, { targetDurationS: 2 })
  const unknown = sendPaced(parts, pace)
  expect(known.outAt.slice(0, 3)).toEqual([start + 1_040, start + 2_040, start + 3_040])
  expect(unknown.outAt.slice(0, 3)).toEqual([start + 2_040, start + 2_040, start + 3_040])
})

test('ends holding after 8 s when everything came in one burst, with a tick and with bytes', () => {
  const run = createCameraRun({ notBefore: undefined, targetDurationS: 2 })
  for (const part of parts) expect(run.push(part.bytes, monoMs(start))).toEqual([])
  expect(run.tick(monoMs(start + limits.anchorHoldMs - 1))).toEqual([])
  const units = run.tick(monoMs(start + limits.anchorHoldMs))
  expect(units.length).toBe(7)
  // All that is known is that the last frame cannot have come early.
  expect(Math.abs((units[0]?.startMonoMs ?? 0) - (start - 7_960))).toBeLessThan(50)
})

test('never starts a run before the end of the one before it', () => {
  const paced = (notBeforeMs: number) =>
    sendPaced(parts, (part) => start + part.dtsMs - firstMs, { notBefore: Math.round(notBeforeMs * 90) })
  const before = paced(start - 200_000).units[0]
  expect(before?.startMonoMs).toBeCloseTo(start, 1)
  const moved = paced(start + 400).units[0]
  expect(moved?.startMonoMs).toBeCloseTo(start + 400, 1)
  expect(moved?.recordingBreak).toBeUndefined()
  const back = paced(start + 600).units[0]
  expect(back?.startMonoMs).toBeCloseTo(start, 1)
  expect(back?.recordingBreak).toBe('clock-back')
})

test.each([1_200, 5_000, 3_600_000, -1_200, -86_400_000 / 4])(
  "begins a run where the camera's stamps jump by %i ms, loses no frame and keeps time",
  (jumpMs) => {
    // The jump is in the middle of a GOP: 90 frames, then the second clip from its 11th frame on.
    const stamps = jumpMs < 0 ? jumping(3_000_000 + jumpMs) : jumping(jumpMs)
    const all = [
      ...(jumpMs < 0 ? frameParts(clip({ ...plain, offsetS: 3_000 })) : parts).slice(0, 90),
      ...stamps.slice(210),
    ]
    const { units } = sendPaced(all, (_, index) => start + index * 40)
    expect(codedFrames(joined(units)).length).toBe(all.length)
    expect(units.filter(({ unit }) => unit.media.discontinuity).length).toBe(2)
    expect(units.every((unit) => unit.recordingBreak === undefined)).toBe(true)
    const second = units.findLast(({ unit }) => unit.media.discontinuity)
    expect(second?.unit.media.keyframe).toBe(false)
    expect(Math.abs((second?.startMonoMs ?? 0) - (start + 90 * 40))).toBeLessThan(1)
    expect(readBack(units)).toEqual(lengthsAndMedia(units))
  },
)

test('takes a gap of less than a second as it is, and a slow camera as slow', () => {
  const gap = jumping(900)
  const { units } = sendPaced(gap, (part) => start + part.dtsMs - firstMs)
  expect(units.filter(({ unit }) => unit.media.discontinuity).length).toBe(1)
  const slow = frameParts(clip({ seconds: 40, fps: 0.5, gop: 2, bitrate: '40k' }))
  const paced = sendPaced(slow, (part) => start + part.dtsMs)
  expect(paced.units.filter(({ unit }) => unit.media.discontinuity).length).toBeLessThanOrEqual(2)
  expect(codedFrames(joined(paced.units)).length).toBe(20)
})

/** The camera's clock runs at `rate` of ours; frames come when they are filmed. */
function drifting(rate: number) {
  const film = Array.from({ length: 4 }, (_, i) =>
    frameParts(clip({ seconds: 25, gop: 25, bitrate: '50k', offsetS: i * 25 })),
  )
  return sendPaced(film.flat(), (part) => start + (part.dtsMs - (film[0]?.[0]?.dtsMs ?? 0)) / rate)
}

test('a slow camera clock begins a new run each half second it is behind, in the same recording', () => {
  const { units } = drifting(0.98)
  const runs = units.filter(({ unit }) => unit.media.discontinuity)
  expect(runs.length).toBe(4)
  expect(recordingsOf(units).length).toBe(1)
  for (const [index, each] of units.entries()) {
    // Unit by unit: filmed at index seconds of a clock that is 2 % slow.
    const late = start + index * (1000 / 0.98) - each.startMonoMs
    expect(late).toBeGreaterThan(-30)
    expect(late).toBeLessThan(560)
  }
  expect(readBack(units)).toEqual(lengthsAndMedia(units))
})

test('a fast camera clock begins a new recording each half second it is ahead', () => {
  const { units } = drifting(1.02)
  const breaks = units.filter((each) => each.recordingBreak === 'clock-back')
  expect(breaks.length).toBeGreaterThanOrEqual(3)
  expect(breaks.every(({ unit }) => unit.media.discontinuity)).toBe(true)
  const late = units.map((each, index) => start + index * (1000 / 1.02) - each.startMonoMs)
  expect(leastOf(late)).toBeGreaterThan(-560)
  expect(readBack(units)).toEqual(lengthsAndMedia(units))
})

test('footage that comes late as a whole costs a discontinuity at most, and no time', () => {
  // Nothing arrives for 3 s in the middle; then all of it comes at once.
  const { units } = sendPaced(parts, (part) => {
    const at = start + part.dtsMs - firstMs
    return at > start + 2_500 && at < start + 5_500 ? start + 5_500 : at
  })
  expect(units.length).toBe(8)
  for (const [index, each] of units.entries())
    expect(Math.abs(each.startMonoMs - start - index * 1000)).toBeLessThan(12)
  expect(recordingsOf(units).length).toBe(1)
})

test('learns the target duration: one and a half times the GOP, 1 to 10 s', () => {
  const targetOf = (gopFrames: number, seconds: number): number | undefined => {
    const film = frameParts(clip({ seconds, fps: 10, gop: gopFrames, bitrate: '60k' }))
    return sendPaced(film, (part) => start + part.dtsMs).units[0]?.video.targetDurationS
  }
  expect(targetOf(5, 4)).toBe(1)
  expect(targetOf(10, 4)).toBe(2)
  expect(targetOf(20, 8)).toBe(3)
  expect(targetOf(40, 16)).toBe(6)
  expect(targetOf(60, 20)).toBe(9)
  expect(targetOf(300, 30)).toBe(10)
})

test.each([1, 2, 3])('cuts a GOP of 6 s at frames, into units of %i s, the same each time', (targetDurationS) => {
  const film = frameParts(clip({ seconds: 18, gop: 150 }))
  const { units } = sendPaced(film, (part) => start + part.dtsMs, { targetDurationS })
  const seconds = units.map(({ unit }) => unit.media.durationTicks / 90_000)
  expect(seconds).toEqual(new Array(18 / targetDurationS).fill(targetDurationS))
  expect(units.map(({ unit }) => unit.media.keyframe).filter((key) => key).length).toBe(3)
  expect(codedFrames(joined(units)).length).toBe(450)
  expect(readBack(units)).toEqual(lengthsAndMedia(units))
  for (let i = 1; i < units.length; i += 1) {
    expect(readBack(units.slice(i))).toEqual(lengthsAndMedia(units).slice(i))
  }
})

test('another picture size asks for a new recording', () => {
  const larger = frameParts(clip({ ...plain, size: '640x360', offsetS: 8 }))
  const { units } = sendPaced([...parts, ...larger], (part) => start + part.dtsMs - firstMs)
  const recordings = recordingsOf(units)
  expect(recordings.map((each) => each[0]?.video.width)).toEqual([320, 640])
  expect(recordings[1]?.[0]?.recordingBreak).toBe('parameters')
  expect(recordings[1]?.[0]?.unit.media.discontinuity).toBe(true)
  expect(units.length).toBe(16)
  expect(readBack(units)).toEqual(lengthsAndMedia(units))
  expect(concat(units.map((each) => each.unit.bytes)).length).toBeGreaterThan(0)
})

test('cuts a slow camera before a unit would round up to more than the target duration', () => {
  // 1.25 s from frame to frame: the second one would make it 2.5 s.
  const slow = frameParts(clip({ seconds: 40, fps: 0.8, gop: 16, bitrate: '40k' }))
  const { units } = sendPaced(slow, (part) => start + part.dtsMs, { targetDurationS: 2 })
  const settled = units.filter(({ unit }) => !unit.media.discontinuity).slice(0, -1)
  expect(settled.length).toBeGreaterThan(20)
  for (const { unit } of settled) expect(unit.media.durationTicks).toBe(1.25 * 90_000)
  expect(readBack(units)).toEqual(lengthsAndMedia(units))
})

test('stamps that go back a little begin a run where a unit would begin before the one before it', () => {
  const later = frameParts(clip({ ...plain, offsetS: 0.5 }))
  const { units } = sendPaced([...later.slice(0, 3), ...parts.slice(0, 50)], (_, index) => start + index * 40)
  expect(units.map(({ unit }) => unit.media.discontinuity)).toEqual([true, true, false])
  for (const { unit } of units) expect(unit.media.durationTicks).toBeGreaterThan(0)
  expect(readBack(units)).toEqual(lengthsAndMedia(units))
})
