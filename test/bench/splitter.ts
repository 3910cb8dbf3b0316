/**
 * How fast are units made? Cuts, anchors and retimes one second of 25 frames again and again, as 64 KiB reads, once
 * without and once with the checksum. The baseline is a plain copy of the same bytes, which is what cannot be saved.
 */

import { monoMs } from '../../src/base/clock.ts'
import { crc64 } from '../../src/base/crc64.ts'
import { type Checksum, createCameraRun } from '../../src/capture/run-splitter.ts'
import { type ClipOptions, clip } from '../support/ts-clips.ts'
import { type BenchResult, median } from './result.ts'

const readBytes = 64 * 1024
/** 4 Mbit/s: a camera of 1080p. */
const clipOptions: ClipOptions = { seconds: 20, size: '1280x720', bitrate: '4000k', encoder: ['-preset', 'ultrafast'] }

/** @param rounds interleaved; each takes about a tenth of a second a figure */
export function benchSplitter(rounds: number): BenchResult[] {
  const bytes = clip(clipOptions)
  const repeats = Math.max(1, Math.ceil(100_000_000 / bytes.length))
  const megabytes = (bytes.length * repeats) / 1e6
  const cut: number[] = []
  const summed: number[] = []
  const copied: number[] = []
  for (let round = 0; round <= rounds; round += 1) {
    const figures = [
      megabytes / secondsOf(() => split(bytes, repeats, () => 0n)),
      megabytes / secondsOf(() => split(bytes, repeats, crc64)),
      megabytes / secondsOf(() => copy(bytes, repeats)),
    ] as const
    if (round === 0) continue // the first one pays for compiling
    cut.push(figures[0])
    summed.push(figures[1])
    copied.push(figures[2])
  }
  const baseline = `copying the bytes once: ${median(copied).toFixed(0)} MB/s`
  return [
    { name: 'splitter', value: median(cut), unit: 'MB/s', aim: 800, better: 'more', baseline },
    { name: 'splitter with CRC-64', value: median(summed), unit: 'MB/s', aim: 400, better: 'more', baseline },
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

function secondsOf(work: () => void): number {
  const start = process.hrtime.bigint()
  work()
  return Number(process.hrtime.bigint() - start) / 1e9
}
