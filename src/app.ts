/**
 * The recorder as a service: joins capture, buffer and uplink from their ports, and keeps them as the settings ask.
 *
 *     cameras ─► recorder policy ─► buffer ─► uplink ─► store        inputs, reports, catalogue ─► buffer
 *
 * The buffer is opened once and outlives every change of settings; each camera, input, the uplink and the reporter are
 * loops of their own (`base/loop-group.ts`), restarted when what they depend on changed. It knows no package, no file
 * and no socket: `commands/run.ts` brings the real ones.
 */
import type { Clock } from './base/clock.ts'
import type { Logger } from './base/log.ts'
import { createLoopGroup, type LoopPlan } from './base/loop-group.ts'
import type { Random } from './base/random.ts'
import { Secret } from './base/secret.ts'
import type { Buffer } from './buffer/buffer.ts'
import { memoryLimits } from './buffer/stage.ts'
import { type Camera, createCamera } from './capture/camera.ts'
import type { CommandFacts } from './capture/camera-command.ts'
import type { RunUnit } from './capture/camera-run.ts'
import type { ChildStarter } from './capture/child.ts'
import type { InputLines } from './capture/input-line.ts'
import { createInput, type Input, inputTurnMsMax } from './capture/input-loop.ts'
import { createCameraRun } from './capture/run-splitter.ts'
import type { CameraSettings } from './config/camera-settings.ts'
import { objectHeaders } from './config/object-headers.ts'
import type { InputSettings, Settings } from './config/settings.ts'
import { type CatalogueRecord, catalogueLine } from './format/catalogue-record.ts'
import { isoOf } from './format/names.ts'
import { type Claim, videoTrack } from './format/recording.ts'
import type { Status } from './format/status.ts'
import type { Liveness } from './health/liveness.ts'
import type { MachineProbes } from './health/machine.ts'
import { reporterTurnMsMax, runReporter, type Schedule } from './health/reporter.ts'
import { runWatchdog, type Supervisor } from './health/watchdog.ts'
import type { CreationHeaders, ObjectStore } from './uplink/object-store.ts'
import type { Offset, TimeCorrection } from './uplink/time-correction.ts'
import { createUplink, type Uplink, uplinkTurnMsMax } from './uplink/uplink.ts'

export interface AppPorts {
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  readonly version: string
  readonly time: TimeCorrection
  readonly buffer: Buffer
  readonly children: ChildStarter
  readonly facts: CommandFacts
  readonly lines: InputLines
  /** A store for these settings. Its calls may fail; making it may not. */
  openStore(settings: Settings): ObjectStore & { close(): Promise<void> }
  readonly liveness: Liveness
  readonly supervisor: Supervisor
  readonly probes: MachineProbes
  /** When reports are due, by the site's clock. */
  openSchedule(settings: Settings): Schedule
  /** A loop broke an assumption. The process must end: starting is recovering. */
  fatal(name: string, error: unknown): void
  /** Witnesses for a proof. */
  readonly proof?: Proof
}

export interface Proof {
  camera(name: string, life: number, bytes: Uint8Array): void
  unit(camera: string, unit: RunUnit): void
}

export interface App {
  /** Starts, or changes what runs to what these settings ask. The device and the buffer's directory cannot change. */
  apply(settings: Settings): Promise<void>
  status(): Status
  /**
   * Ends the cameras, lets the uplink send until it is done or `drainMsMax` has passed,
   * and ends it. The buffer is left open.
   */
  stop(drainMsMax: number): Promise<void>
  /** The store showed that the clock was wrong: write it down, and let new names be right. */
  clockCorrected(offset: Offset, beforeMs: number | undefined): void
}

/** A camera's loop turns once a second; its process may take this long to be ended. */
const cameraTurnMsMax = 30_000
/** How often a stopping recorder looks whether everything is sent. */
const drainLookMs = 50

export function createApp(ports: AppPorts): App {
  const { buffer, clock, log, random, time } = ports
  const loops = createLoopGroup(ports.fatal)
  const startedAt = clock.mono()
  let cameras = new Map<string, Camera>()
  let inputs = new Map<string, Input>()
  let uplink: Uplink | undefined
  let device = ''

  const catalogue = (record: CatalogueRecord): Promise<void> => buffer.write('catalogue', catalogueLine(record))

  function cameraPlan(settings: CameraSettings, rolloverBytes: number): LoopPlan {
    const { name } = settings
    const { proof } = ports
    const fingerprint = fingerprintOf({ settings, rolloverBytes })
    return {
      fingerprint,
      async run(signal) {
        const beat = ports.liveness.watch(`camera ${name}`, cameraTurnMsMax)
        const camera = createCamera(
          {
            ...{ clock, random, log, sink: buffer, wallTime: time, children: ports.children, newRun: createCameraRun },
            gap: (gap) => void buffer.gap(gap),
            turned: beat.turned,
            ...(proof === undefined
              ? {}
              : {
                  tap: (life: number, bytes: Uint8Array) => proof.camera(name, life, bytes),
                  onUnit: (unit: RunUnit) => proof.unit(name, unit),
                }),
          },
          { name, source: settings, rolloverBytes, facts: ports.facts },
        )
        cameras.set(name, camera)
        await camera.run(signal).finally(beat.ended)
      },
    }
  }

  function inputPlan(settings: InputSettings, everyCamera: readonly string[]): LoopPlan {
    const { name } = settings
    const options = {
      ...settings,
      cameras: settings.cameras.length === 0 ? everyCamera : settings.cameras,
      bootCounter: buffer.boot.counter,
    }
    return {
      fingerprint: fingerprintOf(options),
      async run(signal) {
        const beat = ports.liveness.watch(`input ${name}`, inputTurnMsMax)
        const write = (line: string): void => void buffer.write('events', line)
        const protect = (names: readonly string[], fromMonoMs: number, toMonoMs: number): void => {
          for (const camera of names) buffer.protect(videoTrack(camera), fromMonoMs, toMonoMs)
        }
        const world = { clock, random, log, wallTime: time, lines: ports.lines, beat, write, protect }
        const input = createInput(world, options)
        inputs.set(name, input)
        await input.run(signal).finally(beat.ended)
      },
    }
  }

  function uplinkPlan(settings: Settings): LoopPlan {
    const { store: storeSettings, uplink: limits } = settings
    return {
      fingerprint: fingerprintOf({ storeSettings, limits }),
      async run(signal) {
        const store = ports.openStore(settings)
        const beat = ports.liveness.watch('uplink', uplinkTurnMsMax)
        uplink = createUplink({
          ...{ store, backlog: buffer, clock, random, log, wallTime: time, catalogue, beat },
          place: { prefix: storeSettings.prefix, device: settings.device },
          creation: creationHeaders(settings),
          cutLive: (track) => buffer.endOpen(track),
          bytesPerSMax: limits.bitsPerSMax === undefined ? undefined : limits.bitsPerSMax / 8,
        })
        await uplink.run(signal).finally(() => {
          beat.ended()
          return store.close()
        })
      },
    }
  }

  function reporterPlan(settings: Settings): LoopPlan {
    return {
      fingerprint: fingerprintOf({ report: settings.report, site: settings.site }),
      async run(signal) {
        const beat = ports.liveness.watch('reporter', reporterTurnMsMax)
        const schedule = ports.openSchedule(settings)
        const write = (line: string): void => void buffer.write('health', line)
        await runReporter({ clock, log, schedule, beat, probes: ports.probes, status, write }, signal).finally(
          beat.ended,
        )
      },
    }
  }

  /** One line for `systemctl status`. */
  function summary(): string {
    const now = status()
    const recording = now.cameras.filter(({ state }) => state === 'recording').length
    const problems = [now.buffer.problem, now.uplink.problem].filter((problem) => problem !== null)
    return `${recording} of ${now.cameras.length} cameras record; ${problems.join(' ') || 'footage reaches the store'}`
  }

  function status(): Status {
    const now = clock.mono()
    const wall = time.at(now)
    return {
      device,
      version: ports.version,
      bootCounter: buffer.boot.counter,
      processUptimeMs: Math.round(now - startedAt),
      time: wall === undefined ? null : isoOf(wall.wallMs),
      timeErrorMs: wall === undefined ? null : Math.round(wall.errorMs),
      cameras: [...cameras.values()].map((camera) => camera.status()),
      inputs: [...inputs.values()].map((input) => input.status()),
      buffer: buffer.status(),
      uplink: uplink?.status() ?? noUplink,
    }
  }

  return {
    async apply(settings) {
      device = settings.device
      buffer.setQuota(settings.buffer)
      buffer.setMemoryLimits(memoryLimits(settings.buffer))
      const everyCamera = settings.cameras.map(({ name }) => name)
      const wanted = new Map<string, LoopPlan>([
        ['uplink', uplinkPlan(settings)],
        ...settings.cameras.map((one): [string, LoopPlan] => [
          `camera ${one.name}`,
          cameraPlan(one, settings.rollover.bytes),
        ]),
        ...settings.inputs.map((one): [string, LoopPlan] => [`input ${one.name}`, inputPlan(one, everyCamera)]),
        ['reporter', reporterPlan(settings)],
        ['watchdog', { fingerprint: '', run: (signal) => runWatchdog({ ...ports, summary }, signal) }],
      ])
      await loops.apply(wanted)
      cameras = new Map([...cameras].filter(([name]) => wanted.has(`camera ${name}`)))
      inputs = new Map([...inputs].filter(([name]) => wanted.has(`input ${name}`)))
    },
    status,
    async stop(drainMsMax) {
      await loops.stop((name) => name !== 'uplink')
      const deadline = clock.mono() + drainMsMax
      while (clock.mono() < deadline && buffer.status().units > 0) await clock.sleep(drainLookMs)
      await loops.stop()
    },
    clockCorrected(offset, beforeMs) {
      const mono = clock.mono()
      const { boot } = buffer
      const moved = beforeMs === undefined ? 'is known now' : `was ${Math.round((offset.ms - beforeMs) / 1000)} s off`
      log.info('clock', `The time ${moved}; it is right within ${Math.round(offset.errorMs)} ms.`)
      void catalogue({
        ...{ v: 1, kind: 'clock', bootCounter: boot.counter, bootId: boot.id },
        ...{ offsetMs: offset.ms, errorMs: offset.errorMs, time: isoOf(mono + offset.ms) },
      })
      if (beforeMs === undefined) return
      for (const name of cameras.keys()) buffer.endOpen(videoTrack(name))
    },
  }
}

const noUplink: Status['uplink'] = {
  ...{ state: 'idle', problem: null, bytesConfirmed: 0, bytesPerS: null, backlogBytes: 0, requests: 0, failures: 0 },
  ...{ resyncs: 0, lastConfirmedAgeMs: null, objects: [] },
}

/** Frozen when the object is created. Source of the types: RFC 8216, section 10; the NDJSON specification. */
const contentTypes = {
  video: 'video/mp2t',
  playlist: 'application/vnd.apple.mpegurl',
  records: 'application/x-ndjson',
} as const

/** What a new object is told about itself: its type, what the settings ask, and where it comes from. */
function creationHeaders(settings: Settings) {
  const own = objectHeaders(settings.store)
  return (what: keyof typeof contentTypes, camera: string | undefined, claim: Claim): CreationHeaders => ({
    contentType: contentTypes[what],
    headers: {
      // A growing object must be asked for again by every cache on the way.
      'Cache-Control': 'no-cache',
      ...own,
      'x-oss-meta-device': settings.device,
      ...(camera === undefined ? {} : { 'x-oss-meta-camera': camera }),
      'x-oss-meta-token': claim.token,
    },
  })
}

/** Secrets count too: a new password must restart its camera. The text stays in memory. */
function fingerprintOf(value: unknown): string {
  if (value instanceof Secret) return JSON.stringify(value.reveal())
  if (Array.isArray(value)) return `[${value.map(fingerprintOf).join()}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'undefined'
  return `{${Object.entries(value)
    .map(([name, inner]) => `${name}:${fingerprintOf(inner)}`)
    .join()}}`
}
