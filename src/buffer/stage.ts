/**
 * The youngest footage, in memory. While the store confirms within `spillAfterMs`, a unit never sees the disk; what takes
 * longer is due and goes there in groups. Footage of events is due at once, and everything is when memory runs short or
 * the recorder stops. A unit is never due before an older one of its camera, so that a power cut takes an end and
 * never a middle.
 *
 * Bytes stay in memory after they were written, as long as there is room, so that the uplink rarely reads the disk.
 *
 * Data and decisions only; `segment-writer.ts` writes.
 */
import type { TrackId } from '../format/recording.ts'
import { type HeldChunk, isPinned } from './holding.ts'

export interface MemoryLimits {
  /** Footage is due this long after it came; 0 is at once. */
  readonly spillAfterMs: number
  /** Footage in memory, of all cameras and of each, in bytes. Half of it may wait before everything is due. */
  readonly memoryBytes: number
  readonly memoryBytesPerCamera: number
}

/** As the settings have them. */
export const memoryLimits = (asked: {
  readonly spillAfterS: number
  readonly memoryBytes: number
  readonly memoryBytesPerCamera: number
}): MemoryLimits => ({
  spillAfterMs: asked.spillAfterS * 1000,
  memoryBytes: asked.memoryBytes,
  memoryBytesPerCamera: asked.memoryBytesPerCamera,
})

export interface Stage {
  add(held: HeldChunk): void
  /** Confirmed, or given up: nothing of them stays in memory. */
  drop(chunks: Iterable<HeldChunk>): void
  /** When the first is due, in ms of the monotonic clock; `undefined` if nothing waits. */
  dueAt(): number | undefined
  /** Something is due that must not wait for a larger group. */
  urgent(): boolean
  dueBytes(now: number): number
  /** The oldest that are due, `bytesMax` in all, at least one. They wait no more. */
  take(now: number, bytesMax: number): readonly HeldChunk[]
  /** A group was not written: it waits again, before everything else. */
  putBack(group: readonly HeldChunk[]): void
  /** A group is on the disk. */
  written(group: readonly HeldChunk[]): void
  /** Everything is due from now on. */
  flush(): void
  /** What must be given up now, oldest first, since the disk has not taken it and memory is full. */
  excess(): readonly HeldChunk[]
  waitingBytes(): number
  memoryBytes(): number
  setLimits(limits: MemoryLimits): void
}

/** At the limit so much more goes at once, that a long trouble makes few gap records. */
const excessShare = 1 / 8

export function createStage(initial: MemoryLimits): Stage {
  let limits = initial
  let waiting = new Set<HeldChunk>()
  /** On the disk, and still in memory. */
  const resident = new Set<HeldChunk>()
  const perTrack = new Map<TrackId, { waiting: number; resident: number }>()
  let waitingSum = 0
  let residentSum = 0
  let flushing = false

  const trackOf = (held: HeldChunk): TrackId => held.owner.head.id.track
  function count(held: HeldChunk, what: 'waiting' | 'resident', sign: 1 | -1): void {
    const bytes = sign * held.chunk.length
    const of = perTrack.get(trackOf(held)) ?? { waiting: 0, resident: 0 }
    of[what] += bytes
    perTrack.set(trackOf(held), of)
    if (what === 'waiting') waitingSum += bytes
    else residentSum += bytes
  }

  function letGo(held: HeldChunk): void {
    if (!resident.delete(held)) return
    count(held, 'resident', -1)
    if (held.place.at === 'segment') held.bytes = undefined
  }

  /** What is on the disk already makes room, oldest first. */
  function bound(): void {
    for (const held of resident) {
      const of = perTrack.get(trackOf(held))
      const full = waitingSum + residentSum > limits.memoryBytes
      const fullHere = of !== undefined && of.waiting + of.resident > limits.memoryBytesPerCamera
      if (full || fullHere) letGo(held)
      else if (waitingSum + residentSum <= limits.memoryBytesPerCamera) return
    }
  }

  function pressed(): boolean {
    if (flushing || waitingSum > limits.memoryBytes / 2) return true
    for (const of of perTrack.values()) if (of.waiting > limits.memoryBytesPerCamera / 2) return true
    return false
  }

  /** In order. Looks from the youngest, so that an urgent unit takes the older ones of its camera with it. */
  function due(now: number): HeldChunk[] {
    if (pressed()) return [...waiting]
    const urgent = new Set<TrackId>()
    const found: HeldChunk[] = []
    for (const held of [...waiting].reverse()) {
      if (held.protected) urgent.add(trackOf(held))
      if (urgent.has(trackOf(held)) || now - held.heldAt >= limits.spillAfterMs) found.push(held)
    }
    return found.reverse()
  }

  function urgent(): boolean {
    if (pressed()) return true
    for (const held of waiting) if (held.protected) return true
    return false
  }

  function overfull(): boolean {
    return (
      waitingSum > limits.memoryBytes || [...perTrack.values()].some((of) => of.waiting > limits.memoryBytesPerCamera)
    )
  }

  /** Of one camera, or of all. */
  function oldest(bytes: number, camera: TrackId | undefined, doomed: Set<HeldChunk>): void {
    let left = bytes
    for (const protectedToo of [false, true]) {
      for (const held of waiting) {
        if (left <= 0) return
        if (isPinned(held) || held.protected !== protectedToo || doomed.has(held)) continue
        if (camera !== undefined && trackOf(held) !== camera) continue
        doomed.add(held)
        left -= held.chunk.length
      }
    }
  }

  return {
    add(held) {
      waiting.add(held)
      count(held, 'waiting', 1)
      bound()
    },
    drop(chunks) {
      for (const held of chunks) {
        if (waiting.delete(held)) count(held, 'waiting', -1)
        letGo(held)
        held.gone = true
      }
    },
    dueAt() {
      const [first] = waiting
      if (first === undefined) return undefined
      return urgent() ? first.heldAt : first.heldAt + limits.spillAfterMs
    },
    urgent,
    dueBytes: (now) => due(now).reduce((sum, { chunk }) => sum + chunk.length, 0),
    take(now, bytesMax) {
      const group: HeldChunk[] = []
      let bytes = 0
      for (const held of due(now)) {
        if (group.length > 0 && bytes + held.chunk.length > bytesMax) break
        bytes += held.chunk.length
        group.push(held)
      }
      // They are still in memory, and counted there, until somebody says what became of them.
      for (const held of group) waiting.delete(held)
      return group
    },
    putBack(group) {
      const back = group.filter((held) => !held.gone)
      for (const held of group) if (held.gone) count(held, 'waiting', -1)
      waiting = new Set([...back, ...waiting])
    },
    written(group) {
      for (const held of group) {
        count(held, 'waiting', -1)
        if (held.gone) continue
        resident.add(held)
        count(held, 'resident', 1)
      }
      bound()
    },
    flush() {
      flushing = true
    },
    excess() {
      const doomed = new Set<HeldChunk>()
      if (!overfull()) return []
      const { memoryBytes, memoryBytesPerCamera } = limits
      for (const [track, of] of perTrack) {
        if (of.waiting <= memoryBytesPerCamera) continue
        oldest(of.waiting - memoryBytesPerCamera * (1 - excessShare), track, doomed)
      }
      const gone = [...doomed].reduce((sum, { chunk }) => sum + chunk.length, 0)
      if (waitingSum - gone > memoryBytes)
        oldest(waitingSum - gone - memoryBytes * (1 - excessShare), undefined, doomed)
      return [...doomed]
    },
    waitingBytes: () => waitingSum,
    memoryBytes: () => waitingSum + residentSum,
    setLimits(wanted) {
      limits = wanted
      bound()
    },
  }
}
