/** Wakes whoever waits. Nothing is remembered: who looks, finds nothing to do and then waits in the same turn, misses nothing. */
import type { Clock } from '../base/clock.ts'

export interface Bell {
  ring(): void
  /** Resolves at the next ring, or when `signal` aborts. */
  next(signal?: AbortSignal): Promise<void>
}

export function createBell(): Bell {
  const waiting = new Set<() => void>()
  return {
    ring() {
      for (const wake of [...waiting]) wake()
    },
    next(signal) {
      return new Promise((resolve) => {
        if (signal?.aborted === true) return resolve()
        const wake = (): void => {
          waiting.delete(wake)
          signal?.removeEventListener('abort', wake)
          resolve()
        }
        waiting.add(wake)
        signal?.addEventListener('abort', wake, { once: true })
      })
    },
  }
}

/** Waits for the bell, `ms` at most. Leaves no timer behind. */
export async function ringOrTime(bell: Bell, clock: Clock, ms: number): Promise<void> {
  const over = new AbortController()
  await Promise.race([bell.next(over.signal), clock.sleep(ms, over.signal)])
  // With a reason, since making the usual one (an error with its stack) costs more than all the rest here.
  over.abort('over')
}
