import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { crc64, crc64Combine, crc64Text, parseCrc64 } from '../../src/base/crc64.ts'
import { referenceCrc64, referenceCrc64Combine } from '../../src/base/crc64-reference.ts'
import { seededRandom } from '../../src/base/random.ts'

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text)
const concat = (a: Uint8Array, b: Uint8Array): Uint8Array => Buffer.concat([a, b])

describe('crc64', () => {
  test('has the check value of CRC-64/XZ, and 0 for nothing', () => {
    expect(crc64(bytesOf('123456789'))).toBe(0x995dc9bbdf1939fan)
    expect(referenceCrc64(bytesOf('123456789'))).toBe(0x995dc9bbdf1939fan)
    expect(crc64(new Uint8Array(0))).toBe(0n)
    expect(crc64(new Uint8Array(0), 12345n)).toBe(12345n)
  })

  test('equals the reference at every length around a block, and at any alignment', () => {
    const random = seededRandom(1)
    const pool = Uint8Array.from({ length: 400 }, () => Math.floor(random.fraction() * 256))
    for (let start = 0; start < 17; start += 1) {
      for (let length = 0; length < 100; length += 1) {
        const bytes = pool.subarray(start, start + length)
        expect(crc64(bytes, 77n)).toBe(referenceCrc64(bytes, 77n))
      }
    }
  })

  test('equals the reference beyond the room of its memory', () => {
    const big = Uint8Array.from({ length: 1_000_003 }, (_, i) => (i * 31) ^ (i >> 8))
    expect(crc64(big)).toBe(referenceCrc64(big))
  })

  test('chains and combines', () => {
    const bytes = fc.uint8Array({ maxLength: 3000 })
    fc.assert(
      fc.property(bytes, bytes, (a, b) => {
        const whole = referenceCrc64(concat(a, b))
        expect(crc64(b, crc64(a))).toBe(whole)
        expect(crc64Combine(crc64(a), crc64(b), b.length)).toBe(whole)
        expect(referenceCrc64Combine(crc64(a), crc64(b), b.length)).toBe(whole)
      }),
    )
  })

  test('combines over lengths no buffer has', () => {
    const length = fc.integer({ min: 0, max: 2 ** 40 })
    const sum = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })
    fc.assert(
      fc.property(sum, sum, length, length, (a, b, first, second) => {
        expect(crc64Combine(a, b, first)).toBe(referenceCrc64Combine(a, b, first))
        // Appending nothing but zeroes' effect twice is appending it once over the summed length.
        expect(crc64Combine(crc64Combine(a, 0n, first), 0n, second)).toBe(crc64Combine(a, 0n, first + second))
      }),
    )
  })

  test('notices a single changed bit anywhere', () => {
    const bytes = Uint8Array.from({ length: 4096 }, (_, i) => i)
    const before = crc64(bytes)
    for (const at of [0, 1, 15, 16, 2047, 4095]) {
      const changed = bytes.slice()
      changed[at] = (changed[at] ?? 0) ^ 0x10
      expect(crc64(changed)).not.toBe(before)
    }
  })

  test('is written and read as OSS does', () => {
    expect(crc64Text(0x995dc9bbdf1939fan)).toBe('11051210869376104954')
    expect(parseCrc64('11051210869376104954')).toBe(0x995dc9bbdf1939fan)
    expect(parseCrc64('0')).toBe(0n)
    for (const wrong of ['', '-1', '1e3', ' 1', '18446744073709551616', '0x12', '123456789012345678901']) {
      expect(parseCrc64(wrong)).toBeUndefined()
    }
  })
})
