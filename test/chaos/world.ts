/** Everything that is real here: the recorder, the store, the wire between them, the small disk, the wall clock. */
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { askControl } from '../../src/adapters/control-socket.ts'
import { systemClock } from '../../src/adapters/system-clock.ts'
import { limits } from '../../src/base/limits.ts'
import { type RecorderChild, startRecorder } from '../../src/demo/recorder-child.ts'
import type { Status } from '../../src/format/status.ts'
import { dyingWithUs } from './die-with-us.ts'
import { type HostileLink, openHostileLink } from './hostile-link.ts'
import { openSmallDisk, type SmallDisk } from './small-disk.ts'
import { openStandIn, type StandIn, storeFacts } from './stand-in-process.ts'

export const cameraNames = ['gate', 'yard'] as const
/** Of each camera: one unit a second. */
const unitMs = 1_000
const memoryBytes = 48 * 1024 * 1024
/** Resident memory at most: 110 MB, and what the settings give to footage. */
export const residentBytesMax = 110e6 + memoryBytes

export interface Kill {
  /** The recorder's process. */
  readonly pid: number
  /** On the machine's monotonic clock. */
  readonly atMs: number
  /** How much footage it may cost: `spillAfter`, the commit interval in force, the unit that is open. */
  readonly boundMs: number
}

export interface World {
  readonly directory: string
  readonly settingsFile: string
  readonly link: HostileLink
  readonly standIn: StandIn
  readonly disk: SmallDisk
  readonly kills: readonly Kill[]
  /** What happened that never should: a recorder that ended by itself, a stop that failed. */
  readonly surprises: readonly string[]
  starts(): number
  /** Of the running recorder. */
  pid(): number | undefined
  start(): void
  kill(): Promise<void>
  stop(): Promise<void>
  status(): Promise<Status | undefined>
  /** False when it did not come about in time. */
  until(holds: (status: Status) => boolean, msMax: number, signal?: AbortSignal): Promise<boolean>
  stepWall(ms: number): Promise<void>
  fillDisk(leaveBytes: number): Promise<void>
  /** Resolves when the recorder is content with its disk again, or after a while; kills until then may cost more. */
  freeDisk(): Promise<void>
  log(): Promise<string>
  close(): Promise<void>
}

export interface WorldOptions {
  readonly directory: string
  /** The compiled `cli.js`. */
  readonly cli: string
  /** The top of the checkout. */
  readonly root: string
}

/** Beyond the orderly stop's own limit something hangs. */
const stopMsMax = 3 * limits.stopMs
/** Without a confirmation for so long footage is committed in larger groups. See `buffer/segment-writer.ts`. */
const outageMsMin = 15_000
/** After a full disk: a look at it every second, then a group each second until memory is spilled. */
const contentMsMax = 15_000

function settingsText(directory: string, url: string, disk: { readonly folder: string; readonly mounted: boolean }) {
  const { bucket, region, accessKeyId, accessKeySecret } = storeFacts
  const scene = ['-f', 'lavfi', '-i', 'testsrc2=size=320x240:rate=10', '-pix_fmt', 'yuv420p']
  const coded = ['-c:v', 'libx264', '-preset', 'ultrafast', '-tune', 'zerolatency', '-g', '10', '-b:v', '400k']
  const command = ['ffmpeg', '-hide_banner', '-loglevel', 'error', '-nostdin', '-re', ...scene, ...coded]
  const mount = disk.mounted ? `, mountPoint: ${JSON.stringify(disk.folder)}` : ''
  const memory = `memoryBytes: ${memoryBytes}, memoryBytesPerCamera: ${memoryBytes / 2}`
  const room = 'quotaBytes: 64MiB, minFreeBytes: 4MB'
  return `device: chaos
site: { timeZone: UTC }
store:
  bucket: ${bucket}
  region: ${region}
  endpoint: ${url}
  pathStyle: true
  prefix: site-1
  credentials: { accessKeyId: ${accessKeyId}, accessKeySecret: ${accessKeySecret} }
cameras:
  - name: ${cameraNames[0]}
    kind: test
    width: 640
    height: 360
    framesPerS: 10
    gopS: 1
    bitsPerS: 2000000
  - name: ${cameraNames[1]}
    kind: command
    command: ${JSON.stringify([...command, '-f', 'mpegts', '-'])}
buffer: { directory: ${JSON.stringify(join(disk.folder, 'buffer'))}, ${room}, ${memory}${mount} }
report: { schedule: '*/10 * * * * *' }
control: { socket: ${JSON.stringify(join(directory, 'control.sock'))} }
`
}

export async function openWorld({ directory, cli, root }: WorldOptions): Promise<World> {
  const at = (name: string): string => join(directory, name)
  const closers: (() => Promise<void>)[] = []
  const closeAll = async (): Promise<void> => {
    for (const close of closers.reverse()) await close()
  }
  try {
    const standIn = await openStandIn(cli, directory)
    closers.push(standIn.close)
    const link = await openHostileLink(standIn.port)
    closers.push(link.close)
    const disk = await openSmallDisk(at('disk'))
    closers.push(disk.close)
    const settingsFile = at('watchpost.yaml')
    const text = settingsText(directory, link.url, { folder: at('disk'), mounted: disk.mounted })
    await writeFile(settingsFile, text, { mode: 0o600 })
    await writeFile(at('wall-offset-ms'), '0')
    const steppedWall = pathToFileURL(join(root, 'test/support/stepped-wall.mjs')).href
    const recorder = recorderOf({ directory, cli, steppedWall, settingsFile, disk })
    closers.push(recorder.end)
    return { directory, settingsFile, link, standIn, disk, ...recorder, close: closeAll }
  } catch (error) {
    await closeAll()
    throw error
  }
}

interface Parts {
  readonly directory: string
  readonly cli: string
  readonly steppedWall: string
  readonly settingsFile: string
  readonly disk: SmallDisk
}

type RecorderPart = Omit<World, 'directory' | 'settingsFile' | 'link' | 'standIn' | 'disk' | 'close'>

function recorderOf(parts: Parts): RecorderPart & { end(): Promise<void> } {
  const { directory, settingsFile, disk } = parts
  const at = (name: string): string => join(directory, name)
  const kills: Kill[] = []
  const surprises: string[] = []
  let running: RecorderChild | undefined
  let starts = 0
  /** Since when the disk refuses, as far as a kill is concerned. */
  let fullSinceMs: number | undefined
  /** What was in force then: footage that waits for it when the disk fills has to wait on. */
  let fullCommitMs = 0
  let lastConfirmedMs = systemClock.mono() as number

  async function status(): Promise<Status | undefined> {
    const answer = await askControl(at('control.sock'), { do: 'status' })
    if (!answer.ok) return undefined
    const now = answer.value as Status
    const age = now.uplink.lastConfirmedAgeMs
    if (age !== null) lastConfirmedMs = systemClock.mono() - age
    return now
  }

  async function until(holds: (status: Status) => boolean, msMax: number, signal?: AbortSignal): Promise<boolean> {
    const deadline = performance.now() + msMax
    while (performance.now() < deadline && signal?.aborted !== true) {
      const now = await status()
      if (now !== undefined && holds(now)) return true
      await sleep(200)
    }
    return false
  }

  function start(): void {
    if (running !== undefined) return
    const file = `${parts.steppedWall}?${encodeURIComponent(at('wall-offset-ms'))}`
    const args = [file, parts.cli, 'run', '--config', settingsFile, '--proof', at('proof')]
    const mine = startRecorder('--import', args, at('recorder.log'), [...dyingWithUs, ...disk.under])
    running = mine
    starts += 1
    // It knows of no outage yet.
    lastConfirmedMs = systemClock.mono()
    void mine.ended.then(
      (how) => {
        if (running !== mine) return
        running = undefined
        surprises.push(`the recorder (process ${mine.pid}) ended by itself: ${how}`)
      },
      (error: Error) => surprises.push(`the recorder could not be started: ${error.message}`),
    )
  }

  const commitMsAt = (atMs: number): number =>
    atMs - lastConfirmedMs > outageMsMin ? limits.commitAgeOutageMs : limits.commitAgeMs

  async function kill(): Promise<void> {
    const mine = running
    if (mine === undefined) return
    running = undefined
    const atMs = systemClock.mono()
    const commitMs = fullSinceMs === undefined ? commitMsAt(atMs) : Math.max(commitMsAt(atMs), fullCommitMs)
    const full = fullSinceMs === undefined ? 0 : atMs - fullSinceMs
    kills.push({ pid: mine.pid, atMs, boundMs: limits.memory.spillAfterMs + commitMs + unitMs + full })
    await mine.kill()
  }

  async function stop(): Promise<void> {
    const mine = running
    if (mine === undefined) return
    running = undefined
    const tooLong = new AbortController()
    const how = await Promise.race([
      mine.stop(),
      sleep(stopMsMax, 'not' as const, { signal: tooLong.signal }).catch(() => 'not' as const),
    ])
    tooLong.abort()
    if (how === 0) return
    // What a stop cut short may cost is not bounded here: it is a finding by itself.
    surprises.push(
      how === 'not'
        ? `the recorder (process ${mine.pid}) did not stop within ${stopMsMax} ms of SIGTERM`
        : `the recorder (process ${mine.pid}) ended its orderly stop with ${how}`,
    )
    await mine.kill()
  }

  async function setMinFree(size: string): Promise<void> {
    const text = await readFile(settingsFile, 'utf8')
    await writeFile(settingsFile, text.replace(/minFreeBytes: \w+/, `minFreeBytes: ${size}`), { mode: 0o600 })
    await askControl(at('control.sock'), { do: 'reload' })
  }

  return {
    ...{ kills, surprises, start, kill, stop, status, until },
    starts: () => starts,
    pid: () => running?.pid,
    async stepWall(ms) {
      await writeFile(at('wall-offset-ms'), String(ms))
      // Before it answers, the signal would be one that nobody expects, and end it.
      const mine = running
      if (mine !== undefined && (await status()) !== undefined && running === mine) process.kill(mine.pid, 'SIGUSR2')
    },
    async fillDisk(leaveBytes) {
      if (fullSinceMs === undefined) {
        fullSinceMs = systemClock.mono()
        fullCommitMs = commitMsAt(fullSinceMs)
      }
      if (disk.mounted) disk.fill(leaveBytes)
      else await setMinFree('50TB')
    },
    async freeDisk() {
      if (disk.mounted) disk.free()
      else await setMinFree('4MB')
      const content = ({ buffer }: Status): boolean => buffer.problem === null
      if (running !== undefined && (await until(content, contentMsMax))) fullSinceMs = undefined
    },
    log: () => readFile(at('recorder.log'), 'utf8').catch(() => ''),
    async end() {
      const mine = running
      running = undefined
      await mine?.kill()
      await rm(at('control.sock'), { force: true })
    },
  }
}
