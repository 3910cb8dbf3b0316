/** Where `watchpost append` takes its bytes from: a file that can be read at any place, or standard input as it comes. */
import type { FileHandle } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import type { ByteSource } from '../uplink/append-bytes.ts'
import type { FileBytes } from '../uplink/append-file.ts'

export function fileBytes(handle: FileHandle, length: number): FileBytes {
  return {
    length,
    async read(start, wanted) {
      const bytes = Buffer.allocUnsafe(wanted)
      let got = 0
      while (got < wanted) {
        const { bytesRead } = await handle.read(bytes, got, wanted - got, start + got)
        if (bytesRead === 0) break
        got += bytesRead
      }
      return bytes.subarray(0, got)
    },
  }
}

/** A line of a log should not wait long for company. */
const gatherMs = 1_000

/** Hands out what has come: as much as one append may carry, or what came within a second. Reads no further meanwhile. */
export function streamBytes(stream: Readable): ByteSource {
  let over = false
  const more = (signal: AbortSignal): Promise<void> =>
    new Promise((resolve) => {
      const events = ['readable', 'end', 'error', 'close']
      const done = (): void => {
        for (const event of events) stream.off(event, done)
        signal.removeEventListener('abort', done)
        resolve()
      }
      if (signal.aborted) return resolve()
      for (const event of events) stream.on(event, done)
      signal.addEventListener('abort', done, { once: true })
    })
  for (const event of ['end', 'error', 'close']) stream.on(event, () => (over = true))

  return {
    async next(bytesMax, signal) {
      const pieces: Buffer[] = []
      let bytes = 0
      let until: AbortSignal = signal
      while (bytes < bytesMax && !signal.aborted) {
        const available = stream.readableLength
        const piece: Buffer | null = available === 0 ? null : stream.read(Math.min(available, bytesMax - bytes))
        if (piece !== null) {
          if (bytes === 0) until = AbortSignal.any([signal, AbortSignal.timeout(gatherMs)])
          pieces.push(piece)
          bytes += piece.length
        } else if (over || until.aborted) break
        else {
          stream.read(0)
          await more(until)
        }
      }
      return bytes === 0 ? undefined : Buffer.concat(pieces)
    },
  }
}
