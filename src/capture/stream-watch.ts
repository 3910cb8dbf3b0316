/**
 * What is to be seen of a camera's stream from outside: how much came and when, how long its GOPs are, and whether it
 * can ever give footage. The supervisor decides by it; nothing here changes a byte.
 */
import { type MonoMs, monoMs } from '../base/clock.ts'
import { limits } from '../base/limits.ts'
import type { CutUnit, UnitBegin } from '../format/open-unit.ts'
import type { StrayBytes } from '../format/packet-finder.ts'
import type { ProgramVideo } from '../format/program.ts'
import { type Ticks, ticksPerMs, ticksPerSecond } from '../format/unit.ts'
import type { RunProblem, RunState } from './camera-run.ts'

/**
 * A camera sends its program map several times a second. Without one that has video, for this long or in this many bytes,
 * none will come. A process that has only said a few words may still be starting.
 */
const noVideoMs = 10_000
const noVideoBytesMin = 64 * 1024
const noVideoBytesMax = 4 * 1024 * 1024

interface Gop {
  readonly ticks: Ticks
  readonly frames: number
  readonly bytes: number
}

const emptyGop: Gop = { ticks: 0, frames: 0, bytes: 0 }

export class StreamWatch {
  #bytes = 0
  #lastByteAt: MonoMs | undefined
  #lastKeyframeAt: MonoMs | undefined
  #problem: RunProblem | undefined
  #codec: string | undefined
  #gop: Gop | undefined
  #openGop: Gop | undefined
  /** When H.264 was last announced; before that, when the first byte came. */
  #videoSeenAt: MonoMs | undefined
  #videoSeenBytes = 0

  get problem(): RunProblem | undefined {
    return this.#problem
  }

  takeBytes(count: number, now: MonoMs): void {
    this.#bytes += count
    this.#lastByteAt = now
    this.#videoSeenAt ??= now
  }

  /** A unit begins. Returns the length of the GOP that is whole with it, if one is. */
  takeUnit(next: UnitBegin, ended: CutUnit | undefined): Ticks | undefined {
    if (ended !== undefined && this.#openGop !== undefined) {
      const { ticks, frames, bytes } = this.#openGop
      const length = next.isForced ? ended.ticksAlone : next.dtsTotal - ended.begin.dtsTotal
      this.#openGop = { ticks: ticks + length, frames: frames + ended.frames, bytes: bytes + ended.bytes.length }
    }
    const whole = next.isKeyframe && !next.isForced ? this.#openGop : undefined
    if (next.isForced) this.#openGop = undefined
    if (whole !== undefined) this.#gop = whole
    if (next.isKeyframe) {
      this.#openGop = emptyGop
      this.#lastKeyframeAt = monoMs(next.arrival / ticksPerMs)
    }
    return whole?.ticks
  }

  /** @param stray bytes that belong to no packet */
  judge(video: ProgramVideo, stray: StrayBytes, now: MonoMs): void {
    if (this.#problem !== undefined || this.#videoSeenAt === undefined) return
    if (video === 'h264') {
      this.#videoSeenAt = now
      this.#videoSeenBytes = this.#bytes
    }
    this.#codec = video === 'unknown' || video === 'none' ? undefined : video
    if (video === 'h265') this.#problem = 'h265'
    else if (video === 'other') this.#problem = 'other-codec'
    else if (stray.sincePacket >= limits.garbageBytesMax) this.#problem = 'garbage'
    else if (this.#isWithoutVideo(video, now)) this.#problem = stray.inAll > this.#bytes / 2 ? 'garbage' : 'no-video'
  }

  #isWithoutVideo(video: ProgramVideo, now: MonoMs): boolean {
    if (video === 'h264') return false
    const bytes = this.#bytes - this.#videoSeenBytes
    const isLong = now - (this.#videoSeenAt ?? now) >= noVideoMs
    return bytes >= noVideoBytesMax || (isLong && (video === 'none' || bytes >= noVideoBytesMin))
  }

  state(size: { readonly width: number; readonly height: number } | undefined): RunState {
    const gop = this.#gop
    const gopS = gop === undefined || gop.ticks <= 0 ? undefined : gop.ticks / ticksPerSecond
    return {
      bytes: this.#bytes,
      lastByteAt: this.#lastByteAt,
      lastKeyframeAt: this.#lastKeyframeAt,
      gopMs: gopS === undefined ? undefined : gopS * 1000,
      framesPerS: gop === undefined || gopS === undefined ? undefined : gop.frames / gopS,
      bitsPerS: gop === undefined || gopS === undefined ? undefined : (gop.bytes * 8) / gopS,
      codec: this.#codec,
      width: size?.width,
      height: size?.height,
      problem: this.#problem,
    }
  }
}
