/**
 * How long does capture's call into the buffer take while the buffer has most to do? A backlog on the disk is read and
 * confirmed as fast as it goes, new units come all the time, and each goes to the disk at once. Only the call is timed:
 * what it leaves for later must not happen inside it.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Buffer as FootageBuffer } from '../../src/buffer/buffer.ts'
import type { RecordingId } from '../../src/format/recording.ts'
import { extentAfter } from '../../src/uplink/append-plan.ts'
import type { Bench } from './bench.ts'
import { header, makeDirectory, openBenchBuffer, removeDirectory, spilled, unitMaker } from './buffer-stage.ts'
import { MiB } from './noise.ts'
import { percentile } from './result.ts'

const [old, live] = ['video/yard', 'video/gate'] as const
/** 100 MB, of which memory keeps none. */
const backlogUnits = 200
const unitsPerBody = 8
const memory = { spillAfterMs: 0, memoryBytes: 16 * MiB, memoryBytesPerCamera: 8 * MiB }
const liveUnitBytes = 20_000
const putsPerBody = 40

export const benchCapture: Bench = {
  name: 'capture',
  async open() {
    const callMs: number[] = []
    await sample([]) // pays for compiling
    return {
      round: () => sample(callMs),
      results: () => [
        {
          name: 'capture call while draining, p99',
          ...{ value: percentile(callMs, 0.99), unit: 'ms', aim: 0.2, better: 'less' },
          baseline: `${callMs.length} calls: half of them took ${percentile(callMs, 0.5).toFixed(3)} ms, the longest ${Math.max(...callMs).toFixed(2)} ms`,
          reason: 'a collection of V8 or another program on the machine falls into the call',
        },
      ],
      async close() {},
    }
  },
}

async function sample(callMs: number[]): Promise<void> {
  const directory = makeDirectory()
  const buffer = await openBenchBuffer(directory, { memory, sizes: { commitAgeMs: 0 } })
  await fill(buffer)
  const [id] = buffer.held()
  if (id === undefined) throw new Error('the backlog is held')
  await buffer.claim(id, { key: 'video/yard/a.ts', playlistKey: 'video/yard/a.m3u8', token: 'bench' })
  buffer.begin(live, { startMonoMs: 1_000, video: header })
  const unit = unitMaker(liveUnitBytes)
  let index = 0
  const put = (): void => {
    const next = unit(index)
    const since = process.hrtime.bigint()
    buffer.put(live, next)
    callMs.push(Number(process.hrtime.bigint() - since) / 1e6)
    index += 1
  }
  for (let left = backlogUnits; left > 0; left -= unitsPerBody) {
    const drained = drainOne(buffer, id, Math.min(left, unitsPerBody))
    for (let count = 0; count < putsPerBody; count += 1) {
      put()
      await nextTurn()
    }
    await drained
  }
  buffer.endOpen(live)
  await buffer.close()
  removeDirectory(directory)
}

async function drainOne(buffer: FootageBuffer, id: RecordingId, count: number): Promise<void> {
  const held = buffer.recording(id)
  const first = held?.pending[0]
  if (held === undefined || first === undefined) throw new Error('the backlog is pending')
  const read = await buffer.read(id, first.seq, count)
  if (!read.ok) throw new Error(read.error.message)
  await buffer.confirm(id, extentAfter(held, count), first.seq + count - 1)
}

/** Resolves when all of it is on the disk. */
async function fill(buffer: FootageBuffer): Promise<void> {
  const unit = unitMaker()
  buffer.begin(old, { startMonoMs: 1_000, video: header })
  for (let index = 0; index < backlogUnits; index += 1) {
    buffer.put(old, unit(index))
    // Memory is bounded: a real camera is slower than this loop.
    await spilled(buffer, (index - 8) * unit(0).bytes.length)
  }
  buffer.endOpen(old)
  await spilled(buffer, backlogUnits * unit(0).bytes.length)
}
