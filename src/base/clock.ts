/**
 * The only way this program learns the time or waits for it.
 *
 * Two clocks, and the types refuse to mix them. A board without a real-time clock boots in the past and is stepped by
 * NTP later: intervals and media time use the monotonic clock, labels use the wall clock (`uplink/time-correction.ts` joins them).
 */

/** Milliseconds since the Unix epoch. May step either way: NTP, a dead battery, a person. For labels only. */
export type WallMs = number & { readonly unit: 'wall-ms' }
/**
 * Milliseconds on the kernel's monotonic clock (CLOCK_MONOTONIC): the same for every process of one boot, never steps,
 * means nothing after a reboot. For media time and for every interval and timeout.
 */
export type MonoMs = number & { readonly unit: 'mono-ms' }

export const wallMs = (ms: number): WallMs => ms as WallMs
export const monoMs = (ms: number): MonoMs => ms as MonoMs

export interface Clock {
  wall(): WallMs
  mono(): MonoMs
  /** Resolves after `ms`, or at once when `signal` aborts. Never rejects: the caller looks at the signal. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}

/** Where this boot's monotonic clock lies on the wall, as far as anybody knows. Learnt by `uplink/time-correction.ts`. */
export interface WallTime {
  /** The wall time of a moment of this boot, with its greatest error; `undefined` while nothing trustworthy was heard. */
  at(moment: MonoMs): WallMoment | undefined
}

export interface WallMoment {
  readonly wallMs: WallMs
  /** The true time is within `wallMs ± errorMs`. */
  readonly errorMs: number
}
