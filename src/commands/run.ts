/**
 * `watchpost run`: the recorder itself, as systemd starts it. Brings the real ports to `app.ts`, answers on the control
 * socket, and ends in order on SIGTERM. A broken assumption ends the process at once: starting is recovering.
 *
 * How it ends: code 0 after an orderly stop; 1 after a broken assumption, or when the stop took longer than
 * `limits.stopMs`; SIGKILL instead of either (137 for a shell) while calls hang in a dead disk; 2, 3, 4 as every command.
 */
import { readFileSync } from 'node:fs'
import type { Command } from 'commander'
import { createChildStarter } from '../adapters/child-process.ts'
import { serveControl } from '../adapters/control-socket.ts'
import { inspectFfmpeg } from '../adapters/ffmpeg.ts'
import { growHeapCalmly } from '../adapters/heap-growth.ts'
import { endProcess, leaveProcess } from '../adapters/leave-process.ts'
import { createLogLines, type LogLines } from '../adapters/log-lines.ts'
import { createCronSchedule } from '../adapters/node-cron-schedule.ts'
import { createOnoffLines } from '../adapters/onoff-input.ts'
import { createOssStore } from '../adapters/oss-store.ts'
import { openProofFiles } from '../adapters/proof-files.ts'
import { credentialSource, loadSettings, type Settings } from '../adapters/settings-file.ts'
import { bootId } from '../adapters/system-boot.ts'
import { systemClock } from '../adapters/system-clock.ts'
import { createSystemProbes } from '../adapters/system-probes.ts'
import { systemRandom } from '../adapters/system-random.ts'
import { createSystemdNotify } from '../adapters/systemd-notify.ts'
import { watchTimeSync } from '../adapters/time-sync.ts'
import { type App, type AppPorts, createApp, type Proof } from '../app.ts'
import { assert } from '../base/assert.ts'
import { limits } from '../base/limits.ts'
import { createLogger, type Logger } from '../base/log.ts'
import type { Buffer } from '../buffer/buffer.ts'
import type { ControlHandler, ReloadReply } from '../console/control.ts'
import { videoTrack } from '../format/recording.ts'
import { createLiveness } from '../health/liveness.ts'
import type { Schedule } from '../health/reporter.ts'
import { createTimeCorrection, type TimeCorrection } from '../uplink/time-correction.ts'
import { CommandError } from './command-error.ts'
import { configOption } from './config-option.ts'
import { openRecorderBuffer } from './recorder-buffer.ts'
import { problemsText, settingsOrFail } from './store-from-settings.ts'

/** Time for the uplink to send what it has while the recorder stops; then what is left waits on the disk. */
const drainMsMax = 3_000

export function registerRun(program: Command): void {
  program
    .command('run')
    .description('record: run the recorder until SIGTERM')
    .addOption(configOption())
    .option(
      '--proof <directory>',
      "keep witnesses there: the camera's own bytes and a hash of each unit (for demos and tests)",
    )
    .action((options: { readonly config: string; readonly proof?: string }) => run(options.config, options.proof))
}

async function run(config: string, proofDirectory: string | undefined): Promise<void> {
  growHeapCalmly()
  const settings = settingsOrFail(config, await loadSettings(config))
  const credentials = await credentialSource(settings.store)
  if (!credentials.ok) throw new CommandError(2, credentials.error)

  const lines = createLogLines()
  const clock = systemClock
  const log = createLogger({ sink: lines, clock, level: settings.log.level })
  let app: App | undefined
  const time = createTimeCorrection(clock, (offset, beforeMs) => app?.clockCorrected(offset, beforeMs))
  let indexCalls = (): number => 0
  const fatal = (name: string, error: unknown): void => end({ log, indexCalls }, name, error)
  const opened = await openRecorderBuffer(settings, {
    ...{ clock, log, wallTime: time, bootId: bootId() },
    fatal: (error) => fatal('buffer', error),
  })
  const { buffer } = opened
  indexCalls = opened.indexCalls
  const ended = new AbortController()
  // From here on the log is the place for last words, and recovery is the next start.
  for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
    process.removeAllListeners(event)
    process.on(event, (error: unknown) => fatal('process', error))
  }

  const ports = await realPorts({ settings, log, time, buffer, fatal, proofDirectory })
  app = createApp(ports)
  const control = await serveControl({
    ...{ path: settings.control.socket, log, signal: ended.signal },
    handle: controlHandler({ app, config, lines, current: settings, version: ports.version }),
  })
  if (!control.ok) {
    await buffer.close()
    throw new CommandError(control.error.kind === 'in-use' ? 4 : 3, control.error.message)
  }
  await app.apply(settings)
  void watchTimeSync({ clock, isRight: (errorMs) => time.systemClockIsRight(errorMs) }, ended.signal)
  ports.supervisor.ready()
  if (process.env.UV_THREADPOOL_SIZE === undefined) log.warn('thread-pool', fewThreads)
  log.info('started', `Watchpost ${ports.version} records as ${settings.device}.`, { boot: buffer.boot.counter })

  const signal = await nextSignal()
  log.info('stopping', `Stopping in order (${signal}).`)
  ports.supervisor.stopping()
  const tooLong = setTimeout(() => fatal('stop', new Error(`It took longer than ${limits.stopMs} ms.`)), limits.stopMs)
  await app.stop(drainMsMax)
  await buffer.close()
  ended.abort()
  await control.value.closed
  clearTimeout(tooLong)
  const rest = opened.onDisk() ? 'What was not sent waits on the disk.' : 'It had recorded in memory only.'
  log.info('stopped', `Stopped. ${rest}`, { backlogBytes: buffer.status().bytes })
  leaveProcess(0, indexCalls)
}

const fewThreads =
  'UV_THREADPOOL_SIZE is not set: a disk that hangs could stop name look-ups too. Start it with UV_THREADPOOL_SIZE=16.'

interface Start {
  readonly settings: Settings
  readonly log: Logger
  readonly time: TimeCorrection
  readonly buffer: Buffer
  readonly fatal: (name: string, error: unknown) => void
  readonly proofDirectory: string | undefined
}

async function realPorts({ settings, log, time, buffer, fatal, proofDirectory }: Start): Promise<AppPorts> {
  const clock = systemClock
  const proof = proofDirectory === undefined ? undefined : openProof(proofDirectory)
  return {
    ...{ clock, random: systemRandom, log, version: ownVersion(), time, buffer, fatal },
    children: createChildStarter(),
    facts: await inspectFfmpeg(),
    lines: createOnoffLines({ clock }),
    openStore: (wanted) => openStore(wanted, time),
    liveness: createLiveness(clock.mono),
    supervisor: createSystemdNotify({ log, env: process.env }),
    probes: createSystemProbes({ directory: settings.buffer.directory }),
    openSchedule,
    ...(proof === undefined ? {} : { proof }),
  }
}

/** The pattern has passed the check of the settings; one that the scheduler refuses all the same is a bug of that check. */
function openSchedule({ report, site }: Settings): Schedule {
  const schedule = createCronSchedule(report.schedule, site.timeZone)
  assert(schedule.ok, `report.schedule '${report.schedule}' is one that the scheduler takes`)
  return schedule.value
}

function openStore(settings: Settings, time: TimeCorrection) {
  const { bucket, region, endpoint, cname, pathStyle, caFile } = settings.store
  const source = credentialSource(settings.store)
  return createOssStore({
    ...{ bucket, region, endpoint, cname, pathStyle, caFile, clock: systemClock, time },
    async credentials() {
      const known = await source
      if (!known.ok) throw new Error(known.error)
      return known.value.credentials()
    },
    credentialsExpired: () => void source.then((known) => (known.ok ? known.value.credentialsExpired() : undefined)),
  })
}

function openProof(directory: string): Proof {
  const files = openProofFiles(directory, `${process.pid}-${systemClock.wall()}`)
  return { camera: files.camera, unit: (camera, { unit }) => files.unit(videoTrack(camera), unit) }
}

interface ControlWorld {
  readonly app: App
  readonly config: string
  readonly lines: LogLines
  /** As they were when the process started: some can only change with a new process. */
  readonly current: Settings
  readonly version: string
}

function controlHandler({ app, config, lines, current, version }: ControlWorld): ControlHandler {
  async function reload(): Promise<ReloadReply> {
    const loaded = await loadSettings(config)
    if (!loaded.ok) return { accepted: false, message: problemsText(config, loaded.error) }
    const next = loaded.value
    const fixed = [
      next.device === current.device ? '' : 'device',
      next.buffer.directory === current.buffer.directory ? '' : 'buffer.directory',
      next.buffer.mountPoint === current.buffer.mountPoint ? '' : 'buffer.mountPoint',
      next.control.socket === current.control.socket ? '' : 'control.socket',
    ].filter((name) => name !== '')
    if (fixed.length > 0) {
      return {
        accepted: false,
        message: `${fixed.join(' and ')} can only change with a restart of the recorder: systemctl restart watchpost`,
      }
    }
    await app.apply(next)
    return { accepted: true, message: 'The recorder goes on with the new settings.' }
  }
  return async (request) => {
    switch (request.do) {
      case 'status':
        return app.status()
      case 'version':
        return { version, device: current.device }
      case 'log':
        return { lines: lines.last(request.lines) }
      case 'reload':
        return reload()
    }
  }
}

const nextSignal = (): Promise<string> =>
  new Promise((resolve) => {
    for (const name of ['SIGTERM', 'SIGINT'] as const) process.once(name, () => resolve(name))
  })

interface Ending {
  readonly log: Logger
  readonly indexCalls: () => number
}

function end({ log, indexCalls }: Ending, name: string, error: unknown): void {
  const message = error instanceof Error ? error.message : String(error)
  log.error('fatal', `${name}: ${message} The recorder ends and is started again; what it holds is safe.`)
  endProcess(1, indexCalls)
}

function ownVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}
