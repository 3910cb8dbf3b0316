/**
 * Does the tail of an object read as ours? The checksum proves what stands before the tail; whose the tail is, its
 * contents must say: whole units of video, none before the recording's start, each after the one before it; or whole
 * lines of JSON. Bytes of somebody who does not imitate the recorder do not pass.
 *
 * Read in pieces; holds one unit or one line at a time.
 */
import { limits } from '../base/limits.ts'
import { createUnitReader, type UnitReader } from '../format/read-units.ts'
import { packetBytes, syncByte } from '../format/ts-packet.ts'
import { type Ticks, ticksBetween, ticksPerMs, wrapTicks } from '../format/unit.ts'

export interface TailContents {
  /** Units of video, or lines. */
  readonly units: number
  /** Media time at which the last unit ends; `undefined` for lines. */
  readonly endPts: Ticks | undefined
}

export interface TailReader {
  /** From the first byte of a tail. */
  begin(): void
  push(bytes: Uint8Array): void
  /** `undefined` if it is not whole units or lines of this recording. */
  end(): TailContents | undefined
}

/** A recording's start is kept in ms. */
const startSlackTicks = ticksPerMs

export function createUnitTail(video: { readonly longestTicks: Ticks; readonly startPts: Ticks }): TailReader {
  let reader: UnitReader | undefined
  let bytesGiven = 0
  let bytesRead = 0
  let units = 0
  let isInOrder = true
  let isWhole = true
  let lastPts: Ticks | undefined
  let endPts: Ticks | undefined

  return {
    begin() {
      bytesGiven = 0
      bytesRead = 0
      units = 0
      isInOrder = true
      isWhole = true
      lastPts = undefined
      reader = createUnitReader(video.longestTicks, ({ length, media }) => {
        bytesRead += length
        units += 1
        const before = lastPts ?? wrapTicks(video.startPts - startSlackTicks)
        if (ticksBetween(before, media.firstPts) <= 0) isInOrder = false
        if (length % packetBytes !== 0) isWhole = false
        lastPts = media.firstPts
        endPts = wrapTicks(media.firstPts + media.durationTicks)
      })
    },
    push(bytes) {
      // The reader counts what stands behind the last packet to the last unit; units of ours are packets to the end.
      const first = (packetBytes - (bytesGiven % packetBytes)) % packetBytes
      for (let at = first; at < bytes.length; at += packetBytes) if (bytes[at] !== syncByte) isWhole = false
      bytesGiven += bytes.length
      reader?.push(bytes)
    },
    end() {
      reader?.end()
      reader = undefined
      return units > 0 && isInOrder && isWhole && bytesRead === bytesGiven ? { units, endPts } : undefined
    },
  }
}

const lineFeed = 0x0a

export function createLineTail(): TailReader {
  let rest: Uint8Array = new Uint8Array(0)
  let units = 0
  let isWhole = true

  function takeLine(line: Uint8Array): void {
    units += 1
    if (line.length > limits.recordBytesMax || !isObject(line)) isWhole = false
  }

  return {
    begin() {
      rest = new Uint8Array(0)
      units = 0
      isWhole = true
    },
    push(bytes) {
      let from = 0
      for (;;) {
        const end = bytes.indexOf(lineFeed, from)
        if (end === -1) break
        takeLine(Buffer.concat([rest, bytes.subarray(from, end)]))
        rest = new Uint8Array(0)
        from = end + 1
      }
      rest = Buffer.concat([rest, bytes.subarray(from)])
      if (rest.length <= limits.recordBytesMax) return
      isWhole = false
      rest = new Uint8Array(0)
    },
    end: () => (units > 0 && isWhole && rest.length === 0 ? { units, endPts: undefined } : undefined),
  }
}

function isObject(line: Uint8Array): boolean {
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(line))
    return typeof value === 'object' && value !== null && !Array.isArray(value)
  } catch {
    return false
  }
}
