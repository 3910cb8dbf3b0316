/**
 * Bytes of a program's standard error → lines, bounded and without secrets. A line is everything up to a line feed or a
 * carriage return (progress displays). What goes beyond the limit of a line is thrown away, up to the line's end.
 */
import { limits } from '../base/limits.ts'
import { redact, type Secret } from '../base/secret.ts'

export interface LineReader {
  push(bytes: Uint8Array): void
  /** No more bytes: hands over a last line without its end. */
  end(): void
}

export function createLineReader(secrets: readonly Secret[], onLine: (line: string) => void): LineReader {
  // Three characters for one where a secret is percent-encoded.
  const secretLengthMax = Math.max(0, ...secrets.map((secret) => 3 * Buffer.byteLength(secret.reveal())))
  // So much more is kept that a secret which begins within the limit is seen whole, and replaced.
  const keptMax = limits.childLineBytesMax + secretLengthMax
  let kept = Buffer.alloc(0)
  let overflow = false

  function flush(): void {
    if (kept.length > 0) {
      const clean = redact(kept.toString('utf8'), secrets)
      // Replacing may pull the beginning of a secret that was cut at `keptMax` into view: the end is not shown.
      const shown = overflow ? clean.slice(0, Math.max(0, clean.length - secretLengthMax)) : clean
      const line = printable(shown).slice(0, limits.childLineBytesMax).trimEnd()
      if (line !== '') onLine(line)
    }
    kept = Buffer.alloc(0)
    overflow = false
  }

  return {
    push(bytes) {
      let from = 0
      for (let at = 0; at <= bytes.length; at += 1) {
        const ends = bytes[at] === 0x0a || bytes[at] === 0x0d
        if (!ends && at < bytes.length) continue
        const piece = bytes.subarray(from, Math.min(at, from + keptMax))
        const room = keptMax - kept.length
        overflow ||= at - from > room
        if (piece.length > 0 && room > 0) kept = Buffer.concat([kept, piece.subarray(0, room)])
        if (ends) flush()
        from = at + 1
      }
    },
    end: flush,
  }
}

/** Foreign words may end up on a terminal: control characters, escape sequences among them, become spaces. */
const printable = (text: string): string => text.replace(/[\p{Cc}\p{Cf}]/gu, ' ')
