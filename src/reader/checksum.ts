/** The length and CRC-64/XZ of bytes that come in pieces; none of them is held. */
import { crc64 } from '../base/crc64.ts'

export interface RunningChecksum {
  add(bytes: Uint8Array): void
  readonly length: number
  readonly crc64: bigint
}

export function runningChecksum(): RunningChecksum {
  let length = 0
  let sum = 0n
  return {
    add(bytes) {
      sum = crc64(bytes, sum)
      length += bytes.length
    },
    get length() {
      return length
    },
    get crc64() {
      return sum
    },
  }
}
