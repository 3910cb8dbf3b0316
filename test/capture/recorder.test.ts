import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { monoMs, type WallTime, wallMs } from '../../src/base/clock.ts'
import type { RunUnit } from '../../src/capture/camera-run.ts'
import { boundaryAt, createRecorder, type FootageGap } from '../../src/capture/recorder.ts'
import type { OpenRecording } from '../../src/capture/unit-sink.ts'
import { ticksModulo, ticksPerMs, wrapTicks } from '../../src/format/unit.ts'
import { createMemorySink } from '../support/memory-sink.ts'
import { letterUnit } from './camera-stage.ts'

const track = 'video/door'
const unknownTime: WallTime = { at: () => undefined }
const wallAt = (offsetMs: number): WallTime => ({ at: (moment) => ({ wallMs: wallMs(moment + offsetMs), errorMs: 5 }) })
const hourMs = 3_600_000
/** A wall offset that puts `momentMs` of the boot at `minutes` past a full UTC hour. */
const offsetFor = (momentMs: number, minutes: number): number => 500_000 * hourMs + minutes * 60_000 - momentMs

function recorderWith(wallTime: WallTime = unknownTime, rolloverBytes = 1e9) {
  const sink = createMemorySink()
  const gaps: FootageGap[] = []
  const world = { sink, wallTime, gap: (gap: FootageGap) => void gaps.push(gap) }
  const options = { camera: 'door', rolloverBytes }
  const recorder = createRecorder(world, options)
  return { sink, gaps, world, options, recorder, take: (unit: RunUnit) => recorder.take(unit, 'it was dark') }
}

const counts = (sink: ReturnType<typeof createMemorySink>): number[] => sink.recordings.map((kept) => kept.units.length)

describe('recordings', () => {
  test('continue over runs of the camera, and over restarts of the process', () => {
    const { sink, world, options, take } = recorderWith()
    take(letterUnit(1_000, 1_000, { discontinuity: true }))
    take(letterUnit(2_000, 1_000))
    take(letterUnit(9_000, 1_000, { discontinuity: true }))
    createRecorder(world, options).take(letterUnit(15_000, 1_000, { discontinuity: true }), 'x')
    expect(counts(sink)).toEqual([4])
    expect(sink.recordings[0]?.head).toMatchObject({ startMonoMs: 1_000, firstSeq: 0, video: { width: 64 } })
  })

  test.each([
    ['size', { ...letterUnit(2_000, 1_000), video: { codec: 'h264', width: 640, height: 48, targetDurationS: 2 } }],
    [
      'target duration',
      { ...letterUnit(2_000, 1_000), video: { codec: 'h264', width: 64, height: 48, targetDurationS: 6 } },
    ],
    ['parameters', { ...letterUnit(2_000, 1_000), recordingBreak: 'parameters' }],
    ['clock', { ...letterUnit(2_000, 1_000), recordingBreak: 'clock-back' }],
  ] as const)('end where the %s changes', (_name, changed) => {
    const { sink, take } = recorderWith()
    take(letterUnit(1_000, 1_000))
    take(changed as RunUnit)
    take({ ...(changed as RunUnit), ...{ startMonoMs: 3_000 }, unit: letterUnit(3_000, 1_000).unit })
    expect(counts(sink).at(0)).toBe(1)
    expect(sink.recordings[1]?.head.video).toEqual(changed.video)
  })

  test('end before they would be larger than the limit', () => {
    const { sink, take } = recorderWith(unknownTime, 1_000)
    for (let i = 0; i < 10; i += 1) take(letterUnit(i * 1_000, 1_000, { bytes: 300 }))
    expect(counts(sink)).toEqual([3, 3, 3, 1])
  })

  test('take a unit that alone is larger than the limit', () => {
    const { sink, take } = recorderWith(unknownTime, 1_000)
    for (let i = 0; i < 3; i += 1) take(letterUnit(i * 1_000, 1_000, { bytes: 5_000 }))
    expect(counts(sink)).toEqual([1, 1, 1])
  })

  test('end at the full UTC hour when it is known', () => {
    const { sink, take } = recorderWith(wallAt(offsetFor(0, 59)))
    for (let i = 0; i < 120; i += 1) take(letterUnit(i * 1_000, 1_000))
    expect(counts(sink)).toEqual([60, 60])
  })

  test('are an hour long while nobody knows the time', () => {
    const { sink, take } = recorderWith()
    for (let i = 0; i < 7_300; i += 1) take(letterUnit(i * 1_000, 1_000))
    expect(counts(sink)).toEqual([3_600, 3_600, 100])
  })

  test('that began before the time was known end at the hour once it is', () => {
    let wallTime = unknownTime
    const { sink, take } = recorderWith({ at: (moment) => wallTime.at(moment) })
    for (let i = 0; i < 100; i += 1) take(letterUnit(i * 1_000, 1_000))
    wallTime = wallAt(offsetFor(0, 58))
    for (let i = 100; i < 200; i += 1) take(letterUnit(i * 1_000, 1_000))
    expect(counts(sink)).toEqual([120, 80])
  })

  test('hold no wrap of the media clock, whatever the time', () => {
    const wrapMs = ticksModulo / ticksPerMs
    const { sink, take } = recorderWith(wallAt(offsetFor(wrapMs, 30)))
    for (let i = -3; i < 3; i += 1) take(letterUnit(wrapMs + i * 1_000 + 500, 1_000))
    // The unit that holds the wrap was begun before it.
    expect(counts(sink)).toEqual([3, 3])
    const pts = sink.recordings[1]?.units.map((unit) => unit.media.firstPts / 90_000)
    expect(pts?.map((s) => Math.round(s * 10) / 10)).toEqual([0.5, 1.5, 2.5])
  })

  test('never begin without a keyframe', () => {
    const { sink, take, gaps } = recorderWith(unknownTime, 1_000)
    take(letterUnit(0, 2_000, { bytes: 900 }))
    take(letterUnit(2_000, 2_000, { bytes: 900, keyframe: false }))
    take(letterUnit(4_000, 2_000, { bytes: 900, keyframe: false }))
    expect(counts(sink)).toEqual([3])
    // An eviction closes the recording in the middle of a long GOP.
    sink.cut(track)
    take(letterUnit(6_000, 2_000, { keyframe: false }))
    take(letterUnit(8_000, 2_000, { keyframe: false }))
    take(letterUnit(10_000, 2_000))
    expect(counts(sink)).toEqual([3, 1])
    expect(gaps).toMatchObject([{ cause: 'camera', fromMonoMs: 6_000, toMonoMs: 10_000 }])
  })

  test('that must end between keyframes end at the next one', () => {
    const { sink, take } = recorderWith()
    take(letterUnit(10_000, 1_000))
    take({ ...letterUnit(9_000, 500, { keyframe: false, discontinuity: true }), recordingBreak: 'clock-back' })
    take(letterUnit(9_500, 500, { keyframe: false }))
    take(letterUnit(10_000, 1_000))
    take(letterUnit(11_000, 1_000))
    expect(counts(sink)).toEqual([1, 2])
  })

  test('whatever comes: they begin at keyframes, keep the limit and lose no keyframe unit', () => {
    const step = fc.record({
      pauseMs: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 5_000_000 })),
      durationMs: fc.integer({ min: 1, max: 10_000 }),
      bytes: fc.integer({ min: 188, max: 2_000 }),
      keyframe: fc.boolean(),
      cut: fc.boolean(),
    })
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 60 }),
        fc.integer({ min: 0, max: 2e8 }),
        fc.boolean(),
        (steps, startMs, timed) => {
          const { sink, take } = recorderWith(timed ? wallAt(offsetFor(startMs, 55)) : unknownTime, 3_000)
          let at = startMs
          for (const { pauseMs, durationMs, bytes, keyframe, cut } of steps) {
            at += pauseMs
            if (cut) sink.cut(track)
            take(letterUnit(at, durationMs, { bytes, keyframe }))
            at += durationMs
          }
          const kept = sink.recordings.flatMap((recording) => recording.units)
          expect(kept.filter((unit) => unit.media.keyframe).length).toBe(steps.filter((each) => each.keyframe).length)
          for (const { head, units } of sink.recordings) {
            expect(units[0]?.media.keyframe).toBe(true)
            expect(head.startMonoMs).toBeLessThanOrEqual(at)
            const keyframes = units.flatMap((unit, i) => (unit.media.keyframe ? [i] : []))
            const lengthAtLast = units.slice(0, keyframes.at(-1)).reduce((sum, unit) => sum + unit.bytes.length, 0)
            expect(lengthAtLast).toBeLessThanOrEqual(3_000)
          }
        },
      ),
      process.env.SEED === undefined ? {} : { seed: Number(process.env.SEED) },
    )
  })
})

describe('gaps', () => {
  test('are what is missing between two units, longer than drift explains and shorter than readers doubt', () => {
    const { gaps, take } = recorderWith()
    take(letterUnit(1_000, 2_000))
    take(letterUnit(3_700, 2_000, { discontinuity: true }))
    expect(gaps).toEqual([])
    take(letterUnit(6_500, 2_000, { discontinuity: true }))
    expect(gaps).toEqual([{ camera: 'door', cause: 'camera', fromMonoMs: 5_700, toMonoMs: 6_500, note: 'it was dark' }])
  })

  test('after a restart of the process are ours, and as exact', () => {
    const wrapMs = ticksModulo / ticksPerMs
    const { gaps, take, world, options } = recorderWith()
    take(letterUnit(wrapMs - 700, 1_000))
    // Longer than half of the media clock's range: its ticks alone could not tell.
    const later = wrapMs + 20 * hourMs
    createRecorder(world, options).take(letterUnit(later, 1_000, { discontinuity: true }), 'x')
    expect(gaps).toMatchObject([{ cause: 'stopped', toMonoMs: later }])
    expect(gaps[0]?.fromMonoMs).toBeCloseTo(wrapMs + 300, 1)
  })

  test('before the first footage of a boot are not ours to know', () => {
    const { gaps, take } = recorderWith()
    take(letterUnit(90_000, 1_000))
    expect(gaps).toEqual([])
  })
})

describe('a run', () => {
  test('is told where the footage ends and how long its units may be', () => {
    const { recorder, take, sink } = recorderWith()
    expect(recorder.runOptions(monoMs(0))).toEqual({ notBefore: undefined, targetDurationS: undefined })
    take(letterUnit(1_000, 2_000))
    const end = wrapTicks(3_000 * ticksPerMs)
    expect(recorder.runOptions(monoMs(4_000))).toEqual({ notBefore: end, targetDurationS: 2 })
    // Also when the recording was cut: the media clock of a boot never runs twice over the same time.
    sink.cut(track)
    expect(recorder.runOptions(monoMs(4_000))).toEqual({ notBefore: end, targetDurationS: undefined })
  })

  test('is not bound by footage so old that its ticks would read as the future', () => {
    const { recorder, take } = recorderWith()
    take(letterUnit(1_000, 2_000))
    expect(recorder.runOptions(monoMs(14 * hourMs)).notBefore).toBeUndefined()
  })
})

test('a boundary of an open recording without video is one of parameters', () => {
  const open: OpenRecording = {
    head: { id: { track, boot: 1, number: 0 }, startMonoMs: 0, firstSeq: 0 },
    length: 10,
    endPts: 90,
  }
  const by = { rolloverBytes: 1e9, wallTime: unknownTime }
  expect(boundaryAt(open, letterUnit(1_000, 1_000), by)).toBe('parameters')
})
