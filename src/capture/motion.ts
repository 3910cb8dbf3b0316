/**
 * When does an event start and end, given the edges of one line?
 *
 * A level counts once it has lasted for the debounce time; the event then starts (ends) when that level began, not when
 * it was believed. Edges merge on their way to us, so a report is compared with the last known level: the same level
 * again means that the contact left it for a moment, and while it is not settled the wait begins anew.
 *
 *     rest --active lasts--> event --rest lasts--> rest        a line that is lost, or a stop, ends the event unseen
 *
 * Pure: no clock, no line. The loop that feeds it is `input-loop.ts`.
 */
import type { MonoMs } from '../base/clock.ts'

export interface MotionState {
  /** What counts now. */
  readonly settled: boolean
  /** What the line said last, and since when. */
  readonly latest: boolean
  readonly since: MonoMs
  /** The time of the last report. */
  readonly reportAt: MonoMs
  /** When the line last began to change without resting for the debounce time; `undefined` while it rests. */
  readonly restlessSince: MonoMs | undefined
  /** The level was already there when watching began: its true start was not seen. */
  readonly sinceOpening: boolean
  /** Start of the running event. */
  readonly startedAt: MonoMs | undefined
}

/** `level`: the input came to rest. `lost`: the line failed. `stopped`: the recorder was stopped in order. */
type EndCause = 'level' | 'lost' | 'stopped'

export type MotionEvent =
  | { readonly kind: 'start'; readonly at: MonoMs; readonly seen: boolean }
  | { readonly kind: 'end'; readonly at: MonoMs; readonly startedAt: MonoMs; readonly cause: EndCause }

export interface MotionStep {
  readonly state: MotionState
  readonly event: MotionEvent | undefined
}

/** Watching begins: the line is at this level, nobody knows since when. */
export const motionOpened = (active: boolean, at: MonoMs): MotionState => ({
  settled: false,
  latest: active,
  since: at,
  reportAt: at,
  restlessSince: undefined,
  sinceOpening: true,
  startedAt: undefined,
})

/** The line reported, or was read: it is at this level. */
export function onLevel(before: MotionState, active: boolean, at: MonoMs, debounceMs: number): readonly MotionStep[] {
  // Time passed before this report, and a level may have lasted long enough in it.
  const passed = onTime(before, at, debounceMs)
  const { state } = passed
  const changed = active !== state.latest
  const unsettled = active !== state.settled
  const next: MotionState = {
    ...state,
    latest: active,
    since: changed || unsettled ? at : state.since,
    reportAt: at,
    restlessSince: state.restlessSince ?? at,
    sinceOpening: changed ? false : state.sinceOpening,
  }
  return [passed, onTime(next, at, debounceMs)]
}

/** Time passed without a report. */
export function onTime(state: MotionState, now: MonoMs, debounceMs: number): MotionStep {
  const rested = now - state.reportAt >= debounceMs
  const calm: MotionState = rested ? { ...state, restlessSince: undefined } : state
  if (calm.latest === calm.settled || now - calm.since < debounceMs) return { state: calm, event: undefined }
  if (calm.latest) {
    return {
      state: { ...calm, settled: true, startedAt: calm.since },
      event: { kind: 'start', at: calm.since, seen: !calm.sinceOpening },
    }
  }
  return {
    state: { ...calm, settled: false, startedAt: undefined },
    event: endOf(calm, calm.since, 'level'),
  }
}

/** Watching ends while an event may run; what the line does from now on is not known. */
export const onClosed = (state: MotionState, at: MonoMs, cause: 'lost' | 'stopped'): MotionEvent | undefined =>
  endOf(state, at, cause)

const endOf = ({ startedAt }: MotionState, at: MonoMs, cause: EndCause): MotionEvent | undefined =>
  startedAt === undefined ? undefined : { kind: 'end', at, startedAt, cause }

/** How long until time alone decides something, in ms; `undefined` if it decides nothing. */
export const dueInMs = (state: MotionState, now: MonoMs, debounceMs: number): number | undefined =>
  state.latest === state.settled ? undefined : Math.max(0, state.since + debounceMs - now)

/** Whether the line has been changing for longer than `ms` without a rest. */
export const isRestless = (state: MotionState, now: MonoMs, ms: number): boolean =>
  state.restlessSince !== undefined && now - state.restlessSince > ms
