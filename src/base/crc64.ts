/**
 * CRC-64/XZ, the checksum OSS keeps of every object (`x-oss-hash-crc64ecma`): polynomial of ECMA-182, reflected, initial
 * value and final XOR all ones. The check value, of the ASCII digits 1 to 9, is 0x995DC9BBDF1939FA; of nothing it is 0.
 *
 * It chains (`crc64(b, crc64(a))` is the checksum of a then b) and combines (`crc64Combine` does the same from two
 * checksums and a length). A checksum is computed once, at capture; all later proofs are arithmetic on it.
 *
 * WebAssembly of our own, sixteen bytes a turn; where an engine has none, the JavaScript of `crc64-reference.ts`. All of
 * it is synchronous and shares one piece of memory: safe, since nothing can run between a copy and its sum.
 */
import { assert } from './assert.ts'
import { crc64Tables, referenceCrc64, referenceCrc64Combine } from './crc64-reference.ts'
import { crc64Wasm } from './crc64-wasm.ts'

interface Core {
  /** Sum of the data that stands at `dataOffset`; `state` is inverted, and so is the answer (as a signed number). */
  update(state: bigint, at: number, length: number): bigint
  combine(a: bigint, b: bigint, length: number): bigint
  readonly memory: Uint8Array
}

/** What we use of it. The types come with the browser's, which this program does not load. */
declare const WebAssembly:
  | {
      readonly Module: new (binary: Uint8Array) => object
      readonly Instance: new (module: object) => { readonly exports: unknown }
    }
  | undefined

const tableCount = 16
/** Behind the tables: 16 of 256 entries of 8 bytes. */
const dataOffset = tableCount * 256 * 8
const allOnes = 0xffff_ffff_ffff_ffffn
const unsignedDecimal = /^\d{1,20}$/

const core = createCore()

function createCore(): Core | undefined {
  if (typeof WebAssembly === 'undefined') return undefined
  const binary = Buffer.from(crc64Wasm, 'base64')
  // Under a kilobyte of code: instantiating it at once costs less than making every caller wait for a promise.
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(binary))
  const { memory, update, combine } = exports as Pick<Core, 'update' | 'combine'> & {
    readonly memory: { readonly buffer: ArrayBuffer }
  }
  new BigUint64Array(memory.buffer, 0, tableCount * 256).set(crc64Tables(tableCount))
  return { update, combine, memory: new Uint8Array(memory.buffer) }
}

/**
 * The checksum of `bytes`, or of everything before them followed by them.
 *
 * @param previous checksum of what stands before `bytes`; 0 for nothing
 * @returns 0 to 2^64 - 1
 */
export function crc64(bytes: Uint8Array, previous = 0n): bigint {
  if (core === undefined) return referenceCrc64(bytes, previous)
  const room = core.memory.length - dataOffset
  let state = previous ^ allOnes
  for (let start = 0; start < bytes.length; start += room) {
    const piece = bytes.length <= room ? bytes : bytes.subarray(start, start + room)
    core.memory.set(piece, dataOffset)
    state = core.update(state, dataOffset, piece.length)
  }
  return BigInt.asUintN(64, state) ^ allOnes
}

/**
 * The checksum of A followed by B, from their own checksums and the length of B in bytes (0 to 2^53 - 1). A few
 * microseconds for any length.
 */
export function crc64Combine(a: bigint, b: bigint, lengthB: number): bigint {
  assert(Number.isSafeInteger(lengthB) && lengthB >= 0, 'a length is a whole number of bytes')
  if (core === undefined) return referenceCrc64Combine(a, b, lengthB)
  return BigInt.asUintN(64, core.combine(a, b, lengthB))
}

/** As OSS writes it: unsigned decimal. */
export const crc64Text = (value: bigint): string => BigInt.asUintN(64, value).toString()

/** Reads what OSS wrote; `undefined` for anything that is no unsigned decimal number below 2^64. */
export function parseCrc64(text: string): bigint | undefined {
  if (!unsignedDecimal.test(text)) return undefined
  const value = BigInt(text)
  return value <= allOnes ? value : undefined
}
