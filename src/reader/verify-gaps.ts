/**
 * Which stretches of a camera's time have no footage, and does the catalogue give a cause for each? Unexplained gaps are
 * findings; explained ones are named with their cause. Pure.
 *
 * The time before the first and after the last footage is nobody's gap here: whether a camera *should* be recording now
 * is the health report's question.
 */
import type { Gap } from './catalogue.ts'

/** Footage that exists, in wall ms. */
export interface Span {
  readonly fromMs: number
  readonly toMs: number
}

/**
 * A hole shorter than this is no gap. The clock of a camera's next run is anchored within 12 ms, but a drift of up to
 * 0.5 s may end a run, and a recording's start is known only as well as the wall clock was when it was named.
 */
const holeMsMin = 1_000
/** Gap records and footage are dated by different clocks' best knowledge; a second of difference is not a lie. */
const recordToleranceMs = 1_000

/** What lies between the first and the last footage without a cause. In order. */
export function unexplainedHoles(footage: readonly Span[], gaps: readonly Gap[]): Span[] {
  const explained = gaps.flatMap((gap) => {
    const toMs = endOf(gap, gaps)
    return gap.fromMs === undefined || toMs === undefined
      ? []
      : [{ fromMs: gap.fromMs - recordToleranceMs, toMs: toMs + recordToleranceMs }]
  })
  return holesIn(footage).flatMap((hole) => without(hole, explained).filter((rest) => lengthOf(rest) >= holeMsMin))
}

/**
 * A boot that never learnt the time has footage without a date. It lies between the gap before that boot and the gap behind
 * it, and nobody can say where: the two gaps and what is between them are one stretch that is explained.
 */
function endOf(gap: Gap, gaps: readonly Gap[]): number | undefined {
  const seen = new Set<number>()
  for (let at: Gap | undefined = gap; at !== undefined; ) {
    const { camera, toMs, endBootCounter }: Gap = at
    if (toMs !== undefined || endBootCounter === undefined || seen.has(endBootCounter)) return toMs
    seen.add(endBootCounter)
    at = gaps.find((next) => {
      return next.camera === camera && next.bootCounter === endBootCounter && next.endBootCounter !== undefined
    })
  }
  return undefined
}

/** The holes between spans; overlapping spans count once. */
export function holesIn(footage: readonly Span[]): Span[] {
  const holes: Span[] = []
  let end: number | undefined
  for (const span of [...footage].sort((a, b) => a.fromMs - b.fromMs)) {
    if (end !== undefined && span.fromMs - end >= holeMsMin) holes.push({ fromMs: end, toMs: span.fromMs })
    end = Math.max(end ?? span.toMs, span.toMs)
  }
  return holes
}

function without(hole: Span, covers: readonly Span[]): Span[] {
  let rest: Span[] = [hole]
  for (const cover of covers) {
    rest = rest.flatMap((span) =>
      [
        { fromMs: span.fromMs, toMs: Math.min(span.toMs, cover.fromMs) },
        { fromMs: Math.max(span.fromMs, cover.toMs), toMs: span.toMs },
      ].filter((part) => part.toMs > part.fromMs),
    )
  }
  return rest
}

const lengthOf = (span: Span): number => span.toMs - span.fromMs

/** The stretches of footage a playlist describes: one per run of the camera. Undated entries are left out. */
export function spansOf(
  entries: readonly { readonly wallMs: number | undefined; readonly durationS: number }[],
): Span[] {
  const spans: Span[] = []
  for (const { wallMs, durationS } of entries) {
    if (wallMs === undefined) continue
    const toMs = wallMs + durationS * 1000
    const last = spans.at(-1)
    // Within a run the entries join; rounding leaves less than a millisecond.
    if (last !== undefined && Math.abs(wallMs - last.toMs) < 2) spans[spans.length - 1] = { fromMs: last.fromMs, toMs }
    else spans.push({ fromMs: wallMs, toMs })
  }
  return spans
}
