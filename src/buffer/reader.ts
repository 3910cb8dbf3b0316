/**
 * Reads what is offered, from memory or the disk, and pins it. What does not prove is taken out with a gap, so that it
 * stops nothing behind it; a disk that does not answer keeps nobody for long.
 */
import { err, ok, type Result } from '../base/result.ts'
import { type RecordingId, recordingName } from '../format/recording.ts'
import { type ReaderWorld, readChunk } from './chunk-reader.ts'
import { type Core, recordLoss } from './core.ts'
import { type HeldChunk, isOffered } from './holding.ts'
import { lossOf } from './loss.ts'

export type BufferReadError = { readonly kind: 'disk' | 'gone' | 'corrupt'; readonly message: string }

/** A disk that answers no faster is tried again later. */
const readMsMax = 5_000

type Read = (id: RecordingId, fromSeq: number, count: number) => Promise<Result<Uint8Array, BufferReadError>>

/** @param diskWell the last write succeeded */
export function createReader(core: Core, diskWell: () => boolean): Read {
  const { holdings, log } = core
  const reader: ReaderWorld = { ...core, diskWell }
  /** Reads that the disk has not answered yet: none of them is asked for again. */
  const asked = new Set<HeldChunk>()

  async function readPatiently(held: HeldChunk): Promise<Awaited<ReturnType<typeof readChunk>>> {
    if (held.bytes !== undefined) return ok(held.bytes)
    const unanswered = err({ kind: 'disk', message: 'the disk does not answer' } as const)
    if (asked.has(held)) return unanswered
    asked.add(held)
    const over = new AbortController()
    const reading = readChunk(reader, held).finally(() => asked.delete(held))
    const late = core.clock.sleep(readMsMax, over.signal).then(() => undefined)
    const read = await Promise.race([reading, late])
    over.abort('over')
    return read ?? unanswered
  }

  /** Never offered again; a gap says so. What was read with it has not been sent. */
  async function quarantine(held: HeldChunk, message: string): Promise<void> {
    const at = held.owner.chunks.indexOf(held)
    if (at === -1) return
    const { lost } = holdings.cutOut(held.owner, at, at + 1)
    const loss = lossOf(lost, 'corrupt', message)
    if (loss === undefined) log.error('record-lost', message)
    await recordLoss(core, lost, loss === undefined ? [] : [loss])
  }

  return async (id, fromSeq, count) => {
    const recording = holdings.find(id)
    const at = recording?.chunks.findIndex(({ chunk }) => chunk.seq === fromSeq) ?? -1
    const wanted = at === -1 ? [] : (recording?.chunks.slice(at, at + count) ?? [])
    if (recording === undefined || wanted.length !== count || !wanted.every(isOffered)) {
      return err({ kind: 'gone', message: `Chunk ${fromSeq} of ${recordingName(id)} is not held.` })
    }
    recording.pinnedBelow = Math.max(recording.pinnedBelow, fromSeq + count)
    const pieces: Uint8Array[] = []
    for (const held of wanted) {
      const piece = await readPatiently(held)
      if (piece.ok) {
        pieces.push(piece.value)
        continue
      }
      const message = `Chunk ${held.chunk.seq} of ${recordingName(id)} cannot be read: ${piece.error.message}.`
      if (piece.error.kind === 'corrupt') await quarantine(held, message)
      return err({ kind: piece.error.kind, message })
    }
    const [only] = pieces
    return ok(pieces.length === 1 && only !== undefined ? only : Buffer.concat(pieces))
  }
}
