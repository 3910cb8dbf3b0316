/**
 * The record tracks: events, health reports, the catalogue. Their lines are small and live in rows of the database. All
 * lines that come in while a batch is on its way become one chunk, durable with one sync; a chunk once made never changes.
 *
 * A recording of such a track ends with the boot, with the UTC day (24 h of monotonic time while the day is not known)
 * and at `recordingBytes`.
 */
import { assert } from '../base/assert.ts'
import { type Clock, monoMs, type WallTime } from '../base/clock.ts'
import { crc64 } from '../base/crc64.ts'
import { limits } from '../base/limits.ts'
import type { Logger } from '../base/log.ts'
import { type TrackId, trackKind } from '../format/recording.ts'
import { createBell } from './bell.ts'
import { patiently } from './core.ts'
import type { HeldChunk, Recording } from './holding.ts'
import type { Holdings } from './holdings.ts'
import type { KvOp } from './kv.ts'
import type { KvWriter } from './kv-writer.ts'
import { lineKey } from './rows.ts'
import type { Sizes } from './sizes.ts'

/** Lines of one chunk, in bytes; a single line may be 64 KiB. */
const chunkBytesMax = 256 * 1024
const dayMs = 86_400_000

/** Lines that are in the holdings and not yet durable. The caller writes `ops` in its batch, then calls `landed`. */
export interface Staged {
  readonly ops: readonly KvOp[]
  landed(): void
  /** The rows are not durable for so long that the lines may be sent before: see `limits.diskPatienceMs`. */
  late(): void
}

export interface Lines {
  /** Durable when it resolves, or as good as can be had while the database does not answer. */
  write(track: TrackId, line: string): Promise<void>
  stage(track: TrackId, lines: readonly string[]): Staged
  /** Resolves when everything written so far is durable. */
  flushed(): Promise<void>
}

export interface LinesWorld {
  readonly holdings: Holdings
  readonly kv: KvWriter
  readonly clock: Clock
  readonly wallTime: WallTime
  readonly log: Logger
  readonly sizes: Sizes
  readonly bootCounter: number
  readonly changed: () => void
  /** A line for the catalogue about lines that had to go. */
  readonly alarm: (about: string, note: string) => string
  readonly fatal: (error: unknown) => void
}

interface Waiting {
  readonly track: TrackId
  readonly line: string
  readonly done: () => void
}

export function createLines(world: LinesWorld): Lines {
  const { holdings, kv, log, sizes } = world
  let waiting: Waiting[] = []
  let flushing = false
  const idle = createBell()

  function write(track: TrackId, line: string): Promise<void> {
    assert(trackKind(track) !== 'video', 'lines belong to a record track')
    assert(!line.includes('\n'), 'a line is one line')
    assert(Buffer.byteLength(line) < limits.recordBytesMax, 'a line has a limit')
    return new Promise((done) => {
      waiting.push({ track, line, done })
      boundWaiting()
      if (!flushing) flush().catch(world.fatal)
    })
  }

  /** Only when the database has not answered for long: lines come one by one, and a batch takes all of them. */
  function boundWaiting(): void {
    if (waiting.length <= sizes.recordsHeld) return
    const dropped = waiting.shift()
    dropped?.done()
    log.error(
      'record-dropped',
      `A line of ${dropped?.track} was given up: the buffer's index takes no rows and memory is bounded.`,
    )
  }

  async function flush(): Promise<void> {
    flushing = true
    while (waiting.length > 0) {
      const group = waiting
      waiting = []
      const tracks = new Set(group.map(({ track }) => track))
      const staged = [...tracks].map((track) =>
        stage(
          track,
          group.filter((one) => one.track === track).map(({ line }) => line),
        ),
      )
      const durable = kv.write([...staged.flatMap(({ ops }) => ops), ...holdings.takeRows()], true).then(() => {
        for (const { landed } of staged) landed()
      })
      await patiently(world, durable, () => {
        for (const { late } of staged) late()
      })
      for (const { done } of group) done()
    }
    flushing = false
    idle.ring()
  }

  function stage(track: TrackId, lines: readonly string[]): Staged {
    const ops: KvOp[] = []
    const added: HeldChunk[] = []
    for (const group of groupsOf(lines)) {
      const recording = recordingFor(track)
      const text = group.map((line) => `${line}\n`).join('')
      const bytes = Buffer.from(text)
      const seq = holdings.track(track).nextSeq
      const chunk = { seq, length: bytes.length, crc64: crc64(bytes) }
      const place = { at: 'memory' } as const
      const heldAt = world.clock.mono()
      added.push(holdings.append(recording, { chunk, bytes, place, lines: group.length, heldAt, protected: false }))
      ops.push({ type: 'put', key: lineKey(track, seq), value: text })
    }
    const trimmed = trim(track)
    return {
      ops: [...ops, ...trimmed.ops],
      landed() {
        for (const held of added) {
          held.place = { at: 'row', key: lineKey(track, held.chunk.seq) }
          held.bytes = undefined
        }
        trimmed.landed()
        world.changed()
      },
      late() {
        for (const held of added) held.early = true
        trimmed.late()
        world.changed()
      },
    }
  }

  function recordingFor(track: TrackId): Recording {
    const { open } = holdings.track(track)
    if (open !== undefined && !rolls(open)) return open
    return holdings.begin(track, world.bootCounter, { startMonoMs: world.clock.mono() })
  }

  function rolls(open: Recording): boolean {
    if (open.tail.length - open.base.length >= sizes.recordingBytes) return true
    const start = monoMs(open.head.startMonoMs)
    const now = world.clock.mono()
    const from = world.wallTime.at(start)
    const to = world.wallTime.at(now)
    if (from === undefined || to === undefined) return now - start >= dayMs
    return Math.floor(from.wallMs / dayMs) !== Math.floor(to.wallMs / dayMs)
  }

  /** Beyond the limit the oldest tenth goes, what may be on its way to the store excepted, and the catalogue says so. */
  function trim(track: TrackId): Staged {
    const held = holdings.track(track)
    if (held.lines <= sizes.recordsHeld) return nothingStaged
    const goal = sizes.recordsHeld * 0.9
    const ops: KvOp[] = []
    const before = held.lines
    for (const recording of [...holdings.recordings()]) {
      if (recording.head.id.track !== track) continue
      const from = recording.chunks.findIndex(({ chunk }) => chunk.seq >= recording.pinnedBelow)
      if (from === -1 || held.lines <= goal) continue
      let to = from
      for (let left = held.lines; to < recording.chunks.length && left > goal; to += 1) {
        left -= recording.chunks[to]?.lines ?? 0
      }
      const { lost } = holdings.cutOut(recording, from, to)
      for (const { chunk } of lost) ops.push({ type: 'del', key: lineKey(track, chunk.seq) })
    }
    // Everything is on its way to the store: it stays, and so does the little that is beyond the limit.
    if (held.lines === before) return nothingStaged
    const note = `${before - held.lines} lines of ${track} were given up: more than ${sizes.recordsHeld} were waiting for the network.`
    log.error('records-dropped', note)
    const alarm = stage('catalogue', [world.alarm(track, note)])
    return { ...alarm, ops: [...ops, ...alarm.ops] }
  }

  return {
    write,
    stage,
    flushed: async () => {
      if (flushing) await idle.next()
    },
  }
}

const nothingStaged: Staged = { ops: [], landed: () => {}, late: () => {} }

function groupsOf(lines: readonly string[]): string[][] {
  const groups: string[][] = []
  let bytes = chunkBytesMax
  for (const line of lines) {
    const length = Buffer.byteLength(line) + 1
    const group = groups.at(-1)
    if (group === undefined || bytes + length > chunkBytesMax) {
      groups.push([line])
      bytes = length
      continue
    }
    group.push(line)
    bytes += length
  }
  return groups
}
