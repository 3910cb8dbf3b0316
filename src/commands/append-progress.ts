/** How far an append has come: one line that is drawn over on a terminal, nothing but trouble elsewhere. */
import { systemClock } from '../adapters/system-clock.ts'

export interface Progress {
  /** @param bytes the object's proven length */
  at(bytes: number): void
  trouble(message: string): void
  end(): void
}

/** More often is a flicker, and on a serial line a flood. */
const drawMs = 200
const mebibyte = 1024 * 1024

export function createProgress(key: string, totalBytes: number | undefined): Progress {
  const terminal = process.stderr.isTTY
  const since = systemClock.mono()
  let first: number | undefined
  let drawnAt = Number.NEGATIVE_INFINITY
  let told = ''
  const clear = (): void => void (terminal && process.stderr.write('\r\x1b[K'))
  return {
    at(bytes) {
      first ??= bytes
      const now = systemClock.mono()
      if (!terminal || now - drawnAt < drawMs) return
      drawnAt = now
      const rate = (bytes - first) / mebibyte / Math.max(0.001, (now - since) / 1000)
      const share = totalBytes === undefined ? '' : ` of ${(totalBytes / mebibyte).toFixed(1)}`
      process.stderr.write(`\r\x1b[K${key}: ${(bytes / mebibyte).toFixed(1)}${share} MiB, ${rate.toFixed(1)} MiB/s`)
    },
    trouble(message) {
      if (message === told) return
      told = message
      clear()
      process.stderr.write(`${message}\n`)
    },
    end: clear,
  }
}
