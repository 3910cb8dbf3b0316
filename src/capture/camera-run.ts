/**
 * One life of a camera process, as the recorder sees it: MPEG-TS bytes in, units on this boot's clock out. The
 * supervisor (`camera.ts`) feeds it, the policy (`recorder.ts`) takes what comes out; `run-splitter.ts` makes it.
 */
import type { MonoMs } from '../base/clock.ts'
import type { VideoHeader } from '../format/recording.ts'
import type { Ticks, Unit } from '../format/unit.ts'

/** A unit with what decides about its recording. */
export interface RunUnit {
  readonly unit: Unit
  /** Monotonic time of its first frame in ms: its PTS before the 33-bit wrap. */
  readonly startMonoMs: number
  /** The same until it must change; a change asks for a new recording. */
  readonly video: VideoHeader
  /** Set where the unit may not join the recording of the one before it, whatever `video` says. */
  readonly recordingBreak?: 'clock-back' | 'parameters'
}

/** Why a run can give no footage. The supervisor ends the process and says the sentence that belongs to it. */
export type RunProblem = 'h265' | 'other-codec' | 'no-video' | 'garbage'

export interface RunState {
  readonly bytes: number
  readonly lastByteAt: MonoMs | undefined
  readonly lastKeyframeAt: MonoMs | undefined
  /** Length of the last whole GOP in ms. */
  readonly gopMs: number | undefined
  readonly framesPerS: number | undefined
  readonly bitsPerS: number | undefined
  readonly codec: string | undefined
  readonly width: number | undefined
  readonly height: number | undefined
  readonly problem: RunProblem | undefined
}

export interface CameraRun {
  /** Bytes as they were read, cut anywhere. `arrivedAt` is when they were read. Never throws, whatever the bytes are. */
  push(bytes: Uint8Array, arrivedAt: MonoMs): readonly RunUnit[]
  /** Called often (at least every second), so that holding for the anchor ends in time without bytes. */
  tick(now: MonoMs): readonly RunUnit[]
  /** The process is gone: hands out the held units and the last GOP's whole frames. */
  end(now: MonoMs): readonly RunUnit[]
  state(): RunState
}

export interface CameraRunOptions {
  /** Media time before which no unit of this run may start: the end of the run before it. */
  readonly notBefore: Ticks | undefined
  /** Of the recording that this run would continue: GOPs longer than this are cut. Learnt from the stream if absent. */
  readonly targetDurationS: number | undefined
  /** False drops every stream but the video, for cameras whose program cannot be told to leave sound out. Default true. */
  readonly sound?: boolean
}
