/**
 * One scripted life of the buffer, ended at any one of its steps on the disk and in the database: before each operation,
 * between write and sync, and after it. Then it is opened again, and everything is sent to a store that keeps what it was
 * given; no person and no second life helps.
 *
 * What must hold, wherever it ended: it opens; every unit is in the store exactly once, in order, or a gap record names its
 * time; what was confirmed or on the disk is there, and so is whatever was put longer ago than a unit may live in memory
 * alone; what was sent is never sent again, and never taken for somebody else's.
 */
import { crc64 } from '../../src/base/crc64.ts'
import { seededRandom } from '../../src/base/random.ts'
import { err, ok } from '../../src/base/result.ts'
import type { Buffer as FootageBuffer } from '../../src/buffer/buffer.ts'
import { type GapRecord, parseCatalogueLine } from '../../src/format/catalogue-record.ts'
import { startPtsOf } from '../../src/format/playlist.ts'
import { type RecordingId, recordingName, type TrackId } from '../../src/format/recording.ts'
import { ticksBetween, ticksPerMs, type Unit, wrapTicks } from '../../src/format/unit.ts'
import { type PlanState, startState } from '../../src/uplink/append-plan.ts'
import { type Source, step } from '../../src/uplink/drain.ts'
import type { ObjectStore } from '../../src/uplink/object-store.ts'
import type { TailReader } from '../../src/uplink/tail-reader.ts'
import { unitAt, video } from './footage.ts'
import { calm, createStage, pass } from './stage.ts'

type End = 'kill' | 'power'

interface Captured {
  readonly boot: number
  readonly startMonoMs: number
  readonly putAt: number
  readonly life: number
  readonly bytes: Uint8Array
  /** Nothing may take it but an eviction. */
  safe: boolean
}

const gate = 'video/gate'
const yard = 'video/yard'
const spillAfterMs = 3_000
const commitMs = 1_000
const unitMs = 1_000
const holeMsMin = 800
/** A segment that is open holds the names of two recordings and a unit or two, of each class. */
const spaceBytesMax = 4_000

interface Script {
  readonly name: string
  run(world: World): Promise<void>
}

interface World {
  /** Units of a second each, one a second. */
  put(track: TrackId, count?: number): Promise<void>
  /** Units that come all at once. */
  burst(track: TrackId, count: number): void
  /** Steps of the uplink with everything that is held. `lost`: replies do not come. */
  send(rounds: number, lost?: boolean): Promise<void>
  line(): Promise<void>
  protect(track: TrackId): void
  /** The recording goes on in a new one. */
  cut(track: TrackId): Promise<void>
  pass(ms: number): Promise<void>
  restart(how: End | 'close'): Promise<void>
}

/** What the buffer does in its life, each thing at least once. */
export const scripts: readonly Script[] = [
  {
    name: 'online, then an outage, then the link returns',
    async run(world) {
      await world.put(gate, 3)
      await world.send(2)
      await world.put(gate, 2)
      await world.send(1, true)
      await world.line()
      world.burst(gate, 4)
      await world.pass(5_000)
      await world.put(gate, 2)
      world.protect(gate)
      await world.put(gate, 2)
      await world.send(4)
      await world.put(gate, 1)
      await world.send(6)
    },
  },
  {
    name: 'a kill with footage in memory, a doubt that the store settles, an orderly stop',
    async run(world) {
      await world.put(gate, 2)
      await world.send(2)
      await world.put(yard, 2)
      await world.put(gate, 2)
      await world.send(1, true)
      await world.restart('kill')
      await world.put(gate, 1)
      await world.send(5)
      await world.put(gate, 4)
      world.burst(gate, 2)
      await world.restart('close')
      await world.put(gate, 2)
      await world.send(3)
    },
  },
  {
    name: 'lives without footage between others',
    async run(world) {
      await world.put(gate, 3)
      await world.send(2)
      await world.put(yard, 2)
      await world.restart('kill')
      await world.restart('power')
      await world.send(4)
      await world.restart('close')
      await world.restart('power')
      await world.put(gate, 2)
      await world.send(2)
      await world.put(yard, 1)
      await world.restart('power')
      await world.restart('kill')
      await world.put(gate, 1)
    },
  },
  {
    name: 'a full quota with an event in it, and a cut',
    async run(world) {
      await world.put(gate, 4)
      await world.send(2)
      world.protect(gate)
      await world.put(gate, 3)
      await world.pass(4_000)
      world.burst(gate, 6)
      await world.pass(9_000)
      await world.put(gate, 2)
      await world.cut(gate)
      await world.put(gate, 2)
      await world.send(3)
      await world.restart('power')
      await world.put(gate, 1)
      await world.send(4)
    },
  },
]

/** Twenty things at random. */
function randomScript(seed: number): Script {
  const random = seededRandom(seed)
  const dice = (below: number): number => Math.floor(random.fraction() * below)
  return {
    name: `random script ${seed}`,
    async run(world) {
      for (let i = 0; i < 20; i += 1) {
        const track = dice(3) === 0 ? yard : gate
        const what = dice(20)
        if (what < 8) await world.put(track, 1 + dice(3))
        else if (what < 9) world.burst(track, 1 + dice(5))
        else if (what < 14) await world.send(1 + dice(3), dice(4) === 0)
        else if (what < 15) await world.line()
        else if (what < 16) world.protect(track)
        else if (what < 17) await world.cut(track)
        else if (what < 18) await world.pass(1_000 * dice(8))
        else await world.restart((['kill', 'power', 'close'] as const)[dice(3)] ?? 'close')
      }
    },
  }
}

function must(condition: unknown, what: string): asserts condition {
  if (!condition) throw new Error(what)
}

/**
 * Lives the script once for each of its steps, and each way to end there. Returns how many lives that were.
 *
 * @param tears how often each power cut is tried: what it leaves of an unfinished write is chance
 */
export async function endEverywhere(script: Script, tears: number): Promise<number> {
  const whole = createLife(undefined, 1)
  await whole.live(script)
  must(!whole.dead(), 'the script ends by itself')
  let lives = 0
  for (let cut = 0; cut < whole.beats(); cut += 1) {
    await endAt(script, cut, { end: 'kill', seed: 1 })
    for (let tear = 1; tear <= tears; tear += 1) await endAt(script, cut, { end: 'power', seed: cut * tears + tear })
    lives += 1 + tears
  }
  return lives
}

/** Random scripts under the seeds `from`, `from` + 1, …, each ended at a random step; or under one seed alone. */
export async function endAnywhere(what: { from: number; count: number; seed: string | undefined }): Promise<void> {
  const from = what.seed === undefined ? what.from : Number(what.seed)
  const end = what.seed === undefined ? what.from + what.count : from + 1
  for (let seed = from; seed < end; seed += 1) {
    const random = seededRandom(seed * 7 + 3)
    const cut = Math.floor(random.fraction() * stepsMax)
    await endAt(randomScript(seed), cut, { end: random.fraction() < 0.5 ? 'kill' : 'power', seed })
  }
}

/** What most random scripts take at most. */
const stepsMax = 300

/** Lives the script up to its step `cut`, dies, and goes on. */
async function endAt(script: Script, cut: number, how: { readonly end: End; readonly seed: number }): Promise<void> {
  try {
    const life = createLife(cut, how.seed)
    await life.live(script)
    await life.die(how.end)
    await life.judge()
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error)
    throw new Error(`"${script.name}", ${how.end} at step ${cut} (SEED=${how.seed}): ${words}`, { cause: error })
  }
}

const made = new Map<number, Unit>()
/** The same bytes in every life, made once. */
function nthUnit(n: number, startMonoMs: number): Unit {
  const unit = made.get(n) ?? unitAt(0, 700 + ((n * 137) % 300), n)
  made.set(n, unit)
  return { ...unit, media: { ...unit.media, firstPts: startPtsOf(startMonoMs) } }
}

class Dead extends Error {}

function createLife(cut: number | undefined, seed: number) {
  const random = seededRandom(seed)
  const stage = createStage({
    quotaBytes: 10_000,
    memory: { spillAfterMs, memoryBytes: 12_000, memoryBytesPerCamera: 8_000 },
  })
  stage.kv.crashed = () => stage.disk.beat()
  stage.disk.crashAfterSteps = cut
  const captured = new Map<TrackId, Captured[]>()
  const objects = new Map<string, { readonly id: RecordingId; bytes: Buffer }>()
  const states = new Map<string, PlanState>()
  const ids = new Map<string, RecordingId>()
  const lines: { readonly text: string; durable: boolean }[] = []
  let buffer: FootageBuffer
  let lives = 0
  const mediaMono = new Map<TrackId, number>()
  let isReplyLost = false
  let units = 0

  /** Waits for it, with the clock going; ends the script once the process is dead. */
  async function untilDone<T>(work: Promise<T>): Promise<T> {
    let answer: { readonly value: T } | undefined
    void work.then((value) => {
      answer = { value }
    })
    for (let turn = 0; answer === undefined && turn < 60; turn += 1) {
      await calm()
      if (stage.disk.crashed()) throw new Dead()
      if (answer === undefined && turn > 0) await pass(stage, 500)
    }
    must(answer !== undefined, 'everything comes to an end')
    return answer.value
  }

  async function open(): Promise<void> {
    const opened = await untilDone(stage.tryOpen())
    must(opened.ok, `it opens: ${opened.ok ? '' : opened.error.message}`)
    buffer = opened.value
    lives += 1
  }

  function markSafe(): void {
    const stored = stage.disk.contents()
    for (const unit of [...captured.values()].flat()) {
      if (unit.life !== lives) continue
      const due = unit.putAt + spillAfterMs + commitMs + 500 <= stage.clock.mono()
      const bytes = Buffer.from(unit.bytes.buffer, unit.bytes.byteOffset, unit.bytes.length)
      unit.safe ||= due || stored.some((content) => content.includes(bytes))
    }
  }

  /** Nothing that the old process still had to do is done in the next one. */
  async function endProcess(): Promise<void> {
    stage.disk.crashAfterSteps = 0
    stage.disk.beat()
    await calm()
  }

  async function restart(how: End | 'close'): Promise<void> {
    if (how === 'close') {
      await untilDone(buffer.close())
      for (const unit of [...captured.values()].flat()) unit.safe ||= unit.life === lives
    } else markSafe()
    states.clear()
    const left = stage.disk.crashAfterSteps
    await endProcess()
    stage.restart(how === 'power' ? random : undefined)
    stage.disk.crashAfterSteps = left
    if (how === 'power') mediaMono.clear()
    await open()
  }

  const store: ObjectStore = {
    async inspect(key) {
      const found = objects.get(key)
      return ok(found === undefined ? { kind: 'absent' } : remote(found.bytes))
    },
    async append({ key, position, body }) {
      const id = ids.get(key)
      must(id !== undefined, 'what is appended has a name')
      const before = objects.get(key)?.bytes ?? Buffer.alloc(0)
      must(position === before.length, `${key}: nothing is sent to the wrong place`)
      const bytes = Buffer.concat([before, body])
      objects.set(key, { id, bytes })
      return isReplyLost ? err({ kind: 'unanswered', message: 'The reply is lost.' }) : ok(remote(bytes))
    },
    read: async (key, start, end) => ok(Uint8Array.from(objects.get(key)?.bytes.subarray(start, end) ?? [])),
  }

  function tailOf(track: TrackId): TailReader {
    let bytes = Buffer.alloc(0)
    return {
      begin() {
        bytes = Buffer.alloc(0)
      },
      push(piece) {
        bytes = Buffer.concat([bytes, piece])
      },
      end() {
        const own = captured.get(track)
        if (own === undefined) return { units: bytes.toString().split('\n').length - 1, endPts: undefined }
        const found = unitsIn(own, bytes)
        const last = own[found.at(-1) ?? -1]
        const endPts = last && wrapTicks(Math.round((last.startMonoMs + unitMs) * ticksPerMs))
        return { units: found.length, endPts }
      },
    }
  }

  async function visit(id: RecordingId): Promise<void> {
    const before = buffer.recording(id)
    if (before === undefined) return
    if (before.claim === undefined) {
      if (before.pending.length === 0) {
        if (before.closed) await untilDone(buffer.finish(id))
        return
      }
      const key = `object-${ids.size}`
      ids.set(key, id)
      await untilDone(buffer.claim(id, { key, token: key }))
    }
    const held = buffer.recording(id)
    if (held?.claim === undefined) return
    const name = recordingName(id)
    const source: Source = {
      key: held.claim.key,
      creation: { contentType: '', headers: {} },
      layout: () => buffer.recording(id) ?? held,
      read: (count) => buffer.read(id, held.pending[0]?.seq ?? 0, count),
      landed: (extent, count) => buffer.confirm(id, extent, held.pending[count - 1]?.seq ?? -1),
      doubtful: { tail: tailOf(id.track), settle: (found) => buffer.settle(id, found) },
    }
    const at = { state: states.get(name) ?? startState, bodyBytesMax: 2_000 }
    const { state, report } = await untilDone(step(store, source, at, new AbortController().signal))
    states.set(name, state)
    must(report.did !== 'abandon', `the object of ${name} is ours: ${report.did === 'abandon' ? report.why : ''}`)
    must(report.did !== 'unreadable', `${name} reads: ${report.did === 'unreadable' ? report.message : ''}`)
    const now = buffer.recording(id)
    if (report.did === 'rest' && now?.closed === true && now.pending.length === 0) await untilDone(buffer.finish(id))
  }

  /** As the recorder does: a hole behind footage of its open recording is known there. */
  function noteHole(track: TrackId, open: NonNullable<ReturnType<FootageBuffer['open']>>, toMonoMs: number): void {
    const { startMonoMs } = open.head
    const fromMonoMs = startMonoMs + ticksBetween(startPtsOf(startMonoMs), open.endPts) / ticksPerMs
    if (toMonoMs - fromMonoMs < holeMsMin) return
    const note = 'The recorder was not running.'
    void buffer.gap({ camera: track.slice('video/'.length), cause: 'stopped', fromMonoMs, toMonoMs, note })
  }

  function putOne(track: TrackId): void {
    const own = captured.get(track) ?? []
    captured.set(track, own)
    const putAt = stage.clock.mono()
    const startMonoMs = Math.max(mediaMono.get(track) ?? 0, putAt)
    mediaMono.set(track, startMonoMs + unitMs)
    const open = buffer.open(track)
    if (open === undefined) buffer.begin(track, { startMonoMs, video })
    else noteHole(track, open, startMonoMs)
    units += 1
    const unit = nthUnit(units, startMonoMs)
    own.push({ boot: buffer.boot.counter, startMonoMs, putAt, life: lives, bytes: unit.bytes, safe: false })
    buffer.put(track, unit)
  }

  const world: World = {
    async put(track, count = 1) {
      for (let i = 0; i < count; i += 1) {
        putOne(track)
        await world.pass(unitMs)
      }
    },
    burst(track, count) {
      for (let i = 0; i < count; i += 1) putOne(track)
    },
    async send(rounds, lost = false) {
      for (let round = 0; round < rounds; round += 1) {
        isReplyLost = lost
        for (const id of buffer.held()) await visit(id)
      }
      isReplyLost = false
    },
    async line() {
      const one = { text: `{"n":${lines.length}}`, durable: false }
      lines.push(one)
      await untilDone(buffer.write('events', one.text))
      one.durable = true
    },
    protect: (track) => buffer.protect(track, stage.clock.mono() - 2_500, stage.clock.mono() + 5_000),
    async cut(track) {
      const open = buffer.open(track)
      // As the uplink does: not while the fate of an append is unknown.
      if (open === undefined || states.get(recordingName(open.head.id))?.at !== 'aligned') return
      await untilDone(buffer.cut(open.head.id, 'the script says so'))
    },
    async pass(ms) {
      // In small steps: the moment of death says what was due.
      for (let left = ms; left > 0; left -= 500) {
        await pass(stage, Math.min(500, left))
        if (stage.disk.crashed()) throw new Dead()
      }
    },
    restart,
  }

  async function live(script: Script): Promise<void> {
    try {
      await open()
      await script.run(world)
    } catch (error) {
      if (!(error instanceof Dead)) throw error
    }
  }

  async function die(how: End): Promise<void> {
    markSafe()
    // The script may have been over first.
    await endProcess()
    states.clear()
    stage.restart(how === 'power' ? random : undefined)
    if (how === 'power') mediaMono.clear()
    await open()
  }

  async function judge(): Promise<void> {
    must(stage.fatal.length === 0, `no bug inside: ${String(stage.fatal[0])}`)
    for (const track of [gate, yard]) if (captured.has(track)) await world.put(track, 1)
    const work = (id: RecordingId): boolean => {
      const held = buffer.recording(id)
      return held !== undefined && (held.pending.length > 0 || held.closed)
    }
    for (let round = 0; buffer.held().some(work); round += 1) {
      must(round < 200, `everything drains: ${JSON.stringify(buffer.held())}`)
      await world.send(1)
    }
    must(stage.fatal.length === 0, `no bug inside: ${String(stage.fatal[0])}`)
    const textOf = (track: TrackId): string[] =>
      [...objects.values()]
        .filter(({ id }) => id.track === track)
        .flatMap(({ bytes }) => bytes.toString().split('\n').slice(0, -1))
    const events = textOf('events')
    must(new Set(events).size === events.length, 'no line twice')
    for (const { text, durable } of lines) must(!durable || events.includes(text), `a durable line arrives: ${text}`)
    const gaps = textOf('catalogue')
      .map(parseCatalogueLine)
      .filter((record): record is GapRecord => record?.kind === 'gap')
    for (const [track, own] of captured) judgeTrack(track, own, gaps)
    for (let left = 10_000; left > 0; left -= 2_500) {
      await stage.clock.advance(2_500)
      await calm()
    }
    const used = stage.disk.usedBytes()
    must(used <= spaceBytesMax, `space comes back: ${used} bytes are used, and nothing is held`)
  }

  function judgeTrack(track: TrackId, own: readonly Captured[], gaps: readonly GapRecord[]): void {
    const mine = [...objects.values()].filter(({ id }) => id.track === track).map(({ bytes }) => unitsIn(own, bytes))
    const seen = mine.flat()
    must(new Set(seen).size === seen.length, `${track}: no unit twice (${seen.join(' ')})`)
    for (const found of mine)
      must(
        found.every((unit, at) => unit > (found[at - 1] ?? -1)),
        `${track}: in order`,
      )
    const stored = new Set(seen)
    const namedIn = (unit: Captured) => gaps.filter((gap) => `video/${gap.camera}` === track && covers(gap, unit))
    const first = own.findIndex((unit, at) => stored.has(at) || namedIn(unit).length > 0)
    for (const [at, unit] of own.entries()) {
      const next = own[at + 1]
      if (next === undefined || next.life === unit.life || at < first) continue
      const end = unit.startMonoMs + unitMs
      if (next.boot === unit.boot && next.startMonoMs - end < holeMsMin) continue
      for (const moment of [
        { boot: unit.boot, monoMs: end + 2 },
        { boot: next.boot, monoMs: next.startMonoMs - 2 },
      ]) {
        const named = gaps.some((gap) => `video/${gap.camera}` === track && holds(gap, moment))
        must(named, `${track}: nothing says why there is no footage between unit ${at} and unit ${at + 1}`)
      }
    }
    for (const [at, unit] of own.entries()) {
      const named = namedIn(unit)
      const what = `${track}: unit ${at} of ${own.length} (life ${unit.life}, put at ${unit.putAt})`
      if (stored.has(at)) {
        must(named.length === 0, `${what} is stored and named in a gap`)
        continue
      }
      // Before the first footage that anybody knew of, nothing is owed.
      must(at < first || named.length > 0, `${what} is not stored, and no gap names it`)
      const kept = own.findIndex(({ life }, later) => later > at && life === unit.life && stored.has(later))
      const evicted = named.some(({ cause }) => cause === 'evicted' || cause === 'disk')
      must(!unit.safe || evicted, `${what} was safe, and nobody gave it up`)
      must(kept === -1 || evicted, `${what} is lost, and unit ${kept}, which came later, is not`)
    }
  }

  return { live, die, judge, dead: () => stage.disk.crashed(), beats: () => stage.disk.beats() }
}

const remote = (bytes: Buffer) => ({ kind: 'appendable', length: bytes.length, crc64: crc64(bytes) }) as const

function unitsIn(own: readonly Captured[], bytes: Buffer): number[] {
  const found: number[] = []
  for (let position = 0; position < bytes.length; ) {
    const index = own.findIndex((unit) => bytes.subarray(position, position + unit.bytes.length).equals(unit.bytes))
    must(index !== -1, 'an object holds units and nothing else')
    found.push(index)
    position += own[index]?.bytes.length ?? 0
  }
  return found
}

/** A gap may end in a later boot than it began in. */
function holds(gap: GapRecord, { boot, monoMs }: { readonly boot: number; readonly monoMs: number }): boolean {
  const endBoot = gap.endBootCounter ?? gap.bootCounter
  const endMonoMs = gap.endMonoMs ?? gap.toMonoMs
  const begun = boot > gap.bootCounter || (boot === gap.bootCounter && gap.fromMonoMs <= monoMs)
  return begun && (boot < endBoot || (boot === endBoot && monoMs <= endMonoMs))
}

const covers = (gap: GapRecord, { boot, startMonoMs }: Captured): boolean =>
  holds(gap, { boot, monoMs: startMonoMs + 1 }) && holds(gap, { boot, monoMs: startMonoMs + unitMs - 1 })
