/** A `Backlog` in memory with the rules of the real one, filled by a test. It forgets nothing when the uplink restarts. */
import { crc64 } from '../../src/base/crc64.ts'
import { err, ok } from '../../src/base/result.ts'
import {
  type Boot,
  type Chunk,
  type Claim,
  type Extent,
  emptyExtent,
  type RecordingHead,
  type RecordingId,
  recordingName,
  type TrackId,
  type VideoHeader,
} from '../../src/format/recording.ts'
import type { MediaInfo } from '../../src/format/unit.ts'
import type { Backlog, BootTime, HeldRecording } from '../../src/uplink/backlog.ts'

type HeldChunk = Chunk & { readonly bytes: Uint8Array }

export interface Kept {
  head: RecordingHead
  claim: Claim | undefined
  arrived: Extent
  pending: HeldChunk[]
  /** What the uplink said had arrived, in that order. */
  readonly confirmed: HeldChunk[]
  closed: boolean
  finished: boolean
  /** Set by a test that plays a recorder which was killed. */
  doubt: HeldRecording['doubt'] | undefined
}

export interface MemoryBacklog extends Backlog {
  /** Every recording there ever was, in order of their beginning. */
  readonly kept: readonly Kept[]
  begin(track: TrackId, startMonoMs: number, video?: VideoHeader): RecordingId
  put(track: TrackId, bytes: Uint8Array, media?: MediaInfo): void
  close(track: TrackId): void
  /** Doubts that were settled, in that order. */
  readonly settled: { readonly id: RecordingId; readonly arrived: Extent; readonly unitsRead: number }[]
  /** What was cut, and why. */
  readonly cuts: string[]
  bootTimes: Map<number, BootTime>
}

export function createMemoryBacklog(boot: Boot = { id: 'b', counter: 1 }): MemoryBacklog {
  const kept: Kept[] = []
  const seqs = new Map<TrackId, number>()
  const bootTimes = new Map<number, BootTime>()
  const cuts: string[] = []
  const settled: MemoryBacklog['settled'] = []
  let listeners: (() => void)[] = []

  const changed = (): void => {
    const told = listeners
    listeners = []
    for (const tell of told) tell()
  }
  const find = (id: RecordingId): Kept | undefined =>
    kept.find((one) => recordingName(one.head.id) === recordingName(id) && !one.finished)
  const openOf = (track: TrackId): Kept | undefined => kept.find((one) => one.head.id.track === track && !one.closed)
  const must = (id: RecordingId): Kept => {
    const found = find(id)
    if (found === undefined) throw new Error(`${recordingName(id)} is not held`)
    return found
  }

  function begin(track: TrackId, startMonoMs: number, video?: VideoHeader): RecordingId {
    const open = openOf(track)
    if (open !== undefined) open.closed = true
    const number = kept.filter((one) => one.head.id.track === track).length
    const head: RecordingHead = {
      id: { track, boot: boot.counter, number },
      startMonoMs,
      firstSeq: seqs.get(track) ?? 0,
      ...(video === undefined ? {} : { video }),
    }
    kept.push(newKept(head, []))
    changed()
    return head.id
  }

  return {
    boot,
    kept,
    cuts,
    settled,
    bootTimes,
    begin,
    put(track, bytes, media) {
      const open = openOf(track)
      if (open === undefined) throw new Error(`${track} has no open recording`)
      const seq = seqs.get(track) ?? 0
      seqs.set(track, seq + 1)
      open.pending.push({ seq, length: bytes.length, crc64: crc64(bytes), bytes, ...(media ? { media } : {}) })
      changed()
    },
    close(track) {
      const open = openOf(track)
      if (open !== undefined) open.closed = true
      changed()
    },
    held: () => kept.filter((one) => !one.finished).map((one) => one.head.id),
    recording(id): HeldRecording | undefined {
      const found = find(id)
      if (found === undefined) return undefined
      const { doubt, ...rest } = found
      return { ...rest, pending: [...found.pending], ...(doubt === undefined ? {} : { doubt }) }
    },
    async read(id, fromSeq, count) {
      const { pending } = must(id)
      const first = pending.findIndex((chunk) => chunk.seq === fromSeq)
      const chunks = pending.slice(first, first + count)
      if (first < 0 || chunks.length < count) return err({ kind: 'gone', message: 'The chunks are gone.' })
      return ok(Buffer.concat(chunks.map((chunk) => chunk.bytes)))
    },
    async claim(id, claim) {
      const found = must(id)
      if (found.claim !== undefined) throw new Error('claimed twice')
      found.claim = claim
    },
    async confirm(id, arrived, throughSeq) {
      const found = must(id)
      const gone = found.pending.filter((chunk) => chunk.seq <= throughSeq)
      const sum = gone.reduce((bytes, chunk) => bytes + chunk.length, found.arrived.length)
      if (sum !== arrived.length) throw new Error('the confirmed length is not the sum of the confirmed chunks')
      found.confirmed.push(...gone)
      found.pending = found.pending.filter((chunk) => chunk.seq > throughSeq)
      found.arrived = arrived
    },
    async settle(id, { arrived, unitsRead }) {
      const found = must(id)
      const from = found.doubt?.pendingFrom ?? found.arrived
      let position = from.length
      while (found.pending[0] !== undefined && position < arrived.length) {
        const landed = found.pending.shift()
        position += landed?.length ?? 0
        if (landed !== undefined) found.confirmed.push(landed)
      }
      found.arrived = arrived
      found.doubt = undefined
      settled.push({ id, arrived, unitsRead })
      if (arrived.length < from.length && found.pending.length > 0) await this.cut(id, 'power')
      changed()
    },
    async cut(id, why) {
      const found = must(id)
      cuts.push(`${recordingName(id)} ${why}`)
      const moved = found.pending.splice(0)
      const wasClosed = found.closed
      found.closed = true
      if (moved.length === 0 && wasClosed) return
      const number = kept.filter((one) => one.head.id.track === id.track).length
      const media = moved[0]?.media
      const head = {
        ...found.head,
        id: { ...id, number },
        firstSeq: moved[0]?.seq ?? found.head.firstSeq,
        startMonoMs: media === undefined ? found.head.startMonoMs : media.firstPts / 90,
      }
      kept.splice(kept.indexOf(found) + 1, 0, { ...newKept(head, moved), closed: wasClosed })
      changed()
    },
    async finish(id) {
      must(id).finished = true
      changed()
    },
    bootTime: (counter) => bootTimes.get(counter),
    async learnBootTime(offset) {
      bootTimes.set(boot.counter, { boot, offset })
    },
    changed(signal) {
      return new Promise((resolve) => {
        if (signal.aborted) return resolve()
        const tell = (): void => {
          signal.removeEventListener('abort', tell)
          resolve()
        }
        listeners.push(tell)
        signal.addEventListener('abort', tell, { once: true })
      })
    },
  }
}

const newKept = (head: RecordingHead, pending: HeldChunk[]): Kept => ({
  ...{ head, claim: undefined, arrived: emptyExtent, pending, confirmed: [], closed: false, finished: false },
  doubt: undefined,
})
