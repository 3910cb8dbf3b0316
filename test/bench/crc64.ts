/** How fast is our checksum, in CPU time? Against the CRC-32 that Node brings, which is half as long and native code. */
import { crc32 } from 'node:zlib'
import { crc64 } from '../../src/base/crc64.ts'
import type { Bench } from './bench.ts'
import { MiB, noise } from './noise.ts'
import { median } from './result.ts'

const warmUps = 50
const timesPerRound = 300

export const benchCrc64: Bench = {
  name: 'crc64',
  async open() {
    const body = noise(MiB)
    const ours: number[] = []
    const native: number[] = []
    speedOf(crc64, body, warmUps)
    return {
      async round() {
        ours.push(speedOf(crc64, body, timesPerRound))
        native.push(speedOf(crc32, body, timesPerRound))
      },
      results: () => [
        {
          name: 'CRC-64',
          ...{ value: median(ours), unit: 'MB per CPU second', aim: 1000, better: 'more' },
          baseline: `zlib.crc32, ${median(native).toFixed(0)} MB per CPU second`,
          reason: 'this processor is slow, or shared: see what zlib.crc32 does',
        },
      ],
      async close() {},
    }
  },
}

function speedOf(sum: (bytes: Uint8Array) => unknown, body: Buffer, times: number): number {
  const before = process.cpuUsage()
  for (let i = 0; i < times; i += 1) sum(body)
  const { user, system } = process.cpuUsage(before)
  return (times * body.length) / (user + system)
}
