/**
 * Which recording does a unit belong to? Policy `continuous`: everything is recorded.
 *
 * Boundaries are decided here, at capture, so that the uplink only carries out what is already settled. A recording begins
 * at a keyframe, when there is none open (a new boot, a cut), when the picture's parameters change, at the size limit, at
 * the full UTC hour (after an hour of monotonic time while the hour is not known) and after the wrap of the 33-bit media
 * clock. A restart of the process or of the camera is no boundary: the footage goes on in the same object.
 *
 * It also notices what is missing: the time between the end of one unit and the start of the next. The footage itself
 * is the witness, so every cause (camera, network to it, our own restart) is one case.
 */
import type { MonoMs, WallTime } from '../base/clock.ts'
import { monoMs } from '../base/clock.ts'
import type { GapCause } from '../format/catalogue-record.ts'
import { type VideoHeader, videoTrack } from '../format/recording.ts'
import { type Ticks, ticksBetween, ticksModulo, ticksPerMs, wrapTicks } from '../format/unit.ts'
import type { CameraRunOptions, RunUnit } from './camera-run.ts'
import type { OpenRecording, UnitSink } from './unit-sink.ts'

/** Footage that is owed and does not exist. */
export interface FootageGap {
  readonly camera: string
  /** `camera`: it gave no pictures. `stopped`: the recorder itself did not run. */
  readonly cause: Extract<GapCause, 'camera' | 'stopped'>
  readonly fromMonoMs: number
  readonly toMonoMs: number
  /** One sentence for people, without secrets. */
  readonly note: string
}

export interface RecorderWorld {
  readonly sink: UnitSink
  readonly wallTime: WallTime
  /** Called once per gap, when footage returns. Must not block or throw. */
  gap(gap: FootageGap): void
}

export interface RecorderOptions {
  readonly camera: string
  /** A recording is closed before it would grow beyond this: 1 MiB to `limits.objectBytesMax`. */
  readonly rolloverBytes: number
}

export interface Recorder {
  /** What a life of the camera process that starts now must respect, to continue where the footage ends. */
  runOptions(now: MonoMs): CameraRunOptions
  /** @param why the sentence for a gap before this unit, if there is one */
  take(unit: RunUnit, why: string): void
}

/** Why a unit begins a recording. */
export type Boundary = 'first' | 'clock-back' | 'parameters' | 'size' | 'hour' | 'wrap'

/** While the hour is not known a recording is this long, in ms; it is never longer. */
const recordingMsMax = 3_600_000
/** The end of footage older than this, in ms, cannot bound a run that starts now; the wrap is at 26.5 h. */
const boundMsMax = 3_600_000
/**
 * A shorter hole is no gap: drift of up to 0.5 s ends a run without a picture missing. Longer ones get their cause here,
 * since readers take every hole of a second or more without one for unexplained.
 */
const gapMsMin = 800

export function createRecorder(world: RecorderWorld, options: RecorderOptions): Recorder {
  const track = videoTrack(options.camera)
  let end: FootageEnd | undefined
  /** A boundary that came without a keyframe and waits for one. */
  let owed: Boundary | undefined

  function take(unit: RunUnit, why: string): void {
    const open = world.sink.open(track)
    const by = { rolloverBytes: options.rolloverBytes, wallTime: world.wallTime }
    const boundary = boundaryAt(open, unit, by) ?? owed
    // The rest of a GOP whose keyframe went elsewhere (the recording was cut, the clock ran back): no player could show
    // it, and what is missing then is counted like any other gap.
    owed = unit.unit.media.keyframe ? undefined : boundary
    if (owed !== undefined) return
    reportGap(unit, why, open)
    if (boundary !== undefined) world.sink.begin(track, { startMonoMs: unit.startMonoMs, video: unit.video })
    world.sink.put(track, unit.unit)
    const { firstPts, durationTicks } = unit.unit.media
    end = {
      endMonoMs: unit.startMonoMs + durationTicks / ticksPerMs,
      endPts: wrapTicks(firstPts + durationTicks),
    }
  }

  function reportGap(unit: RunUnit, why: string, open: OpenRecording | undefined): void {
    const gap = gapBefore(unit, end, open)
    if (gap === undefined) return
    const note = gap.cause === 'stopped' ? 'The recorder was not running, or was just starting.' : why
    world.gap({ camera: options.camera, ...gap, note })
  }

  return {
    take,
    runOptions(now) {
      const open = world.sink.open(track)
      const endPts = open?.endPts ?? end?.endPts
      const endMonoMs = open === undefined ? end?.endMonoMs : endMonoMsOf(open)
      // Ticks wrap: a bound from half a day ago would read as one half a day ahead.
      const recent = endMonoMs !== undefined && now - endMonoMs < boundMsMax
      return { notBefore: recent ? endPts : undefined, targetDurationS: open?.head.video?.targetDurationS }
    },
  }
}

/** Where the footage of this process ends. */
interface FootageEnd {
  readonly endMonoMs: number
  readonly endPts: Ticks
}

/** A gap's range and cause; `undefined` when the footage goes on, or nothing of this boot came before. */
function gapBefore(
  unit: RunUnit,
  end: FootageEnd | undefined,
  open: OpenRecording | undefined,
): Pick<FootageGap, 'cause' | 'fromMonoMs' | 'toMonoMs'> | undefined {
  const toMonoMs = unit.startMonoMs
  // After a restart of the process the open recording remembers for us.
  const fromMonoMs = end?.endMonoMs ?? (open && endMonoMsOf(open))
  if (fromMonoMs === undefined || toMonoMs - fromMonoMs < gapMsMin) return undefined
  return { cause: end === undefined ? 'stopped' : 'camera', fromMonoMs, toMonoMs }
}

/** Its end on the clock that does not wrap: exact, since no recording is longer than an hour or so. */
function endMonoMsOf(open: OpenRecording): number {
  const startPts = wrapTicks(Math.round(open.head.startMonoMs * ticksPerMs))
  return open.head.startMonoMs + ticksBetween(startPts, open.endPts) / ticksPerMs
}

/** Pure: `undefined` if the unit joins the open recording. */
export function boundaryAt(
  open: OpenRecording | undefined,
  unit: RunUnit,
  by: { readonly rolloverBytes: number; readonly wallTime: WallTime },
): Boundary | undefined {
  if (open === undefined) return 'first'
  if (unit.recordingBreak !== undefined) return unit.recordingBreak
  // Whatever comes after the keyframe goes where the keyframe went.
  if (!unit.unit.media.keyframe) return undefined
  if (open.head.video === undefined || !sameVideo(open.head.video, unit.video)) return 'parameters'
  if (open.length + unit.unit.bytes.length > by.rolloverBytes && open.length > 0) return 'size'
  if (wraps(open.head.startMonoMs) !== wraps(unit.startMonoMs)) return 'wrap'
  const start = monoMs(open.head.startMonoMs)
  const now = monoMs(unit.startMonoMs)
  return now - start >= recordingMsMax || hourPassed(by.wallTime, start, now) ? 'hour' : undefined
}

const sameVideo = (one: VideoHeader, other: VideoHeader): boolean =>
  one.codec === other.codec &&
  one.width === other.width &&
  one.height === other.height &&
  one.targetDurationS === other.targetDurationS

/** How often the media clock had wrapped by then. Rounded, since ticks went through milliseconds. */
const wraps = (ms: number): number => Math.floor(Math.round(ms * ticksPerMs) / ticksModulo)

function hourPassed(wallTime: WallTime, start: MonoMs, now: MonoMs): boolean {
  const from = wallTime.at(start)
  const to = wallTime.at(now)
  if (from === undefined || to === undefined) return false
  return Math.floor(from.wallMs / 3_600_000) !== Math.floor(to.wallMs / 3_600_000)
}
