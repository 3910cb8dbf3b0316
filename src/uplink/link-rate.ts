/**
 * How fast the link is, from the appends it carried, and how large one body should be: two seconds of link, so that a
 * cut connection costs no more than that, and at most `limits.appendBytesMax`. Also keeps the optional bandwidth cap.
 */
import type { Clock, MonoMs } from '../base/clock.ts'
import { limits } from '../base/limits.ts'

/** The first bodies, before anything was measured: 256 KiB is 2 s of 1 Mbit/s. */
const firstBodyBytes = 256 * 1024
const smallestBodyBytes = 64 * 1024
const bodySeconds = 2
/** What the kernel holds of a dead process is no more than a body, and is gone in twice the time that a body takes. */
const bodyMsLeast = 5_000
const bodyMsMost = 120_000
const bodyMsUnknown = 30_000
/** Weight of the newest measurement: the last ten or so count. */
const newest = 0.2

export interface LinkRate {
  /** An append of `bytes` took from `since` until now. */
  sent(bytes: number, since: MonoMs): void
  failed(): void
  bodyBytesMax(): number
  /** How long the largest body may be on its way, in ms, also one that a dead process left to the kernel. */
  bodyMsMax(): number
  /** Measured bytes per second; `undefined` before the first append. */
  bytesPerS(): number | undefined
  /** Resolves when the bandwidth cap allows the next body. */
  allowed(signal: AbortSignal): Promise<void>
}

/** @param capBytesPerS the user's cap in bytes per second; `undefined` is none */
export function createLinkRate(clock: Clock, capBytesPerS: number | undefined): LinkRate {
  let rate: number | undefined
  let ceiling = firstBodyBytes
  let freeAt: number = clock.mono()
  return {
    sent(bytes, since) {
      const seconds = Math.max(1, clock.mono() - since) / 1000
      const measured = bytes / seconds
      rate = rate === undefined ? measured : rate + newest * (measured - rate)
      ceiling = Math.min(limits.appendBytesMax, ceiling * 2)
      if (capBytesPerS !== undefined) freeAt = Math.max(freeAt, since) + (bytes / capBytesPerS) * 1000
    },
    failed() {
      ceiling = Math.max(smallestBodyBytes, ceiling / 2)
    },
    bodyBytesMax() {
      const capped = Math.min(rate ?? Number.POSITIVE_INFINITY, capBytesPerS ?? Number.POSITIVE_INFINITY)
      return Math.round(Math.max(smallestBodyBytes, Math.min(ceiling, capped * bodySeconds)))
    },
    bodyMsMax() {
      const ms = rate === undefined ? bodyMsUnknown : (2000 * limits.appendBytesMax) / rate
      return Math.min(bodyMsMost, Math.max(bodyMsLeast, ms))
    },
    bytesPerS: () => rate,
    async allowed(signal) {
      const wait = freeAt - clock.mono()
      if (wait > 0) await clock.sleep(wait, signal)
    },
  }
}
