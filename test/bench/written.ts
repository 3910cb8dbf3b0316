/**
 * How many bytes does the buffer write for each byte of footage, and what is left on the disk afterwards? An SD card dies
 * of written bytes. One camera with a unit a second, the real disk, and a clock moved by hand: a second of footage takes
 * as long as the disk needs for it, and groups are what they are in real time. Counted by the kernel (`wchar` of
 * `/proc/self/io`): records, database and its log, everything this process hands to a file.
 */
import { readFileSync } from 'node:fs'
import type { Buffer as FootageBuffer } from '../../src/buffer/buffer.ts'
import type { RecordingId } from '../../src/format/recording.ts'
import { extentAfter } from '../../src/uplink/append-plan.ts'
import { createHandClock, type HandClock } from '../support/hand-clock.ts'
import type { Bench } from './bench.ts'
import {
  createDiskWatch,
  type DiskWatch,
  diskBytesBelow,
  header,
  makeDirectory,
  openBenchBuffer,
  removeDirectory,
  unitMaker,
} from './buffer-stage.ts'
import { MiB } from './noise.ts'
import { type BenchResult, median } from './result.ts'

const track = 'video/gate'
/** Four minutes, 120 MB: three whole segments and a part. */
const units = 240
/** Units in one body of 4 MiB. */
const unitsPerBody = 8
/** Footage of an event, in the middle of an outage. */
const event = { from: 100, to: 120 }
/** A segment of 32 MiB of each class, and a MiB of database. */
const leftMiBMax = 65

interface Sample {
  /** Handed to files, and pages sent to the device, per byte of footage. */
  readonly written: number
  readonly device: number
  /** Handed to files per byte of footage that went to the disk at all. */
  readonly perSpilled: number
  /** On the disk when everything was confirmed. */
  readonly leftMiB: number
}

interface Stage {
  readonly buffer: FootageBuffer
  readonly id: RecordingId
  readonly clock: HandClock
  readonly watch: DiskWatch
  /** A second later a unit has come, and all that is due because of it is on the disk. */
  second(): Promise<void>
}

export const benchWritten: Bench = {
  name: 'written',
  async open() {
    const online: Sample[] = []
    const through: Sample[] = []
    const outage: Sample[] = []
    return {
      async round() {
        online.push(await sample(5_000, confirmEach))
        through.push(await sample(0, confirmEach))
        outage.push(await sample(5_000, waitAndDrain))
      },
      results: () => [
        writtenIn('online', online, 0.02),
        writtenIn('write-through', through, 1.03),
        writtenIn('outage and drain', outage, 1.02),
        leftAfter(outage),
      ],
      async close() {},
    }
  },
}

async function sample(spillAfterMs: number, scene: (stage: Stage) => Promise<void>): Promise<Sample> {
  const directory = makeDirectory()
  const unit = unitMaker()
  const clock = createHandClock()
  const watch = createDiskWatch()
  const before = counted()
  const buffer = await openBenchBuffer(directory, { clock, watch, memory: { spillAfterMs } })
  buffer.begin(track, { startMonoMs: 1_000, video: header })
  const [id] = buffer.held()
  if (id === undefined) throw new Error('the buffer holds the recording that began')
  await buffer.claim(id, { key: 'video/gate/a.ts', playlistKey: 'video/gate/a.m3u8', token: 'bench' })
  let index = 0
  const second = async (): Promise<void> => {
    await clock.advance(1_000)
    buffer.put(track, unit(index))
    index += 1
    await watch.quiet()
  }
  await scene({ buffer, id, clock, watch, second })
  await watch.quiet()
  const { spilledBytes, units: waiting } = buffer.status()
  if (waiting !== 0) throw new Error('everything is confirmed')
  const leftMiB = diskBytesBelow(directory) / MiB
  buffer.endOpen(track)
  await buffer.finish(id)
  await buffer.close()
  const after = counted()
  removeDirectory(directory)
  const footage = index * unit(0).bytes.length
  const wchar = after.wchar - before.wchar
  return {
    ...{ written: wchar / footage, device: (after.device - before.device) / footage, leftMiB },
    perSpilled: wchar / spilledBytes,
  }
}

async function confirmEach(stage: Stage): Promise<void> {
  for (let count = 0; count < units; count += 1) {
    await stage.second()
    // The answer of the store, half a second later.
    await stage.clock.advance(500)
    await stage.watch.quiet()
    await confirm(stage, 1)
  }
}

async function waitAndDrain(stage: Stage): Promise<void> {
  for (let count = 0; count < units; count += 1) {
    if (count === event.from) stage.buffer.protect(track, event.from * 1_000, event.to * 1_000)
    await stage.second()
  }
  // Drained at eight times the pace of the camera, which goes on.
  for (let left = units; left > 0; left -= unitsPerBody - 1) {
    await stage.second()
    await confirm(stage, Math.min(left, unitsPerBody))
  }
  for (;;) {
    const left = stage.buffer.recording(stage.id)?.pending.length ?? 0
    if (left === 0) return
    await confirm(stage, Math.min(left, unitsPerBody))
  }
}

async function confirm({ buffer, id, watch }: Stage, count: number): Promise<void> {
  const held = buffer.recording(id)
  const first = held?.pending[0]
  if (held === undefined || first === undefined) throw new Error('what came is pending')
  const read = await buffer.read(id, first.seq, count)
  if (!read.ok) throw new Error(read.error.message)
  await buffer.confirm(id, extentAfter(held, count), first.seq + count - 1)
  await watch.quiet()
}

/** Source: proc_pid_io(5). */
function counted(): { readonly wchar: number; readonly device: number } {
  const text = readFileSync('/proc/self/io', 'utf8')
  const field = (name: string): number => Number(new RegExp(`^${name}: (\\d+)$`, 'm').exec(text)?.[1])
  return { wchar: field('wchar'), device: field('write_bytes') }
}

function writtenIn(when: string, samples: readonly Sample[], aim: number): BenchResult {
  const device = median(samples.map((one) => one.device)).toFixed(4)
  const perSpilled = median(samples.map((one) => one.perSpilled))
  const spilled = Number.isFinite(perSpilled) ? `; ${perSpilled.toFixed(4)} per byte that went to the disk` : ''
  return {
    name: `bytes written per byte, ${when}`,
    ...{ value: median(samples.map((one) => one.written)), unit: 'x', aim, better: 'less' },
    baseline: `the footage itself; in whole pages, ${device} for the device${spilled}`,
    reason: 'not known: look at the rows that are written for each unit, and at the size of the groups',
  }
}

function leftAfter(samples: readonly Sample[]): BenchResult {
  return {
    name: 'disk beyond live data, after a drain',
    ...{ value: median(samples.map((one) => one.leftMiB)), unit: 'MiB', aim: leftMiBMax, better: 'less' },
    baseline: 'nothing waits; a segment of 32 MiB of each class (ordinary, event) and 1 MiB of database may be there',
    reason: 'not known: look at which segments are not removed when nothing in them is needed any more',
  }
}
