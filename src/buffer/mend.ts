/**
 * Cuts every recording at its holes, so that what is left is whole, and names what is missing.
 *
 * A hole is a sequence number that a recording owns and no segment holds: footage that waited for the disk when the
 * process or the power ended, though a row of the database had counted it already; or footage that was stored and cannot
 * be read any more.
 */
import { cameraOf, recordingName, type TrackId, trackKind } from '../format/recording.ts'
import { ticksPerMs } from '../format/unit.ts'
import { endOf, endPtsOf, monoOf, type Recording, startMonoOf } from './holding.ts'
import type { Holdings } from './holdings.ts'
import type { Loss } from './loss.ts'
import type { SegmentEntry } from './rows.ts'
import type { NotedLoss } from './segment-record.ts'

/** A usual GOP, where nothing better is known. */
const unitMsUsual = 1_000

export interface Mended {
  readonly losses: readonly Loss[]
  /** Record tracks in which lines are missing. */
  readonly brokenLines: readonly TrackId[]
}

interface Hole {
  /** Index of the chunk behind it. */
  readonly at: number
  readonly fromSeq: number
  readonly units: number
}

/** Cuts every recording at its holes, so that what is left is whole. */
export interface StoredOnce {
  readonly segment: number
  readonly entry: SegmentEntry
}

export interface Evidence {
  /** What the row of a segment says about a unit that no file holds any more. */
  storedOnce(track: TrackId, seq: number): StoredOnce | undefined
  /** Losses that later segments tell of. */
  readonly noted: readonly NotedLoss[]
  /** Segments that were deleted to open the buffer on a full disk. */
  readonly sacrificed: ReadonlySet<number>
  /** Every row is there: a unit without one was never stored. */
  readonly trusted: boolean
}

/** Losses whose gap records did not reach the database: they are made now, and what they name stays lost. */
export function takeNoted(holdings: Holdings, found: readonly NotedLoss[]): readonly NotedLoss[] {
  const owed = found.filter(({ number, seqs }) => number > holdings.track(seqs.track).losses)
  for (const { seqs } of owed) {
    const track = holdings.track(seqs.track)
    track.nextSeq = Math.max(track.nextSeq, seqs.below)
    for (const recording of holdings.recordings()) {
      if (recording.head.id.track !== seqs.track) continue
      recording.chunks = recording.chunks.filter(({ chunk }) => chunk.seq < seqs.from || chunk.seq >= seqs.below)
    }
  }
  return owed
}

export function mend(holdings: Holdings, evidence: Evidence): Mended {
  const losses: Loss[] = []
  const brokenLines = new Set<TrackId>()
  for (const recording of [...holdings.recordings()]) {
    holdings.track(recording.head.id.track).lines += recording.chunks.reduce((sum, { lines }) => sum + lines, 0)
    if (recording.doubtful) continue
    const mended = mendRecording(holdings, recording, evidence)
    losses.push(...mended.losses)
    for (const track of mended.brokenLines) brokenLines.add(track)
  }
  return { losses, brokenLines: [...brokenLines] }
}

export function mendRecording(holdings: Holdings, recording: Recording, evidence: Evidence): Mended {
  const losses: Loss[] = []
  const brokenLines: TrackId[] = []
  let rest: Recording | undefined = recording
  while (rest !== undefined) {
    const current: Recording = rest
    const hole = holeIn(current)
    if (hole === undefined) break
    const { track } = current.head.id
    const unnamed = unnamedPart(hole, track, evidence.noted)
    const loss = unnamed && lossAt(holdings, current, unnamed, evidence)
    if (loss !== undefined) {
      losses.push(loss)
      holdings.reached(track, { boot: loss.bootCounter, monoMs: loss.toMonoMs })
    } else if (trackKind(track) !== 'video') brokenLines.push(track)
    rest = holdings.cutOut(current, hole.at, hole.at).heir
  }
  return { losses, brokenLines }
}

/** What is known of a hole when the store has just settled a doubt: units that were in memory alone. */
export const memoryAlone: Evidence = {
  storedOnce: () => undefined,
  noted: [],
  sacrificed: new Set(),
  trusted: true,
}

/** What of a hole no noted loss names; those have their own gap records. */
function unnamedPart(hole: Hole, track: TrackId, noted: readonly NotedLoss[]): Hole | undefined {
  const missing = Array.from({ length: hole.units }, (_, index) => hole.fromSeq + index).filter(
    (seq) => !noted.some(({ seqs }) => seqs.track === track && seqs.from <= seq && seq < seqs.below),
  )
  const [first] = missing
  return first === undefined ? undefined : { at: hole.at, fromSeq: first, units: missing.length }
}

function holeIn(recording: Recording): Hole | undefined {
  let expected = recording.arrivedSeq
  for (const [at, { chunk }] of recording.chunks.entries()) {
    if (chunk.seq !== expected) return { at, fromSeq: expected, units: chunk.seq - expected }
    expected += 1
  }
  if (recording.endSeq <= expected) return undefined
  return { at: recording.chunks.length, fromSeq: expected, units: recording.endSeq - expected }
}

function lossAt(holdings: Holdings, recording: Recording, hole: Hole, evidence: Evidence): Loss | undefined {
  const { head } = recording
  const camera = cameraOf(head.id.track)
  if (camera === undefined) return undefined
  const first = evidence.storedOnce(head.id.track, hole.fromSeq)
  const last = evidence.storedOnce(head.id.track, hole.fromSeq + hole.units - 1)
  const before = { ...recording, chunks: recording.chunks.slice(0, hole.at) }
  const fromMonoMs = monoOf(recording, first?.entry.media.firstPts ?? endPtsOf(before))
  const end = last === undefined ? undefined : monoOf(recording, endOf(last.entry.media))
  return {
    camera,
    ...causeOf(first ?? last, evidence),
    bootCounter: head.id.boot,
    fromMonoMs,
    toMonoMs: end ?? endOfHole(holdings, recording, hole, fromMonoMs),
    units: hole.units,
    bytes: bytesIn(recording, hole),
  }
}

function causeOf(stored: StoredOnce | undefined, evidence: Evidence): Pick<Loss, 'cause' | 'note'> {
  if (stored !== undefined && evidence.sacrificed.has(stored.segment)) {
    return { cause: 'evicted', note: 'The disk was full when the recorder started. It had not been uploaded.' }
  }
  if (stored !== undefined || !evidence.trusted) {
    return { cause: 'corrupt', note: 'It was stored on this device and cannot be read any more.' }
  }
  return { cause: 'power', note: 'It was on its way to the disk when the recorder or its power ended.' }
}

/** Where the footage goes on; behind the last of a boot it does not, and the length of the units before must do. */
function endOfHole(holdings: Holdings, recording: Recording, hole: Hole, fromMonoMs: number): number {
  const behind = recording.chunks[hole.at]
  if (behind !== undefined) return startMonoOf(behind)
  const { id } = recording.head
  const following = holdings
    .recordings()
    .find(({ head }) => head.id.track === id.track && head.id.boot === id.boot && head.firstSeq === recording.endSeq)
  if (following !== undefined) return following.head.startMonoMs
  const media = recording.chunks.at(-1)?.chunk.media
  const unitMs = media === undefined ? unitMsUsual : media.durationTicks / ticksPerMs
  const guessed = fromMonoMs + hole.units * unitMs
  // The recording behind it may be finished and forgotten; while this one was in doubt, its start was kept.
  const next = holdings.track(id.track).owed.find((gap) => gap.of === recordingName(id) && gap.to?.boot === id.boot)?.to
  return next !== undefined && Math.abs(next.monoMs - guessed) < unitMs ? next.monoMs : guessed
}

function bytesIn({ arrived, base, chunks }: Recording, hole: Hole): number {
  const last = chunks[hole.at - 1]
  const end = last === undefined ? base.length + arrived.length : last.before.length + last.chunk.length
  return Math.max(0, (chunks[hole.at]?.before.length ?? 0) - end)
}
