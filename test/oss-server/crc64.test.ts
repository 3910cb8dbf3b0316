import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { crc64 } from '../../src/oss-server/crc64.ts'
import { crc64ByTheBit } from './setup.ts'

/** Bytes without a pattern, the same every time. */
const bytes = Buffer.concat(Array.from({ length: 40 }, (_, at) => createHash('sha512').update(String(at)).digest()))

describe("the stand-in's checksum", () => {
  test('has the check value of CRC-64/XZ, and 0 for nothing', () => {
    expect(crc64(Buffer.from('123456789'))).toBe(0x995dc9bbdf1939fan)
    expect(crc64(Buffer.alloc(0))).toBe(0n)
  })

  test('agrees with the definition at every length and alignment', () => {
    for (let length = 0; length <= 70; length += 1) {
      const piece = bytes.subarray(length, length * 2)
      expect(crc64(piece)).toBe(crc64ByTheBit(piece))
    }
    expect(crc64(bytes)).toBe(crc64ByTheBit(bytes))
  })

  test('continues where it was, wherever it was cut', () => {
    const whole = crc64(bytes)
    for (let cut = 0; cut <= bytes.length; cut += 7) {
      expect(crc64(bytes.subarray(cut), crc64(bytes.subarray(0, cut)))).toBe(whole)
    }
  })
})
