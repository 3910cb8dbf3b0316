/** The story of the demo, chapter by chapter. */
import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { askControl } from '../adapters/control-socket.ts'
import { systemClock } from '../adapters/system-clock.ts'
import { storeFromSettings } from '../commands/store-from-settings.ts'
import type { Status } from '../format/status.ts'
import { type OssServer, startOssServer } from '../oss-server/server.ts'
import { proveCamera } from './demo-proof.ts'
import { demoSettings } from './demo-settings.ts'
import { type RecorderChild, startRecorder } from './recorder-child.ts'
import type { Screen } from './screen.ts'
import { blockOf, type Scene, size, summaryOf } from './story.ts'

export interface DemoOptions {
  readonly directory: string
  /** Length of the story in seconds, 30 or more; the proof comes after it. */
  readonly lengthS: number
  readonly stay: boolean
  readonly camera: string | undefined
}

/** Parts of the story's length: the network is cut at `cut` and returns at `back`; the recorder is killed at `kill`. */
const chapters = { cut: 0.3, back: 0.5, kill: 0.72 }
const camera = 'gate'
const bucket = 'demo-footage'
const region = 'cn-hangzhou'
const tickMs = 500
/** A recorder that was killed stays down for this long, so that a person sees it. */
const downMs = 1_500
/** Time for the recorder to start and for the backlog to drain, at the most. */
const startMsMax = 20_000
const drainMsMax = 60_000

const cli = fileURLToPath(new URL('../cli.js', import.meta.url))

/** @returns true if the footage in the store is what the camera sent */
export async function playDemo(options: DemoOptions, screen: Screen, signal: AbortSignal): Promise<boolean> {
  const at = (name: string): string => join(options.directory, name)
  const keys = { accessKeyId: 'demo-key', accessKeySecret: 'demo-secret-that-is-no-secret' }
  const server = await startOssServer({ dir: at('store'), bucket, region, keys })
  const settingsFile = at('watchpost.yaml')
  writeFileSync(
    settingsFile,
    demoSettings(options.directory, { url: server.url, bucket, region, ...keys }, options.camera),
  )
  chmodSync(settingsFile, 0o600)
  const log = at('recorder.log')
  const start = (): RecorderChild => startRecorder(cli, ['run', '--config', settingsFile, '--proof', at('proof')], log)
  const view = startRecorder(cli, ['view', '--config', settingsFile, '--port', '0'], at('view.log'))
  const stage: Stage = { options, screen, signal, server, settingsFile, recorder: start(), killed: [] }
  try {
    const address = await addressOf(view, at('view.log'))
    await tellStory(stage, address, start)
    return await prove(stage, at('proof'))
  } finally {
    screen.close()
    await stage.recorder.kill()
    await view.kill()
    await server.close()
  }
}

interface Stage {
  readonly options: DemoOptions
  readonly screen: Screen
  readonly signal: AbortSignal
  readonly server: OssServer
  readonly settingsFile: string
  recorder: RecorderChild
  /** Process ids of the recorders that were killed. */
  readonly killed: string[]
}

/** What the chapters are told with: the block below the story is drawn for as long as one lasts. */
function createTelling({ options, screen, signal }: Stage, address: string, read: Store) {
  const began = systemClock.mono()
  const elapsedS = (): number => (systemClock.mono() - began) / 1000
  const scene = { network: 'up' as Scene['network'], recorder: 'runs' as Scene['recorder'], chapter: 'It starts.' }
  let object: Scene['object']

  async function draw(): Promise<Status | undefined> {
    const status = await statusOf(options.directory)
    const growing = status?.uplink.objects.find(({ track }) => track === camera)
    const stat = growing === undefined || scene.network === 'cut' ? undefined : await read.stat(growing.key)
    const bytes = stat?.ok === true ? stat.value.length : growing?.bytes
    // What is in the store stays there while nobody is alive to tell of it.
    if (growing !== undefined && bytes !== undefined) object = { key: growing.key, bytes }
    const now: Scene = { ...scene, elapsedS: elapsedS(), lengthS: options.lengthS, address, object, status }
    screen.show(blockOf(now), summaryOf(now))
    return status
  }
  return {
    scene,
    elapsedS,
    chapter(title: string, line: string): void {
      scene.chapter = title
      screen.tell(`${clockText()}  ${line}`)
    },
    async until(endS: number): Promise<void> {
      while (elapsedS() < endS && !signal.aborted) {
        await draw()
        await systemClock.sleep(tickMs, signal)
      }
    },
    /** @throws when it takes longer, with what the recorder says of it */
    async untilStatus(holds: (status: Status) => boolean, msMax: number, what: string): Promise<void> {
      const deadline = systemClock.mono() + msMax
      while (!signal.aborted) {
        const status = await draw()
        if (status !== undefined && holds(status)) return
        if (systemClock.mono() > deadline) throw new Error(lateWords(what, msMax, status))
        await systemClock.sleep(tickMs, signal)
      }
    },
  }
}

type Store = Awaited<ReturnType<typeof storeFromSettings>>['store']
type Telling = ReturnType<typeof createTelling>

async function tellStory(stage: Stage, address: string, start: () => RecorderChild): Promise<void> {
  const { options, signal } = stage
  const read = await storeFromSettings(stage.settingsFile)
  const telling = createTelling(stage, address, read.store)
  const { chapter, until, untilStatus } = telling
  chapter('A recorder starts.', 'A stand-in for the store listens, and a recorder starts beside it.')
  await untilStatus((status) => status.uplink.bytesConfirmed > 0, startMsMax, 'The first confirmed footage')
  if (!signal.aborted) {
    chapter('The object grows.', `Footage is in the store and grows there. Watch it live: ${address}`)
  }
  await until(options.lengthS * chapters.cut)
  if (!signal.aborted) await tellOutage(stage, telling)
  await until(options.lengthS * chapters.kill)
  if (!signal.aborted) await tellKill(stage, telling, start)
  await until(options.lengthS)
  if (options.stay && !signal.aborted) {
    chapter('It stays. Ctrl-C ends and proves.', `It records on. Watch: ${address}   Ctrl-C ends and proves.`)
    await until(Number.POSITIVE_INFINITY)
  }
  await read.store.close()
}

async function tellOutage({ options, server, signal }: Stage, telling: Telling): Promise<void> {
  const { scene, chapter, until, untilStatus } = telling
  server.setOffline(true)
  scene.network = 'cut'
  chapter(
    'The network is cut: footage waits.',
    'The network is cut. The camera goes on; footage waits, and what waits for long goes to the disk.',
  )
  await until(options.lengthS * chapters.back)
  const status = await statusOf(options.directory)
  const waitingBytes = status?.buffer.bytes ?? 0
  /** What the store will have confirmed once all that waited is in it; new footage comes behind that. */
  const drainedBytes = (status?.uplink.bytesConfirmed ?? 0) + waitingBytes
  server.setOffline(false)
  scene.network = 'up'
  chapter('It returns: the backlog drains.', `The network returns; ${size(waitingBytes)} waited and drain now.`)
  await untilStatus(({ uplink }) => uplink.bytesConfirmed >= drainedBytes, drainMsMax, 'The drain')
  if (!signal.aborted) chapter('Drained: nothing waits.', 'Drained: all that waited is in the store.')
}

async function tellKill(stage: Stage, telling: Telling, start: () => RecorderChild): Promise<void> {
  const { scene, chapter, until, elapsedS } = telling
  await stage.recorder.kill()
  stage.killed.push(String(stage.recorder.pid))
  scene.recorder = 'killed'
  chapter('The recorder is killed.', 'The recorder is killed with SIGKILL, in mid sentence.')
  await until(elapsedS() + downMs / 1000)
  stage.recorder = start()
  scene.recorder = 'runs'
  chapter(
    'It starts again and asks.',
    'It starts again, completes the object as far as the store has it, and goes on in the next.',
  )
}

async function prove(stage: Stage, directory: string): Promise<boolean> {
  const { screen } = stage
  screen.close()
  screen.tell(`${clockText()}  The recorder is asked to stop (SIGTERM) and sends what it has.`)
  const ended = await stage.recorder.stop()
  if (ended !== 0) screen.tell(`The recorder ended with ${ended}; its log says why.`)
  const { store, place } = await storeFromSettings(stage.settingsFile)
  screen.tell(`${clockText()}  What lies in the store is held against the camera's own bytes:`)
  const proof = await proveCamera({ archive: store, place, camera, directory, killed: stage.killed })
  await store.close()
  const { units, frames, crcEqual } = proof
  for (const object of proof.objects) screen.tell(`  ${object.key}  ${object.length} bytes`)
  for (const finding of [...units.findings, ...frames.findings]) screen.tell(`  ${finding.kind}: ${finding.sentence}`)
  const bad = [...units.findings, ...frames.findings].some(({ kind }) => kind !== 'interrupted')
  const verified = !bad && crcEqual && ended === 0 && units.units > 0 && frames.frames > 0
  if (units.units === 0) screen.tell('  Nothing was stored yet, so there is nothing to prove.')
  else screen.tell(`  ${frames.frames} frames, each with the hash that it had in the camera's own bytes`)
  const figures = `${units.units} units, ${units.bytes} bytes, CRC-64 ${crcEqual ? 'equal' : 'different'}`
  screen.tell(
    `${verified ? 'verified' : 'NOT verified'}: ${figures}, ${units.lost} lost, ${units.duplicated} duplicated`,
  )
  return verified
}

async function statusOf(directory: string): Promise<Status | undefined> {
  const answer = await askControl(join(directory, 'control.sock'), { do: 'status' })
  return answer.ok ? (answer.value as Status) : undefined
}

function lateWords(what: string, msMax: number, status: Status | undefined): string {
  const why = status?.cameras[0]?.problem ?? status?.uplink.problem ?? ''
  return `${what} did not happen within ${msMax / 1000} s. ${status === undefined ? 'The recorder does not answer.' : why}`
}

/** The page's server says its address in its first line. */
async function addressOf(view: RecorderChild, logFile: string): Promise<string> {
  const deadline = systemClock.mono() + startMsMax
  for (;;) {
    const address = /http:\/\/\S+/.exec(readFileSync(logFile, 'utf8'))?.[0]
    if (address !== undefined) return address
    if (systemClock.mono() > deadline) {
      throw new Error(
        `The page's server did not start: ${readFileSync(logFile, 'utf8').trim() || `process ${view.pid} is silent`}`,
      )
    }
    await systemClock.sleep(100)
  }
}

const clockText = (): string => new Date(systemClock.wall()).toISOString().slice(11, 19)
