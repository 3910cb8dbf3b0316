/**
 * The buffer, open: what is not confirmed yet. Capture fills it without ever waiting, the uplink drains it; neither knows
 * the other. This file is the surface (`UnitSink` of capture, `Backlog` of the uplink, lines for everybody); the work is
 * done by its neighbours. Footage is offered from memory at once, and goes to the disk only when the store takes too long.
 */
import { assert } from '../base/assert.ts'
import type { Result } from '../base/result.ts'
import type { GapCause } from '../format/catalogue-record.ts'
import type { Boot, Claim, Extent, RecordingHead, RecordingId, TrackId, VideoHeader } from '../format/recording.ts'
import { recordingName, trackKind } from '../format/recording.ts'
import type { BufferStatus } from '../format/status.ts'
import type { Ticks, Unit } from '../format/unit.ts'
import type { BootTime } from './boots.ts'
import { type Core, patiently, recordLoss } from './core.ts'
import { createEventWindows } from './event-windows.ts'
import { endOfFootage, endPtsOf, type HeldChunk, laterOf, type Recording } from './holding.ts'
import type { KvOp } from './kv.ts'
import { gapLine, type Loss } from './loss.ts'
import { memoryAlone, mendRecording } from './mend.ts'
import { type BufferReadError, createReader } from './reader.ts'
import type { Quota, Room } from './room.ts'
import { cleanKey, lineKey } from './rows.ts'
import type { SegmentWriter } from './segment-writer.ts'
import { type Held, snapshotOf } from './snapshot.ts'
import type { MemoryLimits } from './stage.ts'
import { statusOf } from './status.ts'

/** Owed footage that was never captured; the caller knows why. Times in ms of this boot's monotonic clock. */
export interface GapReport {
  readonly camera: string
  readonly cause: GapCause
  readonly fromMonoMs: number
  readonly toMonoMs: number
  /** One sentence for people, without secrets. */
  readonly note: string
}

export interface Buffer {
  readonly boot: Boot
  open(track: TrackId): { readonly head: RecordingHead; readonly length: number; readonly endPts: Ticks } | undefined
  begin(track: TrackId, start: { readonly startMonoMs: number; readonly video: VideoHeader }): void
  put(track: TrackId, unit: Unit): void
  /** The open recording of a video track takes no more units and keeps what it has; the next unit asks for a new one. */
  endOpen(track: TrackId): void
  /**
   * Footage of this track between these moments (ms of this boot's monotonic clock, the past and the future) belongs to
   * an event: it goes to the disk at once and is given up last. Calling it again with a later end extends the window.
   */
  protect(track: TrackId, fromMonoMs: number, toMonoMs: number): void

  held(): readonly RecordingId[]
  recording(id: RecordingId): Held | undefined
  read(id: RecordingId, fromSeq: number, count: number): Promise<Result<Uint8Array, BufferReadError>>
  /** Nothing of it is on its way to the store any more, and the fate of what was is known. */
  release(id: RecordingId): void
  claim(id: RecordingId, claim: Claim): Promise<void>
  confirm(id: RecordingId, arrived: Extent, throughSeq: number): Promise<void>
  settle(
    id: RecordingId,
    found: { readonly arrived: Extent; readonly unitsRead: number; readonly endPts: Ticks | undefined },
  ): Promise<void>
  cut(id: RecordingId, why: string): Promise<void>
  finish(id: RecordingId): Promise<void>
  bootTime(counter: number): BootTime | undefined
  learnBootTime(offset: { readonly ms: number; readonly errorMs: number }): Promise<void>
  changed(signal: AbortSignal): Promise<void>

  /** One line of a record track (`events`, `health`, `catalogue`), without its line feed; durable when it resolves. */
  write(track: TrackId, line: string): Promise<void>
  /** A gap record in the catalogue; durable when it resolves. */
  gap(gap: GapReport): Promise<void>
  status(): BufferStatus
  /** In force with the next write. */
  setQuota(quota: Quota): void
  /** In force with the next unit. */
  setMemoryLimits(limits: MemoryLimits): void
  /** Brings what waits to the disk (one try) and lets go of files and database. Capture and uplink must have stopped. */
  close(): Promise<void>
}

/** A stop takes no longer than this, in ms; then what the disk has not taken stays in memory, and ends with it. */
const stopMs = 2_000
export function createBuffer(core: Core, writer: SegmentWriter, room: Room): Buffer {
  const { holdings, kv, boots, log, changed } = core
  const read = createReader(core, () => writer.problem() === undefined)
  const windows = createEventWindows(core)
  let unsynced = 0
  let closing: Promise<void> | undefined

  function openVideo(track: TrackId): Recording {
    const { open } = holdings.track(track)
    assert(open !== undefined && trackKind(track) === 'video', 'units join an open recording of video')
    return open
  }

  /** Rows of lines that have arrived; one that is still on its way is overtaken by this. */
  const rowsOf = (chunks: readonly HeldChunk[], track: TrackId): KvOp[] =>
    trackKind(track) === 'video' ? [] : chunks.map(({ chunk }) => ({ type: 'del', key: lineKey(track, chunk.seq) }))

  function arrivedNow(chunks: readonly HeldChunk[], track: TrackId): void {
    core.stage.drop(chunks)
    core.segments.release(chunks, 'confirmed')
    if (trackKind(track) === 'video') writer.confirmed()
  }

  /**
   * The database does not answer: the name goes into a segment (that of footage; lines have no other place). If the disk does
   * not take it in time it is used from memory; nobody else can be given it, since its token is made by chance, but a power
   * cut may take back that it was.
   */
  async function nameAtOnce(recording: Recording, key: string): Promise<void> {
    let written = false
    const writing = recording.head.video === undefined ? Promise.resolve(false) : writer.writeClaim(recording)
    await patiently(
      core,
      writing.then((done) => {
        written = done
      }),
      () => {},
    )
    if (written) return
    log.warn('name-not-durable', `The name ${key} could not be written down yet; it is used all the same.`)
  }

  /** Both ends of a hole between lives are known: its gap record. */
  async function nameLifeGaps(): Promise<void> {
    await recordLoss(core, [], core.lifeGaps.take())
  }

  async function close(): Promise<void> {
    const ended = async (): Promise<void> => {
      await core.lines.flushed()
      await writer.close()
      await core.segments.close()
      // Only what is whole may say so: everything that was in memory is on the disk, and every row is synced with this.
      const whole = core.stage.dueAt() === undefined && writer.problem() === undefined && kv.problem() === undefined
      if (whole) await kv.write([...holdings.takeRows(), { type: 'put', key: cleanKey, value: '1' }], true)
      await kv.close()
    }
    const over = new AbortController()
    await Promise.race([ended(), core.clock.sleep(stopMs, over.signal)])
    over.abort()
    changed.ring()
  }

  return {
    boot: boots.boot,
    open(track) {
      const { open } = holdings.track(track)
      return open && { head: open.head, length: open.tail.length - open.base.length, endPts: endPtsOf(open) }
    },
    begin(track, start) {
      assert(trackKind(track) === 'video', 'record tracks begin their own recordings')
      core.lifeGaps.begins(track, { boot: boots.boot.counter, monoMs: start.startMonoMs })
      holdings.begin(track, boots.boot.counter, start)
      void nameLifeGaps()
      void kv.write(holdings.takeRows(), false)
      changed.ring()
    },
    put(track, { bytes, crc64, media }) {
      assert(closing === undefined, 'capture stops before the buffer')
      const recording = openVideo(track)
      const chunk = { seq: holdings.track(track).nextSeq, length: bytes.length, crc64, media }
      const kept = windows.covers(recording, chunk)
      const place = { at: 'memory' } as const
      const heldAt = core.clock.mono()
      writer.add(holdings.append(recording, { chunk, bytes, place, lines: 0, heldAt, protected: kept }))
      changed.ring()
    },

    endOpen(track) {
      const { open } = holdings.track(track)
      if (open === undefined || trackKind(track) !== 'video') return
      holdings.close(open)
      void kv.write(holdings.takeRows(), false)
      changed.ring()
    },

    held: () => holdings.recordings().map(({ head }) => head.id),
    recording(id) {
      const recording = holdings.find(id)
      if (recording === undefined) return undefined
      return snapshotOf(recording)
    },
    read,
    release(id) {
      const recording = holdings.find(id)
      if (recording !== undefined) recording.pinnedBelow = 0
    },
    async claim(id, claim) {
      const recording = holdings.find(id)
      // It was given up whole while its name was being made.
      if (recording === undefined) return
      assert(!recording.claimDurable, 'a recording is claimed once')
      // The first name stands, also when somebody asks again because its row is slow to be written.
      if (recording.claim === undefined) holdings.claim(recording, claim)
      let late = false
      await patiently(core, kv.write(holdings.takeRows(), true), () => {
        late = true
      })
      if (late) await nameAtOnce(recording, claim.key)
      recording.claimDurable = true
      if (recording.head.video !== undefined) writer.noteClaim(recording)
      changed.ring()
    },
    async confirm(id, arrived, throughSeq) {
      const recording = holdings.find(id)
      if (recording === undefined) return
      const landed = holdings.confirm(recording, arrived, throughSeq)
      for (const { chunk } of landed) unsynced += chunk.length
      const sync = unsynced >= core.sizes.unsyncedBytes
      if (sync) unsynced = 0
      // Not waited for: the store is the truth, and a lost row costs one question to it.
      void kv.write([...rowsOf(landed, id.track), ...holdings.takeRows()], sync)
      arrivedNow(landed, id.track)
      changed.ring()
    },
    protect(track, fromMonoMs, toMonoMs) {
      windows.add(track, fromMonoMs, toMonoMs)
      writer.hurry()
    },
    async settle(id, found) {
      const recording = holdings.find(id)
      // Without a doubt: an append of the life before has landed late, behind what was settled.
      if (recording === undefined) return
      const { landed, endKnown } = holdings.settle(recording, found)
      const arrivedTo = endOfFootage(recording)
      const { losses } = mendRecording(holdings, recording, { ...memoryAlone, ...core.missing })
      const ends = losses.map(({ bootCounter, toMonoMs }) => ({ boot: bootCounter, monoMs: toMonoMs }))
      core.lifeGaps.settled(recording, endKnown ? ends.reduce(laterOf, arrivedTo) : undefined)
      const named: Loss[] = [...losses, ...core.lifeGaps.take()]
      const rows = kv.write([...rowsOf(landed, id.track), ...holdings.takeRows()], true)
      arrivedNow(landed, id.track)
      await recordLoss(core, [], named)
      await rows
      changed.ring()
    },
    async cut(id, why) {
      const recording = holdings.find(id)
      if (recording === undefined) return
      recording.pinnedBelow = 0
      // What its object holds beyond what was proven is nobody's any more: the holes of a doubt are cut out and named.
      recording.doubtful = false
      recording.endSeq = (recording.chunks.at(-1)?.chunk.seq ?? recording.arrivedSeq - 1) + 1
      core.lifeGaps.settled(recording, undefined)
      const { losses } = mendRecording(holdings, recording, { ...memoryAlone, ...core.missing })
      const { heir } = holdings.split(recording, 0, 0)
      const next =
        heir === undefined
          ? 'nothing is pending'
          : `${heir.chunks.length} chunks go on in ${recordingName(heir.head.id)}`
      log.info('recording-cut', `Recording ${recordingName(id)} ends here (${why}); ${next}.`)
      const rows = kv.write(holdings.takeRows(), true)
      await recordLoss(core, [], [...losses, ...core.lifeGaps.take()])
      await rows
      changed.ring()
    },
    async finish(id) {
      const recording = holdings.find(id)
      if (recording === undefined) return
      assert(recording.chunks.length === 0, 'only what has nothing pending is finished')
      holdings.forget(recording)
      const held = new Set(holdings.recordings().map(({ head }) => head.id.boot))
      await kv.write([...holdings.takeRows(), ...boots.prune(held)], true)
      changed.ring()
    },
    bootTime: (counter) => boots.time(counter),
    async learnBootTime(offset) {
      const first = boots.time(boots.boot.counter)?.offset === undefined
      await kv.write(boots.learn(offset), first)
      if (first) changed.ring()
    },
    changed: (signal) => changed.next(signal),

    write: (track, line) => core.lines.write(track, line),
    gap: (gap) =>
      core.lines.write(
        'catalogue',
        gapLine({ units: 0, bytes: 0, bootCounter: boots.boot.counter, ...gap }, core.times),
      ),
    status: () => statusOf(core, room, writer),
    setQuota: (quota) => room.setQuota(quota),
    setMemoryLimits(limits) {
      core.stage.setLimits(limits)
      writer.hurry()
    },
    close() {
      closing ??= close()
      return closing
    },
  }
}
