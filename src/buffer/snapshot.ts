/** A recording as the uplink sees it: what may be sent of it, and what about it only the store can tell. */
import type { Chunk, Claim, Extent, RecordingHead } from '../format/recording.ts'
import { firstRun, isOffered, type Recording, relative } from './holding.ts'

/** See `HeldRecording` in `uplink/backlog.ts`. */
export interface Held {
  readonly head: RecordingHead
  readonly claim: Claim | undefined
  readonly arrived: Extent
  readonly pending: readonly Chunk[]
  readonly closed: boolean
  readonly doubt?: { readonly pendingFrom: Extent; readonly beyond: boolean }
}

export function snapshotOf(recording: Recording): Held {
  const { head, arrived, chunks, closed, cutsUnderWay } = recording
  const claim = recording.claimDurable ? recording.claim : undefined
  if (recording.doubtful) return { head, claim, arrived, closed: true, ...doubtOf(recording) }
  const waits = chunks.findIndex((held) => !isOffered(held))
  const offered = waits === -1 ? chunks : chunks.slice(0, waits)
  const pending = offered.map(({ chunk }) => chunk)
  return { head, claim, arrived, pending, closed: closed && cutsUnderWay === 0 && waits === -1 }
}

/** See `Doubt` in `uplink/backlog.ts`. Behind a hole the numbers go on, but what stood in it only the store can tell. */
function doubtOf(recording: Recording): Pick<Held, 'pending'> & { readonly doubt: NonNullable<Held['doubt']> } {
  const { chunks, arrived, base, head, beyond } = recording
  const known = firstRun(chunks)
  const [first] = known
  const pendingFrom = first === undefined || head.video === undefined ? arrived : relative(first.before, base)
  return {
    pending: known.map(({ chunk }) => chunk),
    doubt: { pendingFrom, beyond: beyond || known.length < chunks.length },
  }
}
