/** Helpers for tests that take MPEG-TS apart, damage it, or send it through the splitter. */

import { monoMs } from '../../src/base/clock.ts'
import { crc64 } from '../../src/base/crc64.ts'
import type { Random } from '../../src/base/random.ts'
import type { CameraRunOptions, RunUnit } from '../../src/capture/camera-run.ts'
import { createCameraRun } from '../../src/capture/run-splitter.ts'
import { crc32 } from '../../src/format/program.ts'
import { readUnits } from '../../src/format/read-units.ts'
import type { MediaInfo } from '../../src/format/unit.ts'

const packetBytes = 188

export interface SendOptions extends Partial<CameraRunOptions> {
  /** Sizes of the pieces in which the bytes are read, in bytes. */
  readonly pieceBytes?: () => number
  /** When the byte at this position is read, in ms. Without it: 10 s after boot, evenly over `seconds`. */
  readonly arrivalMs?: (at: number) => number
  readonly seconds?: number
}

/** Sends bytes through a camera run, as a camera would at its pace. */
export function send(bytes: Uint8Array, options: SendOptions = {}): RunUnit[] {
  const { notBefore, targetDurationS, sound = true, seconds = 10, pieceBytes = () => 4_096 } = options
  const arrivalMs = options.arrivalMs ?? ((at: number) => 10_000 + (at / bytes.length) * seconds * 1000)
  const run = createCameraRun({ notBefore, targetDurationS, sound })
  const units: RunUnit[] = []
  for (let at = 0; at < bytes.length; ) {
    const end = Math.min(bytes.length, at + pieceBytes())
    units.push(...run.push(bytes.subarray(at, end), monoMs(arrivalMs(at))))
    at = end
  }
  units.push(...run.end(monoMs(arrivalMs(bytes.length))))
  return units
}

export const joined = (units: readonly RunUnit[]): Uint8Array => concat(units.map((each) => each.unit.bytes))

export function concat(pieces: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0))
  let at = 0
  for (const piece of pieces) {
    whole.set(piece, at)
    at += piece.length
  }
  return whole
}

export function packetsOf(bytes: Uint8Array): Uint8Array[] {
  const packets: Uint8Array[] = []
  for (let at = 0; at + packetBytes <= bytes.length; at += packetBytes) packets.push(bytes.slice(at, at + packetBytes))
  return packets
}

export const pidOf = (packet: Uint8Array): number => (((packet[1] ?? 0) & 0x1f) << 8) | (packet[2] ?? 0)

/** The units as a recorder would put them into recordings: a break or another header begins the next. */
export function recordingsOf(units: readonly RunUnit[]): RunUnit[][] {
  const recordings: RunUnit[][] = []
  for (const unit of units) {
    const open = recordings.at(-1)
    const before = open?.at(-1)
    const isSame = before !== undefined && JSON.stringify(before.video) === JSON.stringify(unit.video)
    if (open !== undefined && isSame && unit.recordingBreak === undefined) open.push(unit)
    else recordings.push([unit])
  }
  return recordings
}

export interface LengthAndMedia {
  readonly length: number
  readonly media: MediaInfo
}

export const lengthsAndMedia = (units: readonly RunUnit[]): LengthAndMedia[] =>
  units.map(({ unit }) => ({ length: unit.bytes.length, media: unit.media }))

/** The same with checksums in the place of bytes: enough to compare, and quick. */
export const summaryOf = (units: readonly RunUnit[]): unknown[] =>
  units.map(({ unit, ...rest }) => ({
    ...rest,
    length: unit.bytes.length,
    crc64: crc64(unit.bytes),
    media: unit.media,
  }))

/** What the store's side makes of the same bytes, recording by recording. */
export function readBack(units: readonly RunUnit[]): LengthAndMedia[] {
  return recordingsOf(units).flatMap((recording) => {
    const found = readUnits(joined(recording), (recording[0]?.video.targetDurationS ?? 0) * 90_000)
    return found
  })
}

export type Damage = 'cut' | 'doubled' | 'noise' | 'reordered' | 'bytes missing' | 'bytes added' | 'flags'
export const damages: readonly Damage[] = [
  'cut',
  'doubled',
  'noise',
  'reordered',
  'bytes missing',
  'bytes added',
  'flags',
]

/** Damages about one packet in `every`. */
export function damaged(bytes: Uint8Array, how: readonly Damage[], every: number, random: Random): Uint8Array {
  const packets = packetsOf(bytes)
  const below = (count: number): number => Math.floor(random.fraction() * count)
  const damage = (): Damage => how[below(how.length)] ?? 'cut'
  const out: Uint8Array[] = []
  for (let i = 0; i < packets.length; i += 1) {
    const packet = packets[i] ?? new Uint8Array(0)
    if (random.fraction() * every >= 1) {
      out.push(packet)
      continue
    }
    switch (damage()) {
      case 'cut':
        i += below(20)
        break
      case 'doubled':
        out.push(packet, packet)
        break
      case 'noise':
        for (let n = 1 + below(8); n > 0; n -= 1) packet[below(packetBytes)] = below(256)
        out.push(packet)
        break
      case 'reordered': {
        const other = Math.min(packets.length - 1, i + 1 + below(30))
        const later = packets[other]
        if (later !== undefined) {
          packets[other] = packet
          out.push(later)
        }
        break
      }
      case 'bytes missing':
        out.push(packet.subarray(0, below(packetBytes)))
        break
      case 'bytes added':
        out.push(
          packet,
          Uint8Array.from({ length: below(600) }, () => (below(4) === 0 ? 0x47 : below(256))),
        )
        break
      case 'flags':
        for (let n = 1; n < 12; n += 1) packet[n] = below(3) === 0 ? below(256) : (packet[n] ?? 0)
        out.push(packet)
        break
    }
  }
  return concat(out)
}

export interface PacedPart {
  readonly bytes: Uint8Array
  /** DTS of its video frame, in ms; unwrapped from the first frame on. */
  readonly dtsMs: number
}

/** One part per video frame, with the tables before it and what follows it. Reads the stamps on its own account. */
export function frameParts(bytes: Uint8Array, videoPid = 0x100): PacedPart[] {
  const parts: { packets: Uint8Array[]; dtsMs: number }[] = []
  let tables: Uint8Array[] = []
  let dtsBefore: number | undefined
  let wraps = 0
  for (const packet of packetsOf(bytes)) {
    const pid = pidOf(packet)
    const dts = pid === videoPid && ((packet[1] ?? 0) & 0x40) !== 0 ? dtsOf(packet) : undefined
    if (dts !== undefined) {
      if (dtsBefore !== undefined && dtsBefore - dts > 2 ** 32) wraps += 2 ** 33
      dtsBefore = dts
      parts.push({ packets: [...tables, packet], dtsMs: (dts + wraps) / 90 })
      tables = []
    } else if (pid < 0x20 || pid === 0x1000) tables.push(packet)
    else {
      parts.at(-1)?.packets.push(...tables, packet)
      tables = []
    }
  }
  return parts.map((part) => ({ bytes: concat(part.packets), dtsMs: part.dtsMs }))
}

/** DTS, or else PTS, of a packet that starts a PES. */
export function dtsOf(packet: Uint8Array): number | undefined {
  const at = ((packet[3] ?? 0) & 0x20) !== 0 ? 5 + (packet[4] ?? 0) : 4
  const flags = (packet[at + 7] ?? 0) >> 6
  const stamp = packet.subarray(at + (flags === 3 ? 14 : 9))
  const [a = 0, b = 0, c = 0, d = 0, e = 0] = stamp
  return flags < 2 ? undefined : ((a >> 1) & 7) * 2 ** 30 + (b * 128 + (c >> 1)) * 2 ** 15 + d * 128 + (e >> 1)
}

/** Sends parts, each at the time that `arrivalMs` gives, with a tick every 250 ms between. */
export function sendPaced(
  parts: readonly PacedPart[],
  arrivalMs: (part: PacedPart, index: number) => number,
  options: Partial<CameraRunOptions> = {},
): { units: RunUnit[]; outAt: number[] } {
  const run = createCameraRun({ notBefore: options.notBefore, targetDurationS: options.targetDurationS })
  const units: RunUnit[] = []
  const outAt: number[] = []
  let now = 0
  const take = (more: readonly RunUnit[]): void => {
    units.push(...more)
    outAt.push(...more.map(() => now))
  }
  for (const [index, part] of parts.entries()) {
    const at = arrivalMs(part, index)
    if (now === 0) now = at
    for (; now + 250 < at; now += 250) take(run.tick(monoMs(now)))
    now = Math.max(now, at)
    take(run.push(part.bytes, monoMs(now)))
  }
  now += 100
  take(run.end(monoMs(now)))
  return { units, outAt }
}

const barePmtPid = 0x64
const bareVideoPid = 0x65

/** The same video from the barest muxer that is still right: no PCR, no flags, no adaptation field but stuffing. */
export function bareStream(bytes: Uint8Array): Uint8Array {
  const out: Uint8Array[] = [table(0, [0, 1, 0xc1, 0, 0, 0, 1, 0xe0 | (barePmtPid >> 8), barePmtPid])]
  const es = [0x1b, 0xe0 | (bareVideoPid >> 8), bareVideoPid, 0xf0, 0]
  out.push(table(barePmtPid, [0, 1, 0xc1, 0, 0, 0xff, 0xff, 0xf0, 0, ...es]))
  let counter = 0
  for (const { bytes: frame } of frameParts(bytes)) {
    const pes = concat(
      packetsOf(frame)
        .filter((packet) => pidOf(packet) === 0x100)
        .map(payloadOf),
    )
    for (let at = 0; at < pes.length; counter += 1) {
      const taken = Math.min(184, pes.length - at)
      const packet = new Uint8Array(packetBytes).fill(0xff)
      packet.set([
        0x47,
        (at === 0 ? 0x40 : 0) | (bareVideoPid >> 8),
        bareVideoPid,
        (taken < 184 ? 0x30 : 0x10) | (counter % 16),
      ])
      if (taken < 184) packet[4] = 183 - taken
      if (taken < 183) packet[5] = 0
      packet.set(pes.subarray(at, at + taken), packetBytes - taken)
      out.push(packet)
      at += taken
    }
  }
  return concat(out)
}

function payloadOf(packet: Uint8Array): Uint8Array {
  return packet.subarray(((packet[3] ?? 0) & 0x20) !== 0 ? 5 + (packet[4] ?? 0) : 4)
}

function table(pid: number, body: readonly number[]): Uint8Array {
  const section = Uint8Array.of(pid === 0 ? 0 : 2, 0xb0, body.length + 4, ...body)
  const crc = crc32(section)
  const packet = new Uint8Array(packetBytes).fill(0xff)
  packet.set([0x47, 0x40 | (pid >> 8), pid & 0xff, 0x10, 0, ...section, crc >>> 24, crc >>> 16, crc >>> 8, crc])
  return packet
}
