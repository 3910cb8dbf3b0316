/**
 * Which PID is the video? Follows PAT and PMT through a stream, keeps the packets of the last good ones, so that a unit
 * that lacks them can be given copies, and knows whether the packets directly before a frame hold both.
 *
 * The first program of a PAT counts; a camera has only one. Tables with a wrong checksum are as good as not sent.
 *
 * Source: ISO/IEC 13818-1, 2.4.4; stream types: its table 2-34.
 */
import { hasPayload, packetBytes, payloadAt, startsPayload, u8 } from './ts-packet.ts'

/** Largest PAT or PMT section: 12 bits of length, of which the standard allows 1021, and the 3 bytes before. */
const sectionBytesMax = 1024
/** Packets that such a section can fill. */
const sectionPacketsMax = 7

const patTable = 0x00
const pmtTable = 0x02
const nowhere = -1

/** `none`: there is a program, and no video in it. */
export type ProgramVideo = 'unknown' | 'h264' | 'h265' | 'other' | 'none'

const h264Type = 0x1b
const h265Types = new Set([0x24, 0x25])
/** MPEG-1, MPEG-2, MPEG-4 part 2, H.264 and JPEG 2000 variants, VVC, AVS, Dirac, VC-1. */
const otherVideoTypes = new Set([0x01, 0x02, 0x10, 0x1e, 0x1f, 0x20, 0x21, 0x33, 0x42, 0xd1, 0xea])
/** Private data whose registration names a video codec. */
const privateType = 0x06
const registrationTag = 0x05

export class Program {
  #pmtPid = nowhere
  #videoPid = nowhere
  #video: ProgramVideo = 'unknown'
  readonly #patReader = new SectionReader(patTable)
  #pmtReader = new SectionReader(pmtTable)
  #pat = new Uint8Array(0)
  #tables: readonly Uint8Array[] = []
  #leadHasPat = false
  #leadHasPmt = false

  /** -1 while unknown. */
  get pmtPid(): number {
    return this.#pmtPid
  }

  /** PID of the first H.264 stream; -1 while there is none. */
  get videoPid(): number {
    return this.#videoPid
  }

  get video(): ProgramVideo {
    return this.#video
  }

  /** The packets of the last good PAT and PMT as they were sent, continuity counters included. Never changed, replaced. */
  get tables(): readonly Uint8Array[] {
    return this.#tables
  }

  /** From here on, tables may belong to a frame that follows. */
  beginLead(): void {
    this.#leadHasPat = false
    this.#leadHasPmt = false
    this.#patReader.forget()
    this.#pmtReader.forget()
  }

  /** Since `beginLead` there was a whole PAT and, after it, its whole PMT: a reader who starts there finds the video. */
  get leadIsWhole(): boolean {
    return this.#leadHasPat && this.#leadHasPmt
  }

  /** Takes a packet of PID 0 or of the program map. */
  feed(pid: number, bytes: Uint8Array, at: number): void {
    if (pid === 0) {
      const section = this.#patReader.feed(bytes, at)
      if (section !== undefined) this.#takePat(section)
    } else if (pid === this.#pmtPid) {
      const section = this.#pmtReader.feed(bytes, at)
      if (section !== undefined) this.#takePmt(section)
    }
  }

  #takePat(section: Uint8Array): void {
    for (let at = 8; at + 4 <= section.length - 4; at += 4) {
      if (u8(section, at) === 0 && u8(section, at + 1) === 0) continue // the network's PID, no program
      const pid = ((u8(section, at + 2) & 0x1f) << 8) | u8(section, at + 3)
      if (pid !== this.#pmtPid) {
        this.#pmtPid = pid
        this.#pmtReader = new SectionReader(pmtTable)
        this.#videoPid = nowhere
        this.#video = 'unknown'
        this.#tables = []
        this.#leadHasPmt = false
      }
      this.#pat = this.#patReader.packets()
      this.#tables = [this.#pat, ...this.#tables.slice(1)]
      this.#leadHasPat = true
      return
    }
  }

  #takePmt(section: Uint8Array): void {
    const found = findVideo(section)
    this.#video = found.video
    this.#videoPid = found.pid
    this.#tables = [this.#pat, this.#pmtReader.packets()]
    this.#leadHasPmt = this.#leadHasPat
  }
}

function findVideo(section: Uint8Array): { readonly video: ProgramVideo; readonly pid: number } {
  let video: ProgramVideo = 'none'
  const end = section.length - 4
  let at = 12 + (((u8(section, 10) & 0x0f) << 8) | u8(section, 11))
  while (at + 5 <= end) {
    const type = u8(section, at)
    const pid = ((u8(section, at + 1) & 0x1f) << 8) | u8(section, at + 2)
    const next = at + 5 + (((u8(section, at + 3) & 0x0f) << 8) | u8(section, at + 4))
    if (type === h264Type) return { video: 'h264', pid }
    const registered = type === privateType ? registration(section, at + 5, Math.min(next, end)) : ''
    if (h265Types.has(type) || registered === 'HEVC') video = 'h265'
    else if (otherVideoTypes.has(type) || registered === 'AV01' || registered === 'VC-1') {
      if (video === 'none') video = 'other'
    }
    at = next
  }
  return { video, pid: nowhere }
}

function registration(section: Uint8Array, from: number, end: number): string {
  for (let at = from; at + 2 <= end; at += 2 + u8(section, at + 1)) {
    if (u8(section, at) === registrationTag) return String.fromCharCode(...section.subarray(at + 2, at + 6))
  }
  return ''
}

/** Puts the sections of one table together from its packets. */
class SectionReader {
  readonly #table: number
  readonly #section = new Uint8Array(sectionBytesMax + packetBytes)
  readonly #packets = new Uint8Array(sectionPacketsMax * packetBytes)
  #length = 0
  #packetCount = 0

  constructor(table: number) {
    this.#table = table
  }

  /** The packets of the section that was returned last. */
  packets(): Uint8Array<ArrayBuffer> {
    return this.#packets.slice(0, this.#packetCount * packetBytes)
  }

  /** A section of which only a part was seen will not be completed. */
  forget(): void {
    this.#packetCount = 0
    this.#length = 0
  }

  feed(bytes: Uint8Array, at: number): Uint8Array | undefined {
    if (!hasPayload(bytes, at)) return undefined
    let from = payloadAt(bytes, at)
    const end = at + packetBytes
    if (startsPayload(bytes, at)) {
      from += 1 + u8(bytes, from)
      this.forget()
    } else if (this.#packetCount === 0 || this.#packetCount === sectionPacketsMax) {
      this.forget()
      return undefined
    }
    if (from >= end) return undefined
    this.#packets.set(bytes.subarray(at, end), this.#packetCount * packetBytes)
    this.#packetCount += 1
    this.#section.set(bytes.subarray(from, end), this.#length)
    this.#length += end - from
    return this.#whole()
  }

  #whole(): Uint8Array | undefined {
    const length = 3 + (((u8(this.#section, 1) & 0x0f) << 8) | u8(this.#section, 2))
    if (this.#section[0] !== this.#table || length > sectionBytesMax || length < 12) {
      this.forget()
      return undefined
    }
    if (this.#length < length) return undefined
    const section = this.#section.subarray(0, length)
    const isCurrent = (u8(section, 5) & 1) === 1
    this.#length = 0
    if (isCurrent && crc32(section) === 0) return section
    this.forget()
    return undefined
  }
}

const crc32Table = Uint32Array.from({ length: 256 }, (_, index) => {
  let value = index << 24
  for (let bit = 0; bit < 8; bit += 1) value = (value << 1) ^ ((value & 0x8000_0000) !== 0 ? 0x04c1_1db7 : 0)
  return value >>> 0
})

/** CRC-32/MPEG-2; 0 over a section that ends with its own checksum. */
export function crc32(bytes: Uint8Array): number {
  let crc = 0xffff_ffff
  for (const byte of bytes) crc = ((crc << 8) ^ (crc32Table[((crc >>> 24) ^ byte) & 0xff] ?? 0)) >>> 0
  return crc
}
