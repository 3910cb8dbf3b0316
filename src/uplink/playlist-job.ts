/**
 * Keeps one recording's playlist up to date: an append object of its own, derived from confirmed bytes only.
 *
 * It has no local copy that a crash could lose. After a restart the playlist is its own checkpoint: read it, check its
 * checksum, take the end of its last range, split what the media object holds beyond that, append the missing lines.
 */
import { assert } from '../base/assert.ts'
import { crc64 } from '../base/crc64.ts'
import { limits } from '../base/limits.ts'
import { ok, type Result } from '../base/result.ts'
import {
  type PlaylistPlan,
  type PlaylistPosition,
  parsePlaylist,
  playlistEnd,
  playlistEntry,
  playlistStart,
} from '../format/playlist.ts'
import { readUnits } from '../format/read-units.ts'
import { type Chunk, type Extent, emptyExtent } from '../format/recording.ts'
import { type MediaInfo, ticksBetween, ticksPerSecond } from '../format/unit.ts'
import { type AbandonReason, type PlanState, startState } from './append-plan.ts'
import { type Source, type StepReport, step } from './drain.ts'
import type { CreationHeaders, ObjectStore, StoreError } from './object-store.ts'

/** One read from the store, in bytes: an hour of 1 s units makes about 0.3 MiB of playlist. */
const readBytesMax = 4 * 1024 * 1024
/** Media read back in one step while catching up; a unit is at most as long (`limits.unitBytesMax`), plus its neighbour. */
const windowBytesMax = 2 * limits.unitBytesMax
/** Answers that do not fit, in a row, before the playlist is given up. The footage is not: it needs no playlist. */
const misfitsMax = 5
/** Entries waiting while only the playlist cannot be written; beyond it they are read back from the object later. */
const queueMax = 10_000
/** Misfits that reading again explains. */
const readAgain: ReadonlySet<AbandonReason> = new Set(['deleted', 'shorter', 'longer', 'torn', 'different'])
/** Entries in one append: 512 of them are about 40 KiB. */
const entriesPerAppend = 512

interface PublishedUnit {
  readonly length: number
  readonly media: MediaInfo
}

interface Line {
  readonly chunk: Chunk
  readonly bytes: Uint8Array
}

export interface PlaylistJob {
  /** A unit is confirmed: its line may be published now. */
  confirmed(units: readonly PublishedUnit[]): void
  /** Nothing will follow. The end mark is written after the last line. */
  finish(): void
  /** The store has been asked how far the playlist reaches, and every unit beyond is known. */
  ready(): boolean
  /** Nothing left to write; after `finish`, the end mark is confirmed too. */
  idle(): boolean
  /** Wall time in ms at which the last published unit ends, if the recording has dates. */
  endWallMs(): number | undefined
  /** One step forward. */
  step(media: ConfirmedMedia, signal: AbortSignal): Promise<StepReport>
}

export interface ConfirmedMedia {
  /** What is confirmed of the video object. */
  readonly extent: Extent
  /** The unit that follows it, if that is known already. */
  readonly next: MediaInfo | undefined
}

export interface PlaylistOptions {
  readonly store: ObjectStore
  readonly key: string
  readonly videoKey: string
  readonly plan: PlaylistPlan
  readonly creation: CreationHeaders
}

export function createPlaylistJob(options: PlaylistOptions): PlaylistJob {
  const { store, key, plan } = options
  let phase: 'read playlist' | 'read media' | 'ready' = 'read playlist'
  let misfits = 0
  /** End of the media whose units are published or in the queue. */
  let scanned = 0
  let position: PlaylistPosition = playlistStart
  let arrived: Extent = emptyExtent
  let state: PlanState = startState
  let queue: PublishedUnit[] = []
  let lines: Line[] = []
  let finishing = false
  let ended = false
  let seq = 0
  let endWallMs: number | undefined

  const source: Source = {
    key,
    creation: options.creation,
    layout: () => ({ arrived, pending: lines.map((line) => line.chunk) }),
    read: async (count) => ok(concat(lines.slice(0, count).map((line) => line.bytes))),
    landed: async (extent, count) => {
      arrived = extent
      lines = lines.slice(count)
    },
  }

  function addLine(text: string): void {
    const bytes = new TextEncoder().encode(text)
    lines.push({ chunk: { seq, length: bytes.length, crc64: crc64(bytes) }, bytes })
    seq += 1
  }

  /** Turns what waits into the bytes of one append. They stay as they are until the store holds them. */
  function writeLines(): void {
    if (lines.length > 0) return
    let text = ''
    for (const unit of queue.splice(0, entriesPerAppend)) {
      const entry = playlistEntry(plan, position, unit)
      text += entry.text
      position = entry.next
      endWallMs = wallAfter(endWallMs, entry.text)
    }
    if (finishing && queue.length === 0 && !ended) {
      if (position.entries > 0) text += playlistEnd
      ended = true
    }
    if (text !== '') addLine(text)
  }

  async function readPlaylist(media: ConfirmedMedia, signal: AbortSignal): Promise<StepReport> {
    const remote = await store.inspect(key, signal)
    if (!remote.ok) return { did: 'fail', error: remote.error }
    if (remote.value.kind === 'other') return { did: 'abandon', why: 'not-appendable' }
    if (remote.value.kind === 'appendable' && remote.value.length > 0) {
      const bytes = await readAll(store, key, { start: 0, end: remote.value.length }, signal)
      if (!bytes.ok) return { did: 'fail', error: bytes.error }
      if (bytes.value.length !== remote.value.length || crc64(bytes.value) !== remote.value.crc64) {
        return misfit(`The playlist ${key} does not have the checksum the store gives for it; reading it again.`)
      }
      const parsed = parsePlaylist(new TextDecoder().decode(bytes.value))
      const last = parsed.ok ? parsed.value.entries.at(-1) : undefined
      if (!parsed.ok || last === undefined || last.uri !== plan.uri) return { did: 'abandon', why: 'different' }
      if (last.offset + last.length > media.extent.length) return { did: 'abandon', why: 'longer' }
      arrived = { length: remote.value.length, crc64: remote.value.crc64 }
      position = { entries: parsed.value.entries.length, mediaBytes: last.offset + last.length }
      ended = parsed.value.ended
      if (last.wallMs !== undefined) endWallMs = last.wallMs + last.durationS * 1000
    }
    state = { at: 'aligned' }
    // Bytes that an append of an earlier life brought after the end mark stay outside: nothing may follow it.
    scanned = ended ? media.extent.length : position.mediaBytes
    phase = scanned === media.extent.length ? 'ready' : 'read media'
    return { did: 'inspect', landed: 0, bytes: 0 }
  }

  /** Splits one window of what the video object holds beyond the last published range. */
  async function readMedia(media: ConfirmedMedia, signal: AbortSignal): Promise<StepReport> {
    const end = Math.min(media.extent.length, scanned + windowBytesMax)
    const bytes = await readAll(store, options.videoKey, { start: scanned, end }, signal)
    if (!bytes.ok) return { did: 'fail', error: bytes.error }
    const units: PublishedUnit[] = readUnits(bytes.value, plan.targetDurationS * ticksPerSecond)
    const last = units.at(-1)
    const whole = units.reduce((sum, unit) => sum + unit.length, 0) === end - scanned
    if (last === undefined || !whole) {
      return misfit(`The end of ${options.videoKey} does not read as whole units; reading it again.`)
    }
    if (end < media.extent.length) units.pop()
    else if (media.next !== undefined && !media.next.discontinuity) {
      const durationTicks = ticksBetween(last.media.firstPts, media.next.firstPts)
      units[units.length - 1] = { ...last, media: { ...last.media, durationTicks } }
    }
    queue.push(...units)
    scanned += units.reduce((sum, unit) => sum + unit.length, 0)
    if (scanned === media.extent.length) phase = 'ready'
    return { did: 'inspect', landed: 0, bytes: 0 }
  }

  /** Everything we know of the playlist comes from the store, so we can forget it. */
  function forget(): void {
    phase = 'read playlist'
    position = playlistStart
    arrived = emptyExtent
    queue = []
    lines = []
    ended = false
  }

  function misfit(message: string): StepReport {
    misfits += 1
    if (misfits >= misfitsMax) return { did: 'abandon', why: 'different' }
    return { did: 'fail', error: { kind: 'damaged', message } }
  }

  return {
    confirmed(units) {
      // Behind an end mark no player looks.
      if (phase !== 'ready' || ended) return
      queue.push(...units)
      scanned += units.reduce((sum, unit) => sum + unit.length, 0)
      if (queue.length > queueMax) forget()
    },
    finish: () => {
      finishing = true
    },
    ready: () => phase === 'ready',
    idle: () => phase === 'ready' && queue.length === 0 && lines.length === 0 && (!finishing || ended),
    endWallMs: () => endWallMs,
    async step(media, signal) {
      // Adopted meanwhile: what an earlier life left in the object is known by its length only.
      if (phase === 'ready' && scanned < media.extent.length) phase = 'read media'
      if (phase === 'read playlist') return readPlaylist(media, signal)
      if (phase === 'read media') return readMedia(media, signal)
      writeLines()
      if (lines.length === 0) return { did: 'rest' }
      assert(position.mediaBytes <= media.extent.length, 'only confirmed bytes are published')
      const stepped = await step(store, source, { state, bodyBytesMax: readBytesMax }, signal)
      state = stepped.state
      if (stepped.report.did === 'append') misfits = 0
      if (stepped.report.did !== 'abandon' || !readAgain.has(stepped.report.why)) return stepped.report
      // Deleted, or ended by a late append of the process before this one: the playlist is its own checkpoint.
      forget()
      return misfit(`The playlist ${key} is not as it was left (${stepped.report.why}); reading it again.`)
    },
  }
}

/** As whoever reads the text counts it, to the bit: a line in the catalogue that is written again must be the same. */
function wallAfter(beforeMs: number | undefined, text: string): number | undefined {
  const date = /^#EXT-X-PROGRAM-DATE-TIME:(.*)$/m.exec(text)?.[1]
  const startMs = date === undefined ? beforeMs : Date.parse(date)
  const seconds = Number.parseFloat(/^#EXTINF:([^,]*)/m.exec(text)?.[1] ?? '')
  return startMs === undefined ? undefined : startMs + seconds * 1000
}

/** Reads a range of any size in bounded pieces. */
async function readAll(
  store: ObjectStore,
  key: string,
  range: { readonly start: number; readonly end: number },
  signal: AbortSignal,
): Promise<Result<Uint8Array, StoreError>> {
  const pieces: Uint8Array[] = []
  for (let at = range.start; at < range.end; ) {
    const piece = await store.read(key, at, Math.min(range.end, at + readBytesMax), signal)
    if (!piece.ok) return piece
    if (piece.value.length === 0) break
    pieces.push(piece.value)
    at += piece.value.length
  }
  return ok(concat(pieces))
}

function concat(pieces: readonly Uint8Array[]): Uint8Array {
  const [only] = pieces
  if (pieces.length === 1 && only !== undefined) return only
  const whole = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0))
  let at = 0
  for (const piece of pieces) {
    whole.set(piece, at)
    at += piece.length
  }
  return whole
}
