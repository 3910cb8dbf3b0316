/**
 * The bytes of a segment file: records one after the other, each with everything needed to understand it alone.
 *
 *      0  magic "WPs1"
 *      4  version (1)             5  kind (0 segment, 1 unit, 2 claim, 3 loss)
 *      6  length of the meta data, 16 bit
 *      8  length of the payload, 32 bit
 *     12  CRC-32 of the payload
 *     16  CRC-32 of bytes 0 to 15 and the meta data
 *     20  meta data (JSON), then the payload
 *
 * All numbers little-endian. A unit's meta data names its recording, its claim if there is one, its sequence number, its
 * CRC-64, and the (length, CRC-64) of its recording before it: the footage can be sent on with the database lost. It
 * costs about 500 bytes beside half a megabyte of footage.
 */
import { crc32 } from 'node:zlib'
import { z } from 'zod'
import { assert } from '../base/assert.ts'
import type { Extent } from '../format/recording.ts'
import type { HeldChunk, Recording } from './holding.ts'
import {
  chunkJson,
  chunkShape,
  extentJson,
  type Identity,
  identity,
  identityJson,
  parseRow,
  type SegmentEntry,
} from './rows.ts'

const magic = 0x31735057
const version = 1
const headerBytes = 20
/** Meta data of a record: an identity is under 2 KiB, since a key is at most 1,023 bytes. */
const metaBytesMax = 8 * 1024

const kinds = { segment: 0, unit: 1, claim: 2, loss: 3 } as const

const segmentMeta = z.object({
  segment: z.number().int(),
  boot: z.number().int(),
  bootId: z.string(),
  /** It holds footage of events. */
  protected: z.boolean().optional(),
})
export type SegmentMeta = z.infer<typeof segmentMeta>
const unitMeta = chunkShape.extend({ of: identity })
const extentPair = z.tuple([z.number(), z.string().transform(BigInt)])
const claimMeta = z.object({
  of: identity,
  arrived: extentPair,
  arrivedSeq: z.number().int(),
  arrivedEndPts: z.number(),
})

const lossMeta = z.object({
  camera: z.string(),
  cause: z.enum(['camera', 'evicted', 'disk', 'power', 'corrupt', 'stopped']),
  bootCounter: z.number().int(),
  fromMonoMs: z.number(),
  toMonoMs: z.number(),
  units: z.number().int(),
  bytes: z.number().int(),
  note: z.string(),
  /** Of the losses of its track; see `Track.losses`. */
  number: z.number().int(),
  seqs: z.object({ track: z.string(), from: z.number().int(), below: z.number().int() }),
})
export type NotedLoss = z.infer<typeof lossMeta>

export type RecordMeta =
  | { readonly kind: 'loss'; readonly loss: NotedLoss }
  | { readonly kind: 'segment'; readonly meta: SegmentMeta }
  | { readonly kind: 'unit'; readonly entry: Omit<SegmentEntry, 'offset'>; readonly of: Identity }
  | {
      readonly kind: 'claim'
      readonly of: Identity
      readonly arrived: Extent
      readonly arrivedSeq: number
      readonly arrivedEndPts: number
    }

export interface RecordHead {
  readonly headBytes: number
  readonly payloadBytes: number
  readonly payloadCrc32: number
  readonly record: RecordMeta
}

export const segmentRecord = (meta: SegmentMeta): Uint8Array => encode(kinds.segment, meta, undefined)

/** The header and meta data of a unit; its bytes follow. */
export const unitRecord = (held: HeldChunk, bytes: Uint8Array): Uint8Array =>
  encode(kinds.unit, { of: identityJson(held.owner), ...chunkJson(held) }, bytes)

export const claimRecord = (held: Recording): Uint8Array =>
  encode(
    kinds.claim,
    {
      of: identityJson(held),
      arrived: extentJson(held.arrived),
      arrivedSeq: held.arrivedSeq,
      arrivedEndPts: held.arrivedEndPts,
    },
    undefined,
  )

/** Footage that was given up while the database could not be written: its gap record is still to be made. */
export const lossRecord = (loss: NotedLoss): Uint8Array => encode(kinds.loss, loss, undefined)

function encode(kind: number, meta: object, payload: Uint8Array | undefined): Uint8Array {
  const text = Buffer.from(JSON.stringify(meta))
  assert(text.length <= metaBytesMax, 'meta data has a limit')
  const bytes = Buffer.alloc(headerBytes + text.length)
  bytes.writeUInt32LE(magic, 0)
  bytes.writeUInt8(version, 4)
  bytes.writeUInt8(kind, 5)
  bytes.writeUInt16LE(text.length, 6)
  bytes.writeUInt32LE(payload?.length ?? 0, 8)
  bytes.writeUInt32LE(payload === undefined ? 0 : crc32(payload), 12)
  text.copy(bytes, headerBytes)
  bytes.writeUInt32LE(headCrc32(bytes, text.length), 16)
  return bytes
}

const headCrc32 = (bytes: Buffer, metaBytes: number): number =>
  crc32(bytes.subarray(headerBytes, headerBytes + metaBytes), crc32(bytes.subarray(0, 16)))

/** Reads the head of a record that begins at `bytes[at]`; `undefined` if there is none, or a damaged one. */
export function decodeHead(bytes: Buffer, at: number): RecordHead | undefined {
  if (bytes.length - at < headerBytes || bytes.readUInt32LE(at) !== magic || bytes[at + 4] !== version) return undefined
  const metaBytes = bytes.readUInt16LE(at + 6)
  const end = at + headerBytes + metaBytes
  if (metaBytes > metaBytesMax || end > bytes.length) return undefined
  if (headCrc32(bytes.subarray(at, end), metaBytes) !== bytes.readUInt32LE(at + 16)) return undefined
  const payloadBytes = bytes.readUInt32LE(at + 8)
  const record = decodeMeta(bytes[at + 5] ?? -1, bytes.toString('utf8', at + headerBytes, end), payloadBytes)
  if (record === undefined) return undefined
  return { headBytes: headerBytes + metaBytes, payloadBytes, payloadCrc32: bytes.readUInt32LE(at + 12), record }
}

function decodeMeta(kind: number, text: string, payloadBytes: number): RecordMeta | undefined {
  if (kind === kinds.segment) {
    const meta = parseRow(segmentMeta, text)
    return meta && { kind: 'segment', meta }
  }
  if (kind === kinds.unit) {
    const meta = parseRow(unitMeta, text)
    if (meta === undefined) return undefined
    const { of, ...chunk } = meta
    return { kind: 'unit', of, entry: { ...chunk, track: of.head.id.track, length: payloadBytes } }
  }
  if (kind === kinds.loss) {
    const loss = parseRow(lossMeta, text)
    return loss && { kind: 'loss', loss }
  }
  const meta = parseRow(claimMeta, text)
  if (meta === undefined) return undefined
  const { of, arrivedSeq, arrivedEndPts } = meta
  const [length, crc64] = meta.arrived
  return { kind: 'claim', of, arrived: { length, crc64 }, arrivedSeq, arrivedEndPts }
}

/** The next place at or after `from` where a record may begin; -1 if there is none. */
export function findMagic(bytes: Buffer, from: number): number {
  return bytes.indexOf(magicBytes, from)
}

/** A file that begins as ours do, with another version of the records or of their heads ("WPs2"). */
export const isOtherVersion = (bytes: Buffer): boolean =>
  bytes.length > magicBytes.length &&
  bytes.subarray(0, 3).equals(magicBytes.subarray(0, 3)) &&
  (bytes[3] !== magicBytes[3] || bytes[4] !== version)

const magicBytes = Buffer.from([0x57, 0x50, 0x73, 0x31])
