/**
 * What a device says about its own archive: its catalogue objects, read and dated.
 *
 * Catalogue objects only grow, so a reader that looks again fetches what is new and nothing else. A line that cannot be
 * read (another version, a foreign hand) is counted and passed over. Moments of a boot whose time was learnt later are
 * dated by that boot's `clock` line, or by a recording of the same boot that has a date.
 */
import { err, ok, type Result } from '../base/result.ts'
import { type CatalogueRecord, type GapCause, type GapRecord, parseCatalogueLine } from '../format/catalogue-record.ts'
import { type Place, trackFolder } from '../format/names.ts'
import type { Archive, ArchiveError } from './archive.ts'
import { aFewAtATime, readText } from './read-pieces.ts'

/** One catalogue object: 200,000 lines. A device writes some 50 lines a camera and day. */
const objectBytesMax = 64 * 1024 * 1024
/** Text kept for the next look; beyond it the objects that were read first are forgotten, and read again if asked for. */
const keptCharsMax = 64 * 1024 * 1024
const dayMs = 86_400_000

type RecordingLine = Extract<CatalogueRecord, { kind: 'recording' }>
type RecordingEndLine = Extract<CatalogueRecord, { kind: 'recording-end' }>

/** Owed footage that does not exist. Times in wall ms; `undefined` where the boot's time was never learnt. */
export interface Gap {
  readonly camera: string
  readonly cause: GapCause
  readonly fromMs: number | undefined
  readonly toMs: number | undefined
  readonly bootCounter: number
  readonly fromMonoMs: number
  readonly toMonoMs: number
  /** Where a later boot ended it; `toMs` is of that boot then. */
  readonly endBootCounter?: number | undefined
  readonly units: number
  readonly note: string
}

export interface Catalogue {
  readonly recordings: ReadonlyMap<string, RecordingLine>
  readonly ends: ReadonlyMap<string, RecordingEndLine>
  readonly gaps: readonly Gap[]
  readonly alarms: readonly { readonly time: string | null; readonly about: string; readonly note: string }[]
  /** Lines passed over. */
  readonly unreadable: number
  /** Wall time in ms of a moment of a boot; `undefined` if that boot never learnt it. */
  wallOf(bootCounter: number, monoMs: number): number | undefined
}

export interface CatalogueReader {
  /**
   * @param sinceMs leaves out objects of the days before it (one day of grace: an object may outlast its day)
   */
  read(place: Place, sinceMs: number | undefined, signal?: AbortSignal): Promise<Result<Catalogue, ArchiveError>>
}

export function createCatalogueReader(archive: Archive): CatalogueReader {
  const kept = new Map<string, { readonly length: number; readonly text: string }>()

  async function textOf(
    object: { readonly key: string; readonly length: number },
    signal: AbortSignal | undefined,
  ): Promise<Result<string, ArchiveError>> {
    const known = kept.get(object.key)
    if (known !== undefined && known.length >= object.length) return ok(known.text)
    const range = { start: known?.length ?? 0, end: object.length, bytesMax: objectBytesMax }
    const more = await readText(archive, object.key, range, signal)
    if (!more.ok) return more.error.kind === 'absent' ? ok('') : more
    const text = (known?.text ?? '') + more.value
    kept.delete(object.key)
    kept.set(object.key, { length: range.start + Buffer.byteLength(more.value), text })
    forget(kept)
    return ok(text)
  }

  return {
    async read(place, sinceMs, signal) {
      const listing = await archive.list(trackFolder(place, 'catalogue'), '', signal)
      if (!listing.ok) return err(listing.error)
      const wanted = listing.value.objects.filter(({ key }) => sinceMs === undefined || mayHold(key, sinceMs))
      const texts = await aFewAtATime(wanted, (object) => textOf(object, signal))
      return texts.ok ? ok(foldCatalogue(texts.value.join(''))) : texts
    },
  }
}

/** Reads the lines of any number of catalogue objects of one device. */
export function foldCatalogue(text: string): Catalogue {
  const lines = text.split('\n').filter((line) => line !== '')
  const records = lines.map(parseCatalogueLine).filter((record) => record !== undefined)
  const offsets = bootOffsets(records)
  const wallOf = (boot: number, monoMs: number): number | undefined => {
    const offset = offsets.get(boot)
    return offset === undefined ? undefined : offset + monoMs
  }
  const recordings = new Map<string, RecordingLine>()
  const ends = new Map<string, RecordingEndLine>()
  const gaps: Gap[] = []
  const alarms: { time: string | null; about: string; note: string }[] = []
  for (const record of records) {
    if (record.kind === 'recording') recordings.set(record.key, record)
    else if (record.kind === 'recording-end') ends.set(record.key, record)
    else if (record.kind === 'alarm') alarms.push(record)
    else if (record.kind === 'gap') {
      gaps.push({
        ...record,
        fromMs: timeOf(record.from) ?? wallOf(record.bootCounter, record.fromMonoMs),
        toMs: timeOf(record.to) ?? wallOf(...endOf(record)),
      })
    }
  }
  return { recordings, ends, gaps, alarms, unreadable: lines.length - records.length, wallOf }
}

/** On the clock of the boot that ended it. What `toMonoMs` says on the clock of a boot that had ended is a guess. */
const endOf = ({ bootCounter, toMonoMs, endBootCounter, endMonoMs }: GapRecord): [number, number] =>
  endBootCounter === undefined || endMonoMs === undefined ? [bootCounter, toMonoMs] : [endBootCounter, endMonoMs]

/** The last `clock` line of a boot wins: it is the best knowledge. */
function bootOffsets(records: readonly CatalogueRecord[]): Map<number, number> {
  const offsets = new Map<number, number>()
  for (const record of records) {
    if (record.kind !== 'recording') continue
    const start = timeOf(record.start)
    if (start !== undefined) offsets.set(record.bootCounter, start - record.startMonoMs)
  }
  for (const record of records) if (record.kind === 'clock') offsets.set(record.bootCounter, record.offsetMs)
  return offsets
}

function mayHold(key: string, sinceMs: number): boolean {
  const day = /\/(\d{4})\/(\d\d)\/(\d\d)-[0-9a-f]+\.jsonl$/.exec(key)
  if (day === null) return true
  return Date.UTC(Number(day[1]), Number(day[2]) - 1, Number(day[3])) + 2 * dayMs > sinceMs
}

function timeOf(iso: string | null): number | undefined {
  const ms = iso === null ? Number.NaN : Date.parse(iso)
  return Number.isNaN(ms) ? undefined : ms
}

function forget(kept: Map<string, { readonly text: string }>): void {
  let chars = 0
  for (const { text } of kept.values()) chars += text.length
  for (const [key, { text }] of kept) {
    if (chars <= keptCharsMax || kept.size === 1) return
    kept.delete(key)
    chars -= text.length
  }
}
