/**
 * What does the whole recorder cost, camera to confirmed? The real program records a command that plays coded video of 80
 * Mbit/s in real time, and sends it to the stand-in; both run in processes of their own and are not counted, only the
 * recorder is: reading, splitting, summing, writing, signing, sending. CPU time is the kernel's count of that process.
 *
 * Beside it runs a second recorder whose camera sends next to nothing: that is what it costs to be alive, keep a GOP a
 * second and tell the store so, which is in the first figure too. Two more have a camera of 4 Mbit/s and tell what memory
 * they need: one with a healthy store, one whose store goes away, so that footage fills the memory it may take.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { askControl } from '../../src/adapters/control-socket.ts'
import { systemClock } from '../../src/adapters/system-clock.ts'
import { type RecorderChild, startRecorder } from '../../src/demo/recorder-child.ts'
import type { Status } from '../../src/format/status.ts'
import { type ClipOptions, clip } from '../support/ts-clips.ts'
import type { Bench, OpenBench } from './bench.ts'
import { makeDirectory, removeDirectory } from './buffer-stage.ts'
import { type FarEnd, type FarEndAddress, startBucket } from './far-end.ts'
import { type BenchResult, median } from './result.ts'

/** 80 Mbit/s: four cameras of 20. Noise makes the bits real ones; 0.4 s from keyframe to keyframe make units of 4 MB. */
const loud: ClipOptions = {
  ...{ seconds: 5, fps: 25, gop: 10, size: '1280x720', bitrate: '80M' },
  encoder: ['-preset', 'ultrafast', '-vf', 'noise=alls=60:allf=t', '-maxrate', '80M', '-bufsize', '8M'],
}
const quiet: ClipOptions = { seconds: 20, fps: 10, bitrate: '100k' }
const usual: ClipOptions = {
  ...{ seconds: 20, fps: 25, size: '1280x720', bitrate: '4M' },
  encoder: [
    '-preset',
    'ultrafast',
    '-vf',
    'noise=alls=30:allf=t',
    '-minrate',
    '4M',
    '-maxrate',
    '4M',
    '-bufsize',
    '2M',
  ],
}
/** Of the recorder whose store goes away, the least that a camera can have: full after 17 s, within five windows. */
const awayMemoryBytes = 8 * 1024 * 1024
/** Until V8 has compiled what runs once a second. */
const warmUpMs = 20_000
const windowMs = 5_000
/** What it must have confirmed by the end of the warm-up, or something is broken. */
const patienceMs = 30_000
/** Source: sysconf(_SC_CLK_TCK), which the kernel keeps at 100 for programs on every architecture that Node knows. */
const ticksPerS = 100

interface Moment {
  readonly cpuS: number
  readonly confirmedBytes: number
  readonly atMs: number
  readonly deviceBytes: number
  readonly residentMB: number
  /** Footage held in memory. */
  readonly memoryMB: number
}

interface Recorder {
  now(): Promise<Moment>
  stop(): Promise<void>
}

export const benchPath: Bench = { name: 'path', open }

async function open(): Promise<OpenBench> {
  const directory = makeDirectory()
  const far = await startBucket(join(directory, 'bucket'))
  const leaving = await startBucket(join(directory, 'bucket-that-leaves'))
  const recorders: Recorder[] = []
  let hasLeft = false
  const leave = async (): Promise<void> => {
    if (!hasLeft) await leaving.close()
    hasLeft = true
  }
  const close = async (): Promise<void> => {
    await Promise.all(recorders.map((one) => one.stop()))
    await Promise.all([far.close(), leave()])
    removeDirectory(directory)
  }
  const start = async (to: FarEnd, camera: Camera): Promise<Recorder> => {
    const recorder = await startOn(directory, to, camera)
    recorders.push(recorder)
    return recorder
  }
  try {
    const busy = await start(far, { name: 'loud', options: loud })
    const idle = await start(far, { name: 'quiet', options: quiet })
    const healthy = await start(far, { name: 'healthy', options: usual })
    const away = await start(leaving, { name: 'away', options: usual, memoryBytes: awayMemoryBytes })
    await systemClock.sleep(warmUpMs)
    for (const since = systemClock.mono(); (await busy.now()).confirmedBytes === 0; await systemClock.sleep(500)) {
      if (systemClock.mono() - since > patienceMs) throw new Error(`Nothing reaches the store: see ${directory}`)
    }
    const windows: Window[] = []
    const memory: Memory[] = []
    return {
      async round() {
        await leave()
        const [from, idleFrom] = await Promise.all([busy.now(), idle.now()])
        await systemClock.sleep(windowMs)
        const [to, idleTo] = await Promise.all([busy.now(), idle.now()])
        windows.push({ from, to, idleShare: (1000 * (idleTo.cpuS - idleFrom.cpuS)) / (idleTo.atMs - idleFrom.atMs) })
        const [healthyNow, awayNow] = await Promise.all([healthy.now(), away.now()])
        memory.push({ healthy: healthyNow, away: awayNow })
      },
      results: () => [costOf(windows), memoryOf(memory)],
      close,
    }
  } catch (error) {
    await Promise.all(recorders.map((one) => one.stop()))
    await Promise.all([far.close(), leave()])
    throw error
  }
}

interface Window {
  readonly from: Moment
  readonly to: Moment
  /** Part of a CPU that the quiet recorder took. */
  readonly idleShare: number
}

interface Memory {
  readonly healthy: Moment
  readonly away: Moment
}

function costOf(windows: readonly Window[]): BenchResult {
  const costs = windows.map(({ from, to }) => ((to.cpuS - from.cpuS) * 1e9) / (to.confirmedBytes - from.confirmedBytes))
  const first = windows[0]?.from
  const last = windows.at(-1)?.to
  const bytes = (last?.confirmedBytes ?? 0) - (first?.confirmedBytes ?? 0)
  const seconds = ((last?.atMs ?? 0) - (first?.atMs ?? 0)) / 1000
  const device = ((last?.deviceBytes ?? 0) - (first?.deviceBytes ?? 0)) / bytes
  const idle = median(windows.map(({ idleShare }) => idleShare))
  return {
    name: 'CPU seconds per GB, whole path',
    ...{ value: median(costs), unit: 's/GB', aim: 4, better: 'less' },
    baseline: `${(bytes / 1e6).toFixed(0)} MB at ${((bytes * 8) / 1e6 / seconds).toFixed(0)} Mbit/s; a recorder with a camera of 0.1 Mbit/s takes ${(idle * 100).toFixed(1)} % of a CPU; bytes to the device per byte ${device.toFixed(4)}`,
    reason:
      'what does not grow with the bytes (requests, rows, timers) is the larger part at this rate, and a busy machine makes it dearer',
  }
}

/** The largest of what was seen, since memory is what ends a program. */
function memoryOf(memory: readonly Memory[]): BenchResult {
  const most = (values: readonly number[]): number => Math.max(...values)
  const capMB = awayMemoryBytes / 1e6
  const inAll = most(memory.map(({ away }) => away.residentMB))
  const held = most(memory.map(({ away }) => away.memoryMB))
  const healthy = most(memory.map(({ healthy }) => healthy.residentMB))
  return {
    name: 'resident memory beyond its cap, store away',
    ...{ value: inAll - capMB, unit: 'MB', aim: 110, better: 'less' },
    baseline: `one camera of 4 Mbit/s: ${inAll.toFixed(0)} MB in all, cap ${capMB.toFixed(1)} MB, ${held.toFixed(1)} MB of footage in memory; ${healthy.toFixed(0)} MB in all with a healthy store`,
    reason:
      'a recorder that has just started holds 105 MB without any footage: 55 of Node and libraries, 20 of V8, the rest lies free between allocations; footage that left memory is freed only when V8 looks for it',
  }
}

interface Camera {
  readonly name: string
  readonly options: ClipOptions
  /** Left out: as a new installation has it. */
  readonly memoryBytes?: number
}

async function startOn(directory: string, far: FarEnd, { name, options, memoryBytes }: Camera): Promise<Recorder> {
  const file = join(directory, `${name}.ts`)
  writeFileSync(file, clip(options))
  const config = join(directory, `${name}.yaml`)
  const socket = `/tmp/watchpost-bench-${process.pid}-${name}.sock`
  writeFileSync(config, settings(far.address, { name, socket, directory, file, memoryBytes }), { mode: 0o600 })
  const log = join(directory, `${name}.log`)
  const child = startRecorder(resolve('dist/cli.js'), ['run', '--config', config], log)
  return { now: () => moment(child, socket, log), stop: async () => void (await child.stop()) }
}

interface Place {
  readonly name: string
  readonly socket: string
  readonly directory: string
  readonly file: string
  readonly memoryBytes: number | undefined
}

const settings = (
  store: FarEndAddress,
  { name, socket, directory, file, memoryBytes }: Place,
): string => `device: ${name}
store:
  bucket: ${store.bucket}
  region: ${store.region}
  endpoint: ${store.url}
  pathStyle: true
  credentials: { accessKeyId: '${store.accessKeyId}', accessKeySecret: '${store.accessKeySecret}' }
cameras:
  - name: gate
    kind: command
    command: ${JSON.stringify(playing(file))}
buffer: { directory: ${JSON.stringify(join(directory, `${name}-buffer`))}, quotaBytes: 2GB, minFreeBytes: 64MB${memoryBytes === undefined ? '' : `, memoryBytesPerCamera: ${memoryBytes}`} }
control: { socket: ${JSON.stringify(socket)} }
`

const playing = (file: string): string[] => {
  const input = ['-re', '-stream_loop', '-1', '-i', file]
  return ['ffmpeg', '-nostdin', '-v', 'error', ...input, '-c', 'copy', '-f', 'mpegts', '-']
}

async function moment({ pid }: RecorderChild, socket: string, log: string): Promise<Moment> {
  const asked = await askControl(socket, { do: 'status' })
  if (!asked.ok) throw new Error(`${asked.error.message} Its log: ${readFileSync(log, 'utf8').slice(-2000)}`)
  const { uplink, buffer } = asked.value as Status
  return {
    ...{ cpuS: cpuSecondsOf(pid), confirmedBytes: uplink.bytesConfirmed, atMs: systemClock.mono() },
    deviceBytes: Number(/^write_bytes: (\d+)$/m.exec(readFileSync(`/proc/${pid}/io`, 'utf8'))?.[1]),
    residentMB: (Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024) / 1e6,
    memoryMB: buffer.memoryBytes / 1e6,
  }
}

/** The process itself, all its threads, without children. Source: proc_pid_stat(5), fields 14 and 15. */
function cpuSecondsOf(pid: number): number {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / ticksPerS
}
