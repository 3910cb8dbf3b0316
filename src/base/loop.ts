/** A long-running loop says here that it came round, whether it achieved anything or not. Kept by `health/liveness.ts`. */
export interface LoopBeat {
  /** Called at every turn of the loop, and so at least once within the limit under which the loop is watched. */
  turned(): void
}
