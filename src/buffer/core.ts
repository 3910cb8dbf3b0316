/** The parts of an open buffer, and the one way footage is given up: rows, gap record and log line together. */
import type { Clock, WallTime } from '../base/clock.ts'
import type { Logger } from '../base/log.ts'
import { videoTrack } from '../format/recording.ts'
import type { Bell } from './bell.ts'
import type { Boots } from './boots.ts'
import type { HeldChunk } from './holding.ts'
import type { Holdings } from './holdings.ts'
import type { KvWriter } from './kv-writer.ts'
import type { LifeGaps } from './life-gaps.ts'
import type { Lines } from './lines.ts'
import { gapLine, type Loss, lossSentence, type Times } from './loss.ts'
import type { Evidence } from './mend.ts'
import { lineKey } from './rows.ts'
import type { SegmentDisk } from './segment-disk.ts'
import type { SegmentWriter } from './segment-writer.ts'
import type { Segments } from './segments.ts'
import type { Sizes } from './sizes.ts'
import type { Stage } from './stage.ts'
import type { Turns } from './turns.ts'

export interface Core {
  readonly clock: Clock
  readonly wallTime: WallTime
  readonly log: Logger
  readonly sizes: Sizes
  readonly disk: SegmentDisk
  readonly turns: Turns
  readonly kv: KvWriter
  readonly holdings: Holdings
  readonly segments: Segments
  readonly stage: Stage
  readonly lifeGaps: LifeGaps
  readonly boots: Boots
  readonly times: Times
  readonly lines: Lines
  readonly changed: Bell
  /** What was on the disk once, as the rows said when it was opened. */
  readonly missing: Pick<Evidence, 'storedOnce' | 'sacrificed'>
  /** See `SegmentWriter.noteLoss`. */
  readonly noteLoss: SegmentWriter['noteLoss']
  /** What was done when it was opened, in sentences. */
  readonly repairs: readonly string[]
  /** What was given up since the process began. */
  readonly evicted: { units: number; bytes: number }
}

/**
 * Chunks have been cut out of the holdings: makes that durable, with a gap record for each loss in the same batch, then
 * lets go of what they took.
 */
export async function recordLoss(core: Core, lost: readonly HeldChunk[], losses: readonly Loss[]): Promise<void> {
  // In the batch of the gap records, so that a later life knows how far this one had come.
  for (const { camera, bootCounter, toMonoMs, end } of losses) {
    core.holdings.reached(videoTrack(camera), end ?? { boot: bootCounter, monoMs: toMonoMs })
  }
  const staged = core.lines.stage(
    'catalogue',
    losses.map((loss) => gapLine(loss, core.times)),
  )
  const dels = lost.flatMap(({ place, owner, chunk }) =>
    place.at === 'row' ? [{ type: 'del', key: lineKey(owner.head.id.track, chunk.seq) } as const] : [],
  )
  for (const loss of losses) {
    core.log.error('footage-lost', `Given up (${loss.cause}): ${lossSentence(loss, core.times)}. ${loss.note}`, {
      camera: loss.camera,
      cause: loss.cause,
    })
  }
  core.stage.drop(lost)
  // Units that come later may be on the disk before the gap record is, when only the database refuses.
  const noted = losses.flatMap(({ seqs, ...loss }) =>
    seqs === undefined ? [] : [core.noteLoss({ ...loss, seqs, number: core.holdings.countLoss(seqs.track) })],
  )
  const durable = core.kv.write([...staged.ops, ...dels, ...core.holdings.takeRows()], true)
  // The segment goes only after a sync of its own, which stands behind this batch.
  core.segments.release(lost, 'given up')
  core.changed.ring()
  const cut = new Set(lost.map(({ owner }) => owner))
  for (const recording of cut) recording.cutsUnderWay += 1
  await patiently(core, durable, staged.late)
  await durable
  for (const recording of cut) recording.cutsUnderWay -= 1
  staged.landed()
  core.changed.ring()
  for (const forget of noted) forget()
}

/** Waits until it is done, or for as long as the disk may keep anybody waiting; `late` is called then. */
export async function patiently(
  { clock, sizes }: Pick<Core, 'clock' | 'sizes'>,
  work: Promise<void>,
  late: () => void,
): Promise<void> {
  const over = new AbortController()
  let done = false
  const finished = work.then(() => {
    done = true
  })
  await Promise.race([finished, clock.sleep(sizes.patienceMs, over.signal)])
  over.abort('over')
  if (!done) late()
}
