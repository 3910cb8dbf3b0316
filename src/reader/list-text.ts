/** What `watchpost list` prints: for people in the site's time, for programs as JSON in UTC. Pure. */
import { isoOf, type Place } from '../format/names.ts'
import type { Gap } from './catalogue.ts'
import type { NewestRecording } from './newest.ts'
import type { CameraHistory, CameraName, RecordingState, RecordingSummary } from './recordings.ts'
import { siteDay, siteTime } from './site-time.ts'

export interface CameraLine extends CameraName {
  readonly newest: NewestRecording | undefined
}

const stateWords: Readonly<Record<RecordingState, string>> = {
  growing: 'growing',
  complete: 'complete',
  'given-up': 'given up',
}

/** `watchpost list`: one line a camera. */
export function camerasText(cameras: readonly CameraLine[], place: Place, zone: string): string {
  if (cameras.length === 0) {
    return `No camera has stored anything ${below(place.prefix)} yet. Start the recorder with "watchpost run", or look at it with "watchpost status".\n`
  }
  const rows = cameras.map(({ device, camera, newest }) => [
    device === place.device ? camera : `${device}/${camera}`,
    newest === undefined ? 'no dated recording' : `newest recording began ${siteTime(newest.startMs, zone)}`,
    newest === undefined ? '' : bytesText(newest.bytes),
  ])
  return `${columns(rows)}\nThe recordings of one: watchpost list ${rows[0]?.[0] ?? 'CAMERA'}\n`
}

export const camerasJson = (cameras: readonly CameraLine[]): unknown => ({
  cameras: cameras.map(({ device, camera, newest }) => ({
    device,
    camera,
    newest: newest && { key: newest.key, bytes: newest.bytes, start: isoOf(newest.startMs) },
  })),
})

/** `watchpost list CAMERA`: recordings and the gaps between and within them, by time. */
export function historyText(
  name: { readonly place: Place; readonly camera: string },
  history: CameraHistory,
  asked: { readonly zone: string; readonly sinceMs: number | undefined; readonly untilMs: number | undefined },
): string {
  const { zone } = asked
  if (history.recordings.length === 0 && history.gaps.length === 0) return nothingText(name, asked)
  const rows = [
    ...history.recordings.map((recording) => ({
      atMs: recording.startMs ?? 0,
      cells: recordingCells(recording, zone),
    })),
    ...history.gaps.map((gap) => ({ atMs: gap.fromMs ?? 0, cells: gapCells(gap, zone) })),
  ].sort((a, b) => a.atMs - b.atMs)
  const bytes = history.recordings.reduce((sum, recording) => sum + recording.bytes, 0)
  const counted = `${plural(history.recordings.length, 'recording')}, ${bytesText(bytes)}, ${plural(history.gaps.length, 'gap')}`
  const head = `${name.camera} on ${name.place.device}, times of ${zone}\n\n`
  return `${head}${columns(rows.map((row) => row.cells))}\n${counted}\n`
}

export const historyJson = (history: CameraHistory): unknown => ({
  recordings: history.recordings.map((recording) => ({
    ...recording,
    playlistKey: recording.playlistKey ?? null,
    startMs: undefined,
    endMs: undefined,
    start: timeOrNull(recording.startMs),
    end: timeOrNull(recording.endMs),
  })),
  gaps: history.gaps.map(gapJson),
})

export const gapJson = (gap: Gap): unknown => ({
  camera: gap.camera,
  cause: gap.cause,
  from: timeOrNull(gap.fromMs),
  to: timeOrNull(gap.toMs),
  units: gap.units,
  note: gap.note,
})

/** `gap 16:10:00 to 16:12:30 …` in one sentence. */
export function gapSentence(gap: Gap, zone: string): string {
  const from = gap.fromMs === undefined ? 'an unknown time' : siteTime(gap.fromMs, zone)
  const to = gap.toMs === undefined ? 'an unknown time' : siteTime(gap.toMs, zone)
  return `${gap.camera}: no footage from ${from} to ${to}${lasting(gap.fromMs, gap.toMs)}, cause: ${gap.cause}. ${gap.note}`
}

function recordingCells(recording: RecordingSummary, zone: string): string[] {
  const { startMs, endMs } = recording
  return [
    startMs === undefined ? 'time unknown' : siteTime(startMs, zone),
    endMs === undefined
      ? ''
      : `to ${siteTime(endMs, zone).slice(startMs === undefined || sameDay(startMs, endMs, zone) ? 11 : 0)}`,
    bytesText(recording.bytes),
    stateWords[recording.state],
    recording.key,
  ]
}

function gapCells(gap: Gap, zone: string): string[] {
  return [
    gap.fromMs === undefined ? 'time unknown' : siteTime(gap.fromMs, zone),
    gap.toMs === undefined ? '' : `to ${siteTime(gap.toMs, zone).slice(sameDay(gap.fromMs, gap.toMs, zone) ? 11 : 0)}`,
    '',
    'GAP',
    `${gap.cause}: ${gap.note}`,
  ]
}

function nothingText(
  name: { readonly place: Place; readonly camera: string },
  asked: { readonly zone: string; readonly sinceMs: number | undefined; readonly untilMs: number | undefined },
): string {
  const since = asked.sinceMs === undefined ? '' : ` since ${siteTime(asked.sinceMs, asked.zone)}`
  const until = asked.untilMs === undefined ? '' : ` until ${siteTime(asked.untilMs, asked.zone)}`
  return `Camera ${name.camera} of ${name.place.device} has no recording${since}${until}. Look further back with --since=-30d, or see which cameras there are with "watchpost list".\n`
}

const below = (prefix: string): string => (prefix === '' ? 'in this bucket' : `below ${prefix}/`)
const timeOrNull = (ms: number | undefined): string | null => (ms === undefined ? null : isoOf(ms))
const plural = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`
const sameDay = (a: number | undefined, b: number, zone: string): boolean =>
  a !== undefined && siteDay(a, zone) === siteDay(b, zone)
const lasting = (fromMs: number | undefined, toMs: number | undefined): string =>
  fromMs === undefined || toMs === undefined ? '' : ` (${durationText(toMs - fromMs)})`

/** `2.5 s`, `3 min 20 s`, `1 h 5 min`. */
function durationText(ms: number): string {
  const seconds = ms / 1000
  if (seconds < 60) return `${seconds.toFixed(1)} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes} min ${Math.floor(seconds % 60)} s`
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}

/** `12.3 MiB`. */
export function bytesText(bytes: number): string {
  const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB']
  let value = bytes
  let unit = 0
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024
    unit += 1
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`
}

/** Cells padded to columns; the last one runs on. */
function columns(rows: readonly (readonly string[])[]): string {
  const widths: number[] = []
  for (const row of rows) {
    for (const [index, cell] of row.entries()) widths[index] = Math.max(widths[index] ?? 0, cell.length)
  }
  return rows
    .map((row) =>
      row.map((cell, index) => (index === row.length - 1 ? cell : cell.padEnd(widths[index] ?? 0))).join('  '),
    )
    .map((line) => `${line.trimEnd()}\n`)
    .join('')
}
