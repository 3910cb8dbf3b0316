/**
 * Opens the database and reads every row, repairing or rebuilding it where it is damaged. A database whose power was cut
 * before its first synced row does not open again: repair makes it open, with nothing in it, and the segments tell the rest.
 */

import type { z } from 'zod'
import { crc64 } from '../base/crc64.ts'
import type { Logger } from '../base/log.ts'
import { err, ok, type Result } from '../base/result.ts'
import type { Chunk, TrackId } from '../format/recording.ts'
import type { Kv, KvError, KvOpenError, KvStore } from './kv.ts'
import {
  type BootTimeRow,
  bootKey,
  cleanKey,
  formatKey,
  formatVersion,
  parseRow,
  prefixes,
  type RecordingRow,
  type SegmentRow,
  shapes,
  trackOfLineKey,
} from './rows.ts'

export interface LoadedLine {
  readonly track: TrackId
  readonly chunk: Chunk
  readonly lines: number
  readonly key: string
}

export interface Loaded {
  readonly boot: { readonly counter: number; readonly id: string } | undefined
  readonly bootTimes: ReadonlyMap<number, BootTimeRow>
  readonly tracks: ReadonlyMap<TrackId, z.infer<typeof shapes.track>>
  readonly recordings: readonly RecordingRow[]
  readonly segments: ReadonlyMap<number, SegmentRow>
  readonly lines: readonly LoadedLine[]
  /** The last stop was in order: every row is true, and nothing was in memory alone. */
  readonly clean: boolean
  /** `fresh`: there was none. `whole`: every row reads. `patchy`: rows may be missing. */
  readonly state: 'fresh' | 'whole' | 'patchy'
}

export type LoadError = KvOpenError | { readonly kind: 'version'; readonly message: string }

export async function openAndLoad(
  store: KvStore,
  log: Logger,
): Promise<Result<{ readonly kv: Kv; readonly loaded: Loaded }, LoadError>> {
  const first = await attempt(store)
  if (first.ok || first.error.kind !== 'corrupt') return first
  log.error(
    'index-damaged',
    `The buffer's index ${store.place} is damaged (${first.error.message}); it is being repaired.`,
  )
  const repaired = await store.repair()
  const second = repaired.ok ? await attempt(store) : repaired
  if (second.ok) return patchy(second.value)
  if (second.error.kind === 'locked' || second.error.kind === 'version') return second
  log.error(
    'index-lost',
    `The buffer's index ${store.place} cannot be repaired; it is rebuilt from the footage itself.`,
  )
  const destroyed = await store.destroy()
  if (!destroyed.ok) return destroyed
  const third = await attempt(store)
  return third.ok ? patchy(third.value) : third
}

const patchy = ({ kv, loaded }: { kv: Kv; loaded: Loaded }): Result<{ kv: Kv; loaded: Loaded }, never> =>
  ok({ kv, loaded: { ...loaded, state: 'patchy', clean: false } })

async function attempt(store: KvStore): Promise<Result<{ kv: Kv; loaded: Loaded }, LoadError>> {
  const opened = await store.open()
  if (!opened.ok) return opened
  const kv = opened.value
  const loaded = await load(kv)
  if (!loaded.ok) {
    await kv.close()
    return err({ kind: loaded.error.kind, message: loaded.error.message })
  }
  if (loaded.value.version !== undefined && loaded.value.version !== formatVersion) {
    await kv.close()
    const message = `${store.place} was written by another version of Watchpost (format ${loaded.value.version}, this one reads ${formatVersion}). Use that version, or give this one an empty directory.`
    return err({ kind: 'version', message })
  }
  return ok({ kv, loaded: loaded.value.loaded })
}

async function load(kv: Kv): Promise<Result<{ version: string | undefined; loaded: Loaded }, KvError>> {
  const bootTimes = new Map<number, BootTimeRow>()
  const tracks = new Map<TrackId, z.infer<typeof shapes.track>>()
  const segments = new Map<number, SegmentRow>()
  const recordings: RecordingRow[] = []
  const lines: LoadedLine[] = []
  let boot: Loaded['boot']
  let version: string | undefined
  let clean = false
  let rows = 0
  let unreadable = 0

  /** A row that does not read counts as lost. */
  function take<T>(row: T | undefined, keep: (row: T) => void): void {
    if (row === undefined) unreadable += 1
    else keep(row)
  }

  const scanned = await kv.scan('', (key, value) => {
    rows += 1
    const rest = key.slice(2)
    if (key === formatKey) version = value
    else if (key === cleanKey) clean = true
    else if (key === bootKey) take(parseRow(shapes.boot, value), (row) => (boot = row))
    else if (key.startsWith(prefixes.bootTime)) {
      take(parseRow(shapes.bootTime, value), ({ id, offset }) =>
        bootTimes.set(Number(rest), offset === undefined ? { id } : { id, offset }),
      )
    } else if (key.startsWith(prefixes.track)) take(parseRow(shapes.track, value), (row) => tracks.set(rest, row))
    else if (key.startsWith(prefixes.recording)) take(parseRow(shapes.recording, value), (row) => recordings.push(row))
    else if (key.startsWith(prefixes.segment)) {
      take(parseRow(shapes.segment, value), (row) => segments.set(Number(rest), row))
    } else if (key.startsWith(prefixes.line)) lines.push(lineOf(key, value))
    else unreadable += 1
  })
  if (!scanned.ok) return scanned
  const state = version === undefined ? (rows === 0 ? 'fresh' : 'patchy') : unreadable > 0 ? 'patchy' : 'whole'
  return ok({
    version,
    loaded: { boot, bootTimes, tracks, recordings, segments, lines, state, clean: clean && state === 'whole' },
  })
}

function lineOf(key: string, value: string): LoadedLine {
  const bytes = Buffer.from(value)
  const { track, seq } = trackOfLineKey(key)
  const chunk = { seq, length: bytes.length, crc64: crc64(bytes) }
  return { track, chunk, lines: value.split('\n').length - 1, key }
}
