/** A camera's account of itself: which state its process is in, why, and what came out of it so far. */
import type { Clock, MonoMs } from '../base/clock.ts'
import type { CameraState, CameraStatus } from '../format/status.ts'
import type { RunState } from './camera-run.ts'

export interface CameraAccount {
  state(): CameraState
  /** @param problem one sentence for people, without secrets; kept until the next `enter` */
  enter(state: CameraState, problem?: string): void
  sawUnit(bytes: number): void
  sawRun(run: RunState): void
  status(): CameraStatus
}

export function createCameraAccount(name: string, clock: Clock): CameraAccount {
  let state: CameraState = 'starting'
  let problem: string | undefined
  let run: RunState | undefined
  let starts = 0
  let unitsCaptured = 0
  let bytesCaptured = 0
  let lastUnitAt: MonoMs | undefined

  return {
    state: () => state,
    enter(next, why) {
      if (next === 'starting') starts += 1
      // A camera that is tried again still has its old trouble until a picture comes.
      if (next !== 'starting' || why !== undefined) problem = why
      state = next
    },
    sawUnit(bytes) {
      unitsCaptured += 1
      bytesCaptured += bytes
      lastUnitAt = clock.mono()
    },
    sawRun(now) {
      run = now
    },
    status() {
      const live = state === 'recording' ? run : undefined
      return {
        name,
        state,
        problem: problem ?? null,
        codec: run?.codec ?? null,
        width: run?.width ?? null,
        height: run?.height ?? null,
        framesPerS: live?.framesPerS ?? null,
        bitsPerS: live?.bitsPerS ?? null,
        gopMs: run?.gopMs ?? null,
        restarts: Math.max(0, starts - 1),
        unitsCaptured,
        bytesCaptured,
        lastUnitAgeMs: lastUnitAt === undefined ? null : clock.mono() - lastUnitAt,
      }
    },
  }
}
