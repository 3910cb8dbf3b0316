/**
 * CRC-64 as OSS reports it in `x-oss-hash-crc64ecma`: CRC-64/XZ (polynomial 0x42F0E1EBA9EA3693 reflected, initial value
 * and final xor all ones; `123456789` gives 0x995DC9BBDF1939FA; nothing gives 0).
 *
 * Written for the stand-in alone. It must not agree with the recorder because both use one routine, so it shares no line
 * with it. Eight tables take eight bytes per step; 64 bits are kept as two 32-bit halves, since BigInt per byte costs a
 * hundredfold.
 */

/** The polynomial 0x42F0E1EBA9EA3693 with its bits reversed, as two halves. */
const polynomialHigh = 0xc96c5795
const polynomialLow = 0xd7870f42

/** 8 tables of 256 entries, each entry a low and a high half. */
const tables = makeTables()

function makeTables(): Int32Array {
  const made = new Int32Array(8 * 256 * 2)
  for (let byte = 0; byte < 256; byte += 1) {
    let low = byte
    let high = 0
    for (let bit = 0; bit < 8; bit += 1) {
      const carry = low & 1
      low = (low >>> 1) | (high << 31)
      high = high >>> 1
      if (carry === 1) {
        low ^= polynomialLow
        high ^= polynomialHigh
      }
    }
    made[byte * 2] = low
    made[byte * 2 + 1] = high
  }
  for (let entry = 512; entry < made.length; entry += 2) {
    const low = made[entry - 512] ?? 0
    const high = made[entry - 511] ?? 0
    const step = (low & 255) * 2
    made[entry] = ((low >>> 8) | (high << 24)) ^ (made[step] ?? 0)
    made[entry + 1] = (high >>> 8) ^ (made[step + 1] ?? 0)
  }
  return made
}

/**
 * The checksum of what `before` covers, followed by `bytes`.
 * @param before an earlier result, 0 for nothing; so `crc64(b, crc64(a))` is the checksum of a and b together
 */
export function crc64(bytes: Uint8Array, before = 0n): bigint {
  let low = ~Number(before & 0xffffffffn)
  let high = ~Number(before >> 32n)
  const t = tables
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const wholeEnd = bytes.length - (bytes.length % 8)
  let at = 0
  for (; at < wholeEnd; at += 8) {
    const a = low ^ view.getInt32(at, true)
    const b = high ^ view.getInt32(at + 4, true)
    const i7 = 3584 + ((a & 255) << 1)
    const i6 = 3072 + ((a >>> 7) & 510)
    const i5 = 2560 + ((a >>> 15) & 510)
    const i4 = 2048 + ((a >>> 23) & 510)
    const i3 = 1536 + ((b & 255) << 1)
    const i2 = 1024 + ((b >>> 7) & 510)
    const i1 = 512 + ((b >>> 15) & 510)
    const i0 = (b >>> 23) & 510
    low = at32(t, i7) ^ at32(t, i6) ^ at32(t, i5) ^ at32(t, i4) ^ at32(t, i3) ^ at32(t, i2) ^ at32(t, i1) ^ at32(t, i0)
    high =
      at32(t, i7 + 1) ^
      at32(t, i6 + 1) ^
      at32(t, i5 + 1) ^
      at32(t, i4 + 1) ^
      at32(t, i3 + 1) ^
      at32(t, i2 + 1) ^
      at32(t, i1 + 1) ^
      at32(t, i0 + 1)
  }
  for (; at < bytes.length; at += 1) {
    const step = ((low ^ view.getUint8(at)) & 255) * 2
    low = ((low >>> 8) | (high << 24)) ^ at32(t, step)
    high = (high >>> 8) ^ at32(t, step + 1)
  }
  return (BigInt(~high >>> 0) << 32n) | BigInt(~low >>> 0)
}

/** The index is inside the table by construction; the compiler cannot see that. */
const at32 = (table: Int32Array, index: number): number => table[index] as number
