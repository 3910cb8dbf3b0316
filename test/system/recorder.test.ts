/** The whole recorder as people run it: real processes, real disk, real HTTP, real H.264. */
import { afterEach, describe, expect, test } from 'vitest'
import { badFindings, createRig, type Rig } from '../support/rig.ts'

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
})
