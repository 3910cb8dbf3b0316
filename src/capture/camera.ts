/**
 * Keeps one camera recording: life after life of its process, until it is told to stop.
 *
 * Any end of the process is a failure, whatever it returned. After a failure the next life begins at once at first, and
 * ever later then (full jitter, 1 to 60 s); a minute of good video forgives everything. What will not repair itself (H.265,
 * a missing program) is tried slowly. Footage that came before and after a failure goes into the same recording
 * (`recorder.ts`); what is missing in between becomes a gap record when the footage returns.
 *
 *     starting --keyframe--> recording --end--> stalled (being ended) --> waiting --back-off--> starting ...
 */
import { type BackoffRange, backoffMs } from '../base/backoff.ts'
import type { Logger } from '../base/log.ts'
import type { Random } from '../base/random.ts'
import type { CameraStatus } from '../format/status.ts'
import { type CameraAccount, createCameraAccount } from './camera-account.ts'
import { audioCodecOf } from './camera-audio.ts'
import { type CommandFacts, commandFor } from './camera-command.ts'
import { type LifeListener, type LifeReport, type LifeWorld, liveOnce } from './camera-life.ts'
import type { CameraRun, CameraRunOptions, RunState, RunUnit } from './camera-run.ts'
import type { CameraSource } from './camera-source.ts'
import { isLasting, type LifeEnd, sentenceFor } from './camera-words.ts'
import type { Child, ChildCommand } from './child.ts'
import { createRecorder, type RecorderWorld } from './recorder.ts'

export interface CameraWorld extends LifeWorld, RecorderWorld {
  readonly random: Random
  readonly log: Logger
  newRun(options: CameraRunOptions): CameraRun
  /** The loop turned: about every second, also while it waits; ending a process or asking for its sound may take 13 s. */
  turned?(): void
  /** For proofs: the camera's own bytes, before they are split. `life` counts from 0. */
  tap?(life: number, bytes: Uint8Array): void
  /** For proofs: each unit, before it is recorded. */
  onUnit?(unit: RunUnit): void
}

export interface CameraOptions {
  readonly name: string
  readonly source: CameraSource
  /** See `RecorderOptions`. */
  readonly rolloverBytes: number
  readonly facts: CommandFacts
}

export interface Camera {
  /** Returns when `signal` has aborted and the process is gone: within `limits.childKillMs` and a second. */
  run(signal: AbortSignal): Promise<void>
  status(): CameraStatus
}

const retry: BackoffRange = { firstMs: 2_000, capMs: 60_000, floorMs: 1_000 }
const slowRetry: BackoffRange = { firstMs: 60_000, capMs: 60_000, floorMs: 30_000 }
/** So much video between two failures, and the second counts as the first. */
const forgivenAfterMs = 60_000
/** Processes that survived KILL; with so many the camera waits for one to go, since each holds memory and the device. */
const undeadMax = 3
/** The loop shows that it turns at least this often while it waits, in ms. */
const turnMs = 1_000

export function createCamera(world: CameraWorld, options: CameraOptions): Camera {
  const log = world.log.with({ camera: options.name })
  const account = createCameraAccount(options.name, world.clock)
  const lives = createLives(world, options, account)
  let failures = 0

  /** @returns the sentence for a failure */
  function failed({ end, words, goodMs }: Outcome): string {
    failures = goodMs >= forgivenAfterMs ? 1 : failures + 1
    return sentenceFor(end, { camera: options.name, source: options.source.kind, words })
  }

  async function wait({ end, words }: Outcome, sentence: string, signal: AbortSignal): Promise<void> {
    const ms = backoffMs(isLasting(end) ? slowRetry : retry, failures, world.random)
    const next = `The next try is in ${Math.round(ms / 1000)} s.`
    log.warn('camera.failed', `${sentence} ${next}`, { end: end.kind, failures, words })
    for (let left = ms; left > 0 && !signal.aborted; left -= turnMs) {
      await world.clock.sleep(Math.min(left, turnMs), signal)
      world.turned?.()
    }
  }

  return {
    async run(signal) {
      let lastFailure: string | undefined
      while (!signal.aborted) {
        const outcome = await lives.next(lastFailure, signal)
        if (outcome.end.kind === 'stopped') break
        lastFailure = failed(outcome)
        account.enter('waiting', lastFailure)
        await wait(outcome, lastFailure, signal)
      }
      account.enter('stopped')
      log.info('camera.stopped', `Camera '${options.name}' is stopped.`, { units: account.status().unitsCaptured })
    },
    status: account.status,
  }
}

type Outcome = Pick<LifeReport, 'end' | 'words' | 'goodMs'>

/** Lives of one camera, and what each learns from those before it. */
function createLives(world: CameraWorld, options: CameraOptions, account: CameraAccount) {
  const { clock } = world
  const log = world.log.with({ camera: options.name })
  const recorder = createRecorder(world, { camera: options.name, rolloverBytes: options.rolloverBytes })
  const undead = new Set<Child>()
  let count = 0
  let longestGopMs: number | undefined

  function look(run: RunState): void {
    account.sawRun(run)
    world.turned?.()
    if (account.state() !== 'starting' || run.lastKeyframeAt === undefined || run.problem !== undefined) return
    account.enter('recording')
    const { codec, width, height } = run
    log.info('camera.recording', `Camera '${options.name}' gives pictures.`, { codec, width, height })
  }

  async function live(command: ChildCommand, why: string, signal: AbortSignal): Promise<LifeReport> {
    const life = count
    count += 1
    log.info('camera.starting', `Camera '${options.name}' is being started.`, { life })
    const run = world.newRun({ ...recorder.runOptions(clock.mono()), sound: wantsSound(options.source) })
    const listener: LifeListener = {
      onBytes: (bytes) => world.tap?.(life, bytes),
      onUnits(units) {
        for (const unit of units) {
          account.sawUnit(unit.unit.bytes.length)
          world.onUnit?.(unit)
          recorder.take(unit, why)
        }
      },
      onLine: (line) => log.debug('camera.says', line),
      onTurn: look,
      onEnding(end) {
        if (end.kind === 'stopped') return
        const speaker = { camera: options.name, source: options.source.kind, words: [] }
        account.enter('stalled', sentenceFor(end, speaker))
      },
    }
    return await liveOnce(world, { command, run, longestGopMs, listener }, signal)
  }

  return {
    /** @param lastFailure the sentence for a gap in front of this life's footage */
    async next(lastFailure: string | undefined, signal: AbortSignal): Promise<Outcome> {
      if (undead.size >= undeadMax) return noLife({ kind: 'undead', count: undead.size })
      account.enter('starting')
      const audioCodec = await audioCodecOf(world, options, signal)
      const facts = { ...options.facts, ...(audioCodec === undefined ? {} : { audioCodec }) }
      const command = commandFor(options.name, options.source, facts)
      if (!command.ok) return noLife({ kind: 'no-command', sentence: command.error })

      const report = await live(command.value, lastFailure ?? `Camera '${options.name}' gave no pictures.`, signal)
      account.sawRun(report.state)
      longestGopMs = report.longestGopMs
      const left = report.undead
      if (left !== undefined) {
        undead.add(left)
        void left.exit.then(() => undead.delete(left))
      }
      return report
    },
  }
}

/** Sound is recorded only where it was asked for; not every program can be told to leave it out. */
const wantsSound = (source: CameraSource): boolean => 'audio' in source && source.audio === true

const noLife = (end: LifeEnd): Outcome => ({ end, words: [], goodMs: 0 })
