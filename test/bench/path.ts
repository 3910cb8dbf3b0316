/**
 * What does the whole recorder cost, camera to confirmed? The real program records a command that plays coded video of 80
 * Mbit/s in real time, and sends it to the stand-in; both run in processes of their own and are not counted, only the
 * recorder is: reading, splitting, summing, writing, signing, sending. CPU time is the kernel's count of that process.
 *
 * Beside it runs a second recorder whose camera sends next to nothing: that is what it costs to be alive, keep a GOP a
 * second and tell the store so, which is in the first figure too.
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
const warmUpMs = 10_000
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
}

interface Recorder {
  now(): Promise<Moment>
  stop(): Promise<void>
}

export const benchPath: Bench = { name: 'path', open }

async function open(): Promise<OpenBench> {
  const directory = makeDirectory()
  const far = await startBucket(join(directory, 'bucket'))
  const recorders: Recorder[] = []
  const close = async (): Promise<void> => {
    await Promise.all(recorders.map((one) => one.stop()))
    await far.close()
    removeDirectory(directory)
  }
  try {
    const busy = await startOn(directory, far, { name: 'loud', options: loud })
    recorders.push(busy)
    const idle = await startOn(directory, far, { name: 'quiet', options: quiet })
    recorders.push(idle)
    await systemClock.sleep(warmUpMs)
    for (const since = systemClock.mono(); (await busy.now()).confirmedBytes === 0; await systemClock.sleep(500)) {
      if (systemClock.mono() - since > patienceMs) throw new Error(`Nothing reaches the store: see ${directory}`)
    }
    const windows: Window[] = []
    return {
      async round() {
        const [from, idleFrom] = await Promise.all([busy.now(), idle.now()])
        await systemClock.sleep(windowMs)
        const [to, idleTo] = await Promise.all([busy.now(), idle.now()])
        windows.push({ from, to, idleShare: (1000 * (idleTo.cpuS - idleFrom.cpuS)) / (idleTo.atMs - idleFrom.atMs) })
      },
      results: () => [resultOf(windows)],
      close,
    }
  } catch (error) {
    await Promise.all(recorders.map((one) => one.stop()))
    await far.close()
    throw error
  }
}

interface Window {
  readonly from: Moment
  readonly to: Moment
  /** Part of a CPU that the quiet recorder took. */
  readonly idleShare: number
}

function resultOf(windows: readonly Window[]): BenchResult {
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
    baseline: `${(bytes / 1e6).toFixed(0)} MB at ${((bytes * 8) / 1e6 / seconds).toFixed(0)} Mbit/s; a recorder with a camera of 0.1 Mbit/s takes ${(idle * 100).toFixed(1)} % of a CPU; bytes to the device per byte ${device.toFixed(3)}`,
    reason:
      'besides sums and copies, V8 collects garbage around the footage (src/adapters/heap-growth.ts); a busy machine makes each dearer',
  }
}

async function startOn(
  directory: string,
  far: FarEnd,
  { name, options }: { readonly name: string; readonly options: ClipOptions },
): Promise<Recorder> {
  const file = join(directory, `${name}.ts`)
  writeFileSync(file, clip(options))
  const config = join(directory, `${name}.yaml`)
  const socket = `/tmp/watchpost-bench-${process.pid}-${name}.sock`
  writeFileSync(config, settings(far.address, { name, socket, directory, file }), { mode: 0o600 })
  const log = join(directory, `${name}.log`)
  const child = startRecorder(resolve('dist/cli.js'), ['run', '--config', config], log)
  return { now: () => moment(child, socket, log), stop: async () => void (await child.stop()) }
}

interface Place {
  readonly name: string
  readonly socket: string
  readonly directory: string
  readonly file: string
}

const settings = (store: FarEndAddress, { name, socket, directory, file }: Place): string => `device: ${name}
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
buffer: { directory: ${JSON.stringify(join(directory, `${name}-buffer`))}, quotaBytes: 2GB, minFreeBytes: 64MB }
control: { socket: ${JSON.stringify(socket)} }
`

const playing = (file: string): string[] => {
  const input = ['-re', '-stream_loop', '-1', '-i', file]
  return ['ffmpeg', '-nostdin', '-v', 'error', ...input, '-c', 'copy', '-f', 'mpegts', '-']
}

async function moment({ pid }: RecorderChild, socket: string, log: string): Promise<Moment> {
  const asked = await askControl(socket, { do: 'status' })
  if (!asked.ok) throw new Error(`${asked.error.message} Its log: ${readFileSync(log, 'utf8').slice(-2000)}`)
  const { uplink } = asked.value as Status
  return {
    ...{ cpuS: cpuSecondsOf(pid), confirmedBytes: uplink.bytesConfirmed, atMs: systemClock.mono() },
    deviceBytes: Number(/^write_bytes: (\d+)$/m.exec(readFileSync(`/proc/${pid}/io`, 'utf8'))?.[1]),
  }
}

/** The process itself, all its threads, without children. Source: proc_pid_stat(5), fields 14 and 15. */
function cpuSecondsOf(pid: number): number {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / ticksPerS
}
