/**
 * How full does the uplink keep a slow link? Two cameras' backlog lies in the real buffer and drains through the whole
 * uplink and `ali-oss` into the stand-in, over a line of 100 Mbit/s. Everything counts, from the first question to the
 * last answer: names, playlists and catalogue lines take their share of the line too.
 */
import { systemClock } from '../../src/adapters/system-clock.ts'
import { systemRandom } from '../../src/adapters/system-random.ts'
import { silentLogger } from '../../src/base/log.ts'
import type { Buffer as FootageBuffer } from '../../src/buffer/buffer.ts'
import { catalogueLine } from '../../src/format/catalogue-record.ts'
import { createUplink } from '../../src/uplink/uplink.ts'
import type { Bench } from './bench.ts'
import { header, makeDirectory, openBenchBuffer, removeDirectory, unitMaker, wallTime } from './buffer-stage.ts'
import { connect, startBucket } from './far-end.ts'
import { median } from './result.ts'

const bytesPerS = 12_500_000
const tracks = ['video/yard', 'video/gate'] as const
/** Of each camera: 75 MB in all, 6 s of the line. */
const unitsPerRound = 75
const never = new AbortController().signal

export const benchLink: Bench = {
  name: 'link',
  async open() {
    const filled: number[] = []
    return {
      async round() {
        filled.push(await sample())
      },
      results: () => [
        {
          name: 'a 100 Mbit/s link filled',
          ...{ value: median(filled), unit: 'x', aim: 0.95, better: 'more' },
          baseline: `the line: 75 MB take ${(75e6 / bytesPerS).toFixed(1)} s`,
          reason: 'between two bodies of an object the line waits for an answer; two objects do not always cover that',
        },
      ],
      async close() {},
    }
  },
}

async function sample(): Promise<number> {
  const directory = makeDirectory()
  const far = await startBucket(directory, bytesPerS)
  const store = connect(far.address)
  const buffer = await openBenchBuffer(directory, { commitAgeMs: 0 })
  const bytes = await fill(buffer)
  const uplink = createUplink({
    ...{ store, backlog: buffer, clock: systemClock, random: systemRandom, log: silentLogger, wallTime },
    place: { prefix: '', device: 'bench' },
    creation: () => ({ contentType: 'video/mp2t', headers: {} }),
    catalogue: (record) => buffer.write('catalogue', catalogueLine(record)),
    cutLive: () => {},
  })
  const stop = new AbortController()
  const since = systemClock.mono()
  const running = uplink.run(stop.signal)
  while (buffer.status().units > 0) await systemClock.sleep(5)
  const seconds = (systemClock.mono() - since) / 1000
  stop.abort()
  await running
  await store.close()
  await buffer.close()
  await far.close()
  removeDirectory(directory)
  return bytes / seconds / bytesPerS
}

/** Resolves when all of it is on the disk. */
async function fill(buffer: FootageBuffer): Promise<number> {
  const unit = unitMaker()
  for (const track of tracks) {
    buffer.begin(track, { startMonoMs: 1_000, video: header })
  }
  for (let index = 0; index < unitsPerRound; index += 1) {
    for (const track of tracks) buffer.put(track, unit(index))
    // The queue to the disk is bounded: a real camera is slower than this loop.
    await durable(buffer, (index + 1) * tracks.length)
  }
  for (const track of tracks) buffer.endOpen(track)
  return unitsPerRound * tracks.length * unit(0).bytes.length
}

async function durable(buffer: FootageBuffer, count: number): Promise<void> {
  const held = (): number => buffer.held().reduce((sum, id) => sum + (buffer.recording(id)?.pending.length ?? 0), 0)
  while (held() < count) await buffer.changed(never)
}
