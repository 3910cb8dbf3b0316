/**
 * Everything the uplink still owes one recording, one step at a time: its name, its bytes, its playlist, its lines in
 * the catalogue, its end. Order: synced claim → append → catalogue line → playlist line; nothing is published before
 * the bytes it points at are confirmed (invariant 4).
 */

import { crc64Text } from '../base/crc64.ts'
import type { Logger } from '../base/log.ts'
import type { CatalogueRecord } from '../format/catalogue-record.ts'
import { isoOf } from '../format/names.ts'
import { startPtsOf } from '../format/playlist.ts'
import { type Claim, cameraOf, type Extent, type RecordingId, recordingName } from '../format/recording.ts'
import { ticksPerSecond } from '../format/unit.ts'
import { type AbandonReason, type PlanState, spoiltMax, startState, tailBytesMax } from './append-plan.ts'
import type { Backlog, HeldRecording, Settlement } from './backlog.ts'
import { type ClaimContext, claimFor } from './claims.ts'
import { type Source, type StepReport, step } from './drain.ts'
import type { CreationHeaders, ObjectStore } from './object-store.ts'
import { createPlaylistJob, type PlaylistJob } from './playlist-job.ts'
import { createLineTail, createUnitTail, type TailReader } from './tail-reader.ts'

export interface JobWorld {
  readonly store: ObjectStore
  readonly backlog: Backlog
  readonly claims: ClaimContext
  readonly log: Logger
  /** Headers of a new object. */
  creation(what: 'video' | 'playlist' | 'records', camera: string | undefined, claim: Claim): CreationHeaders
  /** Writes a line to the catalogue track; durable when it resolves. */
  catalogue(record: CatalogueRecord): Promise<void>
  bodyBytesMax(): number
  /** How long a body that a dead process left in the network may still be on its way, in ms. */
  lateMsMax(): number
  /** Asks the store anything, only to hear its clock. */
  askTime(signal: AbortSignal): Promise<StepReport>
}

export type JobReport =
  | StepReport
  | { readonly did: 'finish' }
  /** Nothing to do before so many ms have passed. */
  | { readonly did: 'wait'; readonly ms: number }

export interface RecordingJob {
  step(signal: AbortSignal): Promise<JobReport>
}

export function createRecordingJob(world: JobWorld, id: RecordingId): RecordingJob {
  const { backlog, log } = world
  const name = recordingName(id)
  let state: PlanState = startState
  let playlist: PlaylistJob | undefined
  let playlistWaits = false
  let givenUp: AbandonReason | undefined
  /** What the store says of an object that is closed without being proven. */
  let unproven: Extent | undefined
  let tail: TailReader | undefined
  /** There was a doubt in this life: an append of the life before may still land. */
  let late = false
  /** When the doubt was settled, on the monotonic clock in ms. */
  let lateSince = 0
  let overtaken = false
  let askedAtEnd = false

  async function claimStep(held: HeldRecording, signal: AbortSignal): Promise<JobReport> {
    if (held.pending.length === 0) return held.closed ? finish() : { did: 'rest' }
    const claim = claimFor(world.claims, held.head)
    if (claim === undefined) return world.askTime(signal)
    await backlog.claim(id, claim)
    return { did: 'inspect', landed: 0, bytes: 0 }
  }

  async function finish(): Promise<JobReport> {
    await backlog.finish(id)
    return { did: 'finish' }
  }

  function sourceOf(held: HeldRecording, claim: Claim): Source {
    const what = held.head.video === undefined ? 'records' : 'video'
    tail ??= tailOf(held)
    return {
      key: claim.key,
      creation: world.creation(what, cameraOf(id.track), claim),
      layout: () => (late ? { ...held, late } : held),
      read: (count) => backlog.read(id, held.pending[0]?.seq ?? 0, count),
      async landed(extent, count) {
        const last = held.pending[count - 1]
        if (last === undefined) return
        await noteOpened(held, claim)
        await backlog.confirm(id, extent, last.seq)
        playlist?.confirmed(
          held.pending.slice(0, count).flatMap(({ length, media }) => (media ? [{ length, media }] : [])),
        )
      },
      doubtful: { tail, settle: (found) => settle(held, claim, found) },
    }
  }

  /** What was read back, the playlist finds in the object itself. */
  async function settle(held: HeldRecording, claim: Claim, found: Settlement): Promise<void> {
    if (found.arrived.length > 0) await noteOpened(held, claim)
    await backlog.settle(id, found)
    // A backlog that knows of no doubt any more may refuse what came late: then the object ends as it was settled.
    const now = backlog.recording(id)
    overtaken = late && now !== undefined && now.arrived.length !== found.arrived.length
    if (!late) lateSince = world.claims.clock.mono()
    late = true
    const { arrived, unitsRead } = found
    if (arrived.length === held.arrived.length) return
    log.info('resync', `${claim.key} holds ${arrived.length} bytes, all of them ours.`, {
      ...{ recording: name, knownBytes: held.arrived.length, unitsRead },
    })
  }

  /** Before anything is known to have arrived: a claim without its line is completed, and a repeated line is the same. */
  async function noteOpened(held: HeldRecording, claim: Claim): Promise<void> {
    if (held.arrived.length === 0 && held.head.video !== undefined) await world.catalogue(opened(held, claim))
  }

  async function mediaStep(held: HeldRecording, claim: Claim, signal: AbortSignal): Promise<JobReport> {
    const at = { state, bodyBytesMax: world.bodyBytesMax() }
    const stepped = await step(world.store, sourceOf(held, claim), at, signal)
    state = overtaken ? { at: 'abandoned', why: 'longer' } : stepped.state
    if (state.at === 'abandoned') {
      if (state.found !== undefined) {
        await noteOpened(held, claim)
        unproven = state.found
      }
      await giveUp(claim, state.why)
      return { did: 'abandon', why: state.why }
    }
    return stepped.report
  }

  /** The object is not ours any more: leave it as it is, go on in a new one, and tell somebody. */
  async function giveUp(claim: Claim, why: AbandonReason): Promise<void> {
    givenUp = why
    const note = abandonNotes[why](claim.key)
    log.error('object-abandoned', note, { key: claim.key, recording: name, why })
    const { clock, wallTime } = world.claims
    const mono = clock.mono()
    const wall = wallTime.at(mono)
    const time = wall === undefined ? null : isoOf(wall.wallMs)
    const bootCounter = backlog.boot.counter
    await world.catalogue({ v: 1, kind: 'alarm', bootCounter, about: claim.key, note, time, monoMs: mono })
    // Given up again after a restart between the cut and the end: what was pending has already moved.
    const held = backlog.recording(id)
    const isSettled = held === undefined || (held.closed && held.pending.length === 0 && held.doubt === undefined)
    if (!isSettled) await backlog.cut(id, why)
    const isOurs = why === 'full' || why === 'damaged'
    if (!isOurs && playlist?.ready() !== true) playlist = undefined
  }

  async function playlistStep(held: HeldRecording, job: PlaylistJob, signal: AbortSignal): Promise<JobReport> {
    const report = await job.step({ extent: held.arrived, next: held.pending[0]?.media }, signal)
    playlistWaits = report.did === 'fail'
    if (report.did === 'abandon') {
      const note = `The playlist of ${held.claim?.key ?? name} is not ours any more (${report.why}); the footage goes on without it.`
      log.error('playlist-abandoned', note, { key: held.claim?.key, why: report.why })
      playlist = undefined
      return { did: 'inspect', landed: 0, bytes: 0 }
    }
    return report
  }

  async function endStep(held: HeldRecording, claim: Claim, signal: AbortSignal): Promise<JobReport> {
    const lateMs = lateSince + world.lateMsMax() - world.claims.clock.mono()
    if (late && lateMs > 0 && givenUp === undefined) return { did: 'wait', ms: lateMs }
    if (late && !askedAtEnd && givenUp === undefined) {
      askedAtEnd = true
      state = startState
      return mediaStep(held, claim, signal)
    }
    if (playlist !== undefined) {
      playlist.finish()
      if (!playlist.idle()) return playlistStep(held, playlist, signal)
    }
    const extent = unproven ?? held.arrived
    if (held.head.video !== undefined && extent.length > 0) {
      const endWallMs = unproven === undefined ? playlist?.endWallMs() : undefined
      await world.catalogue(ended(held, claim, { extent, endWallMs, why: givenUp ?? 'complete' }))
    }
    return finish()
  }

  function playlistOf(held: HeldRecording, claim: Claim): PlaylistJob | undefined {
    const { video, startMonoMs } = held.head
    if (video === undefined || claim.playlistKey === undefined) return undefined
    return createPlaylistJob({
      store: world.store,
      key: claim.playlistKey,
      videoKey: claim.key,
      creation: world.creation('playlist', cameraOf(id.track), claim),
      plan: {
        uri: claim.key.slice(claim.key.lastIndexOf('/') + 1),
        targetDurationS: video.targetDurationS,
        startPts: startPtsOf(startMonoMs),
        startWallMs: claim.start?.wallMs,
      },
    })
  }

  let prepared = false
  return {
    async step(signal) {
      const held = backlog.recording(id)
      if (held === undefined) return { did: 'finish' }
      const { claim } = held
      if (claim === undefined) return claimStep(held, signal)
      if (!prepared) {
        prepared = true
        playlist = playlistOf(held, claim)
      }
      if (givenUp !== undefined) return endStep(held, claim, signal)
      if (state.at !== 'aligned') return mediaStep(held, claim, signal)
      const job = playlist
      const publish = job !== undefined && (!job.ready() || !job.idle())
      if (publish && !(playlistWaits && held.pending.length > 0)) return playlistStep(held, job, signal)
      playlistWaits = false
      if (held.pending.length > 0) return mediaStep(held, claim, signal)
      return held.closed ? endStep(held, claim, signal) : { did: 'rest' }
    },
  }
}

function opened(held: HeldRecording, claim: Claim): CatalogueRecord {
  const { head } = held
  return {
    v: 1,
    kind: 'recording',
    bootCounter: head.id.boot,
    key: claim.key,
    playlist: claim.playlistKey,
    track: head.id.track,
    camera: cameraOf(head.id.track),
    number: head.id.number,
    token: claim.token,
    start: claim.start === undefined ? null : isoOf(claim.start.wallMs),
    startErrorMs: claim.start?.errorMs ?? null,
    startMonoMs: head.startMonoMs,
    width: head.video?.width,
    height: head.video?.height,
    targetDurationS: head.video?.targetDurationS,
  }
}

function ended(
  { head }: HeldRecording,
  claim: Claim,
  at: { readonly extent: Extent; readonly endWallMs: number | undefined; readonly why: string },
): CatalogueRecord {
  return {
    v: 1,
    kind: 'recording-end',
    bootCounter: head.id.boot,
    key: claim.key,
    camera: cameraOf(head.id.track),
    bytes: at.extent.length,
    crc64: crc64Text(at.extent.crc64),
    end: at.endWallMs === undefined ? null : isoOf(at.endWallMs),
    why: at.why,
  }
}

function tailOf({ head }: HeldRecording): TailReader {
  if (head.video === undefined) return createLineTail()
  const longestTicks = head.video.targetDurationS * ticksPerSecond
  return createUnitTail({ longestTicks, startPts: startPtsOf(head.startMonoMs) })
}

const goesOn = 'It is left as it is and recording goes on in a new object'

const tailMiB = tailBytesMax / 2 ** 20

/** What a person is told about an object that was given up. */
const abandonNotes: Readonly<Record<AbandonReason, (key: string) => string>> = {
  'not-appendable': (key) => `${key} cannot be appended to any more: somebody replaced or locked it. ${goesOn}.`,
  deleted: (key) => `${key} was deleted while it was being written. ${goesOn}; look for who may delete in this bucket.`,
  shorter: (key) => `${key} is shorter than what the store confirmed earlier: it was replaced. ${goesOn}.`,
  longer: (key) => `${key} holds bytes that this recorder never sent: somebody else appends to it. ${goesOn}.`,
  unproven: (key) =>
    `${key} is more than ${tailMiB} MiB longer than what is known of it here; that is not read back, so its end is not proven to be ours. ${goesOn}.`,
  unseen: (key) =>
    `Nothing is known to have arrived in ${key}, and the store does not say whether it is there: the access key has no right to list. ${goesOn}.`,
  damaged: (key) =>
    `What is sent to ${key} arrives damaged, ${spoiltMax} times in a row: look for a device on the way that changes data. ${goesOn}.`,
  torn: (key) => `${key} ends in the middle of a unit: somebody else appends to it. ${goesOn}.`,
  different: (key) => `${key} does not hold the bytes that were sent (its CRC-64 differs). ${goesOn}.`,
  full: (key) => `${key} takes no more bytes: the store's size limit is reached. ${goesOn}.`,
}
