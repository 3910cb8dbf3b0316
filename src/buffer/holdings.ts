/**
 * What is held, and every way it changes: begin, append, confirm, cut out, split, forget. Nothing here touches a disk;
 * each change marks the rows that must be written, and `takeRows` hands them out for the caller's batch, so that what
 * belongs together becomes durable together.
 *
 * Sequence numbers decide membership: a recording owns [firstSeq, endSeq) of its track, whatever the header of a record
 * on the disk says. A cut therefore rewrites two rows and no footage.
 */
import { assert } from '../base/assert.ts'
import { startPtsOf } from '../format/playlist.ts'
import {
  type Chunk,
  type Claim,
  type Extent,
  type RecordingHead,
  type RecordingId,
  recordingName,
  type TrackId,
} from '../format/recording.ts'
import {
  after,
  endOf,
  endOfFootage,
  type HeldChunk,
  heirOf,
  heldChunk,
  laterOf,
  type Moment,
  newRecording,
  olderFirst,
  type Place,
  type Recording,
  startOf,
  type Track,
} from './holding.ts'
import type { KvOp } from './kv.ts'
import { recordingKey, recordingRow, trackKey, trackRow } from './rows.ts'
import { type Settled, settleRecording } from './settlement.ts'

export interface Cut {
  readonly lost: readonly HeldChunk[]
  /** The recording in which the survivors are now; `undefined` if there are none. */
  readonly heir: Recording | undefined
}

export interface NewChunk {
  readonly chunk: Chunk
  readonly bytes: Uint8Array | undefined
  readonly place: Place
  readonly lines: number
  readonly heldAt: number
  readonly protected: boolean
}

export interface Holdings {
  track(id: TrackId): Track
  tracks(): readonly Track[]
  find(id: RecordingId): Recording | undefined
  /** By boot, then by the time of their first frame. */
  recordings(): readonly Recording[]
  begin(id: TrackId, boot: number, start: Pick<RecordingHead, 'startMonoMs' | 'video'>): Recording
  /** Takes a recording as recovery found it. */
  adopt(recording: Recording): void
  /** The number of the loss whose gap record goes into the next batch. */
  countLoss(id: TrackId): number
  append(recording: Recording, added: NewChunk): HeldChunk
  claim(recording: Recording, claim: Claim): void
  /** Forgets the chunks through `throughSeq` and hands them out. */
  confirm(recording: Recording, arrived: Extent, throughSeq: number): readonly HeldChunk[]
  /** Ends the doubt; forgets the chunks that have arrived and hands them out. See `settleRecording`. */
  settle(recording: Recording, found: Settled): { readonly landed: readonly HeldChunk[]; readonly endKnown: boolean }
  close(recording: Recording): void
  /** Up to here everything about a track is known, and said. */
  reached(id: TrackId, at: Moment): void
  /** What is owed for a track has changed. */
  touch(id: TrackId): void
  /** Takes chunks `from` to `to` (exclusive) out. What follows them cannot stay in the same object. */
  cutOut(recording: Recording, from: number, to: number): Cut
  /** As `cutOut`, and always into a new recording: the old one's object is left as it is. */
  split(recording: Recording, from: number, to: number): Cut
  forget(recording: Recording): void
  /** The rows that changed since the last call. */
  takeRows(): KvOp[]
}

export function createHoldings(): Holdings {
  const tracks = new Map<TrackId, Track>()
  const byName = new Map<string, Recording>()
  const changed = new Set<Recording>()
  const changedTracks = new Set<Track>()
  const gone = new Set<string>()
  let sorted: Recording[] | undefined

  function track(id: TrackId): Track {
    const known = tracks.get(id)
    if (known !== undefined) return known
    const created: Track = {
      id,
      nextSeq: 0,
      numbers: new Map(),
      open: undefined,
      losses: 0,
      lines: 0,
      end: undefined,
      owed: [],
      carried: false,
    }
    tracks.set(id, created)
    return created
  }

  function countOut(id: TrackId, chunks: readonly HeldChunk[]): void {
    for (const { lines } of chunks) track(id).lines -= lines
  }

  function adopt(recording: Recording): void {
    const name = recordingName(recording.head.id)
    assert(!byName.has(name), 'a recording is held once')
    byName.set(name, recording)
    gone.delete(name)
    sorted = undefined
    changed.add(recording)
  }

  function nextId(id: TrackId, boot: number): RecordingId {
    const of = track(id)
    const number = of.numbers.get(boot) ?? 0
    of.numbers.set(boot, number + 1)
    changedTracks.add(of)
    return { track: id, boot, number }
  }

  function close(recording: Recording): void {
    const of = track(recording.head.id.track)
    if (of.open === recording) of.open = undefined
    if (recording.closed) return
    recording.closed = true
    recording.endSeq = (recording.chunks.at(-1)?.chunk.seq ?? recording.arrivedSeq - 1) + 1
    changed.add(recording)
  }

  function forget(recording: Recording): void {
    close(recording)
    const name = recordingName(recording.head.id)
    byName.delete(name)
    changed.delete(recording)
    gone.add(name)
    countOut(recording.head.id.track, recording.chunks)
    noteEnd(recording)
    // Its row remembered how far the sequence of the track had come.
    changedTracks.add(track(recording.head.id.track))
    sorted = undefined
  }

  /** What a later life must know to name the hole before its own footage. */
  function noteEnd(recording: Recording): void {
    const { id, video, firstSeq } = recording.head
    if (video === undefined || (recording.arrived.length === 0 && recording.chunks.length === 0)) return
    const of = track(id.track)
    const end = endOfFootage(recording)
    of.end = of.end === undefined ? end : laterOf(of.end, end)
    of.owed = of.owed.map((gap) =>
      gap.belowSeq !== undefined && firstSeq < gap.belowSeq ? { ...gap, from: laterOf(end, gap.from) } : gap,
    )
  }

  function split(recording: Recording, from: number, to: number): Cut {
    const { head, tail, endSeq, closed } = recording
    const lost = recording.chunks.slice(from, to)
    const survivors = recording.chunks.slice(to)
    const [first] = survivors
    const of = track(head.id.track)
    const wasOpen = of.open === recording
    countOut(of.id, lost)
    recording.chunks = recording.chunks.slice(0, from)
    recording.tail = (lost[0] ?? first)?.before ?? tail
    // Behind what is left of it, the store may hold what stood before the chunks that were taken out.
    recording.beyond = recording.doubtful && from === 0
    recording.doubtful &&= recording.beyond || recording.chunks.length > 0
    recording.closed = false
    close(recording)
    changed.add(recording)
    if (first === undefined) return { lost, heir: undefined }
    const id = nextId(head.id.track, head.id.boot)
    const heir = heirOf(recording, id, { survivors, first, tail, closed, endSeq })
    for (const survivor of survivors) survivor.owner = heir
    adopt(heir)
    if (wasOpen) of.open = heir
    return { lost, heir }
  }

  function cutOut(recording: Recording, from: number, to: number): Cut {
    const nameless = recording.claim === undefined && recording.arrived.length === 0
    if (from > 0 || !nameless) return split(recording, from, to)
    // Nobody outside has heard of it: it may simply begin later.
    const lost = recording.chunks.slice(0, to)
    const survivors = recording.chunks.slice(to)
    const [first] = survivors
    if (first === undefined) {
      forget(recording)
      return { lost, heir: undefined }
    }
    countOut(recording.head.id.track, lost)
    const startMonoMs = startOf(recording, first)
    recording.head = { ...recording.head, startMonoMs, firstSeq: first.chunk.seq }
    recording.arrivedSeq = first.chunk.seq
    recording.arrivedEndPts = startPtsOf(startMonoMs)
    recording.base = first.before
    recording.chunks = survivors
    changed.add(recording)
    sorted = undefined
    return { lost, heir: recording }
  }

  return {
    track,
    tracks: () => [...tracks.values()],
    find: (id) => byName.get(recordingName(id)),
    recordings: () => {
      sorted ??= [...byName.values()].sort(olderFirst)
      return sorted
    },
    begin(id, boot, start) {
      const of = track(id)
      if (of.open !== undefined) close(of.open)
      const recording = newRecording({ ...start, id: nextId(id, boot), firstSeq: of.nextSeq })
      adopt(recording)
      of.open = recording
      return recording
    },
    adopt,
    countLoss(id) {
      const of = track(id)
      of.losses += 1
      changedTracks.add(of)
      return of.losses
    },
    append(recording, { lines, ...added }) {
      const of = track(recording.head.id.track)
      assert(added.chunk.seq === of.nextSeq && !recording.closed, 'chunks join the open recording in order')
      const held = heldChunk({ ...added, lines, before: recording.tail, owner: recording })
      of.nextSeq += 1
      of.lines += lines
      of.carried = false
      recording.tail = after(recording, held)
      recording.chunks.push(held)
      return held
    },
    claim(recording, claim) {
      recording.claim = claim
      changed.add(recording)
    },
    confirm(recording, arrived, throughSeq) {
      const count = recording.chunks.findIndex(({ chunk }) => chunk.seq > throughSeq)
      const landed = recording.chunks.slice(0, count === -1 ? recording.chunks.length : count)
      const bytes = landed.reduce((sum, { chunk }) => sum + chunk.length, recording.arrived.length)
      assert(bytes === arrived.length, 'what is confirmed ends between chunks')
      recording.chunks = recording.chunks.slice(landed.length)
      countOut(recording.head.id.track, landed)
      recording.arrived = arrived
      recording.arrivedSeq = Math.max(recording.arrivedSeq, throughSeq + 1)
      const media = landed.at(-1)?.chunk.media
      if (media !== undefined) recording.arrivedEndPts = endOf(media)
      changed.add(recording)
      return landed
    },
    settle(recording, found) {
      const settled = settleRecording(recording, found)
      countOut(recording.head.id.track, settled.landed)
      changed.add(recording)
      return settled
    },
    reached(id, at) {
      const of = track(id)
      of.end = of.end === undefined ? at : laterOf(of.end, at)
      changedTracks.add(of)
    },
    touch: (id) => void changedTracks.add(track(id)),
    close,
    cutOut,
    split,
    forget,
    takeRows() {
      const ops: KvOp[] = []
      for (const of of changedTracks) ops.push({ type: 'put', key: trackKey(of.id), value: trackRow(of) })
      for (const held of changed) {
        ops.push({ type: 'put', key: recordingKey(recordingName(held.head.id)), value: recordingRow(held) })
      }
      for (const name of gone) ops.push({ type: 'del', key: recordingKey(name) })
      changed.clear()
      changedTracks.clear()
      gone.clear()
      return ops
    },
  }
}
