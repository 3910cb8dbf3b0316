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
import { createOffsetNotes } from './boot-offset.ts'
import { countWaits, withDiskWaits } from './disk-waits.ts'
import type { StepReport } from './drain.ts'
import { type Lane, laneOf, nextTurn, placesMax } from './lanes.ts'
import { createLinkRate } from './link-rate.ts'
import { createLinkState } from './link-state.ts'
import type { ObjectStore, StoreError } from './object-store.ts'
import { createRecordingJob, type JobReport, type JobWorld, type RecordingJob } from './recording-job.ts'
import { storeErrorRules } from './store-errors.ts'
import { createTrackHolds } from './track-holds.ts'

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
/** Whoever waits for the disk when the uplink is to stop is waited for this long: a dead disk must not keep the rest. */
const diskMsAtStop = 2_000
/** Our own bytes could not be read: the disk is busy or ill, and trying at once would not help it. */
const unreadableWait = { firstMs: 500, capMs: 60_000, floorMs: 100 }

interface Entry {
  readonly id: RecordingId
  readonly job: RecordingJob
  lane: Lane
  busy: boolean
  /** Waits for the disk: it is busy, and takes no place on the link. */
  atDisk: boolean
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
  const holds = createTrackHolds(clock, random)
  let version = 0
  let refreshedAt = -1
  let wake: () => void = () => {}
  let fatal: { readonly error: unknown } | undefined
  const noteOffset = createOffsetNotes(backlog, { clock, wallTime })

  const jobWorld: JobWorld = {
    store: account.store,
    backlog,
    claims: { place: world.place, backlog, clock, wallTime, random },
    log,
    creation: world.creation,
    catalogue: world.catalogue,
    bodyBytesMax: rate.bodyBytesMax,
    lateMsMax: rate.bodyMsMax,
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
      else entries.set(name, newEntry(id, lane))
    }
    for (const [name, entry] of entries) if (!held.has(name) && !entry.busy) entries.delete(name)
  }

  function newEntry(id: RecordingId, lane: Lane): Entry {
    const counted = countWaits((isWaiting) => {
      entry.atDisk = isWaiting
      wake()
    })
    const catalogue: JobWorld['catalogue'] = (record) => counted(world.catalogue(record))
    const job = createRecordingJob({ ...jobWorld, catalogue, backlog: withDiskWaits(backlog, counted) }, id)
    const entry: Entry = {
      ...{ id, lane, job, busy: false, atDisk: false, restedAt: -1, failures: 0, notBefore: 0 },
      ...{ linkWait: false, problem: undefined },
    }
    return entry
  }

  /** Starts as many turns as there are places; returns for how many ms nobody is to be woken, but by a free place. */
  function dispatch(signal: AbortSignal): number {
    const linkWaitMs = link.waitMs()
    if (linkWaitMs > 0) return linkWaitMs
    refresh()
    for (;;) {
      const now = clock.mono()
      const all = [...entries.values()]
      const serving = all.filter((entry) => entry.busy && !entry.atDisk).map((entry) => entry.lane)
      const waiting = all.filter((entry) => !entry.busy && entry.restedAt !== version)
      const goesAt = (entry: Entry): number => Math.max(entry.notBefore, holds.until(entry.id.track))
      const ready = waiting.filter((entry) => goesAt(entry) <= now)
      const next = nextTurn(ready, serving, link.certain() ? placesMax : 1)
      if (next === undefined) return Math.min(...waiting.map(goesAt).filter((at) => at > now), now + turnMs) - now
      next.busy = true
      void serve(next, signal).finally(() => wake())
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
      case 'wait':
        Object.assign(entry, { notBefore: clock.mono() + report.ms, linkWait: false })
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
        holds.abandoned(entry.id.track)
        return
      case 'inspect':
      case 'append':
        // Not waited for: a lost note costs a recording its date, a dead disk must not cost it its turn.
        void noteOffset().catch((error: unknown) => {
          fatal ??= { error }
        })
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

  function progressed(entry: Entry): void {
    holds.progressed(entry.id.track)
    entry.failures = 0
    entry.problem = undefined
    const outageMs = link.progressed()
    for (const other of entries.values()) if (other.linkWait) Object.assign(other, { notBefore: 0, linkWait: false })
    if (outageMs < outageMsMin) return
    for (const { id, lane } of entries.values()) if (lane === 'live') world.cutLive(id.track)
  }

  /** Requests are over as soon as their signal says so. */
  async function turnsOver(): Promise<void> {
    const until = clock.mono() + diskMsAtStop
    for (;;) {
      const busy = [...entries.values()].filter((entry) => entry.busy)
      const left = busy.every((entry) => entry.atDisk) ? until - clock.mono() : turnMs
      if (busy.length === 0 || left <= 0) return
      const asleep = new AbortController()
      wake = () => asleep.abort('over')
      await clock.sleep(left, asleep.signal)
    }
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
        wake = () => asleep.abort('over')
        world.beat?.turned()
        await clock.sleep(Math.min(turnMs, dispatch(signal)), asleep.signal)
      }
      end()
      await watching
      await turnsOver()
      if (fatal !== undefined) throw fatal.error
    },
    status() {
      const all = [...entries.values()]
      const blocked = all.find((entry) => entry.problem !== undefined)?.problem
      const problem =
        blocked === undefined ? link.problem() : `${blocked.message} ${storeErrorRules[blocked.kind].does}`
      const busy = all.some((entry) => entry.busy || entry.restedAt !== version)
      const state = blocked !== undefined ? 'blocked' : !link.certain() ? 'waiting' : busy ? 'sending' : 'idle'
      const held = { backlogBytes: waitingBytes(backlog), objects: openObjects(backlog) }
      return { state, problem, ...account.figures(), ...held }
    },
  }
}
