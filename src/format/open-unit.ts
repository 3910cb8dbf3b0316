/** The unit that is being gathered: what its frames say about its times. Its bytes are in `unit-buffer.ts`. */
import type { PictureSize } from './h264.ts'
import { type Ticks, ticksBetween, ticksPerSecond } from './unit.ts'
import type { GatheredBytes, StampMark } from './unit-buffer.ts'

/** A unit's duration where it holds one frame only: 1/30 s. */
const loneFrameTicks = ticksPerSecond / 30

export interface UnitBegin {
  readonly pts: Ticks
  readonly dts: Ticks
  /** DTS without the 33-bit wrap. */
  readonly dtsTotal: number
  readonly isKeyframe: boolean
  /** `capture`: the stamps jump here, so a run must begin. `read`: one does. */
  readonly isForced: boolean
  /** From the frame's own parameter set, if it has one. */
  readonly size: PictureSize | undefined
  /** When its first packet came, in ticks of the recorder's clock. */
  readonly arrival: number
}

export interface CutUnit {
  readonly begin: UnitBegin
  readonly bytes: Uint8Array
  readonly stamps: readonly StampMark[]
  readonly frames: number
  /** What it lasts if nothing follows: last PTS - first PTS + the last frame interval; one frame: 1/30 s. */
  readonly ticksAlone: Ticks
  /** The least (arrival - DTS) of its frames, DTS without the wrap. */
  readonly leastDelay: number
}

/** How a stream is cut into units (`unit-cutter.ts`). */
export interface CutterOptions {
  readonly mode: 'capture' | 'read'
  readonly longestTicks: Ticks
  /** Drops what is neither video nor tables: sound, subtitles, stuffing. */
  readonly isVideoOnly?: boolean
  /** A unit begins, which ends the one before it. `true` makes it the first of a run; heeded in `capture` only. */
  readonly onBegin: (next: UnitBegin, ended: CutUnit | undefined) => boolean
}

/** Ticks from the unit's first PTS to its greatest and its second greatest (-1: there is none). */
interface Spans {
  readonly frames: number
  readonly last: Ticks
  readonly secondLast: Ticks
}

export class OpenUnit {
  readonly begin: UnitBegin
  #spans: Spans = { frames: 1, last: 0, secondLast: -1 }
  #leastDelay: number

  constructor(begin: UnitBegin) {
    this.begin = begin
    this.#leastDelay = begin.arrival - begin.dtsTotal
  }

  get leastDelay(): number {
    return this.#leastDelay
  }

  add(pts: Ticks, delay: number): void {
    const span = ticksBetween(this.begin.pts, pts)
    const { frames, last, secondLast } = this.#spans
    if (span > last) this.#spans = { frames: frames + 1, last: span, secondLast: last }
    else if (span < last && span > secondLast) this.#spans = { frames: frames + 1, last, secondLast: span }
    else this.#spans = { frames: frames + 1, last, secondLast }
    if (delay < this.#leastDelay) this.#leastDelay = delay
  }

  close({ bytes, stamps }: GatheredBytes): CutUnit {
    const { frames, last, secondLast } = this.#spans
    const ticksAlone = secondLast === -1 ? loneFrameTicks : last + (last - secondLast)
    return { begin: this.begin, bytes, stamps, frames, ticksAlone, leastDelay: this.#leastDelay }
  }
}
