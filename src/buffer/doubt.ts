/** Which recordings only the store can tell about, after a life that did not end in order. */
import { recordingName } from '../format/recording.ts'
import { firstRun, type Recording } from './holding.ts'
import type { Loaded } from './load.ts'
import { nameOf } from './rows.ts'

/**
 * The last life did not end in order: of everything that had a name, the store may hold more than was written down. A
 * recording without a name is known whole, since nothing of it was ever sent.
 */
export function doubt(recordings: readonly Recording[], loaded: Loaded): void {
  const rows = new Map(loaded.recordings.map((row) => [nameOf(row), row]))
  for (const recording of recordings) {
    const { claim, chunks, head, arrivedSeq } = recording
    // What an earlier life left open is still open.
    if (claim === undefined || recording.doubtful) continue
    const row = rows.get(recordingName(head.id))
    const endSeq = (chunks.at(-1)?.chunk.seq ?? arrivedSeq - 1) + 1
    recording.beyond = row === undefined || !row.closed || (head.video !== undefined && endSeq < recording.endSeq)
    const whole = (chunks[0]?.chunk.seq ?? arrivedSeq) === arrivedSeq && firstRun(chunks).length === chunks.length
    recording.doubtful = recording.beyond || (head.video !== undefined && !whole)
  }
}
