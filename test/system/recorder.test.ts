/** The whole recorder as people run it: real processes, real disk, real HTTP, real H.264. */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, test } from 'vitest'
import { frameHashes } from '../../src/demo/ffmpeg-frames.ts'
import { badFindings, createRig, type Rig } from '../support/rig.ts'
import { hashesThroughPlaylist } from './players.ts'

let rig: Rig | undefined
afterEach(async () => {
  await rig?.close()
  rig = undefined
})

describe('the recorder', () => {
  test('keeps every unit over a cut network, and stops in order', async () => {
    rig = await createRig()
    rig.start()
    await rig.until('the first footage', (status) => status.uplink.bytesConfirmed > 0)
    rig.server.setOffline(true)
    await rig.until('footage waits', (status) => status.buffer.units >= 4)
    rig.server.setOffline(false)
    const before = await rig.until('the drain', (status) => status.uplink.backlogBytes < 500_000)
    await rig.until('it goes on', (status) => status.uplink.bytesConfirmed > before.uplink.bytesConfirmed)
    expect(await rig.stop()).toBe(0)
    const proof = await rig.prove()
    expect(badFindings(proof)).toEqual([])
    expect(proof.objects).toHaveLength(1)
    // Nobody was killed: nothing at all may be missing, not even at the end.
    expect(proof.units.findings).toEqual([])
    expect((await rig.catalogue()).filter(({ kind }) => kind === 'gap')).toEqual([])
  })

  test('is played live by ffmpeg, each frame, until the next life completes the recording that a kill cut', {
    timeout: 120_000,
  }, async () => {
    rig = await createRig({ publicRead: true })
    const { server } = rig
    rig.start()
    await rig.until('something to play', () => server.objects().some(({ key }) => key.endsWith('.m3u8')))
    const [playlist] = await rig.videos('m3u8')
    const played = hashesThroughPlaylist(`${server.url}/${server.bucket}/${playlist?.key ?? ''}`)
    // Looked at below; it must not count as unhandled when an earlier step fails.
    played.catch(() => {})
    await rig.until('a while', ({ cameras: [camera] }) => (camera?.unitsCaptured ?? 0) >= 4)
    await rig.kill()
    rig.start()
    const cutKey = playlist?.key.replace(/m3u8$/, 'ts')
    // Not before a body that the dead process left in the network could have landed.
    for (let ended = false; !ended; await sleep(500)) {
      ended = (await rig.catalogue()).some((line) => line.kind === 'recording-end' && line.key === cutKey)
    }
    expect(await rig.stop()).toBe(0)
    const [cut, next] = await rig.videos('ts')
    if (cut === undefined || next === undefined) throw new Error('there is no footage')
    const frames = await played
    expect(frames).toEqual(await frameHashes(server.objectPath(cut.key) ?? ''))
    expect(frames.length).toBeGreaterThan(2 * 15)
    const gaps = (await rig.catalogue()).filter(({ kind }) => kind === 'gap')
    expect(gaps).toMatchObject([{ cause: 'power' }])
  })
})
