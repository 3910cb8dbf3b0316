import { expect, test } from 'vitest'
import { monoMs } from '../../src/base/clock.ts'
import { limits } from '../../src/base/limits.ts'
import { seededRandom } from '../../src/base/random.ts'
import { createCameraRun } from '../../src/capture/run-splitter.ts'
import { concat, frameParts, lengthsAndMedia, packetsOf, pidOf, readBack, send } from '../support/transport.ts'
import { clip, ffmpeg } from '../support/ts-clips.ts'

const MiB = 1024 * 1024
const parts = frameParts(clip({ seconds: 8, gop: 200, bitrate: '200k' }))
const firstFrame = parts[0]?.bytes ?? new Uint8Array(0)
const tables = concat(packetsOf(firstFrame).filter((packet) => pidOf(packet) < 0x20 || pidOf(packet) === 0x1000))

/** `bytes` of packets of one PID that begin nothing. */
function filler(pid: number, bytes: number): Uint8Array {
  const packet = new Uint8Array(188).fill(0xaa)
  packet.set([0x47, pid >> 8, pid & 0xff, 0x10])
  const out = new Uint8Array(Math.floor(bytes / 188) * 188)
  for (let at = 0; at < out.length; at += 188) out.set(packet, at)
  return out
}

function problemOf(bytes: Uint8Array, ms = 1_000): unknown {
  const run = createCameraRun({ notBefore: undefined, targetDurationS: undefined })
  for (let at = 0; at < bytes.length; at += 65_536) run.push(bytes.subarray(at, at + 65_536), monoMs(5_000))
  run.tick(monoMs(5_000 + ms))
  return run.state().problem
}

test('cuts what grows too large at a frame, the same each time', () => {
  const fat = concat(parts.map((part) => concat([part.bytes, filler(0x100, 300_000)])))
  const units = send(fat, { pieceBytes: () => 1 * MiB, targetDurationS: 10 })
  expect(units.length).toBeGreaterThanOrEqual(4)
  expect(units.filter(({ unit }) => unit.media.keyframe).length).toBe(1)
  for (const { unit } of units) expect(unit.bytes.length).toBeLessThanOrEqual(limits.unitBytesMax)
  const bytes = units.reduce((sum, { unit }) => sum + unit.bytes.length, 0)
  expect(bytes).toBeGreaterThan(fat.length - 400_000)
  expect(readBack(units)).toEqual(lengthsAndMedia(units))
})

test.each([
  ['a frame without an end', filler(0x100, 40 * MiB)],
  ['another stream without an end', filler(0x101, 40 * MiB)],
  ['tables without an end', filler(0x11, 40 * MiB)],
  [
    'an unknown stream and tables in turn',
    concat(Array.from({ length: 40 }, () => concat([filler(0x300, MiB), tables]))),
  ],
])('keeps within its memory: %s', (_, flood) => {
  const film = parts.map((part) => part.bytes)
  const bytes = concat([...film.slice(0, 50), flood, ...film.slice(50)])
  const before = process.memoryUsage().arrayBuffers
  const run = createCameraRun({ notBefore: undefined, targetDurationS: 10 })
  let most = 0
  const units = []
  for (let at = 0; at < bytes.length; at += 65_536) {
    units.push(...run.push(bytes.subarray(at, at + 65_536), monoMs(5_000 + at / 10_000)))
    most = Math.max(most, process.memoryUsage().arrayBuffers - before)
  }
  units.push(...run.end(monoMs(20_000)))
  expect(most).toBeLessThan(80 * MiB)
  for (const { unit } of units) expect(unit.bytes.length).toBeLessThanOrEqual(limits.unitBytesMax)
  expect(readBack(units)).toEqual(lengthsAndMedia(units))
})

test('keeps nothing before the first keyframe but a few tables', () => {
  const late = concat(parts.slice(1).map((part) => part.bytes))
  const flood = concat([tables, late, filler(0x11, 20 * MiB), late, filler(0x300, 20 * MiB)])
  const units = send(concat([flood, ...parts.map((part) => part.bytes)]), { pieceBytes: () => 65_536 })
  expect(units[0]?.unit.media.keyframe).toBe(true)
  expect(units[0]?.unit.bytes.length).toBeLessThan(firstFrame.length + 900_000)
  expect(units.reduce((sum, { unit }) => sum + unit.bytes.length, 0)).toBeLessThan(2 * MiB)
})

test('says which cameras can give no footage, and why', () => {
  expect(problemOf(clip({ seconds: 2, codec: 'libx265' }))).toBe('h265')
  expect(problemOf(clip({ seconds: 2, codec: 'mpeg2video' }))).toBe('other-codec')
  const sound = ffmpeg(['-f', 'lavfi', '-i', 'sine', '-t', '2', '-c:a', 'aac', '-f', 'mpegts', '-'])
  expect(problemOf(sound)).toBe(undefined)
  expect(problemOf(sound, 10_000)).toBe('no-video')
  expect(problemOf(filler(0x300, 5 * MiB))).toBe('no-video')
  const random = seededRandom(3)
  const noise = Uint8Array.from({ length: 5 * MiB }, () => Math.floor(random.fraction() * 256))
  expect(problemOf(noise)).toBe('garbage')
  expect(problemOf(noise.subarray(0, 3 * MiB), 9_000)).toBe(undefined)
  expect(problemOf(noise.subarray(0, 3 * MiB), 10_000)).toBe('garbage')
  expect(problemOf(new TextEncoder().encode('a camera that says hello'), 60_000)).toBe(undefined)
  expect(problemOf(new Uint8Array(0), 60_000)).toBe(undefined)
  expect(problemOf(clip({ seconds: 2 }), 60_000)).toBe(undefined)
})

test('tells what it sees: size, rate, GOP, and when the last byte and keyframe came', () => {
  const run = createCameraRun({ notBefore: undefined, targetDurationS: undefined })
  expect(run.state()).toMatchObject({ bytes: 0, lastByteAt: undefined, width: undefined, codec: undefined })
  const film = frameParts(clip({ seconds: 4, fps: 20, gop: 30, size: '322x182', bitrate: '400k' }))
  for (const part of film) run.push(part.bytes, monoMs(8_000 + part.dtsMs))
  const state = run.state()
  expect(state).toMatchObject({
    codec: 'h264',
    width: 322,
    height: 182,
    gopMs: 1_500,
    framesPerS: 20,
    problem: undefined,
  })
  expect(state.bitsPerS).toBeGreaterThan(200_000)
  expect(state.bitsPerS).toBeLessThan(800_000)
  expect(state.lastByteAt).toBe(8_000 + (film.at(-1)?.dtsMs ?? 0))
  expect(state.lastKeyframeAt).toBeCloseTo(8_000 + (film[60]?.dtsMs ?? 0), 1)
})
