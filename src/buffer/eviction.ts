/**
 * Which footage goes when there is no room, and what that does to the recordings.
 *
 * Space comes back a segment at a time, so that is how footage goes: the oldest closed segments of which nothing may be on
 * its way to the store. *Eviction cuts*: a recording ends before the evicted run, the survivors form a new one.
 */
import type { GapCause } from '../format/catalogue-record.ts'
import { type HeldChunk, isPinned } from './holding.ts'
import type { Holdings } from './holdings.ts'
import { type Loss, lossOf } from './loss.ts'
import type { Segment } from './segments.ts'

/**
 * The segments to give up, so that at least `bytes` come back, as far as there are any: ordinary footage oldest first, then
 * that of events.
 */
export function victims(segments: readonly Segment[], bytes: number): readonly Segment[] {
  const chosen: Segment[] = []
  let freed = 0
  const inOrder = [...segments.filter((one) => !one.protected), ...segments.filter((one) => one.protected)]
  for (const segment of inOrder) {
    if (freed >= bytes) break
    if (!segment.closed) continue
    // Nothing in it is needed: it goes as soon as it can, without a loss.
    if (segment.live.size > 0) {
      if ([...segment.live].some(isPinned)) continue
      chosen.push(segment)
    }
    freed += segment.bytes
  }
  return chosen
}

/** Takes chunks out of their recordings. The caller makes the rows and the gap records durable. */
export function evict(
  holdings: Holdings,
  chunks: Iterable<HeldChunk>,
  why: { readonly cause: GapCause; readonly note: string },
): { readonly lost: readonly HeldChunk[]; readonly losses: readonly Loss[] } {
  const doomed = new Set(chunks)
  const lost: HeldChunk[] = []
  const losses: Loss[] = []
  for (const recording of new Set([...doomed].map(({ owner }) => owner))) {
    let rest = recording
    for (;;) {
      const run = nextRun(rest.chunks, doomed)
      if (run === undefined) break
      const cut = holdings.cutOut(rest, run.from, run.to)
      lost.push(...cut.lost)
      const loss = lossOf(cut.lost, why.cause, why.note)
      if (loss !== undefined) losses.push(loss)
      if (cut.heir === undefined) break
      rest = cut.heir
    }
  }
  return { lost, losses }
}

/** The first run of doomed chunks, and with it what nobody could show without them: the rest of a GOP that lost its keyframe. */
function nextRun(
  chunks: readonly HeldChunk[],
  doomed: ReadonlySet<HeldChunk>,
): { readonly from: number; readonly to: number } | undefined {
  const from = chunks.findIndex((held) => doomed.has(held))
  if (from === -1) return undefined
  let to = from
  for (let held = chunks[to]; held !== undefined; held = chunks[to]) {
    const headless = held.chunk.media?.keyframe === false && !isPinned(held)
    if (!doomed.has(held) && !headless) break
    to += 1
  }
  return { from, to }
}
