/**
 * One life of the recorder's process. When it ends, by whatever hand, nothing it waits for is ever answered: its code
 * stands still for good where it was, as a killed process does.
 */
import { type Clock, monoMs, wallMs } from '../../src/base/clock.ts'
import type { SimTime } from './time.ts'

export interface Boot {
  readonly id: string
  /** When its monotonic clock showed 0, in ms of the world. */
  readonly zeroAt: number
}

export interface Life {
  readonly number: number
  readonly boot: Boot
  dead: boolean
  readonly clock: Clock
}

/** What the machine's wall clock shows, for a moment of the world: it may be set, and it drifts. */
export interface WallClock {
  /** Of the truth, in ms. */
  offsetMs: number
  driftPerMs: number
}

/** Of moment 0 of every world: 2026-11-23, twenty to three, so that most worlds see the hour change. */
export const worldStartMs = Date.UTC(2026, 10, 23, 14, 40)

export function createLife(time: SimTime, boot: Boot, wall: WallClock, number: number): Life {
  const life: Life = {
    number,
    boot,
    dead: false,
    clock: {
      mono: () => monoMs(time.now() - boot.zeroAt),
      wall: () => wallMs(worldStartMs + time.now() * (1 + wall.driftPerMs) + wall.offsetMs),
      sleep(ms, signal) {
        return new Promise((resolve) => {
          if (signal?.aborted === true) return resolve()
          if (life.dead) return
          const stop = (): void => {
            time.callOff(moment)
            if (!life.dead) resolve()
          }
          const moment = time.after(ms, () => {
            if (life.dead) return
            signal?.removeEventListener('abort', stop)
            resolve()
          })
          signal?.addEventListener('abort', stop, { once: true })
        })
      },
    },
  }
  return life
}

export const never = <T>(): Promise<T> => new Promise<T>(() => {})
