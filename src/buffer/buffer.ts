/**
 * The buffer, open: what is not confirmed yet. Capture fills it without ever waiting, the uplink drains it; neither knows
 * the other. This file is the surface (`UnitSink` of capture, `Backlog` of the uplink, lines for everybody); the work is
 * done by its neighbours. First version: write-through, what is on the disk is what is offered.
 */
import { assert } from '../base/assert.ts'
import { err, ok, type Result } from '../base/result.ts'
import type { GapCause } from '../format/catalogue-record.ts'
import type {
  Boot,
  Chunk,
  Claim,
  Extent,
  RecordingHead,
  RecordingId,
  TrackId,
  VideoHeader,
} from '../format/recording.ts'
import { recordingName, trackKind } from '../format/recording.ts'
import type { BufferStatus } from '../format/status.ts'
import type { Ticks, Unit } from '../format/unit.ts'
import type { BootTime } from './boots.ts'
import { type ReaderWorld, readChunk } from './chunk-reader.ts'
import { type Core, recordLoss } from './core.ts'
import { endPtsOf, type HeldChunk, isDurable, type Recording } from './holding.ts'
import type { KvOp } from './kv.ts'
import { gapLine, lossOf } from './loss.ts'
import type { Quota, Room } from './room.ts'
import { lineKey } from './rows.ts'
import type { SegmentWriter } from './segment-writer.ts'
import { statusOf } from './status.ts'

/** See `HeldRecording` in `uplink/backlog.ts`. */
export interface Held {
  readonly head: RecordingHead
  readonly claim: Claim | undefined
  readonly arrived: Extent
  readonly pending: readonly Chunk[]
  readonly closed: boolean
  readonly doubt?: { readonly pendingFrom: Extent; readonly beyond: boolean }
}

export type BufferReadError = { readonly kind: 'disk' | 'gone' | 'corrupt'; readonly message: string }

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
  /** Brings what waits to the disk (one try) and lets go of files and database. Capture and uplink must have stopped. */
  close(): Promise<void>
}

/** Lines get this long at a stop, in ms; they are the only thing that waits for an answer. */
const stopMs = 2_000

export function createBuffer(core: Core, writer: SegmentWriter, room: Room): Buffer {
  const { holdings, kv, boots, log, changed } = core
  const reader: ReaderWorld = { ...core, diskWell: () => writer.problem() === undefined }
  let closing: Promise<void> | undefined

  function openVideo(track: TrackId): Recording {
    const { open } = holdings.track(track)
    assert(open !== undefined && trackKind(track) === 'video', 'units join an open recording of video')
    return open
  }

  async function read(id: RecordingId, fromSeq: number, count: number): Promise<Result<Uint8Array, BufferReadError>> {
    const recording = holdings.find(id)
    const at = recording?.chunks.findIndex(({ chunk }) => chunk.seq === fromSeq) ?? -1
    const wanted = at === -1 ? [] : (recording?.chunks.slice(at, at + count) ?? [])
    if (recording === undefined || wanted.length !== count || !wanted.every(isDurable)) {
      return err({ kind: 'gone', message: `Chunk ${fromSeq} of ${recordingName(id)} is not held.` })
    }
    recording.pinnedBelow = Math.max(recording.pinnedBelow, fromSeq + count)
    const pieces: Uint8Array[] = []
    for (const held of wanted) {
      const piece = await readChunk(reader, held)
      if (piece.ok) {
        pieces.push(piece.value)
        continue
      }
      const message = `Chunk ${held.chunk.seq} of ${recordingName(id)} cannot be read: ${piece.error.message}.`
      if (piece.error.kind === 'corrupt') await quarantine(held, message)
      return err({ kind: piece.error.kind, message })
    }
    const [only] = pieces
    return ok(pieces.length === 1 && only !== undefined ? only : Buffer.concat(pieces))
  }

  /** Never offered again; a gap says so. What was read with it has not been sent. */
  async function quarantine(held: HeldChunk, message: string): Promise<void> {
    const at = held.owner.chunks.indexOf(held)
    if (at === -1) return
    const { lost } = holdings.cutOut(held.owner, at, at + 1)
    const loss = lossOf(lost, 'corrupt', message)
    if (loss === undefined) log.error('record-lost', message)
    await recordLoss(core, lost, loss === undefined ? [] : [loss])
  }

  function rowsOf(chunks: readonly HeldChunk[], track: TrackId): KvOp[] {
    return chunks.flatMap(({ place, chunk }) =>
      place.at === 'row' ? [{ type: 'del', key: lineKey(track, chunk.seq) } as const] : [],
    )
  }

  async function close(): Promise<void> {
    const over = new AbortController()
    await Promise.race([core.lines.flushed(), core.clock.sleep(stopMs, over.signal)])
    over.abort()
    await writer.close()
    await core.segments.close()
    await kv.close()
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
      holdings.begin(track, boots.boot.counter, start)
      void kv.write(holdings.takeRows(), false)
      changed.ring()
    },
    put(track, { bytes, crc64, media }) {
      assert(closing === undefined, 'capture stops before the buffer')
      const recording = openVideo(track)
      const chunk = { seq: holdings.track(track).nextSeq, length: bytes.length, crc64, media }
      writer.enqueue(holdings.append(recording, { chunk, bytes, place: { at: 'memory' }, lines: 0 }))
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
      const { head, arrived, chunks, closed } = recording
      const claim = recording.claimDurable ? recording.claim : undefined
      const pending = chunks.filter(isDurable).map(({ chunk }) => chunk)
      return { head, claim, arrived, pending, closed: closed && pending.length === chunks.length }
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
      await kv.write(holdings.takeRows(), true)
      recording.claimDurable = true
      if (recording.head.video !== undefined) writer.noteClaim(recording)
      changed.ring()
    },
    async confirm(id, arrived, throughSeq) {
      const recording = holdings.find(id)
      if (recording === undefined) return
      const landed = holdings.confirm(recording, arrived, throughSeq)
      core.recent.drop(landed)
      // Not waited for: the store is the truth, and a lost row costs one question to it.
      void kv.write([...rowsOf(landed, id.track), ...holdings.takeRows()], false)
      core.segments.release(landed, 'confirmed')
      changed.ring()
    },
    protect() {},
    async settle() {
      assert(false, 'nothing is in doubt while everything is written through')
    },
    async cut(id, why) {
      const recording = holdings.find(id)
      if (recording === undefined) return
      recording.pinnedBelow = 0
      const { heir } = holdings.split(recording, 0, 0)
      const next =
        heir === undefined
          ? 'nothing is pending'
          : `${heir.chunks.length} chunks go on in ${recordingName(heir.head.id)}`
      log.info('recording-cut', `Recording ${recordingName(id)} ends here (${why}); ${next}.`)
      await kv.write(holdings.takeRows(), true)
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
    status: () => statusOf(core, room, writer.problem()),
    setQuota: (quota) => room.setQuota(quota),
    close() {
      closing ??= close()
      return closing
    },
  }
}
