/**
 * CRC-64/XZ in plain JavaScript: the definition that the WebAssembly must agree with, the source of its tables, and what
 * is used where an engine has no WebAssembly (`node --jitless`). About a tenth of the speed; a camera needs less.
 */

/** The polynomial of ECMA-182, reflected. */
const polynomial = 0xc96c5795d7870f42n
const allOnes = 0xffff_ffff_ffff_ffffn
const topBit = 1n << 63n
/** x^8 modulo the polynomial, reflected: what one further byte multiplies a checksum by. */
const oneByte = 1n << 55n

/** `count` tables of 256 entries: table k holds the effect of a byte that is followed by k zero bytes. */
export function crc64Tables(count: number): BigUint64Array {
  const tables = new BigUint64Array(count * 256)
  for (let byte = 0; byte < 256; byte += 1) {
    let entry = BigInt(byte)
    for (let bit = 0; bit < 8; bit += 1) entry = entry & 1n ? (entry >> 1n) ^ polynomial : entry >> 1n
    tables[byte] = entry
  }
  for (let i = 256; i < tables.length; i += 1) {
    const before = tables[i - 256] ?? 0n
    tables[i] = (tables[Number(before & 255n)] ?? 0n) ^ (before >> 8n)
  }
  return tables
}

/** The one table of the byte-wise loop as halves: BigInt per byte would be ten times slower. */
const low = new Int32Array(256)
const high = new Int32Array(256)
for (const [i, entry] of crc64Tables(1).entries()) {
  low[i] = Number(BigInt.asIntN(32, entry))
  high[i] = Number(BigInt.asIntN(32, entry >> 32n))
}

export function referenceCrc64(bytes: Uint8Array, previous = 0n): bigint {
  const state = previous ^ allOnes
  let lowHalf = Number(BigInt.asIntN(32, state))
  let highHalf = Number(BigInt.asIntN(32, state >> 32n))
  for (let i = 0; i < bytes.length; i += 1) {
    const entry = (lowHalf ^ (bytes[i] ?? 0)) & 255
    lowHalf = ((lowHalf >>> 8) | (highHalf << 24)) ^ (low[entry] ?? 0)
    highHalf = (highHalf >>> 8) ^ (high[entry] ?? 0)
  }
  return ((BigInt(highHalf >>> 0) << 32n) | BigInt(lowHalf >>> 0)) ^ allOnes
}

export function referenceCrc64Combine(a: bigint, b: bigint, lengthB: number): bigint {
  let shifted = a
  let power = oneByte
  for (let left = BigInt(lengthB); left > 0n; left >>= 1n) {
    if (left & 1n) shifted = times(power, shifted)
    power = times(power, power)
  }
  return shifted ^ b
}

/** a times b modulo the polynomial, both reflected: the highest bit is the coefficient of 1. */
function times(a: bigint, b: bigint): bigint {
  let product = 0n
  let factor = b
  for (let bit = topBit; bit > 0n; bit >>= 1n) {
    if (a & bit) product ^= factor
    factor = factor & 1n ? (factor >> 1n) ^ polynomial : factor >> 1n
  }
  return product
}
