/**
 * The loop that empties the buffer into the store: it gives each recording its turn, obeys the back-off, and keeps the
 * account. What a turn does is decided in `recording-job.ts`, who is next in `lanes.ts`, what a failure means in
 * `store-errors.ts`.
 *
 * A recording has at most one turn at a time, so at most one append is in flight per object (invariant 5). When the link
 * returns after a long outage, live footage is cut into a new recording: it overtakes what waits, which drains beside it.
 * Nothing that was offered to one object is ever offered to another by that, since the old recording keeps its units.
 */
import { backoffMs } from '../base/backoff.ts'
import type { Clock, MonoMs, WallTime } from '../base/clock.ts'
import type { Logger } from '../base/log.ts'
import type { LoopBeat } from '../base/loop.ts'
import type { Random } from '../base/random.ts'
import type { CatalogueRecord } from '../format/catalogue-record.ts'
import type { Place } from '../format/names.ts'
import { type RecordingId, recordingName, type TrackId } from '../format/recording.ts'
import type { UplinkStatus } from '../format/status.ts'
import { createAccount } from './account.ts'
import type { Backlog } from './backlog.ts'
import { openObjects, waitingBytes } from './backlog-figures.ts'
import type { StepReport } from './drain.ts'
import { type Lane, laneOf, nextTurn, placesMax } from './lanes.ts'
import { createLinkRate } from './link-rate.ts'
import { createLinkState } from './link-state.ts'
import type { ObjectStore, StoreError } from './object-store.ts'
import { createRecordingJob, type JobReport, type JobWorld, type RecordingJob } from './recording-job.ts'
import { storeErrorRules } from './store-errors.ts'

export interface UplinkWorld {
  readonly store: ObjectStore
  readonly backlog: Backlog
  readonly clock: Clock
  readonly wallTime: WallTime
  readonly random: Random
  readonly log: Logger
  readonly place: Place
  readonly creation: JobWorld['creation']
  /** Writes a line to the catalogue track; durable when it resolves. */
  catalogue(record: CatalogueRecord): Promise<void>
  /** Begins a new recording with the camera's next unit; what the old one holds stays its own. */
  cutLive(track: TrackId): void
  /** Told at every turn, at least every `uplinkTurnMsMax` / 2. */
  readonly beat?: LoopBeat
  /** Cap in bytes per second; `undefined` is none. */
  readonly bytesPerSMax?: number | undefined
}

export interface Uplink {
  /** Until `signal` aborts. Rejects only for a broken assumption. */
  run(signal: AbortSignal): Promise<void>
  status(): UplinkStatus
}

/** The loop looks around at least this often, whatever it waits for. */
const turnMs = 60_000
/** For whoever watches it. */
export const uplinkTurnMsMax = 2 * turnMs

/** An outage this long puts live footage before what waits; a shorter one is caught up soon enough. */
const outageMsMin = 60_000
/** The offset of this boot is written again when it moved by this much, or is known twice as well. */
const offsetMoveMs = 500
/** Our own bytes could not be read: the disk is busy or ill, and trying at once would not help it. */
const unreadableWait = { firstMs: 500, capMs: 60_000, floorMs: 100 }

/** One foreign object is replaced at once; a bucket full of them is tried less and less often. */
const abandonWait = { firstMs: 100, capMs: 300_000, floorMs: 0 }

interface Entry {
  readonly id: RecordingId
  readonly job: RecordingJob
  lane: Lane
  busy: boolean
  /** The backlog's version at which it had nothing to do. */
  restedAt: number
  failures: number
  notBefore: number
  /** The wait was the link's fault: progress elsewhere ends it. */
  linkWait: boolean
  problem: StoreError | undefined
}

export function createUplink(world: UplinkWorld): Uplink {
  const { backlog, clock, log, random, wallTime } = world
  const entries = new Map<string, Entry>()
  const rate = createLinkRate(clock, world.bytesPerSMax)
  const account = createAccount(world.store, { clock, rate })
  const link = createLinkState({ clock, random, log, waitingBytes: () => waitingBytes(backlog) })
  /** Tracks whose objects had to be given up, until something of theirs arrives again. */
  const holds = new Map<TrackId, { readonly failures: number; readonly until: number }>()
  let version = 0
  let refreshedAt = -1
  let wake: () => void = () => {}
  let fatal: { readonly error: unknown } | undefined
  let writtenOffset: { readonly ms: number; readonly errorMs: number } | undefined

  const jobWorld: JobWorld = {
    store: account.store,
    backlog,
    claims: { place: world.place, backlog, clock, wallTime, random },
    log,
    creation: world.creation,
    catalogue: world.catalogue,
    bodyBytesMax: rate.bodyBytesMax,
    askTime,
  }

  /** Any answer of the store shows its clock; this asks for an object that need not exist. */
  async function askTime(signal: AbortSignal): Promise<StepReport> {
    const { prefix, device } = world.place
    const answer = await account.store.inspect(`${prefix === '' ? '' : `${prefix}/`}catalogue/${device}/time`, signal)
    if (!answer.ok) return { did: 'fail', error: answer.error }
    if (wallTime.at(clock.mono()) !== undefined) return { did: 'inspect', landed: 0, bytes: 0 }
    const message = 'The store answered without a usable date, and no other source of time is known.'
    return { did: 'fail', error: { kind: 'unanswered', message } }
  }

  /** Brings the entries in line with the backlog, once per change of it: a snapshot of everything is not free. */
  function refresh(): void {
    if (refreshedAt === version) return
    refreshedAt = version
    const held = new Set<string>()
    for (const id of backlog.held()) {
      const name = recordingName(id)
      held.add(name)
      const recording = backlog.recording(id)
      const lane = laneOf(id, id.boot === backlog.boot.counter && recording?.closed === false)
      const entry = entries.get(name)
      if (entry !== undefined) entry.lane = lane
      else entries.set(name, newEntry(id, lane, createRecordingJob(jobWorld, id)))
    }
    for (const [name, entry] of entries) if (!held.has(name) && !entry.busy) entries.delete(name)
  }

  /** Starts as many turns as there are places; returns how long nothing will change by waiting alone, in ms. */
  function dispatch(signal: AbortSignal, running: Set<Promise<void>>): number {
    const linkWaitMs = link.waitMs()
    if (linkWaitMs > 0) return linkWaitMs
    refresh()
    for (;;) {
      const now = clock.mono()
      const all = [...entries.values()]
      const serving = all.filter((entry) => entry.busy).map((entry) => entry.lane)
      const waiting = all.filter((entry) => !entry.busy && entry.restedAt !== version)
      const goesAt = (entry: Entry): number => Math.max(entry.notBefore, holds.get(entry.id.track)?.until ?? 0)
      const ready = waiting.filter((entry) => goesAt(entry) <= now)
      const next = nextTurn(ready, serving, link.certain() ? placesMax : 1)
      if (next === undefined) return Math.min(...waiting.map((entry) => Math.max(1, goesAt(entry) - now)), turnMs)
      next.busy = true
      const turn = serve(next, signal).finally(() => {
        running.delete(turn)
        wake()
      })
      running.add(turn)
    }
  }

  async function serve(entry: Entry, signal: AbortSignal): Promise<void> {
    const startedAt = clock.mono()
    const startedAtVersion = version
    try {
      const report = await entry.job.step(signal)
      if (!signal.aborted) await note(entry, report, { startedAt, startedAtVersion })
    } catch (error) {
      fatal ??= { error }
    } finally {
      entry.busy = false
    }
  }

  async function note(
    entry: Entry,
    report: JobReport,
    began: { readonly startedAt: MonoMs; readonly startedAtVersion: number },
  ): Promise<void> {
    account.reported(report)
    switch (report.did) {
      case 'rest':
        entry.restedAt = began.startedAtVersion
        return
      case 'finish':
        entries.delete(recordingName(entry.id))
        return
      case 'fail':
        if (storeErrorRules[report.error.kind].scope !== 'object') link.failed(report.error, began.startedAt)
        putOff(entry, report.error)
        return
      case 'unreadable':
        entry.failures += 1
        entry.notBefore = clock.mono() + backoffMs(unreadableWait, entry.failures, random)
        log.warn('backlog-unreadable', report.message, { recording: recordingName(entry.id) })
        return
      case 'abandon':
        holdTrack(entry.id.track)
        return
      case 'inspect':
      case 'append':
        await learnOffset()
        if (report.landed > 0) progressed(entry)
    }
  }

  function putOff(entry: Entry, error: StoreError): void {
    const rule = storeErrorRules[error.kind]
    entry.failures += 1
    entry.notBefore = clock.mono() + Math.max(error.retryAfterMs ?? 0, backoffMs(rule.wait, entry.failures, random))
    entry.linkWait = rule.scope === 'link'
    if (rule.needsPerson && (entry.problem === undefined || entry.problem.code !== error.code)) {
      log.error('store-refuses', `${error.message} ${rule.does}`, {
        recording: recordingName(entry.id),
        code: error.code,
      })
    }
    entry.problem = rule.needsPerson ? error : undefined
  }

  /** A bucket that takes no append object at all must not make us try new names as fast as we can. */
  function holdTrack(track: TrackId): void {
    const failures = (holds.get(track)?.failures ?? 0) + 1
    holds.set(track, { failures, until: clock.mono() + backoffMs(abandonWait, failures, random) })
  }

  function progressed(entry: Entry): void {
    holds.delete(entry.id.track)
    entry.failures = 0
    entry.problem = undefined
    const outageMs = link.progressed()
    for (const other of entries.values()) if (other.linkWait) Object.assign(other, { notBefore: 0, linkWait: false })
    if (outageMs < outageMsMin) return
    for (const { id, lane } of entries.values()) if (lane === 'live') world.cutLive(id.track)
  }

  /** Recordings that outlive this boot get their dates from what it knew. */
  async function learnOffset(): Promise<void> {
    const mono = clock.mono()
    const now = wallTime.at(mono)
    if (now === undefined) return
    const offset = { ms: now.wallMs - mono, errorMs: now.errorMs }
    const before = writtenOffset
    const news =
      before === undefined || Math.abs(offset.ms - before.ms) > offsetMoveMs || offset.errorMs < before.errorMs / 2
    if (!news) return
    writtenOffset = offset
    await backlog.learnBootTime(offset)
  }

  async function watch(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await backlog.changed(signal)
      version += 1
      wake()
    }
  }

  return {
    async run(signal) {
      const running = new Set<Promise<void>>()
      const over = new AbortController()
      const end = (): void => {
        over.abort()
        wake()
      }
      if (signal.aborted) end()
      signal.addEventListener('abort', end, { once: true })
      const watching = watch(over.signal)
      while (!signal.aborted && fatal === undefined) {
        const asleep = new AbortController()
        wake = () => asleep.abort()
        world.beat?.turned()
        await clock.sleep(Math.min(turnMs, dispatch(signal, running)), asleep.signal)
      }
      end()
      await Promise.all([...running, watching])
      if (fatal !== undefined) throw fatal.error
    },
    status() {
      const all = [...entries.values()]
      const blocked = all.find((entry) => entry.problem !== undefined)?.problem
      const problem =
        blocked === undefined ? link.problem() : `${blocked.message} ${storeErrorRules[blocked.kind].does}`
      const busy = all.some((entry) => entry.busy || entry.restedAt !== version)
      const state = blocked !== undefined ? 'blocked' : !link.certain() ? 'waiting' : busy ? 'sending' : 'idle'
      return {
        state,
        problem,
        ...account.figures(),
        backlogBytes: waitingBytes(backlog),
        objects: openObjects(backlog),
      }
    },
  }
}

const newEntry = (id: RecordingId, lane: Lane, job: RecordingJob): Entry => ({
  ...{ id, lane, job, busy: false, restedAt: -1, failures: 0, notBefore: 0, linkWait: false, problem: undefined },
})
