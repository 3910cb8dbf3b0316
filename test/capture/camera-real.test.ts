/** The kinds of cameras that need no network, by real processes and the real splitter. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { CameraSource } from '../../src/capture/camera-source.ts'
import { decode, framesOf, makeClip, plainH264, streamsOf } from '../support/clips.ts'
import { probeReal, type RealCamera, startRealCamera } from '../support/real-camera.ts'

let folder: string
const cameras: RealCamera[] = []
const pattern = { kind: 'test', width: 320, height: 240, framesPerS: 15, gopS: 1, bitsPerS: 300_000 } as const

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'wp-camera-'))
})
afterAll(async () => {
  await Promise.all(cameras.map((camera) => camera.stop()))
  rmSync(folder, { recursive: true, force: true })
})

async function watch(source: CameraSource, name = 'door'): Promise<RealCamera> {
  const camera = await startRealCamera(source, name)
  cameras.push(camera)
  return camera
}

/** Stops it, and reads what it recorded with other eyes than ours. */
async function recordedBy(camera: RealCamera, name: string) {
  await camera.stop()
  expect(camera.sink.recordings.length).toBe(1)
  const [recording] = camera.sink.recordings
  if (recording === undefined) throw new Error('nothing was recorded')
  const path = join(folder, name)
  writeFileSync(path, camera.sink.bytesOf(recording))
  const { pts, complaints } = await framesOf(path)
  expect(complaints).not.toMatch(/corrupt|non.?monoton/i)
  expect((await decode(path)).frames).toBe(pts.length)
  return {
    path,
    pts,
    units: recording.units,
    discontinuities: recording.units.filter((u) => u.media.discontinuity).length,
  }
}

describe.concurrent('a camera', () => {
  test('of kind test gives a picture a second after the other, with its name and the time in it', async () => {
    const camera = await watch({ ...pattern, audio: true }, 'front-door')
    await camera.units(5)
    expect(camera.status()).toMatchObject({ state: 'recording', codec: 'h264', width: 320, height: 240 })
    expect(camera.status().gopMs).toBeCloseTo(1_000, -1)
    const { path, pts, discontinuities } = await recordedBy(camera, 'test.ts')
    expect(discontinuities).toBe(1)
    const steps = pts.slice(1).map((at, i) => at - (pts[i] ?? 0))
    expect(new Set(steps)).toEqual(new Set([6_000]))
    expect(await streamsOf(path)).toEqual(
      expect.arrayContaining([
        ['h264', 'video'],
        ['aac', 'audio'],
      ]),
    )
    expect(camera.gaps).toEqual([])
  })

  test('of kind file goes on where the film begins again', async () => {
    const film = await makeClip(folder, { name: 'film.mp4', seconds: 3, video: plainH264 })
    const camera = await watch({ kind: 'file', path: film })
    await camera.units(8)
    const { pts, discontinuities } = await recordedBy(camera, 'file.ts')
    expect(discontinuities).toBe(1)
    const steps = pts.slice(1).map((at, i) => at - (pts[i] ?? 0))
    expect(Math.max(...steps)).toBeLessThan(2 * 6_000)
    expect(Math.min(...steps)).toBeGreaterThan(0)
  })

  test('of kind file whose file is missing is named as such', async () => {
    const found = await probeReal({ kind: 'file', path: join(folder, 'none.mp4') }, 1)
    expect(found).toMatchObject({ ok: false, error: expect.stringContaining('There is no such file.') })
  })

  test.each([
    ['an argument list', false],
    ['a line for the shell', true],
  ])('of kind command (%s) records whatever writes MPEG-TS', async (_how, shell) => {
    const film = await makeClip(folder, { name: `film-${shell}.ts`, seconds: 60, video: plainH264 })
    const words = ['ffmpeg', '-v', 'error', '-nostdin', '-re', '-i', film, '-c', 'copy', '-f', 'mpegts', '-']
    const camera = await watch({ kind: 'command', command: shell ? `${words.join(' ')} | cat` : words })
    await camera.units(3)
    const { path, units } = await recordedBy(camera, `command-${shell}.ts`)
    expect(units.length).toBeGreaterThanOrEqual(3)
    expect((await streamsOf(path)).map(([codec]) => codec)).toContain('h264')
  })

  test('of kind command that writes something else is named as such', async () => {
    const found = await probeReal({ kind: 'command', command: 'head -c 8000000 /dev/urandom; sleep 60' }, 1)
    expect(found).toMatchObject({ ok: false, error: expect.stringContaining('not MPEG-TS') })
  })

  test('of kind command that does not exist is named as such', async () => {
    const found = await probeReal({ kind: 'command', command: ['no-such-camera'] }, 1)
    expect(found).toMatchObject({ ok: false, error: expect.stringContaining("'no-such-camera' was not found") })
  })

  test('whose process is killed comes back into the same recording, with the gap named', async () => {
    const camera = await watch({ ...pattern, gopS: 0.5 }, 'killed-door')
    await camera.units(4)
    process.kill(ffmpegOf('killed-door'), 'SIGKILL')
    await camera.reach('waiting', 'ended by signal SIGKILL')
    await camera.units(4)
    const { discontinuities, units } = await recordedBy(camera, 'killed.ts')
    expect(discontinuities).toBe(2)
    for (const gap of camera.gaps) expect(gap.note).toContain('SIGKILL')
    // Every moment between the first and the last frame is footage or a gap that is small or named.
    const missingMs = units.slice(1).map((unit, i) => {
      const before = units[i]?.media
      return (unit.media.firstPts - (before?.firstPts ?? 0) - (before?.durationTicks ?? 0)) / 90
    })
    const large = missingMs.filter((ms) => ms >= 800)
    expect(camera.gaps.map((gap) => Math.round(gap.toMonoMs - gap.fromMonoMs))).toEqual(large.map(Math.round))
  })

  test('leaves no process behind when it is stopped', async () => {
    const camera = await watch(pattern, 'stopped-door')
    await camera.units(1)
    await camera.stop()
    expect(() => ffmpegOf('stopped-door')).toThrow('no process')
  })
})

/** The ffmpeg that draws this name. */
function ffmpegOf(name: string): number {
  for (const pid of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
    try {
      if (readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes(`text='${name}'`)) return Number(pid)
    } catch {
      // It is gone already.
    }
  }
  throw new Error(`no process draws ${name}`)
}
