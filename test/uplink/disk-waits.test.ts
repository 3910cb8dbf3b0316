import { describe, expect, test } from 'vitest'
import { systemClock } from '../../src/adapters/system-clock.ts'
import { videoTrack } from '../../src/format/recording.ts'
import type { MediaInfo } from '../../src/format/unit.ts'
import { placesMax } from '../../src/uplink/lanes.ts'
import { createUplink } from '../../src/uplink/uplink.ts'
import { mediaOf } from '../support/make-recording.ts'
import { createMemoryBacklog, type MemoryBacklog } from '../support/memory-backlog.ts'
import { createMemoryStore } from '../support/memory-store.ts'
import { clip, startMonoMs, video, worldOf } from './haul.ts'

const units = await clip(4)
const media = mediaOf({ runs: [units] }).map((one) => one.media)
const patienceMs = 10_000

/** More cameras than places, each with a closed recording. */
function cameras(count: number): MemoryBacklog {
  const backlog = createMemoryBacklog()
  for (let n = 0; n < count; n += 1) {
    const track = videoTrack(`cam${n}`)
    backlog.begin(track, startMonoMs, video)
    for (const [index, { bytes }] of units.entries()) backlog.put(track, bytes, media[index] as MediaInfo)
    backlog.close(track)
  }
  return backlog
}

async function until(holds: () => boolean): Promise<void> {
  const since = systemClock.mono()
  while (!holds()) {
    if (systemClock.mono() - since > patienceMs) throw new Error('waited too long')
    await systemClock.sleep(3)
  }
}

describe('a disk that never answers', () => {
  test('keeps its own recordings waiting, and nobody else, and no stop', async () => {
    const count = 2 * placesMax
    const backlog = cameras(count + 1)
    const hung = new Set(Array.from({ length: count }, (_, n) => videoTrack(`cam${n}`)))
    const { finish } = backlog
    backlog.finish = (id) => (hung.has(id.track) ? new Promise(() => {}) : finish.call(backlog, id))
    const store = createMemoryStore()
    const uplink = createUplink(worldOf({ store, seed: 1, units: [] }, backlog))
    const stop = new AbortController()
    const running = uplink.run(stop.signal)
    const last = videoTrack(`cam${count}`)
    await until(() => backlog.kept.every((one) => one.head.id.track !== last || one.finished))
    const videos = backlog.kept.filter((one) => one.head.video !== undefined)
    expect(videos.every((one) => one.pending.length === 0)).toBe(true)
    expect(videos.filter((one) => one.finished).map((one) => one.head.id.track)).toEqual([last])
    stop.abort()
    await running
  })

  test('while a claim waits, nothing else does', async () => {
    const backlog = cameras(placesMax + 1)
    const { claim } = backlog
    let claims = 0
    backlog.claim = (id, given) => {
      claims += 1
      return claims <= placesMax ? new Promise(() => {}) : claim.call(backlog, id, given)
    }
    const uplink = createUplink(worldOf({ store: createMemoryStore(), seed: 1, units: [] }, backlog))
    const stop = new AbortController()
    const running = uplink.run(stop.signal)
    await until(() => backlog.kept.some((one) => one.finished))
    stop.abort()
    await running
  })
})
