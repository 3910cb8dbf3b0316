/**
 * How many bytes does the buffer write for each byte of footage? An SD card dies of written bytes. Every unit is a group
 * of its own, as with one camera in real time, and the dearest case. Counted by the kernel (`wchar` of `/proc/self/io`):
 * records, database and its log, everything this process hands to a file.
 *
 * Online each unit is confirmed alone; in an outage all wait, and are then confirmed as they are sent, in large bodies.
 */
import { readFileSync } from 'node:fs'
import type { Buffer as FootageBuffer } from '../../src/buffer/buffer.ts'
import { extentAfter } from '../../src/uplink/append-plan.ts'
import type { Bench } from './bench.ts'
import { header, makeDirectory, openBenchBuffer, removeDirectory, unitMaker } from './buffer-stage.ts'
import { type BenchResult, median } from './result.ts'

const track = 'video/gate'
/** 60 MB: two whole segments and a part. */
const unitsPerRound = 120
/** Units in one body of 4 MiB. */
const unitsPerBody = 8
const never = new AbortController().signal

interface Sample {
  /** Handed to files, and sent to the device, per byte of footage. */
  readonly written: number
  readonly device: number
}

export const benchWritten: Bench = {
  name: 'written',
  async open() {
    const online: Sample[] = []
    const outage: Sample[] = []
    return {
      async round() {
        online.push(await sample(1))
        outage.push(await sample(unitsPerRound))
      },
      results: () => [resultOf('online', online), resultOf('after an outage', outage)],
      async close() {},
    }
  },
}

/** @param waiting units that are held before the first is confirmed */
async function sample(waiting: number): Promise<Sample> {
  const directory = makeDirectory()
  const unit = unitMaker()
  const before = counted()
  const buffer = await openBenchBuffer(directory, { commitAgeMs: 0 })
  buffer.begin(track, { startMonoMs: 1_000, video: header })
  const [id] = buffer.held()
  if (id === undefined) throw new Error('the buffer holds the recording that began')
  await buffer.claim(id, { key: 'video/gate/a.ts', playlistKey: 'video/gate/a.m3u8', token: 'bench' })
  for (let index = 0; index < unitsPerRound; index += 1) {
    buffer.put(track, unit(index))
    await heldOf(buffer, (index % waiting) + 1)
    if ((index + 1) % waiting !== 0) continue
    for (let left = waiting; left > 0; ) {
      const count = Math.min(left, unitsPerBody)
      const held = buffer.recording(id)
      const first = held?.pending[0]
      if (held === undefined || first === undefined) throw new Error('what is durable is pending')
      const read = await buffer.read(id, first.seq, count)
      if (!read.ok) throw new Error(read.error.message)
      await buffer.confirm(id, extentAfter(held, count), first.seq + count - 1)
      left -= count
    }
  }
  buffer.endOpen(track)
  await buffer.finish(id)
  await buffer.close()
  const after = counted()
  removeDirectory(directory)
  const footage = unitsPerRound * unit(0).bytes.length
  return { written: (after.wchar - before.wchar) / footage, device: (after.device - before.device) / footage }
}

async function heldOf(buffer: FootageBuffer, count: number): Promise<void> {
  for (;;) {
    const [id] = buffer.held()
    if (id !== undefined && (buffer.recording(id)?.pending.length ?? 0) >= count) return
    await buffer.changed(never)
  }
}

/** Source: proc_pid_io(5). */
function counted(): { readonly wchar: number; readonly device: number } {
  const text = readFileSync('/proc/self/io', 'utf8')
  const field = (name: string): number => Number(new RegExp(`^${name}: (\\d+)$`, 'm').exec(text)?.[1])
  return { wchar: field('wchar'), device: field('write_bytes') }
}

function resultOf(when: string, samples: readonly Sample[]): BenchResult {
  const device = median(samples.map((one) => one.device)).toFixed(3)
  return {
    name: `bytes written per byte, ${when}`,
    ...{ value: median(samples.map((one) => one.written)), unit: 'x', aim: 1.03, better: 'less' },
    baseline: `the footage itself; in whole pages, ${device} for the device`,
    reason: 'not known: look at the rows that are written for each unit',
  }
}
