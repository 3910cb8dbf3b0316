/**
 * The whole recorder as a process of its own beside a stand-in for the store, with witnesses for a proof: what system
 * tests start, cut, kill and hold to account.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { askControl } from '../../src/adapters/control-socket.ts'
import { storeFromSettings } from '../../src/commands/store-from-settings.ts'
import { type CameraProof, proveCamera } from '../../src/demo/demo-proof.ts'
import { demoSettings } from '../../src/demo/demo-settings.ts'
import { type RecorderChild, startRecorder } from '../../src/demo/recorder-child.ts'
import { type CatalogueRecord, parseCatalogueLine } from '../../src/format/catalogue-record.ts'
import type { Status } from '../../src/format/status.ts'
import type { StoredObject } from '../../src/oss-server/object-store.ts'
import { type OssServer, startOssServer } from '../../src/oss-server/server.ts'
import { type Ran, runCli } from './run-cli.ts'
import { compiledSrc } from './run-ts.ts'

export interface Rig {
  readonly directory: string
  readonly settingsFile: string
  readonly server: OssServer
  /** The compiled `cli.js`. */
  readonly cli: string
  start(): void
  /** Of the recorder that was started last. */
  pid(): number
  kill(): Promise<void>
  /** Steps the wall clock of the recorder, and of those that start later, to `ms` off the truth. */
  stepWall(ms: number): Promise<void>
  /** SIGTERM; resolves with the exit code. */
  stop(): Promise<number | NodeJS.Signals>
  /** `undefined` while nobody answers. */
  status(): Promise<Status | undefined>
  /** Resolves when the status fits; rejects after `msMax` with the last status and the end of the log. */
  until(what: string, holds: (status: Status) => boolean, msMax?: number): Promise<Status>
  log(): Promise<string>
  prove(): Promise<CameraProof>
  /** A command with these settings, as a person runs it beside the recorder. */
  command(name: string, ...args: readonly string[]): Promise<Ran>
  /** Objects of the camera in the store, oldest first: `ts` or `m3u8`. */
  videos(ending: 'ts' | 'm3u8'): Promise<{ readonly key: string; readonly bytes: Buffer }[]>
  /** The device's own account, oldest first. */
  catalogue(): Promise<CatalogueRecord[]>
  close(): Promise<void>
}

export interface RigOptions {
  /** See `demoSettings`: `undefined` is the test camera. */
  readonly camera?: string
  /** Changes the text of the settings file. */
  readonly edit?: (settings: string) => string
  /** The store's clock is right at any time; the hour's own new recording may then come in mid test. */
  readonly trueClock?: boolean
  /** Lets anybody read the bucket; default no. */
  readonly publicRead?: boolean
  /** Runs the recorder as its own process, such as `unshare --mount`; given the directory of the rig. */
  readonly under?: (directory: string) => readonly string[]
  /** Modules that the recorder's process loads first; given the directory of the rig. */
  readonly preload?: (directory: string) => readonly string[]
}

/** Gives the recorder a wall clock that can be stepped; it is right until then. */
const steppedWall = new URL('stepped-wall.mjs', import.meta.url).href

/** A test that begins this late in an hour, in minutes, would see the hour's own new recording. */
const lateMinutes = 52
/** The store's clock, which is the one that counts, is then behind by this much: less than the 15 minutes it refuses. */
const behindMs = 12 * 60_000

export const rigCamera = 'gate'
const keys = { accessKeyId: 'test-key', accessKeySecret: 'test-secret' }
const bucket = 'test-footage'
const region = 'cn-hangzhou'

export async function createRig(options: RigOptions = {}): Promise<Rig> {
  const { camera, edit = (text) => text, trueClock = false, publicRead = false } = options
  const { under = () => [], preload = () => [] } = options
  const cli = join(await compiledSrc(), 'cli.js')
  const directory = await mkdtemp(join(tmpdir(), 'watchpost-rig-'))
  const at = (name: string): string => join(directory, name)
  const late = !trueClock && new Date().getUTCMinutes() >= lateMinutes
  const now = (): number => Date.now() - (late ? behindMs : 0)
  const server = await startOssServer({ dir: at('store'), bucket, region, keys, now, publicRead })
  const settingsFile = at('watchpost.yaml')
  const text = edit(demoSettings(directory, { url: server.url, bucket, region, ...keys }, camera))
  await writeFile(settingsFile, text, { mode: 0o600 })
  const wallFile = at('wall-offset-ms')
  await writeFile(wallFile, '0')
  const killed: string[] = []
  let recorder: RecorderChild | undefined
  let ended: number | NodeJS.Signals | undefined

  const status = async (): Promise<Status | undefined> => {
    const answer = await askControl(at('control.sock'), { do: 'status' })
    return answer.ok ? (answer.value as Status) : undefined
  }
  const objects = async (wanted: (object: StoredObject) => boolean): Promise<{ key: string; bytes: Buffer }[]> => {
    const found = server.objects().filter(wanted)
    return Promise.all(found.map(async ({ key }) => ({ key, bytes: await readFile(server.objectPath(key) ?? '') })))
  }
  const log = (): Promise<string> => readFile(at('recorder.log'), 'utf8').catch(() => '')

  return {
    ...{ directory, settingsFile, server, cli, status, log },
    pid: () => recorder?.pid ?? 0,
    start() {
      ended = undefined
      const args = [
        `${steppedWall}?${encodeURIComponent(wallFile)}`,
        ...preload(directory).flatMap((one) => ['--import', one]),
        cli,
        'run',
        '--config',
        settingsFile,
        '--proof',
        at('proof'),
      ]
      const mine = startRecorder('--import', args, at('recorder.log'), under(directory))
      recorder = mine
      void mine.ended.then((how) => {
        if (recorder === mine) ended = how
      })
    },
    async stepWall(ms) {
      await writeFile(wallFile, String(ms))
      if (recorder !== undefined && ended === undefined) process.kill(recorder.pid, 'SIGUSR2')
    },
    async kill() {
      if (recorder !== undefined) killed.push(String(recorder.pid))
      await recorder?.kill()
    },
    async stop() {
      return (await recorder?.stop()) ?? 0
    },
    async until(what, holds, msMax = 40_000) {
      const deadline = performance.now() + msMax
      for (;;) {
        const now = await status()
        if (now !== undefined && holds(now)) return now
        const why = ended === undefined ? `not within ${msMax} ms` : `the recorder ended (${ended})`
        if (ended !== undefined || performance.now() > deadline) {
          throw new Error(`${what}: ${why}.\n${JSON.stringify(now)}\n${(await log()).slice(-4000)}`)
        }
        await sleep(100)
      }
    },
    async prove() {
      const { store, place } = await storeFromSettings(settingsFile)
      try {
        return await proveCamera({ archive: store, place, camera: rigCamera, directory: at('proof'), killed })
      } finally {
        await store.close()
      }
    },
    command: (name, ...args) => runCli([name, '--config', settingsFile, ...args]),
    videos: (ending) => objects(({ key }) => key.includes(`/video/`) && key.endsWith(`.${ending}`)),
    async catalogue() {
      const found = await objects(({ key }) => key.includes('/catalogue/'))
      const lines = found.flatMap(({ bytes }) => bytes.toString().trimEnd().split('\n'))
      return lines.map((line) => {
        const record = parseCatalogueLine(line)
        if (record === undefined) throw new Error(`no line of a catalogue: ${line}`)
        return record
      })
    },
    async close() {
      await recorder?.kill()
      await server.close()
      await rm(directory, { recursive: true, force: true })
    },
  }
}

/** What must hold of every proof: everything is there once, in order, unchanged, but for what a kill interrupted. */
export function badFindings(proof: CameraProof): string[] {
  const findings = [...proof.units.findings, ...proof.frames.findings].filter(({ kind }) => kind !== 'interrupted')
  return [
    ...findings.map(({ kind, sentence }) => `${kind}: ${sentence}`),
    ...(proof.crcEqual ? [] : ['a CRC-64 differs']),
    ...(proof.units.units > 0 ? [] : ['there is no unit']),
    ...(proof.frames.frames > 0 ? [] : ['there is no frame']),
  ]
}
