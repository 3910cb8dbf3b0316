/** What becomes of a doubtful recording once the store has said how far its object reaches. */
import type { Extent } from '../format/recording.ts'
import type { Ticks } from '../format/unit.ts'
import { endIn, endOf, firstRun, type HeldChunk, type Recording, startIn } from './holding.ts'

/** What the store said about a doubtful recording; see `Settlement` in `uplink/backlog.ts`. */
export interface Settled {
  readonly arrived: Extent
  readonly unitsRead: number
  readonly endPts: Ticks | undefined
}

/**
 * Ends the doubt, and takes out the chunks that have arrived. Holes between those that have not are left to `mend.ts`, and
 * so is what is missing at the end where that is known (`endKnown`); else it is `life-gaps.ts` that names it.
 */
export function settleRecording(
  recording: Recording,
  { arrived, unitsRead, endPts }: Settled,
): { readonly landed: readonly HeldChunk[]; readonly endKnown: boolean } {
  const count = recording.chunks.findIndex((held) => endIn(recording, held) > arrived.length)
  const landed = count === -1 ? recording.chunks : recording.chunks.slice(0, count)
  const next = count === -1 ? undefined : recording.chunks[count]
  const last = landed.at(-1)
  const exact = next !== undefined && startIn(recording, next) === arrived.length
  // Units that were read back stand behind the last point that was known; behind a hole nobody counted them.
  const read = last === undefined || firstRun(recording.chunks).includes(last) ? unitsRead : 0
  const counted = (last === undefined ? recording.arrivedSeq : last.chunk.seq + 1) + read
  const endKnown =
    !recording.beyond || recording.endSeq > (recording.chunks.at(-1)?.chunk.seq ?? recording.arrivedSeq - 1) + 1
  const bound = next?.chunk.seq ?? (endKnown ? recording.endSeq : counted)
  recording.arrived = arrived
  recording.arrivedSeq = exact ? bound : Math.min(counted, bound)
  recording.arrivedEndPts =
    endPts ??
    (exact ? next.chunk.media?.firstPts : last?.chunk.media && endOf(last.chunk.media)) ??
    recording.arrivedEndPts
  recording.chunks = recording.chunks.slice(landed.length)
  if (!endKnown) recording.endSeq = (recording.chunks.at(-1)?.chunk.seq ?? recording.arrivedSeq - 1) + 1
  if (next === undefined) recording.tail = { length: recording.base.length + arrived.length, crc64: 0n }
  recording.doubtful = false
  recording.beyond = false
  recording.pinnedBelow = 0
  return { landed, endKnown }
}
