/** A board without a clock of its own: the wall clock jumps while it records, and is a day off when it starts. */
import { afterEach, describe, expect, test } from 'vitest'
import { badFindings, createRig, type Rig } from '../support/rig.ts'
import { shownFrames } from './players.ts'

const hourMs = 3_600_000
const dayMs = 24 * hourMs
const ticksPerFrame = 90_000 / 15

let rig: Rig | undefined
afterEach(async () => {
  await rig?.close()
  rig = undefined
})

describe('the wall clock of the recorder', () => {
  test('stepped by +1 h and to −1 day in mid recording, and −1 day at a start, leaves the footage untouched', async () => {
    rig = await createRig()
    const shownAtStart = Date.now()
    rig.start()
    await rig.until('the first footage', (status) => status.uplink.bytesConfirmed > 0)
    for (const stepMs of [hourMs, -dayMs]) {
      await rig.stepWall(stepMs)
      const then = await rig.until('an answer', () => true)
      const units = then.cameras[0]?.unitsCaptured ?? 0
      const after = await rig.until('more footage, confirmed', ({ cameras: [camera], uplink }) => {
        return (camera?.unitsCaptured ?? 0) >= units + 3 && uplink.bytesConfirmed > then.uplink.bytesConfirmed + 300_000
      })
      expect(after.uplink).toMatchObject({ problem: null, failures: 0 })
      // What it says of the time is the store's, not the machine's.
      expect(Math.abs(Date.parse(after.time ?? '') - shownAtStart)).toBeLessThan(hourMs / 2)
    }
    expect(await rig.stop()).toBe(0)
    const steady = await shownFrames(await onlyObject(rig))
    expect(new Set(steady.slice(1).map((frame, at) => frame.pts - (steady[at]?.pts ?? 0)))).toEqual(
      new Set([ticksPerFrame]),
    )

    // A new process knows only the wrong clock. The store refuses it once, and teaches it the time.
    rig.start()
    const second = await rig.until('footage of the second life', ({ cameras: [camera], uplink }) => {
      return (camera?.unitsCaptured ?? 0) >= 2 && uplink.bytesConfirmed > 0 && uplink.backlogBytes < 500_000
    })
    expect(await rig.stop()).toBe(0)
    expect(second.uplink.failures).toBeGreaterThan(0)
    const proof = await rig.prove()
    expect(badFindings(proof)).toEqual([])
    expect(proof.units.findings).toEqual([])
    expect(proof.objects).toHaveLength(1)
    await timesAreTrue(rig, shownAtStart)
  }, 120_000)
})

async function onlyObject({ videos, server }: Rig): Promise<string> {
  const [object, ...others] = await videos('ts')
  expect(others).toEqual([])
  return server.objectPath(object?.key ?? '') ?? ''
}

/** The playlist's durations are those of the media, its dates and the catalogue's times are the store's. */
async function timesAreTrue(world: Rig, startMs: number): Promise<void> {
  const [playlist] = await world.videos('m3u8')
  const text = playlist?.bytes.toString() ?? ''
  const durations = [...text.matchAll(/#EXTINF:([\d.]+)/g)].map((match) => Number(match[1]))
  const frames = await shownFrames(await onlyObject(world))
  const framesS = frames.length / 15
  expect(Math.abs(durations.reduce((sum, one) => sum + one, 0) - framesS)).toBeLessThan(0.15)
  const dates = [...text.matchAll(/#EXT-X-PROGRAM-DATE-TIME:(\S+)/g)].map((match) => Date.parse(match[1] ?? ''))
  expect(dates).toHaveLength(2)
  const [first = 0, second = 0] = dates
  expect(Math.abs(first - startMs)).toBeLessThan(hourMs / 2)
  const gap = (await world.catalogue()).find((line) => line.kind === 'gap')
  expect(gap).toMatchObject({ cause: 'stopped' })
  // From the first picture to the first one of the second life, by the dates and by the frames' own times.
  const breaks = frames.findIndex((frame, at) => at > 0 && frame.pts - (frames[at - 1]?.pts ?? 0) > 2 * ticksPerFrame)
  expect(second - first).toBeCloseTo(((frames[breaks]?.pts ?? 0) - (frames[0]?.pts ?? 0)) / 90, -1)
}
