/** The machine's clocks and timer. The only file besides tests that asks for the time. */
import { type Clock, monoMs, wallMs } from '../base/clock.ts'

export const systemClock: Clock = {
  wall: () => wallMs(Date.now()),
  // CLOCK_MONOTONIC since the machine's boot, the same in every process (source: Node.js, process.hrtime; libuv, uv_hrtime).
  mono: () => monoMs(Number(process.hrtime.bigint() / 1000n) / 1000),
  sleep(ms, signal) {
    return new Promise((resolve) => {
      if (signal?.aborted === true) return resolve()
      const done = (): void => {
        clearTimeout(timer)
        signal?.removeEventListener('abort', done)
        resolve()
      }
      const timer = setTimeout(done, ms)
      signal?.addEventListener('abort', done, { once: true })
    })
  },
}
