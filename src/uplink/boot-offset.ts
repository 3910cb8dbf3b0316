/** Writes down where this boot lies on the wall, so that recordings that outlive it get their dates. */
import type { Clock, WallTime } from '../base/clock.ts'
import type { Backlog } from './backlog.ts'

/** It is written again when it moved by this much, in ms, or is known twice as well. */
const offsetMoveMs = 500

/** @returns to be called whenever the store has answered; resolves when what was news is written */
export function createOffsetNotes(
  backlog: Pick<Backlog, 'learnBootTime'>,
  { clock, wallTime }: { readonly clock: Clock; readonly wallTime: WallTime },
): () => Promise<void> {
  let written: { readonly ms: number; readonly errorMs: number } | undefined
  return async () => {
    const mono = clock.mono()
    const now = wallTime.at(mono)
    if (now === undefined) return
    const offset = { ms: now.wallMs - mono, errorMs: now.errorMs }
    const isNews =
      written === undefined || Math.abs(offset.ms - written.ms) > offsetMoveMs || offset.errorMs < written.errorMs / 2
    if (!isNews) return
    written = offset
    await backlog.learnBootTime(offset)
  }
}
