/** The block below the story, and the sentences of the story that are made from figures. Pure. */
import type { Status } from '../format/status.ts'

export interface Scene {
  readonly elapsedS: number
  readonly lengthS: number
  /** What the demo does now. */
  readonly chapter: string
  readonly network: 'up' | 'cut'
  readonly recorder: 'runs' | 'killed' | 'stopped'
  readonly address: string
  /** The object as the store holds it. */
  readonly object: { readonly key: string; readonly bytes: number } | undefined
  readonly status: Status | undefined
}

const barWidth = 30

/** At most ten lines, each with its colours; without colours a log reads `summaryOf`. */
export function blockOf(scene: Scene): string[] {
  const { status } = scene
  const camera = status?.cameras[0]
  const network = scene.network === 'up' ? green('up') : red('CUT')
  const recorder = scene.recorder === 'runs' ? green('runs') : red(scene.recorder === 'killed' ? 'KILLED' : 'stopped')
  const done = Math.min(1, scene.elapsedS / scene.lengthS)
  const bar = `${'█'.repeat(Math.round(done * barWidth))}${'░'.repeat(barWidth - Math.round(done * barWidth))}`
  return [
    '',
    `  ${bar}  ${Math.round(scene.elapsedS)} s   ${scene.chapter}`,
    '',
    `  network   ${network}`,
    `  recorder  ${recorder}`,
    `  camera    ${camera === undefined ? '–' : cameraLine(camera)}`,
    `  buffer    ${status === undefined ? '–' : waitingLine(status)}`,
    `  uplink    ${status === undefined ? '–' : uplinkLine(status)}`,
    `  object    ${scene.object === undefined ? '(none yet)' : `${size(scene.object.bytes)}  ${lastPart(scene.object.key)}`}`,
    `  watch     ${scene.address}`,
  ]
}

export function summaryOf(scene: Scene): string {
  const object = scene.object === undefined ? 'no object yet' : `object ${size(scene.object.bytes)}`
  const waiting = scene.status === undefined ? '' : `, waiting ${size(scene.status.buffer.bytes)}`
  const camera = scene.status?.cameras[0]?.state ?? 'no camera yet'
  return `${Math.round(scene.elapsedS)} s: ${camera}, ${object}${waiting}, network ${scene.network}`
}

function cameraLine(camera: Status['cameras'][number]): string {
  const picture = camera.width === null ? '' : `, ${camera.width}x${camera.height}`
  const rate = camera.bitsPerS === null ? '' : `, ${(camera.bitsPerS / 1e6).toFixed(1)} Mbit/s`
  return `${camera.name} ${camera.state}${picture}${rate}, ${counted(camera.unitsCaptured)} so far`
}

function waitingLine(status: Status): string {
  const { units, bytes } = status.buffer
  return units === 0 ? 'nothing waits' : `${counted(units)}, ${size(bytes)}, held until the store has them`
}

function uplinkLine(status: Status): string {
  const { problem, state, bytesPerS } = status.uplink
  // Which object was asked for stands below, and what becomes of the footage above; here is only why it did not work.
  if (problem !== null)
    return `${problem.replace(/^\w+( for| to)? \S+: /, '').replace(/\. .*$/, '')}; it is asked again`
  const rate = bytesPerS === null ? '' : `, at ${((bytesPerS * 8) / 1e6).toFixed(0)} Mbit/s`
  return `${state === 'idle' ? 'all is sent' : state}${rate}`
}

const counted = (units: number): string => (units === 1 ? '1 unit' : `${units} units`)

const colour = (code: number, text: string): string => `\u001b[1;${code}m${text}\u001b[0m`
const red = (text: string): string => colour(31, text)
const green = (text: string): string => colour(32, text)

export function size(bytes: number): string {
  return bytes < 1e6 ? `${(bytes / 1e3).toFixed(0)} kB` : `${(bytes / 1e6).toFixed(1)} MB`
}

const lastPart = (key: string): string => key.slice(key.lastIndexOf('/') + 1)
