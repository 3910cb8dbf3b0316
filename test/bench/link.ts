/**
 * How full does the uplink keep a slow link while the recorder records? Two cameras' backlog lies on the disk and drains
 * through the whole uplink and `ali-oss` into the stand-in, over a line of 100 Mbit/s, beside the footage of the same
 * cameras that comes meanwhile. Everything counts, from the first question to the end of the backlog: names, playlists
 * and catalogue lines take their share of the line too.
 */
import { systemClock } from '../../src/adapters/system-clock.ts'
import { systemRandom } from '../../src/adapters/system-random.ts'
import { silentLogger } from '../../src/base/log.ts'
import type { Buffer as FootageBuffer } from '../../src/buffer/buffer.ts'
import { catalogueLine } from '../../src/format/catalogue-record.ts'
import { recordingName } from '../../src/format/recording.ts'
import { createUplink } from '../../src/uplink/uplink.ts'
import type { Bench } from './bench.ts'
import {
  header,
  makeDirectory,
  openBenchBuffer,
  removeDirectory,
  spilled,
  unitMaker,
  wallTime,
} from './buffer-stage.ts'
import { connect, startBucket } from './far-end.ts'
import { MiB } from './noise.ts'
import { median } from './result.ts'

const bytesPerS = 12_500_000
const tracks = ['video/yard', 'video/gate'] as const
/** Of each camera: 75 MB in all, 6 s of the line. */
const unitsPerRound = 75
/** A camera of 4 Mbit/s. */
const unitEveryMs = 1_000
/** So little that most of the backlog is read from the disk. */
const memory = { spillAfterMs: 0, memoryBytes: 16 * MiB, memoryBytesPerCamera: 8 * MiB }

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
          name: 'a 100 Mbit/s link filled, while recording',
          ...{ value: median(filled), unit: 'x', aim: 0.95, better: 'more' },
          baseline: `the line: 75 MB of backlog alone take ${(75e6 / bytesPerS).toFixed(1)} s`,
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
  const buffer = await openBenchBuffer(directory, { memory, sizes: { commitAgeMs: 0 } })
  await fill(buffer)
  buffer.setMemoryLimits({ ...memory, spillAfterMs: 5_000 })
  const backlog = new Set(buffer.held().map(recordingName))
  const uplink = createUplink({
    ...{ store, backlog: buffer, clock: systemClock, random: systemRandom, log: silentLogger, wallTime },
    place: { prefix: '', device: 'bench' },
    creation: () => ({ contentType: 'video/mp2t', headers: {} }),
    catalogue: (record) => buffer.write('catalogue', catalogueLine(record)),
    cutLive: () => {},
  })
  const stop = new AbortController()
  const recording = record(buffer, stop.signal)
  const since = systemClock.mono()
  const running = uplink.run(stop.signal)
  while (buffer.held().some((id) => backlog.has(recordingName(id)))) await systemClock.sleep(5)
  const seconds = (systemClock.mono() - since) / 1000
  const { bytesConfirmed } = uplink.status()
  stop.abort()
  await recording
  await running
  await store.close()
  await buffer.close()
  await far.close()
  removeDirectory(directory)
  return bytesConfirmed / seconds / bytesPerS
}

/** Resolves when all of it is on the disk. */
async function fill(buffer: FootageBuffer): Promise<void> {
  const unit = unitMaker()
  const size = unit(0).bytes.length * tracks.length
  for (const track of tracks) buffer.begin(track, { startMonoMs: 1_000, video: header })
  for (let index = 0; index < unitsPerRound; index += 1) {
    for (const track of tracks) buffer.put(track, unit(index))
    // Memory is bounded: a real camera is slower than this loop.
    await spilled(buffer, (index - 4) * size)
  }
  await spilled(buffer, unitsPerRound * size)
  for (const track of tracks) buffer.endOpen(track)
}

async function record(buffer: FootageBuffer, signal: AbortSignal): Promise<void> {
  const unit = unitMaker()
  for (const track of tracks) buffer.begin(track, { startMonoMs: systemClock.mono(), video: header })
  for (let index = 0; !signal.aborted; index += 1) {
    for (const track of tracks) buffer.put(track, unit(index))
    await systemClock.sleep(unitEveryMs, signal)
  }
}
