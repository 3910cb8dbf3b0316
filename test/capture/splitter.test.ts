import { expect, test } from 'vitest'
import { seededRandom } from '../../src/base/random.ts'
import {
  bareStream,
  concat,
  dtsOf,
  frameParts,
  joined,
  lengthsAndMedia,
  packetsOf,
  pidOf,
  readBack,
  send,
  sendPaced,
  summaryOf,
} from '../support/transport.ts'
import { clip, codedFrames, corruptPackets, decodedFrames, ffmpegSegments } from '../support/ts-clips.ts'

const plain = { seconds: 8, gop: 25 }
const withAudio = { seconds: 8, gop: 25, audio: true, plainMuxer: true }
const reordered = { seconds: 8, gop: 50, bFrames: 3 }
const videoPid = 0x100

const isFrameStart = (packet: Uint8Array): boolean => pidOf(packet) === videoPid && ((packet[1] ?? 0) & 0x40) !== 0
const isTable = (packet: Uint8Array): boolean => pidOf(packet) < 0x20 || pidOf(packet) === 0x1000

test.each([plain, withAudio, reordered])("cuts where ffmpeg's own segmenter cuts (%o)", (options) => {
  const segments = ffmpegSegments(clip(options))
  expect(segments.length).toBeGreaterThan(3)
  const units = send(concat(segments), { seconds: 8 })
  expect(units.map((each) => each.unit.bytes.length)).toEqual(segments.map((segment) => segment.length))
})

test.each([plain, withAudio, reordered])('loses no picture (%o)', (options) => {
  const bytes = clip(options)
  const out = joined(send(bytes, { seconds: 8 }))
  expect(decodedFrames(out)).toEqual(decodedFrames(bytes))
  expect(codedFrames(out)).toEqual(codedFrames(bytes))
})

test('leaves sound out where nobody asked for it, and nothing else', () => {
  const bytes = clip(withAudio)
  const units = send(bytes, { seconds: 8, sound: false })
  const out = joined(units)
  const isSound = (packet: Uint8Array): boolean => !isTable(packet) && pidOf(packet) !== videoPid
  expect(packetsOf(bytes).filter(isSound).length).toBeGreaterThan(50)
  expect(packetsOf(out).filter(isSound)).toEqual([])
  expect(codedFrames(out)).toEqual(codedFrames(bytes))
  expect(readBack(units)).toEqual(lengthsAndMedia(units))
})

test('begins with the first keyframe when it joins in the middle', () => {
  const bytes = clip(plain)
  const middle = bytes.subarray(Math.floor(bytes.length / 3 / 188) * 188 + 77)
  const frames = codedFrames(bytes)
  const units = send(middle)
  const kept = codedFrames(joined(units))
  expect(kept).toEqual(frames.slice(-kept.length))
  expect(kept.length % 25).toBe(0)
  expect(kept.length).toBeGreaterThan(100)
})

test('splits its own output into the same units', () => {
  for (const options of [plain, withAudio, reordered]) {
    const units = send(clip(options), { seconds: 8 })
    expect(readBack(units)).toEqual(lengthsAndMedia(units))
    for (let i = 1; i < units.length; i += 1) {
      expect(readBack(units.slice(i))).toEqual(lengthsAndMedia(units).slice(i))
    }
  }
})

test('leaves its own output as it is when it comes in again at the pace of its own clock', () => {
  const out = joined(send(clip(plain), { seconds: 8 }))
  const again = sendPaced(frameParts(out), (part) => part.dtsMs)
  expect(Buffer.from(joined(again.units)).equals(out)).toBe(true)
})

test('gives the same units however the bytes are cut into reads (30 seeds and single bytes)', () => {
  const bytes = concat([clip({ ...withAudio, seconds: 4 }), Uint8Array.of(0x47, 1, 2), clip({ ...plain, seconds: 4 })])
  const arrivalMs = (): number => 20_000
  const whole = summaryOf(send(bytes, { arrivalMs, pieceBytes: () => bytes.length }))
  expect(whole.length).toBeGreaterThan(6)
  for (let seed = 0; seed <= 30; seed += 1) {
    const random = seededRandom(seed)
    const most = seed === 0 ? 1 : 1 + Math.floor(random.fraction() * 2_000)
    const units = send(bytes, { arrivalMs, pieceBytes: () => 1 + Math.floor(random.fraction() * most) })
    expect(summaryOf(units), `SEED=${seed}`).toEqual(whole)
  }
})

test('gives every unit a PAT, a PMT and then its keyframe, where the camera sends tables only once', () => {
  const packets = packetsOf(clip(plain))
  const first = packets.findIndex((packet) => isFrameStart(packet))
  const bare = concat(packets.filter((packet, index) => index < first || !isTable(packet)))
  const units = send(bare, { seconds: 8 })
  expect(units.length).toBe(8)
  for (const { unit } of units.slice(1)) {
    const [pat, pmt, key] = packetsOf(unit.bytes)
    expect([pat, pmt, key].map((packet) => pidOf(packet ?? new Uint8Array(4)))).toEqual([0, 0x1000, videoPid])
  }
  expect(decodedFrames(joined(units))).toEqual(decodedFrames(bare))
  expect(decodedFrames(joined(units.slice(3))).length).toBe(125)
  expect(readBack(units)).toEqual(lengthsAndMedia(units))
})

test('inserts tables that were in force when the frame came, not newer ones', () => {
  const one = packetsOf(clip(plain))
  const tables = one.slice(0, 20).filter((packet) => isTable(packet))
  const first = one.findIndex((packet) => isFrameStart(packet))
  const bare = one.filter((packet, index) => index < first || !isTable(packet))
  const units = send(concat(bare.flatMap((packet, index) => (index % 50 === 49 ? [packet, ...tables] : [packet]))))
  expect(readBack(units)).toEqual(lengthsAndMedia(units))
  expect(codedFrames(joined(units)).length).toBe(200)
})

test('finds keyframes by their NAL units where random_access_indicator is missing', () => {
  for (const options of [plain, reordered]) {
    const bytes = clip(options)
    const stripped = concat(
      packetsOf(bytes).map((packet) => {
        if (((packet[3] ?? 0) & 0x20) !== 0 && (packet[4] ?? 0) > 0) packet[5] = (packet[5] ?? 0) & ~0x40
        return packet
      }),
    )
    const cuts = (units: ReturnType<typeof send>): unknown => lengthsAndMedia(units)
    expect(cuts(send(stripped, { seconds: 8 }))).toEqual(cuts(send(bytes, { seconds: 8 })))
  }
})

test('moves all stamps of a run by the same number of ticks: video, audio and PCR', () => {
  const bytes = clip({ ...withAudio, bFrames: 2 })
  const out = joined(send(bytes, { seconds: 8 }))
  const before = stampsOf(bytes)
  const after = stampsOf(out)
  // The input has no bytes before its first keyframe but tables, so the packets correspond.
  expect(after.length).toBeGreaterThan(before.length - 3)
  const deltas = new Set(after.map((stamp, index) => (stamp.ticks - (before[index]?.ticks ?? 0) + 2 ** 33) % 2 ** 33))
  expect(deltas.size).toBe(1)
  expect(new Set(after.map((stamp) => stamp.kind))).toEqual(new Set(['pcr', 'pts', 'dts']))
})

interface Stamp {
  readonly kind: 'pcr' | 'pts' | 'dts'
  readonly ticks: number
}

/** Read on the test's own account; what is not a packet's PCR, PTS or DTS is left out. */
function stampsOf(bytes: Uint8Array): Stamp[] {
  const stamps: Stamp[] = []
  for (const packet of packetsOf(bytes)) {
    const [, , , control = 0, length = 0, flags = 0, ...rest] = packet
    if ((control & 0x20) !== 0 && length >= 7 && (flags & 0x10) !== 0) {
      const [a = 0, b = 0, c = 0, d = 0, e = 0] = rest
      stamps.push({ kind: 'pcr', ticks: a * 2 ** 25 + b * 2 ** 17 + c * 2 ** 9 + d * 2 + (e >> 7) })
    }
    if (isTable(packet) || ((packet[1] ?? 0) & 0x40) === 0) continue
    const at = (control & 0x20) !== 0 ? 5 + length : 4
    const both = (packet[at + 7] ?? 0) >> 6 === 3
    const dts = dtsOf(packet)
    if (dts !== undefined) stamps.push({ kind: both ? 'dts' : 'pts', ticks: dts })
  }
  return stamps
}

test('goes on over the wrap of the 33-bit stamps, of the camera and of the boot clock', () => {
  const wrapMs = 2 ** 33 / 90
  const parts = frameParts(clip({ ...plain, offsetS: Math.floor(wrapMs / 1000) - 4 }))
  expect(parts.length).toBe(200)
  const first = parts[0]?.dtsMs ?? 0
  for (const start of [50_000, wrapMs - 3_500, 3 * wrapMs - 5_000]) {
    const { units } = sendPaced(parts, (part) => start + part.dtsMs - first)
    expect(units.length).toBe(8)
    for (const [index, { unit, startMonoMs }] of units.entries()) {
      expect(unit.media.durationTicks).toBe(90_000)
      expect(unit.media.discontinuity).toBe(index === 0)
      expect(Math.abs(startMonoMs - (start + index * 1000))).toBeLessThan(0.02)
      expect(unit.media.firstPts).toBe(Math.round(startMonoMs * 90) % 2 ** 33)
    }
    expect(readBack(units)).toEqual(lengthsAndMedia(units))
  }
})

test('gives the last unit the time of its own frames, a single frame 1/30 s', () => {
  const parts = frameParts(clip(plain))
  const { units } = sendPaced(parts.slice(0, 40), (part) => 10_000 + part.dtsMs)
  expect(units.map((each) => each.unit.media.durationTicks)).toEqual([90_000, 15 * 3_600])
  const lone = sendPaced(parts.slice(0, 26), (part) => 10_000 + part.dtsMs)
  expect(lone.units.map((each) => each.unit.media.durationTicks)).toEqual([90_000, 3_000])
})

test('drops a torn frame, tables and fragments at the end', () => {
  const parts = frameParts(clip(plain))
  const start = concat(parts.slice(0, 30).map((part) => part.bytes))
  const next = parts[50]?.bytes ?? start
  const whole = joined(send(start))
  const keyframe = packetsOf(next)
  expect(keyframe.length).toBeGreaterThan(20)
  for (const tail of [next.subarray(0, 188 * 2), next.subarray(0, 188 * 2 + 100), next.subarray(0, 188 * 12)]) {
    expect(Buffer.from(joined(send(concat([start, tail])))).equals(whole)).toBe(true)
  }
  expect(codedFrames(whole).length).toBe(30)
})

test('marks the beginning of a run so that ffmpeg sees no damage there, with and without a place for the mark', () => {
  const bytes = clip(plain)
  for (const source of [bytes, bareStream(bytes)]) {
    const one = send(source.subarray(0, 188 * 500), { seconds: 2 })
    const two = send(source, { seconds: 8, arrivalMs: (at) => 20_000 + (at / source.length) * 8_000 })
    const both = joined([...one, ...two])
    expect(corruptPackets(both)).toBe(0)
    expect(readBack([...one, ...two])).toEqual(lengthsAndMedia([...one, ...two]))
    // The check sees what it should: the same without the mark.
    const [first] = two
    const unmarked = concat(
      packetsOf(first?.unit.bytes ?? both)
        .filter((packet) => packet[5] !== 0x80 || packet[4] !== 183)
        .map((packet) => (((packet[3] ?? 0) & 0x20) !== 0 ? packet.with(5, (packet[5] ?? 0) & 0x7f) : packet)),
    )
    expect(corruptPackets(concat([joined(one), unmarked]))).toBe(1)
  }
})

test('makes the same of a stream without PCR, flags or adaptation fields, and of tables that come once', () => {
  for (const options of [plain, reordered]) {
    const bytes = clip(options)
    const units = send(bareStream(bytes), { seconds: 8 })
    const media = lengthsAndMedia(units).map((each) => ({ ...each.media, firstPts: 0 }))
    expect(media).toEqual(lengthsAndMedia(send(bytes, { seconds: 8 })).map((each) => ({ ...each.media, firstPts: 0 })))
    expect(decodedFrames(joined(units))).toEqual(decodedFrames(bytes))
    expect(readBack(units)).toEqual(lengthsAndMedia(units))
  }
})

test('goes on at the first packet after bytes that only look like some', () => {
  const bytes = clip(plain)
  const stray = new Uint8Array(200)
  stray[1] = 0x47
  stray[189] = 0x47
  const at = 188 * 400
  expect(bytes[at + 177]).not.toBe(0x47)
  const torn = concat([bytes.subarray(0, at), stray, bytes.subarray(at)])
  const arrivalMs = (): number => 20_000
  expect(summaryOf(send(torn, { arrivalMs }))).toEqual(summaryOf(send(bytes, { arrivalMs })))
})

test('does not believe a program map with a wrong checksum', () => {
  const packets = packetsOf(clip(plain))
  const map = packets.find((packet) => pidOf(packet) === 0x1000) ?? new Uint8Array(188)
  // The first stream's PID, 0x100, becomes 0x101.
  const wrong = map.with(5 + 12 + 2, 0x01)
  const bytes = concat(packets.flatMap((packet) => (pidOf(packet) === 0x1000 ? [packet, wrong] : [packet])))
  expect(codedFrames(joined(send(bytes, { seconds: 8 })))).toEqual(codedFrames(concat(packets)))
})

test('takes out the discontinuity bits that the camera sets itself: they are ours to say where a run begins', () => {
  const bytes = clip(plain)
  const marked = concat(
    packetsOf(bytes).map((packet) =>
      ((packet[3] ?? 0) & 0x20) !== 0 && (packet[4] ?? 0) > 0 ? packet.with(5, (packet[5] ?? 0) | 0x80) : packet,
    ),
  )
  expect(summaryOf(send(marked, { seconds: 8 }))).toEqual(summaryOf(send(bytes, { seconds: 8 })))
})
