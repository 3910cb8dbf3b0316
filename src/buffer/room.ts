/**
 * Room for what is to be written: the quota in bytes and the space that others on the disk are promised. When there is too
 * little, the oldest footage that nobody has confirmed goes, with a gap record that names it. Recording never pauses.
 */
import type { MonoMs } from '../base/clock.ts'
import type { Core } from './core.ts'
import { recordLoss } from './core.ts'
import { evict, victims } from './eviction.ts'
import type { HeldChunk } from './holding.ts'

/** How often the disk is asked for its free space, at most. */
const askMs = 5_000
/** Writing waits this long for space to come back; then it goes on, and beyond the quota if it must. */
const patienceMs = 5_000

export interface Quota {
  readonly quotaBytes: number
  readonly minFreeBytes: number
}

export interface Room {
  make(bytes: number, refused: boolean): Promise<void>
  freeBytes(): number | undefined
  quota(): Quota
  setQuota(quota: Quota): void
  /** Said while the disk is short of space and there is nothing left to give up. */
  problem(): string | undefined
}

interface Need {
  readonly bytes: number
  /** The file system itself is short, not only the quota. */
  readonly ofDisk: boolean
  readonly why: string
}

/** Copies footage of events out of segments that must go; see `SegmentWriter.rescue`. */
export type Rescue = (chunks: readonly HeldChunk[]) => Promise<void>

export function createRoom(core: Core, initial: Quota, rescue: Rescue): Room {
  const { segments, disk, clock, turns, sizes, log } = core
  let quota = initial
  let free: number | undefined
  let askedAt: MonoMs | undefined
  let short = false

  /** As far as is known; asked again by the way, since nothing is written while there is no need for the disk. */
  function stillShort(): boolean {
    const now = clock.mono()
    if (short && (askedAt === undefined || now - askedAt >= askMs)) {
      askedAt = now
      void ask(now)
    }
    return short && missing(0, false).bytes > 0
  }

  async function ask(now: MonoMs): Promise<void> {
    free = await turns.take(() => disk.freeBytes())
    askedAt = now
  }

  function missing(bytes: number, refused: boolean): Need {
    const overQuota = segments.usedBytes() + bytes - quota.quotaBytes
    const tooFull = free === undefined ? 0 : quota.minFreeBytes + bytes - free
    if (refused) {
      return { bytes: Math.max(sizes.segmentBytes, overQuota, tooFull), ofDisk: true, why: 'The disk was full.' }
    }
    const ofDisk = tooFull > 0
    if (overQuota >= tooFull) return { bytes: overQuota, ofDisk, why: 'The quota of the buffer was reached.' }
    return { bytes: tooFull, ofDisk, why: 'The disk had less free space than it must keep.' }
  }

  /** What no recorder here reads goes before footage that one can still send. */
  async function afterDropping(need: Need, bytes: number): Promise<Need> {
    let left = need
    while (left.bytes > 0 && left.ofDisk) {
      const dropped = await turns.take(() => disk.dropAside())
      if (!dropped.ok || dropped.value === undefined) break
      log.error(
        'aside-dropped',
        `${disk.place} is short of space: ${dropped.value}, which no recorder here reads, was deleted.`,
      )
      await ask(clock.mono())
      left = missing(bytes, false)
    }
    return left
  }

  async function make(bytes: number, refused: boolean): Promise<void> {
    const now = clock.mono()
    if (refused || askedAt === undefined || now - askedAt >= askMs) await ask(now)
    const need = await afterDropping(missing(bytes, refused), bytes)
    short = false
    if (need.bytes <= 0) {
      if (free !== undefined) free -= bytes
      return
    }
    const chosen = victims(segments.all(), need.bytes)
    short = chosen.length === 0 && segments.all().every(({ closed, live }) => !closed || live.size > 0)
    const events = chosen.flatMap((one) => (one.protected ? [] : [...one.live].filter((held) => held.protected)))
    // A disk that has just refused takes no copies; then nothing that could be given up instead is left.
    if (events.length > 0 && !refused) await rescue(events)
    const doomed = chosen.flatMap(({ live }) => [...live])
    const note = `${need.why} It had not been uploaded.`
    const { lost, losses } = evict(core.holdings, doomed, { cause: 'evicted', note })
    if (lost.length > 0) {
      core.evicted.units += losses.reduce((sum, { units }) => sum + units, 0)
      core.evicted.bytes += losses.reduce((sum, loss) => sum + loss.bytes, 0)
      void recordLoss(core, lost, losses)
    }
    const over = new AbortController()
    await Promise.race([segments.swept(), clock.sleep(patienceMs, over.signal)])
    over.abort()
    askedAt = undefined
  }

  return {
    make,
    freeBytes: () => free,
    quota: () => quota,
    setQuota: (wanted) => {
      quota = wanted
    },
    problem: () =>
      stillShort()
        ? `${disk.place} is short of space (${free ?? 'unknown'} bytes free, ${quota.minFreeBytes} to keep, ${segments.usedBytes()} of ${quota.quotaBytes} used) and there is nothing old to give up. Free some space, or lower the quota.`
        : undefined,
  }
}
