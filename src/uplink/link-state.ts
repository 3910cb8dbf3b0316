/**
 * Is the link up, and until when does everybody wait? One back-off for all objects of the device, so that ten objects
 * behind a dead router make one request a minute and not ten. Only progress resets it, since an answer that brings
 * nothing forward is cheap.
 */
import { backoffMs } from '../base/backoff.ts'
import type { Clock, MonoMs } from '../base/clock.ts'
import type { Logger } from '../base/log.ts'
import type { Random } from '../base/random.ts'
import type { StoreError } from './object-store.ts'
import { linkWaitOf, storeErrorRules } from './store-errors.ts'

export interface LinkState {
  /** Milliseconds until the next try is allowed; 0 is now. */
  waitMs(): number
  /** False from the first failure to the next progress: one probe at a time is enough then. */
  certain(): boolean
  /** @param startedAt when the failed step began: steps that were under way together count as one failure */
  failed(error: StoreError, startedAt: MonoMs): void
  /** @returns how long the outage lasted that this progress ended, in ms; 0 if there was none */
  progressed(): number
  /** What is wrong, for people; `null` while nothing is. */
  problem(): string | null
}

/** Single lost replies are ordinary; after this many failures in a row it is news. */
const failuresForNews = 3

export function createLinkState(world: {
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  /** How much footage waits, for the log. */
  waitingBytes(): number
}): LinkState {
  const { clock, random, log } = world
  let failures = 0
  let until: number = clock.mono()
  let lastFailureAt: number = Number.NEGATIVE_INFINITY
  let since: number = clock.mono()
  let told = false
  let problem: string | null = null

  return {
    waitMs: () => Math.max(0, until - clock.mono()),
    certain: () => failures === 0,
    failed(error, startedAt) {
      const { does } = storeErrorRules[error.kind]
      problem = `${error.message} ${does}`
      // Mended by itself at once, and still worth a line: the clock of this board is wrong.
      if (error.kind === 'clock-skewed') log.warn('clock-skewed', problem)
      if (startedAt < lastFailureAt) return
      if (failures === 0) since = clock.mono()
      failures += 1
      lastFailureAt = clock.mono()
      until = lastFailureAt + Math.max(error.retryAfterMs ?? 0, backoffMs(linkWaitOf(error.kind), failures, random))
      if (failures < failuresForNews || told) return
      told = true
      log.warn('link-lost', problem, { kind: error.kind, code: error.code, waitingBytes: world.waitingBytes() })
    },
    progressed() {
      const outageMs = failures === 0 ? 0 : clock.mono() - since
      if (told) {
        const seconds = Math.round(outageMs / 1000)
        const waitingBytes = world.waitingBytes()
        log.info('link-back', `The store takes data again after ${seconds} s.`, { outageMs, waitingBytes })
      }
      failures = 0
      until = clock.mono()
      told = false
      problem = null
      return outageMs
    },
    problem: () => problem,
  }
}
