/**
 * Where does a unit begin? Takes the bytes of an MPEG-TS stream and cuts them into units: at each keyframe, moved back
 * over the tables directly before it; where a GOP grows longer than the longest unit, or larger than a unit may be, at
 * a frame; and where a run begins. Everything else travels with the unit that is open when it comes.
 *
 * It depends on the stream's bytes from any unit's start alone: `capture` cuts what a camera sends and completes the
 * beginning of each unit, `read` cuts the result again into the same units. In `capture` the marks of a run's beginning
 * (discontinuity bits) are ours to set, and time stamps decide where one must begin; in `read` the marks say it.
 *
 * Memory is bounded by `limits.unitBytesMax`: what does not fit before the next frame begins is dropped. So are packets
 * that their sender marked as damaged, scrambled ones, and video with a broken PES header: as if they were never sent.
 */
import { limits } from '../base/limits.ts'
import { completeStart, type FrameStart, mustCut } from './frame-start.ts'
import { FrameHead } from './h264.ts'
import { type FrameTime, InputClock } from './input-clock.ts'
import { Lead } from './lead.ts'
import { type CutterOptions, type CutUnit, OpenUnit, type UnitBegin } from './open-unit.ts'
import { PacketFinder, type StrayBytes } from './packet-finder.ts'
import { Program, type ProgramVideo } from './program.ts'
import * as ts from './ts-packet.ts'
import { type Ticks, ticksBetween } from './unit.ts'
import { UnitBuffer } from './unit-buffer.ts'

export class UnitCutter {
  readonly #isCapture: boolean
  readonly #isVideoOnly: boolean
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
  #frame: FrameStart | undefined
  /** The last frame is not whole yet. Only then a unit may begin with it: a torn one would leave a unit without frames. */
  #isPending = false
  /** What stands before the last frame's first slice is not known yet. */
  #isHeadOpen = false

  constructor(options: CutterOptions) {
    this.#isCapture = options.mode === 'capture'
    this.#isVideoOnly = options.isVideoOnly === true
    this.#longestTicks = options.longestTicks
    this.#onBegin = options.onBegin
  }

  get video(): ProgramVideo {
    return this.#program.video
  }

  /** Bytes that belong to no packet: since the last packet, and in all. */
  get stray(): StrayBytes {
    return this.#finder.stray
  }

  /** Bytes at the end that are no whole packet. */
  get restBytes(): number {
    return this.#finder.heldBytes
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
    if (this.#isCapture) this.#dropTorn()
    if (this.#isPending) this.#decide()
    const unit = this.#unit
    this.#unit = undefined
    return unit?.close(this.#buffer.split(this.#buffer.length))
  }

  #dropTorn(): void {
    const to = this.#buffer.length
    const frame = this.#isPending ? this.#frame : undefined
    const isTorn = frame && !ts.isWholeFrame(this.#buffer.bytes, { from: frame.at, to }, frame.videoPid)
    this.#buffer.cutTail(isTorn ? frame.tailAt : this.#lead.tail(to))
    if (isTorn) this.#isPending = false
    this.#lead.leave()
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
    const isAway = this.#unit === undefined && !this.#isPending
    if (isAway || this.#isHeadOpen || this.#lead.isOpen) return -1
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
      if (this.#buffer.length > 0) this.#buffer.cutTail(0)
      this.#lead.leave()
      return false
    }
    return this.#buffer.length <= limits.unitBytesMax - ts.packetBytes
  }

  #takeTraveller(bytes: Uint8Array, at: number): boolean {
    // A packet without payload carries the clock (PCR), whatever its stream.
    if ((this.#isVideoOnly && ts.hasPayload(bytes, at)) || !this.#mayTravel()) return false
    this.#lead.leave()
    const payload = ts.payloadAt(bytes, at)
    const hasStamps = ts.startsPayload(bytes, at) && ts.readPesHeader(bytes, payload, at + ts.packetBytes, this.#pes)
    this.#buffer.markPacket(bytes, at, hasStamps ? this.#pes : undefined)
    return true
  }

  /** A video packet without payload belongs to the lead. */
  #takeTiming(bytes: Uint8Array, at: number): boolean {
    this.#joinLead()
    this.#buffer.markPacket(bytes, at, undefined)
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
      if (pes.pts !== -1 && !isSame) return this.#beginFrame(bytes, at)
    }
    if (!this.#isHeadOpen && !this.#mayTravel()) return false
    this.#lead.leave()
    this.#buffer.markPacket(bytes, at, starts ? pes : undefined)
    const isAppended = this.#appendMarked(bytes, at)
    if (!this.#isHeadOpen) return !isAppended
    if (!isAppended) this.#buffer.append(bytes, at, end)
    this.#feedHead(bytes, starts ? pes.dataAt : payload, end)
    return false
  }

  #beginFrame(bytes: Uint8Array, at: number): false {
    if (this.#isPending) this.#decide()
    const pes = this.#pes
    const end = at + ts.packetBytes
    const start = this.#buffer.length
    const flags = ts.adaptationFlags(bytes, at)
    this.#frame = {
      at: start,
      leadAt: this.#lead.at(start),
      tailAt: this.#lead.tail(start),
      missingTables: this.#lead.isOpen && this.#program.leadIsWhole ? [] : this.#program.tables,
      videoPid: this.#program.videoPid,
      pts: pes.pts,
      dts: pes.dts,
      isMarked: this.#lead.isMarked || (flags & ts.discontinuityFlag) !== 0,
      isRandomAccess: (flags & ts.randomAccessFlag) !== 0,
      arrival: this.#arrival,
    }
    this.#lead.leave()
    this.#buffer.markPacket(bytes, at, pes)
    if (!this.#appendMarked(bytes, at)) this.#buffer.append(bytes, at, end)
    this.#head.begin()
    this.#isPending = true
    this.#isHeadOpen = true
    this.#feedHead(bytes, pes.dataAt, end)
    return false
  }

  #feedHead(bytes: Uint8Array, from: number, end: number): void {
    this.#isHeadOpen = !this.#head.feed(bytes, Math.min(from, end), end)
    const isWanted = this.#unit !== undefined || !this.#isCapture || this.#frame?.isRandomAccess || this.#head.isKey
    if (!this.#isHeadOpen && !isWanted) this.#decide()
  }

  #joinLead(): void {
    const end = this.#buffer.length
    const before = this.#lead.at(end)
    if (!this.#lead.join(end)) return
    this.#program.beginLead()
    const isUseless = this.#unit === undefined || end > limits.unitBytesMax - ts.packetBytes
    if (before === end || !this.#isCapture || !isUseless) return
    this.#buffer.cutTail(before)
    this.#lead.leave()
    this.#lead.join(before)
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

  /** The last frame is whole, or not wanted: does a unit begin with it? */
  #decide(): void {
    this.#isPending = false
    this.#isHeadOpen = false
    const frame = this.#frame
    if (frame === undefined) return
    const time = this.#clock.take(frame.pts, frame.dts)
    const isKeyframe = frame.isRandomAccess || this.#head.isKey
    const unit = this.#unit
    if (unit === undefined) {
      if (isKeyframe || !this.#isCapture) this.#begin(frame, time, { isKeyframe, isForced: true })
      else this.#forgetFrame()
      return
    }
    const unitTicks = time.total - unit.begin.dtsTotal
    const begins = isKeyframe || mustCut(frame, time, unitTicks, this.#longestTicks)
    // A unit that began no later than the one before it would give that one no duration.
    const isBack = begins && ticksBetween(unit.begin.pts, frame.pts) <= 0
    const isForced = this.#isCapture ? time.isJump || isBack : frame.isMarked
    if (begins || isForced) this.#begin(frame, time, { isKeyframe, isForced })
    else unit.add(frame.pts, frame.arrival - time.total)
  }

  /** Before the first keyframe nothing is kept, but tables that may belong to it. */
  #forgetFrame(): void {
    const kept = this.#lead.at(this.#buffer.length)
    this.#buffer.dropHead(kept)
    this.#lead.shift(kept)
    this.#frame = undefined
  }

  #begin(frame: FrameStart, time: FrameTime, kind: { readonly isKeyframe: boolean; readonly isForced: boolean }): void {
    const cutAt = this.#unit === undefined && !this.#isCapture ? 0 : frame.leadAt
    const ended = this.#unit?.close(this.#buffer.split(cutAt))
    if (ended === undefined) this.#buffer.dropHead(cutAt)
    this.#lead.shift(cutAt)
    const begin: UnitBegin = {
      pts: frame.pts,
      dts: frame.dts,
      dtsTotal: time.total,
      isKeyframe: kind.isKeyframe,
      isForced: this.#isCapture ? kind.isForced : frame.isMarked,
      size: this.#head.size,
      arrival: frame.arrival,
    }
    const startsRun = this.#onBegin(begin, ended)
    if (this.#isCapture) this.#lead.shift(-completeStart(this.#buffer, frame, frame.at - cutAt, startsRun))
    this.#unit = new OpenUnit(begin)
  }
}
