/**
 * The little of H.264 that a recorder needs: how large is the picture, and may a decoder start at this frame? Reads the
 * beginning of a frame, up to its first slice, from as many packets as it takes.
 *
 * A decoder may start at an IDR slice, and at a recovery point of zero frames that brings its parameter sets: some
 * cameras send open GOPs and never an IDR after the first. A gradual refresh (more than zero frames) is no start.
 *
 * Source: ITU-T H.264, 7.3.1 (NAL unit), 7.3.2.1 (SPS), D.1.7 (recovery point).
 */
import { u8 } from './ts-packet.ts'

export interface PictureSize {
  readonly width: number
  readonly height: number
}

/** Larger than any level allows; what claims more is damaged. */
const sideMax = 16_384
/** What may stand before the first slice: parameter sets and messages. Beyond it the frame counts as no start. */
const headBytesMax = 64 * 1024

const idrSlice = 5
const recoveryPointMessage = 6

export class FrameHead {
  readonly #bytes = new Uint8Array(headBytesMax)
  #length = 0
  /** Where the search for the next start code goes on. */
  #searchedTo = 0
  /** First byte of the open NAL unit, or -1. */
  #openNalAt = -1
  #sliceType = 0
  #recovers = false
  #hasSps = false
  #size: PictureSize | undefined

  begin(): void {
    this.#length = 0
    this.#searchedTo = 0
    this.#openNalAt = -1
    this.#sliceType = 0
    this.#recovers = false
    this.#hasSps = false
    this.#size = undefined
  }

  /** A decoder may start here. */
  get isKey(): boolean {
    return this.#sliceType === idrSlice || (this.#sliceType !== 0 && this.#recovers && this.#hasSps)
  }

  /** From the frame's own parameter set; `undefined` if it has none, or none that makes sense. */
  get size(): PictureSize | undefined {
    return this.#size
  }

  /** Takes more of the frame; true once everything before its first slice is known, or nothing more is wanted. */
  feed(bytes: Uint8Array, from: number, to: number): boolean {
    const taken = Math.min(to - from, headBytesMax - this.#length)
    if (taken > 0) {
      this.#bytes.set(bytes.subarray(from, from + taken), this.#length)
      this.#length += taken
    }
    let at = this.#searchedTo
    for (; at + 3 < this.#length; at += 1) {
      if (this.#bytes[at] !== 0 || this.#bytes[at + 1] !== 0 || this.#bytes[at + 2] !== 1) continue
      this.#closeNal(at)
      const type = u8(this.#bytes, at + 3) & 0x1f
      if (type >= 1 && type <= idrSlice) {
        this.#sliceType = type
        return true
      }
      this.#openNalAt = at + 3
      at += 2
    }
    this.#searchedTo = at
    return this.#length === headBytesMax
  }

  #closeNal(end: number): void {
    const start = this.#openNalAt
    if (start === -1) return
    const type = u8(this.#bytes, start) & 0x1f
    if (type === 7) {
      this.#hasSps = true
      this.#size = readSps(this.#bytes.subarray(start, end)) ?? this.#size
    } else if (type === 6 && recoversAtOnce(withoutEmulation(this.#bytes.subarray(start, end)))) {
      this.#recovers = true
    }
  }
}

/** Removes the third byte of 00 00 03, with which H.264 keeps start codes out of its payload. */
function withoutEmulation(nal: Uint8Array): Uint8Array {
  const plain = new Uint8Array(nal.length)
  let length = 0
  let zeros = 0
  for (const byte of nal) {
    if (zeros >= 2 && byte === 3) {
      zeros = 0
      continue
    }
    zeros = byte === 0 ? zeros + 1 : 0
    plain[length] = byte
    length += 1
  }
  return plain.subarray(0, length)
}

/** Does this SEI hold a recovery point whose frame count is 0 (Exp-Golomb: a single 1 bit)? */
function recoversAtOnce(sei: Uint8Array): boolean {
  let at = 1
  while (at + 2 < sei.length) {
    let type = 0
    for (; sei[at] === 0xff; at += 1) type += 255
    type += u8(sei, at)
    at += 1
    let size = 0
    for (; sei[at] === 0xff; at += 1) size += 255
    size += u8(sei, at)
    at += 1
    if (type === recoveryPointMessage) return (u8(sei, at) & 0x80) !== 0
    at += size
  }
  return false
}

class BitReader {
  readonly #bytes: Uint8Array
  #at: number

  constructor(bytes: Uint8Array, fromByte: number) {
    this.#bytes = bytes
    this.#at = fromByte * 8
  }

  get isBeyondEnd(): boolean {
    return this.#at > this.#bytes.length * 8
  }

  bits(count: number): number {
    let value = 0
    for (let i = 0; i < count; i += 1) {
      value = value * 2 + ((u8(this.#bytes, this.#at >> 3) >> (7 - (this.#at & 7))) & 1)
      this.#at += 1
    }
    return value
  }

  /** Exp-Golomb, unsigned. */
  ue(): number {
    let zeros = 0
    while (zeros < 32 && !this.isBeyondEnd && this.bits(1) === 0) zeros += 1
    return 2 ** zeros - 1 + this.bits(zeros)
  }

  /** Exp-Golomb, signed. */
  se(): number {
    const code = this.ue()
    return code % 2 === 1 ? (code + 1) / 2 : -code / 2
  }
}

/** Profiles whose parameter set says more about chroma and scaling. Source: H.264, 7.3.2.1.1. */
const highProfiles = new Set([44, 83, 86, 100, 110, 118, 122, 128, 134, 135, 138, 139, 244])

/** Picture size of a sequence parameter set (from its NAL header on); `undefined` if it makes no sense. */
export function readSps(nal: Uint8Array): PictureSize | undefined {
  const bits = new BitReader(withoutEmulation(nal), 1)
  const profile = bits.bits(8)
  bits.bits(16)
  bits.ue()
  const chroma = highProfiles.has(profile) ? skipHighProfile(bits) : 1
  bits.ue()
  skipPictureOrder(bits)
  bits.ue()
  bits.bits(1)
  const widthInMacroblocks = bits.ue() + 1
  const heightInMapUnits = bits.ue() + 1
  const framesOnly = bits.bits(1)
  if (framesOnly === 0) bits.bits(1)
  bits.bits(1)
  const crop = { left: 0, right: 0, top: 0, bottom: 0 }
  if (bits.bits(1) === 1) {
    crop.left = bits.ue()
    crop.right = bits.ue()
    crop.top = bits.ue()
    crop.bottom = bits.ue()
  }
  if (bits.isBeyondEnd) return undefined
  const unitX = chroma === 1 || chroma === 2 ? 2 : 1
  const unitY = (chroma === 1 ? 2 : 1) * (2 - framesOnly)
  const width = widthInMacroblocks * 16 - unitX * (crop.left + crop.right)
  const height = heightInMapUnits * 16 * (2 - framesOnly) - unitY * (crop.top + crop.bottom)
  const isSane = width > 0 && height > 0 && width <= sideMax && height <= sideMax
  return isSane ? { width, height } : undefined
}

/** Returns the chroma format; 0 = monochrome or separate planes, for which cropping counts single samples. */
function skipHighProfile(bits: BitReader): number {
  const chroma = bits.ue()
  const isSeparate = chroma === 3 && bits.bits(1) === 1
  bits.ue()
  bits.ue()
  bits.bits(1)
  if (bits.bits(1) === 1) {
    for (let list = 0; list < (chroma === 3 ? 12 : 8); list += 1) {
      if (bits.bits(1) === 1) skipScalingList(bits, list < 6 ? 16 : 64)
    }
  }
  return isSeparate ? 0 : chroma
}

function skipScalingList(bits: BitReader, size: number): void {
  let last = 8
  let next = 8
  for (let i = 0; i < size && !bits.isBeyondEnd; i += 1) {
    if (next !== 0) next = (last + bits.se() + 256) % 256
    if (next !== 0) last = next
  }
}

function skipPictureOrder(bits: BitReader): void {
  const type = bits.ue()
  if (type === 0) bits.ue()
  if (type !== 1) return
  bits.bits(1)
  bits.se()
  bits.se()
  const cycle = bits.ue()
  for (let i = 0; i < cycle && !bits.isBeyondEnd; i += 1) bits.se()
}
