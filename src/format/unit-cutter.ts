/**
 * Where does a unit begin? Takes the bytes of an MPEG-TS stream and cuts them into units: at each keyframe, moved back
 * over the tables directly before it; where a GOP grows longer than the longest unit, or larger than a unit may be, at
 * a frame; and where a run begins. Everything else travels with the unit that is open when it comes.
 *
 * It depends on the stream's bytes from any unit's start alone: `capture` cuts what a camera sends and completes the
 * beginning of each unit, `read` cuts the result again into the same units. In `capture` the marks of a run's beginning
 * (discontinuity bits) are ours to set, and time stamps decide where one must begin; in `read` the marks say it.
 *
 * Memory is bounded by `limits.unitBytesMax`: what does not fit before the next frame begins is dropped. Packets that
 * their sender marked as damaged, scrambled ones, and video packets with a broken PES header are dropped too. A dropped
 * packet counts as one that was never sent.
 */
import { limits } from '../base/limits.ts'
import { FrameHead } from './h264.ts'
import { type FrameTime, InputClock } from './input-clock.ts'
import { Lead } from './lead.ts'
import { type CutUnit, OpenUnit, type UnitBegin } from './open-unit.ts'
import { PacketFinder } from './packet-finder.ts'
import { Program, type ProgramVideo } from './program.ts'
import * as ts from './ts-packet.ts'
import { type Ticks, ticksBetween, ticksPerSecond } from './unit.ts'
import { UnitBuffer } from './unit-buffer.ts'

/** A unit is cut at the first frame after this: what is left takes a frame of 4 MiB, several times any real one. */
const cutBytes = limits.unitBytesMax - 4 * 1024 * 1024
/** An HLS entry may be this much longer than the target duration: it counts rounded. Source: RFC 8216, 4.3.3.1. */
const roundingTicks = ticksPerSecond / 2

export interface CutterOptions {
  readonly mode: 'capture' | 'read'
  readonly longestTicks: Ticks
  /** A unit begins, which ends the one before it. `true` makes it the first of a run; heeded in `capture` only. */
  readonly onBegin: (next: UnitBegin, ended: CutUnit | undefined) => boolean
}

/** The last frame that began, at its position in the buffer. */
interface Frame {
  at: number
  leadAt: number
  tailAt: number
  readonly leadIsWhole: boolean
  readonly pts: Ticks
  readonly dts: Ticks
  readonly isMarked: boolean
  readonly isRandomAccess: boolean
  readonly arrival: number
}

export class UnitCutter {
  readonly #isCapture: boolean
  readonly #onBegin: CutterOptions['onBegin']
  readonly #finder = new PacketFinder((bytes, from, to) => this.#takePackets(bytes, from, to))
  readonly #program = new Program()
  readonly #clock = new InputClock()
  readonly #head = new FrameHead()
  readonly #pes = ts.emptyPesHeader()
  readonly #buffer = new UnitBuffer()
  readonly #lead = new Lead()
  #longestTicks: Ticks
  #arrival = 0
  #unit: OpenUnit | undefined
  #frame: Frame | undefined
  /** What stands before the last frame's first slice is not known yet, so neither is whether a unit begins with it. */
  #isPending = false

  constructor(options: CutterOptions) {
    this.#isCapture = options.mode === 'capture'
    this.#longestTicks = options.longestTicks
    this.#onBegin = options.onBegin
  }

  get video(): ProgramVideo {
    return this.#program.video
  }

  /** Bytes since the last packet that belong to none. */
  get strayBytes(): number {
    return this.#finder.strayBytes
  }

  /** Bytes at the end that are no whole packet. */
  get restBytes(): number {
    return this.#finder.heldBytes
  }

  get bufferedBytes(): number {
    return this.#buffer.length
  }

  get open(): OpenUnit | undefined {
    return this.#unit
  }

  /** DTS of the last frame, without the wrap. */
  get dtsTotal(): number {
    return this.#clock.total
  }

  /** From the next frame on. */
  setLongest(ticks: Ticks): void {
    this.#longestTicks = ticks
  }

  /** @param arrival when the bytes were read, in ticks of the recorder's clock */
  push(bytes: Uint8Array, arrival: number): void {
    this.#arrival = arrival
    this.#finder.push(bytes)
  }

  /**
   * Nothing follows. `capture` gives the last unit without its last frame, unless that is known to be whole, and without
   * the tables behind it; `read` gives it as it is.
   */
  end(): CutUnit | undefined {
    const isWhole = !this.#isCapture || this.#dropTorn()
    const unit = this.#unit
    this.#unit = undefined
    return isWhole && unit !== undefined ? unit.close(this.#buffer.split(this.#buffer.length)) : undefined
  }

  #takePackets(bytes: Uint8Array, from: number, to: number): void {
    let copyFrom = from
    let insideTo = this.#insideTo(from, to)
    let videoPid = this.#program.videoPid
    for (let at = from; at < to; at += ts.packetBytes) {
      if (at < insideTo && ts.isInside(bytes, at, videoPid)) continue
      this.#buffer.append(bytes, copyFrom, at)
      copyFrom = this.#takePacket(bytes, at) ? at : at + ts.packetBytes
      videoPid = this.#program.videoPid
      insideTo = this.#insideTo(copyFrom, to)
    }
    this.#buffer.append(bytes, copyFrom, to)
  }

  /** Up to where packets from the inside of a frame need no closer look. */
  #insideTo(from: number, to: number): number {
    if (this.#unit === undefined || this.#isPending || this.#lead.isOpen) return -1
    return Math.min(to, from + limits.unitBytesMax - this.#buffer.length - ts.packetBytes)
  }

  /** True if the packet is to be appended as it is; false if it is dropped, or in the buffer already. */
  #takePacket(bytes: Uint8Array, at: number): boolean {
    if (ts.isUnusable(bytes, at)) return false
    const pid = ts.pidAt(bytes, at)
    if ((pid < ts.firstMediaPid && pid !== this.#program.videoPid) || pid === this.#program.pmtPid) {
      this.#joinLead()
      this.#program.feed(pid, bytes, at)
      return true
    }
    if (pid !== this.#program.videoPid) return this.#takeTraveller(bytes, at)
    if (!ts.hasPayload(bytes, at)) return this.#takeTiming(bytes, at)
    return this.#takeVideo(bytes, at)
  }

  /** A packet of another stream, or the inside of a frame: belongs to the open unit, if there is one and it has room. */
  #mayTravel(): boolean {
    if (this.#unit === undefined && !this.#isPending && this.#isCapture) {
      this.#buffer.cutTail(0)
      this.#lead.leave()
      return false
    }
    return this.#buffer.length < limits.unitBytesMax
  }

  #takeTraveller(bytes: Uint8Array, at: number): boolean {
    if (!this.#mayTravel()) return false
    this.#lead.leave()
    const payload = ts.payloadAt(bytes, at)
    const hasStamps = ts.startsPayload(bytes, at) && ts.readPesHeader(bytes, payload, at + ts.packetBytes, this.#pes)
    this.#markStamps(bytes, at, hasStamps)
    return true
  }

  /** A video packet without payload belongs to the lead. */
  #takeTiming(bytes: Uint8Array, at: number): boolean {
    this.#joinLead()
    this.#markStamps(bytes, at, false)
    return !this.#appendMarked(bytes, at)
  }

  #takeVideo(bytes: Uint8Array, at: number): boolean {
    const pes = this.#pes
    const starts = ts.startsPayload(bytes, at)
    const end = at + ts.packetBytes
    const payload = ts.payloadAt(bytes, at)
    if (starts) {
      if (!ts.readPesHeader(bytes, payload, end, pes)) return false
      // The same stamps again are another slice of the frame, or its packet sent twice.
      const isSame = this.#frame?.pts === pes.pts && this.#frame.dts === pes.dts
      if (pes.pts !== -1 && !isSame) {
        this.#beginFrame(bytes, at)
        return false
      }
    }
    if (!this.#isPending && !this.#mayTravel()) return false
    this.#lead.leave()
    this.#markStamps(bytes, at, starts)
    if (!this.#appendMarked(bytes, at)) {
      if (!this.#isPending) return true
      this.#buffer.append(bytes, at, end)
    }
    if (this.#isPending && this.#head.feed(bytes, starts ? Math.min(pes.dataAt, end) : payload, end)) this.#decide()
    return false
  }

  #beginFrame(bytes: Uint8Array, at: number): void {
    if (this.#isPending) this.#decide()
    const pes = this.#pes
    const end = at + ts.packetBytes
    const start = this.#buffer.length
    const flags = ts.adaptationFlags(bytes, at)
    this.#frame = {
      at: start,
      leadAt: this.#lead.at(start),
      tailAt: this.#lead.tail(start),
      leadIsWhole: this.#lead.isOpen && this.#program.leadIsWhole,
      pts: pes.pts,
      dts: pes.dts,
      isMarked: this.#lead.isMarked || (flags & ts.discontinuityFlag) !== 0,
      isRandomAccess: (flags & ts.randomAccessFlag) !== 0,
      arrival: this.#arrival,
    }
    this.#lead.leave()
    this.#markStamps(bytes, at, true)
    if (!this.#appendMarked(bytes, at)) this.#buffer.append(bytes, at, end)
    this.#head.begin()
    this.#isPending = true
    if (this.#head.feed(bytes, Math.min(pes.dataAt, end), end)) this.#decide()
  }

  #joinLead(): void {
    const end = this.#buffer.length
    const before = this.#lead.at(end)
    if (!this.#lead.join(end)) return
    this.#program.beginLead()
    const isUseless = this.#unit === undefined || end >= limits.unitBytesMax
    if (before === end || !this.#isCapture || !isUseless) return
    this.#buffer.cutTail(before)
    this.#lead.leave()
    this.#lead.join(before)
  }

  #markStamps(bytes: Uint8Array, at: number, hasPes: boolean): void {
    const by = this.#buffer.length - at
    const pcr = ts.pcrAt(bytes, at)
    if (pcr !== -1) this.#buffer.markPcr(pcr + by)
    if (!hasPes) return
    if (this.#pes.ptsAt !== -1) this.#buffer.markStamp(this.#pes.ptsAt + by)
    if (this.#pes.dtsAt !== -1) this.#buffer.markStamp(this.#pes.dtsAt + by)
  }

  /** Appends a video packet that carries a discontinuity bit; true if it did. In `capture` the bit is taken out. */
  #appendMarked(bytes: Uint8Array, at: number): boolean {
    const flags = ts.flagsAt(bytes, at)
    if (flags === -1 || (ts.u8(bytes, flags) & ts.discontinuityFlag) === 0) return false
    const flagsHere = flags - at + this.#buffer.length
    this.#buffer.append(bytes, at, at + ts.packetBytes)
    if (this.#isCapture) this.#buffer.bytes[flagsHere] = ts.u8(bytes, flags) & ~ts.discontinuityFlag
    else this.#lead.mark()
    return true
  }

  /** All that is needed is known of the last frame: does a unit begin with it? */
  #decide(): void {
    this.#isPending = false
    const frame = this.#frame
    if (frame === undefined) return
    const time = this.#clock.take(frame.pts, frame.dts)
    const isKeyframe = frame.isRandomAccess || this.#head.isKey
    const unit = this.#unit
    if (unit === undefined) {
      if (isKeyframe || !this.#isCapture) this.#begin(frame, time, { isKeyframe, isForced: true })
      else {
        const kept = this.#lead.at(this.#buffer.length)
        this.#buffer.dropHead(kept)
        this.#lead.shift(kept)
        this.#frame = undefined
      }
      return
    }
    const begins = isKeyframe || this.#isTooLong(unit, time) || frame.leadAt >= cutBytes
    // A unit that began no later than the one before it would give that one no duration.
    const isBack = begins && ticksBetween(unit.begin.pts, frame.pts) <= 0
    const isForced = this.#isCapture ? time.isJump || isBack : frame.isMarked
    if (begins || isForced) this.#begin(frame, time, { isKeyframe, isForced })
    else unit.add(frame.pts, frame.arrival - time.total)
  }

  /** Of all frames, the one nearest to the longest duration begins a unit, or one before it, if that rounds up. */
  #isTooLong(unit: OpenUnit, time: FrameTime): boolean {
    const step = Math.max(0, time.step)
    const nearEnough = Math.max(step / 2, step - roundingTicks)
    return time.total - unit.begin.dtsTotal >= this.#longestTicks - nearEnough
  }

  #begin(frame: Frame, time: FrameTime, kind: { readonly isKeyframe: boolean; readonly isForced: boolean }): void {
    let ended: CutUnit | undefined
    const cutAt = this.#unit === undefined && !this.#isCapture ? 0 : frame.leadAt
    if (this.#unit === undefined) this.#buffer.dropHead(cutAt)
    else ended = this.#unit.close(this.#buffer.split(cutAt))
    this.#lead.shift(cutAt)
    frame.at -= cutAt
    frame.leadAt = 0
    frame.tailAt = 0
    const begin: UnitBegin = {
      pts: frame.pts,
      dts: frame.dts,
      dtsTotal: time.total,
      ...kind,
      isForced: this.#isCapture ? kind.isForced : frame.isMarked,
      size: this.#head.size,
      arrival: frame.arrival,
    }
    const startsRun = this.#onBegin(begin, ended)
    if (this.#isCapture) this.#completeStart(frame, startsRun)
    this.#unit = new OpenUnit(begin)
  }

  /** Gives a unit's beginning what it lacks: tables, and the mark of a run's first unit. */
  #completeStart(frame: Frame, startsRun: boolean): void {
    if (!frame.leadIsWhole) {
      const copies = this.#program.copies()
      this.#insert(frame, copies)
    }
    if (!startsRun) return
    const bytes = this.#buffer.bytes
    const flags = ts.flagsAt(bytes, frame.at)
    if (flags !== -1) bytes[flags] = ts.u8(bytes, flags) | ts.discontinuityFlag
    else this.#insert(frame, ts.discontinuityPacket(bytes, frame.at))
  }

  #insert(frame: Frame, packets: Uint8Array): void {
    this.#buffer.insert(frame.at, packets)
    this.#lead.shift(-packets.length)
    frame.at += packets.length
  }

  /** Takes away what may be a torn frame at the end, and tables behind the last frame. False if nothing is left. */
  #dropTorn(): boolean {
    const frame = this.#frame
    if (frame === undefined) return false
    const end = this.#buffer.length
    if (ts.isWholeFrame(this.#buffer.bytes, { from: frame.at, to: end }, this.#program.videoPid)) {
      this.#buffer.cutTail(this.#lead.tail(end))
      this.#lead.leave()
      if (this.#isPending) this.#decide()
      return true
    }
    this.#buffer.cutTail(frame.tailAt)
    return this.#isPending || (this.#unit?.takeBack() ?? false)
  }
}
