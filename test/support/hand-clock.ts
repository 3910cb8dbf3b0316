/**
 * A clock that moves only when the test says so. `advance` moves it in the order of the sleepers' times and lets the
 * woken code run in between, so that a loop sees each of its moments. The wall can be stepped on its own.
 */
import { type Clock, monoMs, wallMs } from '../../src/base/clock.ts'

export interface HandClock extends Clock {
  /** Moves both clocks on by `ms`. */
  advance(ms: number): Promise<void>
  /** Steps the wall clock alone. */
  stepWall(ms: number): void
  sleepers(): number
}

/** Lets everything run that waits for a promise, not for time. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve()
}

export function createHandClock(start: { mono?: number; wall?: number } = {}): HandClock {
  let mono = start.mono ?? 1_000
  let offset = (start.wall ?? Date.UTC(2026, 10, 23, 15)) - mono
  const waiting = new Set<{ readonly at: number; readonly wake: () => void }>()

  return {
    mono: () => monoMs(mono),
    wall: () => wallMs(mono + offset),
    sleep(ms, signal) {
      if (signal?.aborted === true) return Promise.resolve()
      return new Promise((resolve) => {
        const wake = (): void => {
          waiting.delete(sleeper)
          signal?.removeEventListener('abort', wake)
          resolve()
        }
        const sleeper = { at: mono + ms, wake }
        waiting.add(sleeper)
        signal?.addEventListener('abort', wake, { once: true })
      })
    },
    async advance(ms) {
      const end = mono + ms
      await settle()
      for (;;) {
        const [next] = [...waiting].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)
        if (next === undefined) break
        mono = Math.max(mono, next.at)
        next.wake()
        await settle()
      }
      mono = end
    },
    stepWall(ms) {
      offset += ms
    },
    sleepers: () => waiting.size,
  }
}
