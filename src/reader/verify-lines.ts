/** Is every line of a JSON-lines object JSON? It is fed the object's bytes in order and holds one line of them. */
import { limits } from '../base/limits.ts'

const lineFeed = 0x0a

export interface LineCheck {
  add(bytes: Uint8Array): void
  finish(): void
  /** Whole lines so far. */
  readonly lines: number
}

/** @param tell a sentence without full stop for each line that is wrong */
export function createLineCheck(tell: (problem: string) => void): LineCheck {
  let lines = 0
  let pieces: Uint8Array[] = []
  let held = 0

  function hold(bytes: Uint8Array): void {
    held += bytes.length
    // Of a line that is too long the rest is only counted.
    if (held <= limits.recordBytesMax) pieces.push(bytes)
  }

  function lineIsWhole(): void {
    lines += 1
    if (held > limits.recordBytesMax)
      tell(`line ${lines} has ${held} bytes, more than the ${limits.recordBytesMax} of a record`)
    else if (!isJson(Buffer.concat(pieces).toString('utf8'))) tell(`line ${lines} is not JSON`)
    pieces = []
    held = 0
  }

  return {
    add(bytes) {
      let at = 0
      for (let end = bytes.indexOf(lineFeed); end !== -1; end = bytes.indexOf(lineFeed, at)) {
        hold(bytes.subarray(at, end))
        lineIsWhole()
        at = end + 1
      }
      if (at < bytes.length) hold(bytes.subarray(at))
    },
    finish() {
      if (held > 0) tell(`the last line (${lines + 1}) is not complete: a record is written whole`)
    },
    get lines() {
      return lines
    },
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
