/**
 * MPEG-TS with H.264 inside, as small as it can be and still be right: tables with checksums, a parameter set that says
 * the picture's size, keyframes and others, time stamps, counters. Each frame carries a serial number, so that no two
 * units of a world are the same bytes. No decoder would show it; everything that the recorder looks at is there.
 *
 * Source: ISO/IEC 13818-1, 2.4.3 and 2.4.4; ITU-T H.264, 7.3.2.1.
 */
import { readSps } from '../../src/format/h264.ts'
import { crc32 } from '../../src/format/program.ts'

const packetBytes = 188
const pmtPid = 0x1000
const videoPid = 0x100
const stampModulo = 2 ** 33

export interface StreamFrame {
  /** PTS and DTS, in ticks of the camera's clock, before the wrap. */
  readonly ticks: number
  readonly keyframe: boolean
  /** Packets of video: 1 to 20. */
  readonly packets: number
  readonly size: PictureKind
}

/** Index into `pictureSizes`. */
export type PictureKind = 0 | 1

const pictureSizes = [
  { width: 320, height: 240 },
  { width: 640, height: 480 },
] as const

/** One camera process: counters begin anew. */
export interface StreamMaker {
  frame(frame: StreamFrame): Uint8Array
}

const pat = table(0, [0, 1, 0xc1, 0, 0, 0, 1, 0xe0 | (pmtPid >> 8), pmtPid & 0xff])
const pmt = table(pmtPid, [
  ...[0, 1, 0xc1, 0, 0, 0xe0 | (videoPid >> 8), videoPid & 0xff, 0xf0, 0],
  ...[0x1b, 0xe0 | (videoPid >> 8), videoPid & 0xff, 0xf0, 0],
])
const keyHeads = pictureSizes.map(({ width, height }) =>
  Uint8Array.from([0, 0, 1, 0x67, ...spsOf(width, height), 0, 0, 1, 0x68, 0xce, 0x3c, 0x80, 0, 0, 1, 0x65, 0x88]),
)
const otherHead = Uint8Array.of(0, 0, 1, 0x41, 0x9a)

/** @param nextSerial of the whole world */
export function createStreamMaker(nextSerial: () => number): StreamMaker {
  let tableCounter = 0
  let counter = 0
  return {
    frame({ ticks, keyframe, packets, size }) {
      const tables = keyframe ? 2 : 0
      const bytes = new Uint8Array((tables + packets) * packetBytes)
      if (keyframe) {
        bytes.set(pat, 0)
        bytes.set(pmt, packetBytes)
        bytes[3] = 0x10 | tableCounter
        bytes[packetBytes + 3] = 0x10 | tableCounter
        tableCounter = (tableCounter + 1) & 15
      }
      const head = keyframe ? (keyHeads[size] as Uint8Array) : otherHead
      writeFrame(bytes, tables * packetBytes, { ticks, keyframe, packets, head, serial: nextSerial(), counter })
      counter = (counter + packets) & 15
      return bytes
    },
  }
}

interface Written {
  readonly ticks: number
  readonly keyframe: boolean
  readonly packets: number
  readonly head: Uint8Array
  readonly serial: number
  readonly counter: number
}

/** Adaptation field of a frame's first packet, its length byte excepted: flags and PCR. */
const fieldBytes = 7
const pesBytes = 14

function writeFrame(bytes: Uint8Array, from: number, frame: Written): void {
  const { ticks, keyframe, packets, head, serial } = frame
  for (let n = 0; n < packets; n += 1) {
    const at = from + n * packetBytes
    bytes[at] = 0x47
    bytes[at + 1] = (n === 0 ? 0x40 : 0) | (videoPid >> 8)
    bytes[at + 2] = videoPid & 0xff
    bytes[at + 3] = (n === 0 ? 0x30 : 0x10) | ((frame.counter + n) & 15)
    bytes.fill(0x61 + ((serial + n) % 26), at + 4, at + packetBytes)
  }
  bytes[from + 4] = fieldBytes
  bytes[from + 5] = keyframe ? 0x50 : 0x10
  writePcr(bytes, from + 6, ticks % stampModulo)
  const pes = from + 5 + fieldBytes
  const length = packets * (packetBytes - 4) - 1 - fieldBytes - 6
  bytes.set([0, 0, 1, 0xe0, length >> 8, length & 0xff, 0x80, 0x80, 5], pes)
  writeStamp(bytes, pes + 9, ticks % stampModulo)
  bytes.set(head, pes + pesBytes)
  let at = pes + pesBytes + head.length
  for (let rest = serial, n = 0; n < 8; n += 1, at += 1) {
    bytes[at] = 0x41 + (rest % 16)
    rest = Math.floor(rest / 16)
  }
}

function writeStamp(bytes: Uint8Array, at: number, ticks: number): void {
  const high = Math.floor(ticks / 2 ** 15)
  const low = ticks % 2 ** 15
  bytes[at] = 0x21 | ((high >> 14) & 0x0e)
  bytes[at + 1] = (high >> 7) & 0xff
  bytes[at + 2] = ((high << 1) & 0xfe) | 1
  bytes[at + 3] = (low >> 7) & 0xff
  bytes[at + 4] = ((low << 1) & 0xfe) | 1
}

function writePcr(bytes: Uint8Array, at: number, ticks: number): void {
  const upper = Math.floor(ticks / 2)
  bytes[at] = (upper >>> 24) & 0xff
  bytes[at + 1] = (upper >>> 16) & 0xff
  bytes[at + 2] = (upper >>> 8) & 0xff
  bytes[at + 3] = upper & 0xff
  bytes[at + 4] = ((ticks % 2) << 7) | 0x7e
  bytes[at + 5] = 0
}

function table(pid: number, body: readonly number[]): Uint8Array {
  const section = Uint8Array.of(pid === 0 ? 0 : 2, 0xb0, body.length + 4, ...body)
  const crc = crc32(section)
  const packet = new Uint8Array(packetBytes).fill(0xff)
  packet.set([0x47, 0x40 | (pid >> 8), pid & 0xff, 0x10, 0, ...section, crc >>> 24, crc >>> 16, crc >>> 8, crc])
  return packet
}

/** A sequence parameter set of the baseline profile, without its NAL header. */
function spsOf(width: number, height: number): number[] {
  const bits: number[] = []
  const put = (value: number, count: number): void => {
    for (let n = count - 1; n >= 0; n -= 1) bits.push((value >> n) & 1)
  }
  const ue = (value: number): void => {
    const length = Math.floor(Math.log2(value + 1))
    put(0, length)
    put(value + 1, length + 1)
  }
  put(66, 8)
  put(0, 8)
  put(30, 8)
  for (const value of [0, 0, 2, 1]) ue(value)
  put(0, 1)
  ue(width / 16 - 1)
  ue(height / 16 - 1)
  for (const bit of [1, 1, 0, 0, 1]) put(bit, 1)
  while (bits.length % 8 !== 0) bits.push(0)
  const bytes: number[] = []
  for (let at = 0; at < bits.length; at += 8) bytes.push(Number.parseInt(bits.slice(at, at + 8).join(''), 2))
  const read = readSps(Uint8Array.from([0x67, ...bytes]))
  if (read?.width !== width || read.height !== height) throw new Error('the parameter set does not read back')
  return bytes
}
