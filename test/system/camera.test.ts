/** Cameras that are not ours, through the whole recorder: a real RTSP server that dies and returns, and a film in a loop. */
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { frameHashes } from '../../src/demo/ffmpeg-frames.ts'
import { makeClip, plainH264 } from '../support/clips.ts'
import { badFindings, createRig, type Rig, rigCamera } from '../support/rig.ts'
import { type RtspServer, startRtspServer } from '../support/rtsp-server.ts'
import { shownFrames } from './players.ts'

/** Frames of the film, at 15 a second. */
const filmS = 4
const filmFrames = filmS * 15

let folder: string
let film: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'watchpost-cameras-'))
  film = await makeClip(folder, { name: 'film.mp4', seconds: 60, video: plainH264 })
})
afterAll(() => rm(folder, { recursive: true, force: true }))

/** The same frames; what MP4 keeps beside them (parameter sets) stands before the keyframes. */
async function asTransportStream(path: string): Promise<string> {
  const copy = `${path}.ts`
  await promisify(execFile)('ffmpeg', ['-nostdin', '-loglevel', 'error', '-i', path, '-c', 'copy', copy])
  return copy
}

describe('the recorder, with a camera of another maker', () => {
  let rig: Rig | undefined
  const servers: RtspServer[] = []
  afterEach(async () => {
    await rig?.close()
    rig = undefined
    for (const server of servers.splice(0)) await server.kill()
  })

  test('goes on in one object when a network camera freezes, dies and returns, and says what is missing', async () => {
    const server = await startRtspServer(film, 'h264')
    servers.push(server)
    rig = await createRig({ camera: server.url })
    rig.start()
    await rig.until('footage in the store', (status) => status.uplink.bytesConfirmed > 0)
    await rig.until('pictures', (status) => (status.cameras[0]?.unitsCaptured ?? 0) >= 3)
    server.freeze()
    const gone = await rig.until('the loss', (status) => status.cameras[0]?.state === 'waiting')
    expect(gone.cameras[0]?.problem).toContain(`Camera '${rigCamera}'`)
    const captured = gone.cameras[0]?.unitsCaptured ?? 0
    await server.kill()
    await rig.until('a vain try', (status) => (status.cameras[0]?.problem ?? '').includes('Nothing answers'))
    servers.push(await startRtspServer(film, 'h264', { port: server.port }))
    const back = await rig.until('its return', ({ cameras: [camera] }) => (camera?.unitsCaptured ?? 0) >= captured + 2)
    expect(back.cameras[0]).toMatchObject({ state: 'recording', problem: null })
    expect(await rig.stop()).toBe(0)

    const proof = await rig.prove()
    expect(badFindings(proof)).toEqual([])
    expect(proof.objects).toHaveLength(1)
    // The recorder was never killed: every unit that was ever cut is there.
    expect(proof.units.findings).toEqual([])
    const [playlist] = await rig.videos('m3u8')
    expect(playlist?.bytes.toString().match(/#EXT-X-DISCONTINUITY\n/g)).toHaveLength(1)
    const gaps = (await rig.catalogue()).flatMap((line) => (line.kind === 'gap' ? [line] : []))
    expect(gaps).toMatchObject([{ camera: rigCamera, cause: 'camera', from: expect.any(String) }])
    const [gap] = gaps
    // The gap is exactly what the footage lacks.
    const [object] = proof.objects
    const frames = await shownFrames(rig.server.objectPath(object?.key ?? '') ?? '')
    const holes = frames.slice(1).map((frame, at) => frame.pts - (frames[at]?.pts ?? 0))
    const holeMs = Math.max(...holes) / 90
    const gapMs = (gap?.toMonoMs ?? 0) - (gap?.fromMonoMs ?? 0)
    expect(gapMs).toBeGreaterThan(1_000)
    expect(Math.abs(holeMs - gapMs)).toBeLessThan(2 * (1_000 / 15))
  }, 120_000)

  test('plays a film again and again into one object, frame for frame', async () => {
    const loop = await makeClip(folder, { name: 'loop.mp4', seconds: filmS, video: plainH264 })
    const sent = await frameHashes(await asTransportStream(loop))
    rig = await createRig({ camera: loop })
    rig.start()
    await rig.until('a loop and more', (status) => (status.cameras[0]?.unitsCaptured ?? 0) > filmS + 2)
    expect(await rig.stop()).toBe(0)
    const proof = await rig.prove()
    expect(badFindings(proof)).toEqual([])
    expect(proof.objects).toHaveLength(1)
    expect(sent).toHaveLength(filmFrames)
    const stored = await frameHashes(rig.server.objectPath(proof.objects[0]?.key ?? '') ?? '')
    expect(stored.length).toBeGreaterThan(filmFrames)
    expect(stored).toEqual(Array.from(stored, (_, at) => sent[at % filmFrames]))
    const [playlist] = await rig.videos('m3u8')
    expect(playlist?.bytes.toString()).not.toMatch(/#EXT-X-DISCONTINUITY\n/)
  })
})
