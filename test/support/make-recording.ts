/** Recordings as the recorder leaves them in a bucket: video, playlist and catalogue lines, of real video. */
import { crc64 } from '../../src/base/crc64.ts'
import { type CatalogueRecord, catalogueLine } from '../../src/format/catalogue-record.ts'
import { isoOf, type Place, playlistKeyOf, recordingKey, trackFolder } from '../../src/format/names.ts'
import {
  type PlaylistPlan,
  type PlaylistPosition,
  playlistEnd,
  playlistEntry,
  playlistStart,
  startPtsOf,
} from '../../src/format/playlist.ts'
import { videoTrack } from '../../src/format/recording.ts'
import { type MediaInfo, ticksBetween, ticksPerSecond } from '../../src/format/unit.ts'
import type { ClipUnit } from './clip.ts'
import type { MemoryArchive } from './memory-archive.ts'

export const place: Place = { prefix: 'site', device: 'shed' }
export const camera = 'door'

export interface RecordingPlan {
  readonly startWallMs: number
  readonly startMonoMs: number
  /** Of each run of the camera, in order. */
  readonly runs: readonly (readonly ClipUnit[])[]
  readonly framesPerS?: number
  readonly boot?: number
  readonly number?: number
  readonly targetDurationS?: number
  /** False: it is still growing. */
  readonly complete?: boolean
}

export interface MadeRecording {
  readonly key: string
  readonly playlistKey: string
  readonly units: readonly ClipUnit[]
  readonly endWallMs: number
}

/** The units of the runs as the playlist sees them. */
export function mediaOf(plan: Pick<RecordingPlan, 'runs' | 'framesPerS'>): { unit: ClipUnit; media: MediaInfo }[] {
  const frame = ticksPerSecond / (plan.framesPerS ?? 10)
  return plan.runs.flatMap((run) =>
    run.map((unit, index) => {
      const next = run[index + 1]
      // The last one of a run is as long as the one before it: clips have whole GOPs.
      const twin = index > 0 ? ticksBetween(run[index - 1]?.pts ?? 0, unit.pts) : frame * 10
      const durationTicks = next === undefined ? twin : ticksBetween(unit.pts, next.pts)
      return { unit, media: { firstPts: unit.pts, durationTicks, discontinuity: index === 0, keyframe: true } }
    }),
  )
}

export function makeRecording(archive: MemoryArchive, plan: RecordingPlan): MadeRecording {
  const { startWallMs, startMonoMs, boot = 7, number = 0 } = plan
  const token = (number + 16 * boot).toString(16).padStart(16, '0')
  const head = { id: { track: videoTrack(camera), boot, number }, startMonoMs, firstSeq: 0 }
  const key = recordingKey(place, head, token, { startMs: startWallMs, claimedAtMs: startWallMs })
  const playlistKey = playlistKeyOf(key)
  const targetDurationS = plan.targetDurationS ?? 2
  const uri = key.slice(key.lastIndexOf('/') + 1)
  const playlist: PlaylistPlan = { uri, targetDurationS, startPts: startPtsOf(startMonoMs), startWallMs }
  const base = { v: 1 as const, bootCounter: boot, key, camera }
  note(archive, {
    ...base,
    kind: 'recording',
    playlist: playlistKey,
    track: videoTrack(camera),
    number,
    token,
    start: isoOf(startWallMs),
    startErrorMs: 20,
    startMonoMs,
    targetDurationS,
  })
  let position: PlaylistPosition = playlistStart
  let endWallMs = startWallMs
  for (const { unit, media } of mediaOf(plan)) {
    archive.append(key, unit.bytes)
    const entry = playlistEntry(playlist, position, { length: unit.bytes.length, media })
    archive.append(playlistKey, entry.text)
    position = entry.next
    endWallMs = startWallMs + (ticksBetween(playlist.startPts, media.firstPts) + media.durationTicks) / 90
  }
  if (plan.complete !== false) {
    archive.append(playlistKey, playlistEnd)
    const bytes = archive.objects.get(key) ?? Buffer.alloc(0)
    const crc = crc64(bytes).toString()
    note(archive, {
      ...base,
      kind: 'recording-end',
      bytes: bytes.length,
      crc64: crc,
      end: isoOf(endWallMs),
      why: 'complete',
    })
  }
  return { key, playlistKey, units: plan.runs.flat(), endWallMs }
}

/** A line in the device's catalogue. */
export function note(archive: MemoryArchive, record: CatalogueRecord): void {
  archive.append(`${trackFolder(place, 'catalogue')}2026/11/23-00aa.jsonl`, `${catalogueLine(record)}\n`)
}

/** A gap record of the camera. */
export function noteGap(
  archive: MemoryArchive,
  fromMs: number,
  toMs: number,
  cause: 'camera' | 'evicted' | 'power' = 'camera',
): void {
  note(archive, {
    ...{ v: 1, kind: 'gap', bootCounter: 7, camera, cause, from: isoOf(fromMs), to: isoOf(toMs) },
    ...{ fromMonoMs: 0, toMonoMs: toMs - fromMs, units: 0, bytes: 0, note: 'The camera did not answer.' },
  } as CatalogueRecord)
}
