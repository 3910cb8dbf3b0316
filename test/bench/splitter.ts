/**
 * How fast are units made? Cuts, anchors and retimes one second of 25 frames again and again, as 64 KiB reads, once
 * without and once with the checksum. The baseline is a plain copy of the same bytes, which is what cannot be saved.
 */

import { monoMs } from '../../src/base/clock.ts'
import { crc64 } from '../../src/base/crc64.ts'
import { type Checksum, createCameraRun } from '../../src/capture/run-splitter.ts'
import { type ClipOptions, clip } from '../support/ts-clips.ts'
import type { Bench } from './bench.ts'
import { type BenchResult, median } from './result.ts'

const readBytes = 64 * 1024
const bytesPerRound = 100_000_000
/** 4 Mbit/s: a camera of 1080p. */
const clipOptions: ClipOptions = { seconds: 20, size: '1280x720', bitrate: '4000k', encoder: ['-preset', 'ultrafast'] }

export const benchSplitter: Bench = {
  name: 'splitter',
  async open() {
    const bytes = clip(clipOptions)
    const repeats = Math.max(1, Math.ceil(bytesPerRound / bytes.length))
    const megabytes = (bytes.length * repeats) / 1e6
    const cut: number[] = []
    const summed: number[] = []
    const copied: number[] = []
    split(bytes, repeats, crc64) // pays for compiling
    return {
      async round() {
        cut.push(megabytes / secondsOf(() => split(bytes, repeats, () => 0n)))
        summed.push(megabytes / secondsOf(() => split(bytes, repeats, crc64)))
        copied.push(megabytes / secondsOf(() => copy(bytes, repeats)))
      },
      results: () => resultsOf(median(cut), median(summed), median(copied)),
      async close() {},
    }
  },
}

function resultsOf(cut: number, summed: number, copied: number): BenchResult[] {
  const baseline = `copying the bytes once, ${copied.toFixed(0)} MB per CPU second`
  const reason = 'the bytes cross the memory two or three times: see what copying them once does here'
  const common = { unit: 'MB per CPU second', better: 'more', baseline, reason } as const
  return [
    { name: 'splitter', value: cut, aim: 800, ...common },
    { name: 'splitter with CRC-64', value: summed, aim: 400, ...common },
  ]
}

function split(bytes: Uint8Array, repeats: number, checksum: Checksum): void {
  for (let repeat = 0; repeat < repeats; repeat += 1) {
    const run = createCameraRun({ notBefore: undefined, targetDurationS: 2 }, checksum)
    let units = 0
    for (let at = 0; at < bytes.length; at += readBytes) {
      units += run.push(bytes.subarray(at, at + readBytes), monoMs(100_000 + (at / bytes.length) * 20_000)).length
    }
    units += run.end(monoMs(121_000)).length
    if (units < 20) throw new Error(`the splitter made ${units} units of 20 s`)
  }
}

function copy(bytes: Uint8Array, repeats: number): void {
  for (let repeat = 0; repeat < repeats; repeat += 1) {
    for (let at = 0; at < bytes.length; at += readBytes) bytes.slice(at, at + readBytes)
  }
}

/** CPU time: on a quiet machine the same as time, on a busy one the only thing that says something about us. */
function secondsOf(work: () => void): number {
  const before = process.cpuUsage()
  work()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1e6
}
