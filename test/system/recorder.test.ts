/** The whole recorder as people run it: real processes, real disk, real HTTP, real H.264. */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, test } from 'vitest'
import { seededRandom } from '../../src/base/random.ts'
import { badFindings, createRig, type Rig } from '../support/rig.ts'

let rig: Rig | undefined
afterEach(async () => {
  await rig?.close()
  rig = undefined
})

const seed = Number(process.env.SEED ?? Date.now() % 1_000_000)
const kills = Number(process.env.KILLS ?? 8)

describe('the recorder', () => {
  test('keeps every unit over a cut network, and stops in order', async () => {
    rig = await createRig()
    rig.start()
    await rig.until('the first footage', (status) => status.uplink.bytesConfirmed > 0)
    rig.server.setOffline(true)
    await rig.until('footage waits', (status) => status.buffer.units >= 5)
    rig.server.setOffline(false)
    const before = await rig.until('the drain', (status) => status.uplink.backlogBytes < 500_000)
    await rig.until('it goes on', (status) => status.uplink.bytesConfirmed > before.uplink.bytesConfirmed)
    expect(await rig.stop()).toBe(0)
    const proof = await rig.prove()
    expect(badFindings(proof)).toEqual([])
    expect(proof.objects).toHaveLength(1)
  })

  test(`goes on in the same object after SIGKILL at any moment (${kills} times, SEED=${seed})`, async () => {
    const random = seededRandom(seed)
    rig = await createRig()
    for (let kill = 0; kill < kills; kill += 1) {
      rig.start()
      await rig.until('pictures', (status) => (status.cameras[0]?.unitsCaptured ?? 0) > 0)
      await sleep(200 + random.fraction() * 2_000)
      await rig.kill()
    }
    rig.start()
    await rig.until('the drain', (status) => status.uplink.bytesConfirmed > 0 && status.uplink.backlogBytes < 500_000)
    expect(await rig.stop()).toBe(0)
    const proof = await rig.prove()
    expect(badFindings(proof)).toEqual([])
    expect(proof.objects).toHaveLength(1)
  }, 240_000)
})
