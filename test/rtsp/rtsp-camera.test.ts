/** Network cameras, by a real RTSP server: the cameras we cannot choose, with their habits and their failures. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Secret } from '../../src/base/secret.ts'
import type { RtspSource } from '../../src/capture/camera-source.ts'
import { decode, framesOf, makeClip, plainH264, streamsOf } from '../support/clips.ts'
import { probeReal, type RealCamera, startRealCamera } from '../support/real-camera.ts'
import { type RtspServer, startRtspServer } from '../support/rtsp-server.ts'

let folder: string
let film: string
const servers: RtspServer[] = []
const cameras: RealCamera[] = []

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'wp-rtsp-'))
  film = await makeClip(folder, { name: 'film.mp4', seconds: 60, video: plainH264, audio: ['-c:a', 'aac'] })
})

afterAll(async () => {
  await Promise.all(cameras.map((camera) => camera.stop()))
  await Promise.all(servers.map((server) => server.kill()))
  rmSync(folder, { recursive: true, force: true })
})

async function serve(...args: Parameters<typeof startRtspServer>): Promise<RtspServer> {
  const server = await startRtspServer(...args)
  servers.push(server)
  return server
}

async function watch(source: RtspSource): Promise<RealCamera> {
  const camera = await startRealCamera(source)
  cameras.push(camera)
  return camera
}

function fileOf(camera: RealCamera, name: string): string {
  const [recording] = camera.sink.recordings
  if (recording === undefined) throw new Error('nothing was recorded')
  const path = join(folder, name)
  writeFileSync(path, camera.sink.bytesOf(recording))
  return path
}

describe.concurrent('a network camera', () => {
  test('is recorded, frozen, killed and returns: one recording goes on after discontinuities', async () => {
    const server = await serve(film, 'h264')
    const camera = await watch({ kind: 'rtsp', url: server.url })
    await camera.units(3)
    expect(camera.status()).toMatchObject({ state: 'recording', codec: 'h264', width: 320, height: 240, problem: null })

    server.freeze()
    // Which of the two limits it meets is chance: ffmpeg's own timeout lets a last frame out at the same moment.
    await camera.reach('waiting', 'its process is ended and started again')
    await server.kill()
    await camera.reach('waiting', 'Nothing answers at this address')
    await serve(film, 'h264', { port: server.port })
    await camera.units(3)
    expect(camera.status()).toMatchObject({ state: 'recording', problem: null })
    await camera.stop()

    expect(camera.sink.recordings.length).toBe(1)
    const units = camera.sink.recordings[0]?.units ?? []
    expect(units.filter((unit) => unit.media.discontinuity).length).toBe(2)
    // Media time is this boot's clock: what is missing shows as exactly that, and the gap record says the same.
    expect(camera.gaps.length).toBe(1)
    const [gap] = camera.gaps
    expect(gap?.cause).toBe('camera')
    const back = units.findIndex((unit, i) => i > 0 && unit.media.discontinuity)
    const before = units[back - 1]?.media
    const after = units[back]?.media
    const missingTicks = (after?.firstPts ?? 0) - (before?.firstPts ?? 0) - (before?.durationTicks ?? 0)
    expect(missingTicks / 90).toBeCloseTo((gap?.toMonoMs ?? 0) - (gap?.fromMonoMs ?? 0), 0)
    expect(missingTicks).toBeGreaterThan(5 * 90_000)

    const path = fileOf(camera, 'returned.ts')
    const { pts, complaints } = await framesOf(path)
    expect(complaints).not.toMatch(/corrupt|non.?monoton/i)
    expect(pts.length).toBeGreaterThan(6 * 15)
    expect([...pts].sort((a, b) => a - b)).toEqual(pts)
    expect((await decode(path)).frames).toBe(pts.length)
  }, 150_000)

  test.each(['basic', 'digest'] as const)(
    'with a login (%s) of hard characters gives pictures and no secret',
    async (method) => {
      // No colon in the user: it separates user and password in RTSP itself.
      const login = { user: 'us@er#1', password: 'p@ss#w%3Fo:rd/?&ü', method }
      const server = await serve(film, 'h264', { login })
      const source = { kind: 'rtsp', url: server.url, user: new Secret(login.user) } as const
      const [good, bad] = await Promise.all([
        watch({ ...source, password: new Secret(login.password) }),
        watch({ ...source, password: new Secret(`${login.password}x`) }),
      ])
      await Promise.all([good.units(1), bad.reach('waiting', 'refuses the user name or password')])
      for (const camera of [good, bad]) {
        await camera.stop()
        const said = camera.lines.join('\n')
        expect(said).not.toContain('p@ss')
        expect(said).not.toContain(encodeURIComponent('p@ss'))
        expect(said).not.toContain('us@er')
        expect(said).not.toContain(encodeURIComponent('us@er'))
      }
      expect(bad.lines.join('\n')).toContain('(secret)')
    },
  )

  test('that sends H.265 is told to send H.264', async () => {
    const clip = {
      name: 'h265.mp4',
      seconds: 6,
      video: ['-c:v', 'libx265', '-preset', 'ultrafast', '-x265-params', 'log-level=none:keyint=15'],
    }
    const server = await serve(await makeClip(folder, clip), 'h265')
    const found = await probeReal({ kind: 'rtsp', url: server.url }, 1)
    expect(found).toMatchObject({ ok: false, error: expect.stringContaining('Set its video coding to H.264') })
  })

  test('that sends MJPEG is told to send H.264', async () => {
    const clip = { name: 'mjpeg.mp4', seconds: 20, video: ['-c:v', 'mjpeg', '-pix_fmt', 'yuvj420p'] }
    const server = await serve(await makeClip(folder, clip), 'mjpeg')
    const found = await probeReal({ kind: 'rtsp', url: server.url }, 1)
    expect(found).toMatchObject({ ok: false, error: expect.stringContaining('that is not H.264') })
  })

  test('that sends sound only is named as such', async () => {
    const server = await serve('-', 'tone')
    const found = await probeReal({ kind: 'rtsp', url: server.url }, 1)
    expect(found).toMatchObject({ ok: false, error: expect.stringContaining('there is no video at this address') })
  })

  test('whose path is wrong is named as such', async () => {
    const server = await serve(film, 'h264')
    const found = await probeReal({ kind: 'rtsp', url: server.url.replace('/live', '/dead') }, 1)
    expect(found).toMatchObject({ ok: false, error: expect.stringContaining('no stream at this address') })
  })

  test('is looked at before anybody relies on it', async () => {
    const server = await serve(film, 'h264')
    const found = await probeReal({ kind: 'rtsp', url: server.url }, 2)
    expect(found).toMatchObject({ ok: true, value: { codec: 'h264', width: 320, height: 240 } })
    if (!found.ok) return
    expect(found.value.gopMs).toBeCloseTo(1_000, -1)
    expect(found.value.framesPerS).toBeCloseTo(15, 0)
    expect(found.value.bitsPerS).toBeGreaterThan(50_000)
  })

  test.each([
    ['aac', 'copied', '16000'],
    ['tone', 'converted', '16000'],
  ])('gives its sound (%s) only if asked, %s', async (sound) => {
    const server = await serve(film, `h264,${sound}`)
    const [mute, loud] = await Promise.all([
      watch({ kind: 'rtsp', url: server.url }),
      watch({ kind: 'rtsp', url: server.url, audio: true }),
    ])
    await Promise.all([mute.units(2), loud.units(2)])
    await Promise.all([mute.stop(), loud.stop()])
    expect(await streamsOf(fileOf(mute, `mute-${sound}.ts`))).toEqual([['h264', 'video']])
    expect(await streamsOf(fileOf(loud, `loud-${sound}.ts`))).toEqual([
      ['h264', 'video'],
      ['aac', 'audio'],
    ])
  })
})
