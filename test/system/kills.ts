/** Kills the recorder at random moments: the same for the short and the long tier. */
import { setTimeout as sleep } from 'node:timers/promises'
import { seededRandom } from '../../src/base/random.ts'
import type { Rig } from '../support/rig.ts'

/** Longer than a unit and the slack of an irregular camera: this one absence must be named as a gap. */
const absentMs = 3_500

/** @returns after a life that was stopped in order, everything sent */
export async function surviveKills(rig: Rig, kills: number, seed: number): Promise<void> {
  const random = seededRandom(seed)
  for (let kill = 0; kill < kills; kill += 1) {
    rig.start()
    await rig.until('pictures', (status) => (status.cameras[0]?.unitsCaptured ?? 0) > 0)
    await sleep(random.fraction() * 2_200)
    await rig.kill()
  }
  await sleep(absentMs)
  rig.start()
  await rig.until('the drain', (status) => status.uplink.bytesConfirmed > 0 && status.uplink.backlogBytes < 500_000)
  await rig.until('pictures', (status) => (status.cameras[0]?.unitsCaptured ?? 0) > 1)
  const code = await rig.stop()
  if (code !== 0) throw new Error(`The recorder ended with ${code}:\n${(await rig.log()).slice(-4_000)}`)
}
