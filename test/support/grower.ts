/**
 * A recorder without a recorder: units of a clip become an archive's newest recording in real time, each when its last
 * frame would have been captured. It can be held (a cut uplink) and let go (a drain), and be told to begin a new recording.
 */
import { isoOf, playlistKeyOf, recordingKey } from '../../src/format/names.ts'
import {
  type PlaylistPlan,
  type PlaylistPosition,
  playlistEnd,
  playlistEntry,
  playlistStart,
} from '../../src/format/playlist.ts'
import { videoTrack } from '../../src/format/recording.ts'
import { type ClipUnit, markDiscontinuity } from './clip.ts'
import { camera, mediaOf, note, place } from './make-recording.ts'
import type { MemoryArchive } from './memory-archive.ts'

export interface Grower {
  /** Recordings begun so far, oldest first. */
  readonly keys: readonly string[]
  /** Nothing is appended until `letGo`. */
  hold(): void
  letGo(): void
  /** The present recording ends with its last unit; the next unit begins a new one. */
  rollOver(): void
  /** The same without an end mark, as after a power cut. */
  abandon(): void
  /** The camera is away for so many units; the recording goes on with a discontinuity. */
  skip(units: number): void
  stop(): void
}

interface Growing {
  readonly key: string
  readonly playlist: PlaylistPlan
  position: PlaylistPosition
}

/** @param run one run of the camera, whose first frame was captured at `startWallMs` */
export function startGrower(archive: MemoryArchive, run: readonly ClipUnit[], startWallMs: number): Grower {
  const media = mediaOf({ runs: [run] })
  const keys: string[] = []
  const firstPts = run[0]?.pts ?? 0
  let growing: Growing | undefined
  let next = 0
  let held = false
  let rolling = false
  let jumped = false

  function begin(pts: number): Growing {
    const startMs = startWallMs + (pts - firstPts) / 90
    const number = keys.length
    const head = { id: { track: videoTrack(camera), boot: 7, number }, startMonoMs: pts / 90, firstSeq: next }
    const key = recordingKey(place, head, (0xabc0 + number).toString(16), { startMs, claimedAtMs: startMs })
    keys.push(key)
    const uri = key.slice(key.lastIndexOf('/') + 1)
    note(archive, {
      ...{ v: 1, kind: 'recording', bootCounter: 7, key, playlist: playlistKeyOf(key), track: head.id.track, camera },
      ...{ number, token: 'abc', start: isoOf(startMs), startErrorMs: 5, startMonoMs: head.startMonoMs },
    })
    return { key, playlist: { uri, targetDurationS: 2, startPts: pts, startWallMs: startMs }, position: playlistStart }
  }

  function publish(): void {
    const clipped = media[next]
    if (clipped === undefined) return
    if (jumped) markDiscontinuity(clipped.unit.bytes)
    const one = jumped ? { ...clipped, media: { ...clipped.media, discontinuity: true } } : clipped
    jumped = false
    if (rolling && growing !== undefined) {
      archive.append(playlistKeyOf(growing.key), playlistEnd)
      growing = undefined
    }
    rolling = false
    growing ??= begin(one.media.firstPts)
    const entry = playlistEntry(growing.playlist, growing.position, { length: one.unit.bytes.length, media: one.media })
    archive.append(growing.key, one.unit.bytes)
    archive.append(playlistKeyOf(growing.key), entry.text)
    growing.position = entry.next
    next += 1
  }

  const timer = setInterval(() => {
    for (let due = media[next]; !held && due !== undefined; due = media[next]) {
      const capturedMs = startWallMs + (due.media.firstPts - firstPts + due.media.durationTicks) / 90
      if (Date.now() < capturedMs) return
      publish()
    }
  }, 50)

  return {
    keys,
    hold: () => {
      held = true
    },
    letGo: () => {
      held = false
    },
    rollOver: () => {
      rolling = true
    },
    abandon: () => {
      growing = undefined
    },
    skip: (units) => {
      next += units
      jumped = true
    },
    stop: () => clearInterval(timer),
  }
}
