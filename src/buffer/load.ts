/**
 * Opens the database and reads every row. One that is damaged is repaired; one that cannot be, or that another version of
 * this program wrote, is put aside whole, and a new one is built from the segments. A database whose power was cut before
 * its first synced row does not open again: repair makes it open, with nothing in it, and the segments tell the rest.
 */
import type { z } from 'zod'
import { crc64 } from '../base/crc64.ts'
import { err, ok, type Result } from '../base/result.ts'
import type { Chunk, TrackId } from '../format/recording.ts'
import type { Kv, KvError, KvOpenError, KvStore } from './kv.ts'
import type { Repairs } from './repairs.ts'
import {
  type BootTimeRow,
  bootKey,
  cleanKey,
  formatKey,
  formatVersion,
  parseRow,
  prefixes,
  type RecordingRow,
  rebuildingKey,
  type SegmentRow,
  shapes,
  trackOfLineKey,
} from './rows.ts'
import { parseSegmentRow } from './segment-rows.ts'

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
  /** What was wrong with it and what was done, a sentence. */
  readonly mended?: string
}

interface Opened {
  readonly kv: Kv
  readonly loaded: Loaded
}
/** The rows are of another version; what could be read of them is the boot that ran last. */
interface Foreign {
  readonly kind: 'foreign'
  readonly message: string
  readonly boot: Loaded['boot']
}
type AttemptError = KvOpenError | Foreign

export async function openAndLoad(store: KvStore, repairs: Repairs): Promise<Result<Opened, KvOpenError>> {
  const first = await attempt(store)
  // A bad block of the card stays bad, and the folder has just been written to: then a part of it is lost, and no disk.
  const again = !first.ok && isOfFile(first.error) ? await attempt(store) : first
  if (again.ok) return again
  const { error } = again
  if (error.kind === 'foreign') return anew(store, repairs, error)
  if (error.kind !== 'corrupt' && !isOfFile(error)) return err(error)
  const damaged = `The buffer's index ${store.place} was damaged (${error.message}).`
  const repaired = await store.repair()
  const second = repaired.ok ? await attempt(store) : repaired
  if (second.ok) {
    const mended = `${damaged} It was repaired, and what it lacks was taken from the footage itself.`
    repairs.note('index-repaired', mended)
    return patchy(second.value, mended)
  }
  if (second.error.kind === 'locked') return err(second.error)
  return anew(store, repairs, second.error.kind === 'foreign' ? second.error : { message: damaged, boot: undefined })
}

const isOfFile = (error: AttemptError): boolean => error.kind === 'io' && error.ofFile === true

/** The database goes aside, and an empty one takes its place. Rows are small; a third heap of them is one too many. */
async function anew(
  store: KvStore,
  repairs: Repairs,
  { message, boot }: Pick<Foreign, 'message' | 'boot'>,
): Promise<Result<Opened, KvOpenError>> {
  const aside = await store.setAside()
  if (!aside.ok) return aside
  const mended = `${message} It was moved to ${aside.value}, and a new one was built from the footage itself.`
  repairs.note('index-set-aside', mended)
  const opened = await attempt(store)
  if (opened.ok) return patchy({ ...opened.value, loaded: { ...opened.value.loaded, boot } }, mended)
  const { kind } = opened.error
  return err({ kind: kind === 'foreign' ? 'io' : kind, message: opened.error.message })
}

const patchy = ({ kv, loaded }: Opened, mended: string): Result<Opened, never> =>
  ok({ kv, loaded: { ...loaded, state: 'patchy', clean: false, mended } })

async function attempt(store: KvStore): Promise<Result<Opened, AttemptError>> {
  const opened = await store.open()
  if (!opened.ok) return opened
  const kv = opened.value
  const loaded = await load(kv)
  if (!loaded.ok) {
    await kv.close()
    return err(loaded.error)
  }
  if (loaded.value.version !== undefined && loaded.value.version !== formatVersion) {
    await kv.close()
    const message = `The buffer's index ${store.place} was written by another version of Watchpost (format ${loaded.value.version}; this one reads ${formatVersion}).`
    return err({ kind: 'foreign', message, boot: loaded.value.loaded.boot })
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
  let rebuilding = false
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
    else if (key === rebuildingKey) rebuilding = true
    else if (key === bootKey) take(parseRow(shapes.boot, value), (row) => (boot = row))
    else if (key.startsWith(prefixes.bootTime)) {
      take(parseRow(shapes.bootTime, value), ({ id, offset }) =>
        bootTimes.set(Number(rest), offset === undefined ? { id } : { id, offset }),
      )
    } else if (key.startsWith(prefixes.track)) take(parseRow(shapes.track, value), (row) => tracks.set(rest, row))
    else if (key.startsWith(prefixes.recording)) take(parseRow(shapes.recording, value), (row) => recordings.push(row))
    else if (key.startsWith(prefixes.segment)) {
      take(parseSegmentRow(value), (row) => segments.set(Number(rest), row))
    } else if (key.startsWith(prefixes.line)) lines.push(lineOf(key, value))
    else unreadable += 1
  })
  if (!scanned.ok) return scanned
  const missing = unreadable > 0 || rebuilding || version === undefined
  const state = rows === 0 ? 'fresh' : missing ? 'patchy' : 'whole'
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
