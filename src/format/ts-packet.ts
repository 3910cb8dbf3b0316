/**
 * The fields of one MPEG-TS packet that we look at or rewrite: PID, adaptation field, PES time stamps, PCR. Functions
 * take the bytes and the packet's position, so that nothing is allocated per packet. What lies outside the bytes reads
 * as 0: a damaged length can mislead us, but never throw.
 *
 * Source: ISO/IEC 13818-1, 2.4.3 (packet, adaptation field) and 2.4.3.6 (PES).
 */
import { type Ticks, ticksBetween, ticksModulo } from './unit.ts'

export const packetBytes = 188
export const syncByte = 0x47
/** PIDs below this are tables, and so is the program map's own PID. */
export const firstMediaPid = 0x20

/** Bits of the adaptation field's flags. */
export const discontinuityFlag = 0x80
export const randomAccessFlag = 0x40
const pcrFlag = 0x10

/** Greatest sane distance from decoding to presentation: 16 frames of reordering at 2 frames a second. */
const reorderTicksMax = 8 * 90_000

export const u8 = (bytes: Uint8Array, at: number): number => bytes[at] ?? 0

export const pidAt = (bytes: Uint8Array, at: number): number => ((u8(bytes, at + 1) & 0x1f) << 8) | u8(bytes, at + 2)

/** A packet that its sender marked as damaged, or that is scrambled: nothing in it can be used. */
export const isUnusable = (bytes: Uint8Array, at: number): boolean =>
  (u8(bytes, at + 1) & 0x80) !== 0 || (u8(bytes, at + 3) & 0xc0) !== 0

export const startsPayload = (bytes: Uint8Array, at: number): boolean => (u8(bytes, at + 1) & 0x40) !== 0
export const hasPayload = (bytes: Uint8Array, at: number): boolean => (u8(bytes, at + 3) & 0x10) !== 0
const continuityAt = (bytes: Uint8Array, at: number): number => u8(bytes, at + 3) & 0x0f

/** The inside of a frame: payload only, no start, no adaptation field, neither damaged nor scrambled. */
export const isInside = (bytes: Uint8Array, at: number, pid: number): boolean =>
  u8(bytes, at + 1) === pid >> 8 && u8(bytes, at + 2) === (pid & 0xff) && (u8(bytes, at + 3) & 0xf0) === 0x10

/** Position of the payload's first byte; the packet's end if the adaptation field leaves none. */
export function payloadAt(bytes: Uint8Array, at: number): number {
  const end = at + packetBytes
  if (!hasPayload(bytes, at)) return end
  if ((u8(bytes, at + 3) & 0x20) === 0) return at + 4
  return Math.min(end, at + 5 + u8(bytes, at + 4))
}

/** Position of the adaptation field's flags, or -1 if the packet has none. */
export const flagsAt = (bytes: Uint8Array, at: number): number =>
  (u8(bytes, at + 3) & 0x20) !== 0 && u8(bytes, at + 4) > 0 ? at + 5 : -1

/** The adaptation field's flags; 0 if it has none. */
export function adaptationFlags(bytes: Uint8Array, at: number): number {
  const flags = flagsAt(bytes, at)
  return flags === -1 ? 0 : u8(bytes, flags)
}

/** Position of the PCR, or -1. */
export function pcrAt(bytes: Uint8Array, at: number): number {
  const flags = flagsAt(bytes, at)
  return flags !== -1 && (u8(bytes, flags) & pcrFlag) !== 0 && u8(bytes, at + 4) >= 7 ? flags + 1 : -1
}

/** True if the adaptation field is longer than its contents: a sender fills up the last packet of a PES like this. */
function isStuffed(bytes: Uint8Array, at: number): boolean {
  if ((u8(bytes, at + 3) & 0x20) === 0) return false
  const length = u8(bytes, at + 4)
  if (length === 0) return true
  const flags = u8(bytes, at + 5)
  let used = 1 + ((flags & 0x10) !== 0 ? 6 : 0) + ((flags & 0x08) !== 0 ? 6 : 0) + ((flags & 0x04) !== 0 ? 1 : 0)
  if ((flags & 0x02) !== 0) used += 1 + u8(bytes, at + 5 + used)
  if ((flags & 0x01) !== 0) used += 1 + u8(bytes, at + 5 + used)
  return length > used
}

/** A time stamp of 33 bits in 5 bytes, or -1 if its marker bits are wrong. */
export function readStamp(bytes: Uint8Array, at: number): Ticks {
  const first = u8(bytes, at)
  const high = (u8(bytes, at + 1) << 8) | u8(bytes, at + 2)
  const low = (u8(bytes, at + 3) << 8) | u8(bytes, at + 4)
  if ((first & high & low & 1) === 0) return -1
  return ((first >> 1) & 7) * 2 ** 30 + (high >> 1) * 2 ** 15 + (low >> 1)
}

export function writeStamp(bytes: Uint8Array, at: number, ticks: Ticks): void {
  const high = Math.floor(ticks / 2 ** 15)
  const low = ticks % 2 ** 15
  bytes[at] = (u8(bytes, at) & 0xf0) | ((high >> 14) & 0x0e) | 1
  bytes[at + 1] = (high >> 7) & 0xff
  bytes[at + 2] = ((high << 1) & 0xfe) | 1
  bytes[at + 3] = (low >> 7) & 0xff
  bytes[at + 4] = ((low << 1) & 0xfe) | 1
}

/** Adds `ticks` (0 to 2^33 - 1) to a PCR's base; the 27 MHz extension stays. */
export function shiftPcr(bytes: Uint8Array, at: number, ticks: Ticks): void {
  const upper = ((u8(bytes, at) << 24) | (u8(bytes, at + 1) << 16) | (u8(bytes, at + 2) << 8) | u8(bytes, at + 3)) >>> 0
  const base = (upper * 2 + (u8(bytes, at + 4) >> 7) + ticks) % ticksModulo
  const shifted = Math.floor(base / 2)
  bytes[at] = (shifted >>> 24) & 0xff
  bytes[at + 1] = (shifted >>> 16) & 0xff
  bytes[at + 2] = (shifted >>> 8) & 0xff
  bytes[at + 3] = shifted & 0xff
  bytes[at + 4] = ((base % 2) << 7) | (u8(bytes, at + 4) & 0x7f)
}

/** What a PES header says. One object is used again and again. */
export interface PesHeader {
  /** -1 where there is no time stamp. */
  pts: Ticks
  /** Equal to `pts` where the header has none of its own. */
  dts: Ticks
  /** Positions of the stamps, or -1. */
  ptsAt: number
  dtsAt: number
  /** Position of the first byte of the elementary stream. */
  dataAt: number
  /** Bytes after the length field; 0 = not said. */
  length: number
}

export const emptyPesHeader = (): PesHeader => ({ pts: -1, dts: -1, ptsAt: -1, dtsAt: -1, dataAt: 0, length: 0 })

/** Streams without the optional header: program map, padding, private 2, ECM, EMM, directory, DSM-CC, H.222.1 E. */
const plainStreams = new Set([0xbc, 0xbe, 0xbf, 0xf0, 0xf1, 0xf2, 0xf8, 0xff])

/**
 * Reads the PES header at `at`, which ends at `end` at the latest. False if there is none, or it does not hold together:
 * wrong marker bits, a header longer than the packet, a frame shown before it is decoded.
 */
export function readPesHeader(bytes: Uint8Array, at: number, end: number, into: PesHeader): boolean {
  if (at + 9 > end || u8(bytes, at) !== 0 || u8(bytes, at + 1) !== 0 || u8(bytes, at + 2) !== 1) return false
  const stream = u8(bytes, at + 3)
  if (stream < 0xbc || plainStreams.has(stream) || (u8(bytes, at + 6) & 0xc0) !== 0x80) return false
  const stamps = u8(bytes, at + 7) >> 6
  const headerLength = u8(bytes, at + 8)
  into.length = (u8(bytes, at + 4) << 8) | u8(bytes, at + 5)
  into.dataAt = at + 9 + headerLength
  into.pts = -1
  into.dts = -1
  into.ptsAt = -1
  into.dtsAt = -1
  if (stamps === 0) return true
  if (stamps === 1 || headerLength < (stamps === 3 ? 10 : 5) || into.dataAt > end) return false
  into.ptsAt = at + 9
  into.pts = readStamp(bytes, into.ptsAt)
  into.dts = into.pts
  if (stamps === 3) {
    into.dtsAt = at + 14
    into.dts = readStamp(bytes, into.dtsAt)
  }
  if (into.pts === -1 || into.dts === -1) return false
  const reorder = ticksBetween(into.dts, into.pts)
  return reorder >= 0 && reorder <= reorderTicksMax
}

/**
 * Is the frame that begins at `from` known to be whole? Either its last PES has all the bytes that its header promises,
 * or its last packet is stuffed: nobody fills up a packet when more is to come. A frame of unsaid length that ends with
 * its packet looks like one that goes on.
 */
export function isWholeFrame(bytes: Uint8Array, range: { from: number; to: number }, pid: number): boolean {
  const pes = emptyPesHeader()
  let gathered = 0
  let last = -1
  for (let at = range.from; at < range.to; at += packetBytes) {
    if (pidAt(bytes, at) !== pid || !hasPayload(bytes, at)) continue
    const payload = payloadAt(bytes, at)
    if (startsPayload(bytes, at)) {
      readPesHeader(bytes, payload, at + packetBytes, pes)
      gathered = -6
    }
    gathered += at + packetBytes - payload
    last = at
  }
  if (last === -1) return false
  return isStuffed(bytes, last) || (pes.length > 0 && gathered >= pes.length)
}

/**
 * A packet that says, directly before the video packet at `at`: the clock may have jumped. It has no payload, so its
 * counter is that of the packet before it. Source: ISO/IEC 13818-1, 2.4.3.3 and 2.4.3.5.
 */
export function discontinuityPacket(bytes: Uint8Array, at: number): Uint8Array {
  const packet = new Uint8Array(packetBytes).fill(0xff)
  packet[0] = syncByte
  packet[1] = u8(bytes, at + 1) & 0x1f
  packet[2] = u8(bytes, at + 2)
  packet[3] = 0x20 | ((continuityAt(bytes, at) + 15) % 16)
  packet[4] = packetBytes - 5
  packet[5] = discontinuityFlag
  return packet
}
