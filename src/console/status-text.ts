/**
 * The recorder's account of itself as text of at most 80 columns: for `watchpost status`, the serial console and the live
 * block of the demo. Pure. What is wrong stands under the thing that it is wrong with, as the recorder worded it.
 */
import type { BufferStatus, CameraStatus, InputStatus, Status, UplinkStatus } from '../format/status.ts'

const columnsMax = 80
const nameColumns = 10
/** A site has 16 cameras at most; a device with more objects than this in flight shows the first ones. */
const objectsShownMax = 6

export function statusText(status: Status): string {
  const lines = [
    head(status),
    ...status.cameras.flatMap(cameraLines),
    ...status.inputs.flatMap(inputLines),
    ...bufferLines(status.buffer),
    ...uplinkLines(status.uplink),
  ]
  return lines.map((line) => line.trimEnd()).join('\n')
}

/** What stands in its place while nobody answers. */
export const notRunningText = (why: string): string => wrapped(why, '').join('\n')

function head(status: Status): string {
  const time = status.time === null ? 'time not known yet' : `${status.time.slice(0, 19).replace('T', ' ')} UTC`
  const uptime = `up ${spanText(status.processUptimeMs)}`
  return cut(`${status.device}  ${time}  ${uptime}  boot ${status.bootCounter}  version ${status.version}`)
}

function cameraLines(camera: CameraStatus): string[] {
  const size = camera.width === null || camera.height === null ? undefined : `${camera.width}x${camera.height}`
  const facts = [
    camera.codec === null ? undefined : codecText(camera.codec),
    size,
    camera.framesPerS === null ? undefined : `${rounded(camera.framesPerS)} fps`,
    camera.gopMs === null ? undefined : `GOP ${rounded(camera.gopMs / 1000)} s`,
    camera.bitsPerS === null ? undefined : rateText(camera.bitsPerS),
  ]
  const counts = [
    `${count(camera.unitsCaptured, 'unit')}, ${bytesText(camera.bytesCaptured)}`,
    camera.lastUnitAgeMs === null ? 'no picture yet' : `last ${spanText(camera.lastUnitAgeMs)} ago`,
    camera.restarts === 0 ? undefined : count(camera.restarts, 'restart'),
  ]
  return [
    row('camera', `${camera.name}: ${camera.state}  ${given(facts, ' ')}`),
    row('', given(counts, ', ')),
    ...problem(camera.problem),
  ]
}

function inputLines(input: InputStatus): string[] {
  const state = input.active === null ? 'not read yet' : input.active ? 'active' : 'at rest'
  return [row('input', `${input.name}: ${state}, ${count(input.events, 'event')}`), ...problem(input.problem)]
}

function bufferLines(buffer: BufferStatus): string[] {
  const held = `${count(buffer.units, 'unit')}, ${bytesText(buffer.bytes)} of ${bytesText(buffer.quotaBytes)}`
  const facts = [
    held,
    buffer.oldestUnitAgeMs === null ? undefined : `oldest ${spanText(buffer.oldestUnitAgeMs)}`,
    buffer.freeBytes === null ? undefined : `${bytesText(buffer.freeBytes)} free`,
  ]
  const lost = `lost for want of space: ${count(buffer.evictedUnits, 'unit')}, ${bytesText(buffer.evictedBytes)}`
  return [
    row('buffer', given(facts, ', ')),
    ...(buffer.evictedUnits === 0 ? [] : [row('', lost)]),
    ...problem(buffer.problem),
  ]
}

function uplinkLines(uplink: UplinkStatus): string[] {
  const facts = [
    uplink.bytesPerS === null ? undefined : `${bytesText(uplink.bytesPerS)}/s`,
    `${bytesText(uplink.backlogBytes)} to send`,
    `${bytesText(uplink.bytesConfirmed)} confirmed`,
    uplink.lastConfirmedAgeMs === null ? undefined : `last ${spanText(uplink.lastConfirmedAgeMs)} ago`,
  ]
  const counts = [
    count(uplink.requests, 'request'),
    count(uplink.failures, 'failure'),
    count(uplink.resyncs, 'resync'),
  ].join(', ')
  const shown = uplink.objects.slice(0, objectsShownMax)
  const more = uplink.objects.length - shown.length
  return [
    row('uplink', `${uplink.state}  ${given(facts, ', ')}`),
    row('', counts),
    ...problem(uplink.problem),
    ...shown.map((object) => row('object', `${bytesText(object.bytes).padStart(8)}  ${tail(object.key, 60)}`)),
    ...(more > 0 ? [row('', `and ${more} more`)] : []),
  ]
}

const given = (facts: readonly (string | undefined)[], between: string): string =>
  facts.filter((fact) => fact !== undefined).join(between)

const row = (name: string, text: string): string => cut(`${name.padEnd(nameColumns)}${text}`)

const problem = (sentence: string | null): string[] =>
  sentence === null ? [] : wrapped(`! ${sentence}`, ' '.repeat(nameColumns))

const cut = (line: string): string => (line.length > columnsMax ? `${line.slice(0, columnsMax - 1)}…` : line)

/** The end of a name tells more than its beginning. */
const tail = (text: string, columns: number): string => (text.length > columns ? `…${text.slice(1 - columns)}` : text)

function wrapped(text: string, indent: string): string[] {
  const lines: string[] = []
  let line = indent
  for (const word of text.split(/\s+/)) {
    if (line.length > indent.length && line.length + word.length + 1 > columnsMax) {
      lines.push(line)
      line = indent
    }
    line += line.length === indent.length ? word : ` ${word}`
  }
  return [...lines, line].map(cut)
}

const count = (number: number, noun: string): string => `${number} ${noun}${number === 1 ? '' : 's'}`

const rounded = (number: number): string => String(Math.round(number * 10) / 10)

/** `2.1 Mbit/s`. */
const rateText = (bitsPerS: number): string => {
  if (bitsPerS >= 1e6) return `${rounded(bitsPerS / 1e6)} Mbit/s`
  return `${Math.round(bitsPerS / 1e3)} kbit/s`
}

/** As people write it: `H.264` for `h264`. */
export const codecText = (codec: string): string => codec.replace(/^h(26[45])$/i, 'H.$1')

/** Decimal, three digits or so: `812 B`, `4.2 MB`, `10 GB`. */
export function bytesText(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  let value = Math.max(0, bytes)
  let at = 0
  while (value >= 999.5 && at < units.length - 1) {
    value /= 1000
    at += 1
  }
  return `${value >= 10 || at === 0 ? Math.round(value) : rounded(value)} ${units[at]}`
}

/** `0.4 s`, `12 s`, `3 min 20 s`, `5 h 10 min`, `3 d 4 h`. */
export function spanText(ms: number): string {
  const seconds = Math.max(0, ms) / 1000
  if (seconds < 9.95) return `${rounded(seconds)} s`
  const whole = Math.round(seconds)
  if (whole < 60) return `${whole} s`
  if (whole < 3600) return pair(whole, 60, 'min', 1, 's')
  if (whole < 86_400) return pair(whole, 3600, 'h', 60, 'min')
  return pair(whole, 86_400, 'd', 3600, 'h')
}

function pair(seconds: number, major: number, majorName: string, minor: number, minorName: string): string {
  const rest = Math.floor((seconds % major) / minor)
  return `${Math.floor(seconds / major)} ${majorName}${rest === 0 ? '' : ` ${rest} ${minorName}`}`
}
