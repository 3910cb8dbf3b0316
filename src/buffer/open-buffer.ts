/**
 * Opens the buffer: database, survey of the segments, recovery, and the loops that write. Starting is recovering, and
 * needs no person: only a second owner and a place that cannot be written end in an error.
 */
import type { Clock, WallTime } from '../base/clock.ts'
import { limits } from '../base/limits.ts'
import type { Logger } from '../base/log.ts'
import { err, ok, type Result } from '../base/result.ts'
import type { Boot } from '../format/recording.ts'
import { createBell } from './bell.ts'
import { createBoots } from './boots.ts'
import { type Buffer, createBuffer } from './buffer.ts'
import { readChunk } from './chunk-reader.ts'
import { type Core, recordLoss } from './core.ts'
import { evict } from './eviction.ts'
import type { HeldChunk, Recording } from './holding.ts'
import type { Kv, KvOp, KvStore } from './kv.ts'
import { createKvWriter } from './kv-writer.ts'
import { createLifeGaps } from './life-gaps.ts'
import { createLines } from './lines.ts'
import { type Loaded, openAndLoad } from './load.ts'
import { alarmLine, createTimes } from './loss.ts'
import { type BufferOpenError, diskSentence, indexSentence } from './open-error.ts'
import { type Recovered, recover } from './recovery.ts'
import { createRepairs, type Repairs } from './repairs.ts'
import { createRoom, type Quota } from './room.ts'
import {
  bootKey,
  cleanKey,
  formatKey,
  formatVersion,
  rebuildingKey,
  type SegmentRow,
  segmentKey,
  segmentRow,
} from './rows.ts'
import type { SegmentDisk } from './segment-disk.ts'
import { createSegmentWriter, type SegmentWriter } from './segment-writer.ts'
import { createSegments } from './segments.ts'
import { defaultSizes, type Sizes } from './sizes.ts'
import { createStage, type MemoryLimits } from './stage.ts'
import { type Survey, survey } from './survey.ts'
import { createTurns } from './turns.ts'

/** Two: one that writes, one that reads. A disk that hangs holds no more threads than that. */
const diskOperationsMax = 2
/** Segments that may be given up to start on a full disk: the database needs some megabytes to open, one holds 32 MiB. */
const sacrificedMax = 2
/**
 * With the database lost, boots of which nothing was left in the segments are unknown; their counters must not be used
 * again, since old catalogue lines are dated by them. More boots than this pass no device without footage.
 */
const bootsUnknownMax = 1000

export interface BufferOptions extends Quota {
  /** Left out: `limits.memory`. */
  readonly memory?: MemoryLimits
  readonly kv: KvStore
  readonly disk: SegmentDisk
  readonly clock: Clock
  readonly wallTime: WallTime
  readonly log: Logger
  /** The kernel's boot id: another one means that the monotonic clock began anew. */
  readonly bootId: string
  /** A bug inside: the process must end. */
  readonly fatal: (error: unknown) => void
  /** For tests. */
  readonly sizes?: Partial<Sizes>
}

/** With the segments that had to go for the buffer to open, and what else was done. */
type SurveyAfter = Survey & { readonly sacrificed: ReadonlySet<number>; readonly repairs: Repairs }

export async function openBuffer(options: BufferOptions): Promise<Result<Buffer, BufferOpenError>> {
  const { disk, log } = options
  const sacrificed = new Set<number>()
  const repairs = createRepairs(log)
  const prepared = await makingRoom(options, sacrificed, () => disk.prepare())
  if (!prepared.ok) return err(diskSentence(disk.place, prepared.error))
  const opened = await makingRoom(options, sacrificed, () => openIndex(options, repairs))
  if (!opened.ok) return err(indexSentence(options.kv.place, opened.error))
  const { kv, loaded } = opened.value
  const found = await survey(disk, loaded, repairs)
  if (!found.ok) {
    await kv.close()
    return err(diskSentence(disk.place, found.error))
  }
  return ok(await assemble(options, kv, loaded, { ...found.value, sacrificed, repairs }))
}

/**
 * A disk that is full of our own footage must not need a person: the oldest segment goes, and recovery names what was in
 * it. The newest stays: it may be the only account of what it holds.
 */
async function makingRoom<T, E extends { readonly kind: string }>(
  { disk, log }: BufferOptions,
  sacrificed: Set<number>,
  attempt: () => Promise<Result<T, E>>,
): Promise<Result<T, E>> {
  for (;;) {
    const result = await attempt()
    if (result.ok || result.error.kind !== 'full') return result
    const dropped = await disk.dropAside()
    if (dropped.ok && dropped.value !== undefined) {
      log.error('aside-dropped', `${disk.place} is full: ${dropped.value}, which no recorder here reads, was deleted.`)
      continue
    }
    const listed = await disk.list()
    const oldest = listed.ok && listed.value.length > 1 ? listed.value[0] : undefined
    if (oldest === undefined || sacrificed.size >= sacrificedMax) return result
    const { segment, bytes } = oldest
    log.error('disk-full', `${disk.place} is full: segment ${segment}, the oldest, is given up (${bytes} bytes).`)
    if (!(await disk.remove(segment)).ok) return result
    sacrificed.add(segment)
  }
}

async function openIndex({ kv: store, disk }: BufferOptions, repairs: Repairs): ReturnType<typeof openAndLoad> {
  const opened = await openAndLoad(store, repairs)
  if (!opened.ok) return opened
  const { kv, loaded } = opened.value
  const segments = loaded.state === 'fresh' ? await disk.list() : undefined
  const gone = segments?.ok === true && segments.value.length > 0
  const state = gone ? 'patchy' : loaded.state
  const wrong = gone ? 'was missing' : 'could be read in part only'
  const mended =
    loaded.mended ?? `The buffer's index ${store.place} ${wrong}; the rest was taken from the footage itself.`
  if (state === 'patchy' && loaded.mended === undefined) repairs.note('index-incomplete', mended)
  // Written once, so that it is as old as any row: where rows have gone it has probably gone, too.
  const ops: KvOp[] = state === 'whole' ? [] : [{ type: 'put', key: formatKey, value: formatVersion }]
  // Until the segments have been read; a power cut on the way must not make it look whole.
  if (state === 'patchy') ops.push({ type: 'put', key: rebuildingKey, value: '1' })
  if (loaded.boot !== undefined) ops.push({ type: 'put', key: bootKey, value: JSON.stringify(loaded.boot) })
  // A new database whose power is cut before its first synced row does not open again.
  const created = await kv.batch(ops, true)
  if (created.ok) return ok({ kv, loaded: { ...loaded, state, mended } })
  await kv.close()
  return err({ kind: created.error.kind, message: created.error.message })
}

async function assemble(options: BufferOptions, kv: Kv, loaded: Loaded, found: SurveyAfter): Promise<Buffer> {
  const { disk, clock, wallTime, log, fatal } = options
  const sizes = { ...defaultSizes, ...options.sizes }
  const boot = bootOf(options.bootId, loaded, found)
  const recovered = recover(loaded, found, { bootCounter: boot.counter, sacrificed: found.sacrificed })
  const { holdings } = recovered
  const turns = createTurns(diskOperationsMax)
  const boots = createBoots(boot, loaded.bootTimes)
  const times = createTimes(boots, wallTime)
  const changed = createBell()
  const kvWriter = createKvWriter({ store: options.kv, kv, clock, turns, log, fatal })
  const alarm = (about: string, note: string): string => alarmLine(about, note, { times, boots, clock })
  const lines = createLines({
    ...{ holdings, kv: kvWriter, clock, wallTime, log, sizes, alarm, fatal },
    bootCounter: boot.counter,
    changed: () => changed.ring(),
  })
  const late: { writer?: SegmentWriter } = {}
  const rewriteClaim = (recording: Recording): void => {
    if (holdings.find(recording.head.id) === recording) late.writer?.noteClaim(recording)
  }
  const segments = createSegments({ disk, kv: kvWriter, clock, turns, log, rewriteClaim, fatal })
  const stage = createStage(options.memory ?? limits.memory)
  const lifeGaps = createLifeGaps(holdings)
  const core: Core = {
    ...{
      clock,
      wallTime,
      log,
      sizes,
      disk,
      turns,
      kv: kvWriter,
      holdings,
      segments,
      stage,
      lifeGaps,
      boots,
      times,
      lines,
    },
    ...{
      changed,
      evicted: { units: 0, bytes: 0 },
      missing: { storedOnce: recovered.storedOnce, sacrificed: found.sacrificed },
    },
    repairs: found.repairs.sentences(),
    noteLoss: (loss) => late.writer?.noteLoss(loss) ?? (() => {}),
  }
  await settleRows(core, recovered, loaded, found)
  const read = async (held: HeldChunk): Promise<Uint8Array | undefined> => {
    const found = await readChunk({ ...core, diskWell: () => true }, held)
    return found.ok ? found.value : undefined
  }
  const room = createRoom(core, options, (chunks) => late.writer?.rescue(chunks, read) ?? Promise.resolve())
  const writer = createSegmentWriter({
    ...{ disk, segments, stage, kv: kvWriter, clock, turns, log, sizes, boot, fatal },
    nextSegment: nextSegmentOf(loaded, found),
    makeRoom: room.make,
    giveUp: (waiting) => giveUp(core, waiting),
  })
  late.writer = writer
  for (const recording of holdings.recordings()) {
    if (recording.claim !== undefined && recording.head.video !== undefined) writer.noteClaim(recording)
  }
  await room.make(0, false)
  return createBuffer(core, writer, room)
}

/** One synced batch makes what recovery found the truth, gap records included. */
async function settleRows(core: Core, recovered: Recovered, loaded: Loaded, found: SurveyAfter): Promise<void> {
  const { segments, kv, boots, holdings, lines } = core
  for (const segment of recovered.segments) segments.add(segment)
  const scanned = new Set(found.segments.filter((one) => one.scanned).map(({ segment }) => segment))
  const rows = recovered.segments
    .filter(({ number }) => scanned.has(number))
    .map((segment): KvOp => {
      return { type: 'put', key: segmentKey(segment.number), value: segmentRow(segment) }
    })
  // The row of a segment that is missing says what was in it, until nobody asks any more.
  const asked = (row: SegmentRow | undefined): boolean =>
    holdings.recordings().some(({ doubtful, head }) => {
      return doubtful && row?.chunks.some(({ track, seq }) => track === head.id.track && seq >= head.firstSeq) === true
    })
  const gone = [...loaded.segments].flatMap(([number, row]) =>
    segments.get(number) === undefined && !asked(row) ? [number] : [],
  )
  const dels = gone.map((number): KvOp => ({ type: 'del', key: segmentKey(number) }))
  // Queued before the gap records, so that they share its batch.
  const marks = [cleanKey, rebuildingKey].map((key): KvOp => ({ type: 'del', key }))
  void kv.write([...marks, ...boots.rows(), ...rows, ...dels], true)
  if (recovered.losses.length > 0) void recordLoss(core, [], recovered.losses)
  const alarms = [
    ...alarmsOf(core, recovered, loaded),
    ...found.repairs.alarms().map((note) => alarmLine('buffer', note, core)),
  ]
  const staged = alarms.length > 0 ? lines.stage('catalogue', alarms) : undefined
  await kv.write([...(staged?.ops ?? []), ...holdings.takeRows()], true)
  staged?.landed()
  for (const segment of recovered.segments) segment.rowDurable = true
  segments.sweep()
}

function alarmsOf(core: Core, recovered: Recovered, loaded: Loaded): string[] {
  const alarms: [string, string][] = recovered.brokenLines.map((track) => [
    track,
    `Lines of ${track} that were waiting on this device are missing.`,
  ])
  if (loaded.state === 'patchy') {
    alarms.push(['buffer', `${loaded.mended ?? ''} Events and reports that were waiting may be missing.`.trim()])
  }
  return alarms.map(([about, note]) => {
    core.log.error('records-missing', note)
    return alarmLine(about, note, core)
  })
}

function bootOf(id: string, loaded: Loaded, found: Survey): Boot {
  const seen = [loaded.boot, ...found.metas.map(({ boot, bootId }) => ({ counter: boot, id: bootId }))]
  const last = seen.reduce((newest, one) => ((one?.counter ?? -1) > (newest?.counter ?? -1) ? one : newest), undefined)
  if (last === undefined) return { id, counter: loaded.state === 'fresh' ? 1 : 1 + bootsUnknownMax }
  if (last.id === id) return { id, counter: last.counter }
  const unknown = loaded.boot === undefined ? bootsUnknownMax : 0
  return { id, counter: last.counter + 1 + unknown }
}

const nextSegmentOf = (loaded: Loaded, found: Survey): number =>
  Math.max(0, ...loaded.segments.keys(), ...found.segments.map(({ segment }) => segment), ...found.aside) + 1

/** The disk has refused for so long that memory is full: the oldest that waits goes, and the gap says so. */
function giveUp(core: Core, waiting: readonly HeldChunk[]): void {
  const note = 'The disk did not take it for so long that memory was full.'
  const { lost, losses } = evict(core.holdings, waiting, { cause: 'disk', note })
  void recordLoss(core, lost, losses)
}
