/**
 * Do all loops still turn?
 *
 * Alive means moving. A loop says that it came round, not that it succeeded: one that waits for a network or a disk,
 * and looks again in time, is alive. One that has not come round within its limit is stuck, and nothing inside the
 * process can mend that; so the watchdog is fed only while no loop is stuck, and systemd starts the recorder anew.
 */
import { assert } from '../base/assert.ts'
import type { MonoMs } from '../base/clock.ts'
import type { LoopBeat } from '../base/loop.ts'

interface StuckLoop {
  readonly name: string
  /** Time since it last came round. */
  readonly silentMs: number
  readonly limitMs: number
}

interface WatchedLoop extends LoopBeat {
  /** The loop was ended on purpose and is watched no more. May be repeated. */
  ended(): void
}

export interface Liveness {
  /**
   * Watches a loop from now on.
   *
   * @param name as a person knows it, such as `camera gate`; no two loops have one name at one time
   * @param limitMs it comes round at least this often; take twice the longest wait of the loop
   */
  watch(name: string, limitMs: number): WatchedLoop
  stuck(now: MonoMs): readonly StuckLoop[]
}

/** Loops at once: 16 cameras with two each, 32 inputs, and a few of the whole recorder. More is a leak of ours. */
const loopsMax = 200

export function createLiveness(mono: () => MonoMs): Liveness {
  const loops = new Map<string, { at: MonoMs; readonly limitMs: number }>()
  return {
    watch(name, limitMs) {
      assert(!loops.has(name), `no two loops are called ${name}`)
      assert(loops.size < loopsMax, `at most ${loopsMax} loops are watched`)
      const loop = { at: mono(), limitMs }
      loops.set(name, loop)
      return {
        turned() {
          loop.at = mono()
        },
        ended() {
          if (loops.get(name) === loop) loops.delete(name)
        },
      }
    },
    stuck: (now) =>
      [...loops]
        .map(([name, { at, limitMs }]) => ({ name, silentMs: now - at, limitMs }))
        .filter(({ silentMs, limitMs }) => silentMs > limitMs),
  }
}
