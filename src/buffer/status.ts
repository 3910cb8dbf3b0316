/** The buffer's account of itself. */
import { monoMs } from '../base/clock.ts'
import type { BufferStatus } from '../format/status.ts'
import type { Core } from './core.ts'
import { type HeldChunk, startMonoOf } from './holding.ts'
import type { Room } from './room.ts'
import type { DiskError } from './segment-disk.ts'
import type { SegmentWriter } from './segment-writer.ts'

export function statusOf(core: Core, room: Room, writer: SegmentWriter): BufferStatus {
  let units = 0
  let bytes = 0
  let protectedBytes = 0
  let oldest: HeldChunk | undefined
  for (const { head, chunks } of core.holdings.recordings()) {
    const [first] = chunks
    const last = chunks.at(-1)
    if (head.video === undefined || first === undefined || last === undefined) continue
    units += chunks.length
    bytes += last.before.length + last.chunk.length - first.before.length
    oldest ??= first
    for (const held of chunks) if (held.protected) protectedBytes += held.chunk.length
  }
  return {
    units,
    bytes,
    oldestUnitAgeMs: oldest === undefined ? null : ageMs(core, oldest),
    quotaBytes: room.quota().quotaBytes,
    freeBytes: room.freeBytes() ?? null,
    evictedUnits: core.evicted.units,
    evictedBytes: core.evicted.bytes,
    memoryBytes: core.stage.memoryBytes(),
    spilledBytes: writer.spilledBytes(),
    protectedBytes,
    problem: problemOf(core, room, writer.problem()),
    repairs: core.repairs,
  }
}

/** `null` for footage of a boot that never learnt the time, and while this boot has not. */
function ageMs(core: Core, held: HeldChunk): number | null {
  const { boot } = held.owner.head.id
  const start = startMonoOf(held)
  const now = core.clock.mono()
  if (boot === core.boots.boot.counter) return now - start
  const wall = core.wallTime.at(monoMs(now))
  const offset = core.boots.time(boot)?.offset
  return wall === undefined || offset === undefined ? null : wall.wallMs - (start + offset.ms)
}

function problemOf(core: Core, room: Room, disk: DiskError | undefined): string | null {
  if (disk !== undefined) {
    return `Footage cannot be written to ${core.disk.place}: ${disk.message}. It stays in memory as far as there is room, and is tried again.`
  }
  const index = core.kv.problem()
  if (index !== undefined) return `The buffer's index cannot be written: ${index.message}. It is tried again.`
  return room.problem() ?? null
}
