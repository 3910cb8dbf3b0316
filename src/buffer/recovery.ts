/**
 * From rows and segments to what is held: the only way the buffer starts.
 *
 * Rows say which recordings there are and how far they have arrived; segments say which units exist. A unit belongs to
 * the recording that owns its sequence number. A hole in what is owed becomes a cut and a loss that names it; a recording
 * that only a record's own header knows (its row was not synced, or the database is lost) is taken from there.
 */
import { crc64Combine } from '../base/crc64.ts'
import { limits } from '../base/limits.ts'
import { startPtsOf } from '../format/playlist.ts'
import { type Extent, recordingName, type TrackId, trackKind } from '../format/recording.ts'
import { doubt } from './doubt.ts'
import { after, type HeldChunk, heldChunk, newRecording, type Recording, relative } from './holding.ts'
import { createHoldings, type Holdings } from './holdings.ts'
import { oweForLives } from './life-gaps.ts'
import type { Loaded, LoadedLine } from './load.ts'
import type { Loss } from './loss.ts'
import { type Evidence, mend, type StoredOnce, takeNoted } from './mend.ts'
import { type Identity, nameOf } from './rows.ts'
import type { NotedLoss } from './segment-record.ts'
import type { Segment } from './segments.ts'
import type { Survey, SurveyedEntry } from './survey.ts'

/** Sent since the row was synced, and perhaps still on its way when the process ended: two bodies. */
const pinnedBytes = 2 * limits.appendBytesMax + limits.unsyncedBytesMax

export interface Recovered {
  readonly holdings: Holdings
  readonly segments: readonly Segment[]
  readonly losses: readonly Loss[]
  /** Record tracks in which lines are missing. */
  readonly brokenLines: readonly TrackId[]
  /** What was on the disk once and is gone, for holes that the store has to judge first. */
  readonly storedOnce: Evidence['storedOnce']
}

export function recover(
  loaded: Loaded,
  found: Survey,
  now: { readonly bootCounter: number; readonly sacrificed: ReadonlySet<number> },
): Recovered {
  const holdings = createHoldings()
  const recordings = identify(loaded, found)
  for (const recording of recordings.values()) holdings.adopt(recording)
  restoreTracks(holdings, loaded, found)
  const segments = new Map<number, Segment>()
  for (const { segment, bytes, scanned, protected: kept } of found.segments) {
    const state = { bytes, closed: true, protected: kept, rowDurable: !scanned, confirmedAtSync: 0 }
    segments.set(segment, { number: segment, ...state, live: new Set(), claims: new Set() })
  }
  const unnamed = new Set(recordings.values())
  for (const { head } of loaded.recordings) {
    const known = recordings.get(recordingName(head.id))
    if (known !== undefined) unnamed.delete(known)
  }
  for (const [track, owners] of byTrack(holdings.recordings())) {
    boundEnds(owners)
    if (trackKind(track) === 'video') {
      placeUnits(owners, found.entries, loaded.state === 'whole' ? new Set() : unnamed)
      expectStored(owners, loaded)
    } else
      placeLines(
        owners,
        loaded.lines.filter((line) => line.track === track),
      )
  }
  const noted = takeNoted(holdings, found.losses)
  if (!loaded.clean) doubt(holdings.recordings(), loaded)
  const trusted = loaded.state === 'whole'
  const stored = storedOnce(loaded)
  const holes = mend(holdings, { storedOnce: stored, noted, sacrificed: now.sacrificed, trusted })
  settle(holdings, { bootCounter: now.bootCounter, clean: loaded.clean }, noted)
  oweForLives(holdings, loaded.clean ? 'stopped' : 'power')
  for (const recording of holdings.recordings()) {
    for (const held of recording.chunks) {
      const segment = held.place.at === 'segment' ? segments.get(held.place.segment) : undefined
      segment?.live.add(held)
      held.protected = segment?.protected === true
    }
  }
  return {
    holdings,
    segments: [...segments.values()],
    ...holes,
    losses: [...noted, ...holes.losses],
    storedOnce: stored,
  }
}

/** What the row of a segment says about a unit: it was on the disk once, whole. */
function storedOnce(loaded: Loaded): Evidence['storedOnce'] {
  const found = new Map<string, StoredOnce>()
  for (const [segment, { chunks }] of loaded.segments) {
    for (const entry of chunks) found.set(`${entry.track} ${entry.seq}`, { segment, entry })
  }
  return (track, seq) => found.get(`${track} ${seq}`)
}

/** Every recording that rows, or the headers of records, know of. */
function identify(loaded: Loaded, found: Survey): Map<string, Recording> {
  const known = new Map<string, Recording>()
  for (const row of loaded.recordings) {
    const { arrived, arrivedSeq, arrivedEndPts, base, closed, endSeq, claim } = row
    const doubt = { doubtful: row.doubt !== undefined, beyond: row.doubt === 'beyond' }
    const own = { arrived, arrivedSeq, arrivedEndPts, base, closed, endSeq, claim, ...doubt }
    known.set(nameOf(row), { ...newRecording(row.head), ...own })
  }
  /** A recording that was begun has a number in the row of its track; if it has no row of its own, it is finished. */
  const finished = ({ head: { id } }: Identity): boolean => {
    const numbers = new Map(loaded.tracks.get(id.track)?.numbers)
    return loaded.state === 'whole' && id.number < (numbers.get(id.boot) ?? 0)
  }
  const learn = (of: Identity): Recording | undefined => {
    const name = nameOf(of)
    const recording = known.get(name)
    if (recording !== undefined) {
      recording.claim ??= of.claim
      // While it had no name it may have lost its beginning, and a row may be older than the records.
      if (of.base.length > recording.base.length) {
        recording.base = of.base
        recording.head = of.head
        recording.arrivedSeq = Math.max(recording.arrivedSeq, of.head.firstSeq)
        if (recording.arrived.length === 0) recording.arrivedEndPts = startPtsOf(of.head.startMonoMs)
      }
      return recording
    }
    if (finished(of)) return undefined
    const created = { ...newRecording(of.head), base: of.base, claim: of.claim }
    known.set(name, created)
    return created
  }
  for (const { of } of found.entries) if (of !== undefined) learn(of)
  for (const { of, arrived, arrivedSeq, arrivedEndPts } of found.claims) {
    const recording = learn(of)
    if (recording === undefined || recording.arrivedSeq >= arrivedSeq) continue
    recording.arrived = arrived
    recording.arrivedSeq = arrivedSeq
    recording.arrivedEndPts = arrivedEndPts
  }
  for (const recording of known.values()) recording.claimDurable = recording.claim !== undefined
  return known
}

function restoreTracks(holdings: Holdings, loaded: Loaded, found: Survey): void {
  for (const [id, { nextSeq, losses, numbers, end, owed }] of loaded.tracks) {
    const track = holdings.track(id)
    track.end = end
    track.owed = owed ?? []
    track.nextSeq = nextSeq
    track.losses = losses
    for (const [boot, number] of numbers) track.numbers.set(boot, number)
  }
  const atLeast = (id: TrackId, seq: number): void => {
    const track = holdings.track(id)
    track.nextSeq = Math.max(track.nextSeq, seq)
  }
  for (const { head, arrivedSeq, closed, endSeq } of holdings.recordings()) {
    const { numbers } = holdings.track(head.id.track)
    numbers.set(head.id.boot, Math.max(numbers.get(head.id.boot) ?? 0, head.id.number + 1))
    atLeast(head.id.track, Math.max(arrivedSeq, closed ? endSeq : 0))
  }
  for (const { entry } of found.entries) atLeast(entry.track, entry.seq + 1)
  for (const { chunks } of loaded.segments.values()) for (const { track, seq } of chunks) atLeast(track, seq + 1)
  for (const { track, chunk } of loaded.lines) atLeast(track, chunk.seq + 1)
}

function byTrack(recordings: readonly Recording[]): Map<TrackId, Recording[]> {
  const tracks = new Map<TrackId, Recording[]>()
  for (const recording of recordings) {
    const { track } = recording.head.id
    tracks.set(track, [...(tracks.get(track) ?? []), recording])
  }
  for (const owners of tracks.values()) owners.sort((one, other) => one.head.firstSeq - other.head.firstSeq)
  return tracks
}

/**
 * The end of a recording that was open is not in its row, and a row may be older than a cut that only the headers of
 * later records remember: nobody owns what the next recording owns.
 */
function boundEnds(owners: readonly Recording[]): void {
  owners.forEach((recording, index) => {
    const next = owners[index + 1]?.head.firstSeq
    if (recording.closed) recording.endSeq = Math.min(recording.endSeq, next ?? Number.MAX_SAFE_INTEGER)
    else recording.endSeq = next ?? recording.head.firstSeq
  })
}

/** `undefined` where nobody owes it any more: confirmed, or given up. */
function ownerOf(owners: readonly Recording[], seq: number): Recording | undefined {
  const owner = owners.findLast(({ head }) => head.firstSeq <= seq)
  if (owner === undefined || (owner.closed && seq >= owner.endSeq)) return undefined
  return owner
}

/** It is on the disk already, so that nobody asks how old it is. */
const onDisk = { bytes: undefined, heldAt: 0, protected: false } as const

function placeUnits(
  owners: readonly Recording[],
  entries: readonly SurveyedEntry[],
  rebuilt: ReadonlySet<Recording>,
): void {
  const track = owners[0]?.head.id.track
  // A group that was written twice (the first try failed) counts once: the later copy.
  const bySeq = new Map<number, SurveyedEntry>()
  for (const found of entries) if (found.entry.track === track) bySeq.set(found.entry.seq, found)
  for (const [seq, { segment, entry }] of [...bySeq].sort(([one], [other]) => one - other)) {
    const owner = ownerOf(owners, seq)
    if (owner === undefined) continue
    const { length, crc64, media, before, offset } = entry
    if (rebuilt.has(owner) && owner.chunks.length === 0 && seq > owner.arrivedSeq) {
      // Its row is lost with the database: what stands before the oldest unit that is left must have been confirmed.
      owner.arrived = relative(before, owner.base)
      owner.arrivedSeq = seq
      owner.arrivedEndPts = media.firstPts
    }
    if (seq < owner.arrivedSeq) continue
    const chunk = { seq, length, crc64, media }
    const place = { at: 'segment', segment, offset } as const
    owner.chunks.push(heldChunk({ chunk, before, owner, place, ...onDisk, lines: 0 }))
  }
}

/** A unit that a segment's row lists is owed, also when the file is gone: then it is a hole at the recording's end. */
function expectStored(owners: readonly Recording[], loaded: Loaded): void {
  const track = owners[0]?.head.id.track
  for (const { chunks } of loaded.segments.values()) {
    for (const { track: of, seq } of chunks) {
      const owner = of === track ? ownerOf(owners, seq) : undefined
      if (owner !== undefined) owner.endSeq = Math.max(owner.endSeq, seq + 1)
    }
  }
}

function placeLines(owners: readonly Recording[], lines: readonly LoadedLine[]): void {
  const sorted = [...lines].sort((one, other) => one.chunk.seq - other.chunk.seq)
  for (const { chunk, key, lines: count } of sorted) {
    const owner = ownerOf(owners, chunk.seq)
    if (owner === undefined || chunk.seq < owner.arrivedSeq) continue
    const last = owner.chunks.at(-1)
    const before = last ? after(owner, last) : { length: owner.base.length + owner.arrived.length, crc64: 0n }
    const place = { at: 'row', key } as const
    owner.chunks.push(heldChunk({ chunk, before, owner, place, ...onDisk, lines: count }))
  }
}

/** Which recordings are open, where they end, and what may be on its way to the store. */
function settle(
  holdings: Holdings,
  now: { readonly bootCounter: number; readonly clean: boolean },
  noted: readonly NotedLoss[],
): void {
  for (const owners of byTrack(holdings.recordings()).values()) {
    for (const recording of owners) {
      const { head, base, arrived, chunks, claim } = recording
      const last = chunks.at(-1)
      const video = head.video !== undefined
      recording.tail = last ? after(recording, last) : { length: base.length + arrived.length, crc64: 0n }
      if (last === undefined && video) recording.tail = sum(base, arrived)
      if (claim !== undefined) recording.pinnedBelow = pinnedEnd(chunks)
      const endSeq = (last?.chunk.seq ?? recording.arrivedSeq - 1) + 1
      // Footage that was given up behind it has ended it.
      const goesOn = !noted.some(({ seqs }) => seqs.track === head.id.track && seqs.below > endSeq)
      // Footage that a kill may have cost ends its recording, so that the hole behind it has an owner.
      const ours = head.id.boot === now.bootCounter && !recording.doubtful && (now.clean || !video)
      if (recording === owners.at(-1) && ours && !recording.closed && goesOn) {
        const track = holdings.track(head.id.track)
        track.open = recording
        track.carried = video
        // A row may have counted units that ended with the process, in memory: their numbers were never used.
        track.nextSeq = endSeq
        continue
      }
      if (claim === undefined && chunks.length === 0) holdings.forget(recording)
      else holdings.close(recording)
    }
  }
}

function sum(base: Extent, arrived: Extent): Extent {
  const length = base.length + arrived.length
  const crc64 = base.length === 0 ? arrived.crc64 : crc64Combine(base.crc64, arrived.crc64, arrived.length)
  return { length, crc64 }
}

function pinnedEnd(chunks: readonly HeldChunk[]): number {
  let bytes = 0
  let end = 0
  for (const { chunk } of chunks) {
    if (bytes >= pinnedBytes) break
    bytes += chunk.length
    end = chunk.seq + 1
  }
  return end
}
