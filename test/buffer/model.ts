/**
 * A life of the buffer under one seed: random capture, uplink, cuts, faults, kills and power cuts on a disk that tears
 * writes and a database that forgets what was not synced. The store is a map of objects; the uplink here believes it and
 * nothing else, as the real one does.
 *
 * What must hold at the end: every unit is in the store exactly once, in order, byte for byte, or a gap record names its
 * time; what was on the disk, or had waited for longer than it may live in memory alone, did not end with a process or the
 * power.
 */
import { crc64 } from '../../src/base/crc64.ts'
import { type Random, seededRandom } from '../../src/base/random.ts'
import { err, ok } from '../../src/base/result.ts'
import type { Buffer as FootageBuffer } from '../../src/buffer/buffer.ts'
import { type GapRecord, parseCatalogueLine } from '../../src/format/catalogue-record.ts'
import { startPtsOf } from '../../src/format/playlist.ts'
import { type RecordingId, recordingName } from '../../src/format/recording.ts'
import { ticksBetween, ticksPerMs, wrapTicks } from '../../src/format/unit.ts'
import { type PlanState, startState } from '../../src/uplink/append-plan.ts'
import { type Source, step } from '../../src/uplink/drain.ts'
import type { ObjectStore } from '../../src/uplink/object-store.ts'
import type { TailReader } from '../../src/uplink/tail-reader.ts'
import { unitAt, video } from './footage.ts'
import { calm, createStage, pass, type Stage } from './stage.ts'

interface Captured {
  readonly boot: number
  readonly startMonoMs: number
  readonly bytes: Uint8Array
  /** It was on the disk, or had to be, when its process ended. */
  safe: boolean
  readonly putAt: number
  /** Put while the process that died next was running. */
  life: number
}

interface Written {
  readonly line: string
  durable: boolean
}

export interface Tally {
  units: number
  stored: number
  gaps: number
  restarts: number
  powerCuts: number
}

const tracks = ['video/gate', 'video/yard']
const unitMs = 1_000
const commitMs = 1_000

async function live(seed: number, steps: number): Promise<Tally> {
  const random = seededRandom(seed)
  const spillAfterMs = pick(random, [0, 0, 3_000]) ?? 0
  const quotaBytes = random.fraction() < 0.5 ? 24_000 : 1e9
  const stage = createStage({ quotaBytes, memory: { spillAfterMs, memoryBytes: 12_000, memoryBytesPerCamera: 8_000 } })
  const life = createLife(stage, random, spillAfterMs)
  await life.start()
  for (let step = 0; step < steps; step += 1) await life.step()
  return life.finish()
}

/** Lives under the seeds 1, 2, 3 …, or under one seed alone. An error says which. */
export async function liveMany(what: { seeds: number; steps: number; seed: string | undefined }): Promise<Tally> {
  const sum: Tally = { units: 0, stored: 0, gaps: 0, restarts: 0, powerCuts: 0 }
  const first = what.seed === undefined ? 1 : Number(what.seed)
  const last = what.seed === undefined ? what.seeds : first
  for (let seed = first; seed <= last; seed += 1) {
    const tally = await live(seed, what.steps).catch((error: unknown) => {
      const words = error instanceof Error ? error.message : String(error)
      throw new Error(`SEED=${seed} (${what.steps} steps): ${words}`, { cause: error })
    })
    for (const key of ['units', 'stored', 'gaps', 'restarts', 'powerCuts'] as const) sum[key] += tally[key]
  }
  return sum
}

const pick = <T>(random: Random, list: readonly T[]): T | undefined => list[Math.floor(random.fraction() * list.length)]

function must(condition: unknown, what: string): asserts condition {
  if (!condition) throw new Error(what)
}

function createLife(stage: Stage, random: Random, spillAfterMs: number) {
  const captured = new Map<string, Captured[]>(tracks.map((track) => [track, []]))
  const written: Written[] = []
  const objects = new Map<string, { readonly id: RecordingId; bytes: Buffer }>()
  const tally: Tally = { units: 0, stored: 0, gaps: 0, restarts: 0, powerCuts: 0 }
  let buffer: FootageBuffer
  let lives = 0
  const mediaMono = new Map<string, number>()
  /** Of this life: the disk or the database was made to refuse. */
  let refused = false
  /** Disk and database refused together: a name may have been used that nobody wrote down. */
  let deaf = false
  /** The database refused: a gap record may have been sent that a kill then took back, with the loss that it names. */
  let silent = false
  const states = new Map<string, PlanState>()
  let claims = 0
  let calmly = false
  const ids = new Map<string, RecordingId>()

  async function start(): Promise<void> {
    for (let attempt = 0; ; attempt += 1) {
      must(attempt < 50, 'opens in the end')
      stage.disk.crashAfterSteps =
        attempt < 3 && random.fraction() < 0.2 ? Math.floor(random.fraction() * 12) : undefined
      let opened: FootageBuffer | undefined
      const opening = stage.open().then((value) => {
        opened = value
      })
      await Promise.race([opening, calm()])
      for (let wait = 0; opened === undefined && !stage.disk.crashed() && wait < 50; wait += 1) {
        await Promise.race([opening, pass(stage, 1000)])
      }
      if (opened !== undefined && !stage.disk.crashed()) {
        stage.disk.crashAfterSteps = undefined
        buffer = opened
        break
      }
      must(stage.disk.crashed(), 'opens, unless it was killed')
      stage.restart(random.fraction() < 0.5 ? random : undefined)
    }
    lives += 1
    refused = false
    for (const track of tracks) mediaMono.set(track, Math.max(mediaMono.get(track) ?? 0, stage.clock.mono()))
    checkHeld()
  }

  function put(): void {
    const track = pick(random, tracks) ?? ''
    const own = captured.get(track) ?? []
    const startMonoMs = mediaMono.get(track) ?? stage.clock.mono()
    mediaMono.set(track, startMonoMs + unitMs)
    const open = buffer.open(track)
    if (open !== undefined) {
      // As the recorder does: a hole behind footage of this boot is known there.
      const { startMonoMs: begin } = open.head
      const end = begin + ticksBetween(startPtsOf(begin), open.endPts) / ticksPerMs
      const note = 'The recorder was not running.'
      const gap = {
        camera: track.slice('video/'.length),
        cause: 'stopped',
        fromMonoMs: end,
        toMonoMs: startMonoMs,
        note,
      } as const
      if (startMonoMs - end >= 800) void buffer.gap(gap)
    }
    if (open === undefined || random.fraction() < 0.05) buffer.begin(track, { startMonoMs, video })
    const unit = unitAt(startMonoMs, 100 + Math.floor(random.fraction() * 900), tally.units + 1)
    const putAt = stage.clock.mono()
    own.push({ boot: buffer.boot.counter, startMonoMs, bytes: unit.bytes, safe: false, putAt, life: lives })
    tally.units += 1
    buffer.put(track, unit)
  }

  function writeLine(): void {
    const one: Written = {
      line: `{"n":${written.length},"x":"${'y'.repeat(Math.floor(random.fraction() * 60))}"}`,
      durable: false,
    }
    written.push(one)
    void buffer.write('events', one.line).then(() => {
      // A database that refuses keeps nobody waiting for longer than its patience.
      one.durable = !refused
    })
  }

  function checkHeld(): void {
    for (const id of buffer.held()) {
      const held = buffer.recording(id)
      must(held !== undefined, 'what is held can be looked at')
      for (const [index, { seq }] of held.pending.entries()) {
        must(seq === (held.pending[0]?.seq ?? 0) + index, `no hole in ${recordingName(id)}`)
      }
    }
  }

  /** What this life leaves behind whatever happens now. */
  function markSafe(): void {
    const death = stage.clock.mono()
    const stored = stage.disk.contents()
    for (const own of captured.values()) {
      for (const unit of own) {
        if (unit.life !== lives) continue
        const due = !refused && !stage.disk.crashed() && unit.putAt + spillAfterMs + commitMs + 500 <= death
        unit.safe ||=
          due ||
          stored.some((content) =>
            content.includes(Buffer.from(unit.bytes.buffer, unit.bytes.byteOffset, unit.bytes.length)),
          )
      }
    }
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
      if (!calmly && random.fraction() < 0.3) return err({ kind: 'unanswered', message: 'The reply is lost.' })
      return ok(remote(bytes))
    },
    async read(key, start, end) {
      return ok(Uint8Array.from(objects.get(key)?.bytes.subarray(start, end) ?? []))
    },
  }

  /** A tail reads as ours if it is whole units of this model. */
  function tailOf(track: string): TailReader {
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
        const last = own[cutAtUnits(own, bytes).at(-1) ?? -1]
        return {
          units: cutAtUnits(own, bytes).length,
          endPts: last && wrapTicks(Math.round((last.startMonoMs + unitMs) * ticksPerMs)),
        }
      },
    }
  }

  /** One step of the real uplink with one recording. */
  async function visit(id: RecordingId): Promise<void> {
    const before = buffer.recording(id)
    if (before === undefined) return
    if (before.claim === undefined) {
      if (before.pending.length === 0) {
        if (before.closed) await untilAlive(buffer.finish(id))
        return
      }
      claims += 1
      const key = `object-${claims}`
      ids.set(key, id)
      await untilAlive(buffer.claim(id, { key, token: String(claims) }))
    }
    const held = buffer.recording(id)
    if (held?.claim === undefined || stage.disk.crashed()) return
    const name = recordingName(id)
    const known = states.get(name)?.at === 'aligned'
    if (!calmly && known && held.doubt === undefined && held.pending.length > 0 && random.fraction() < 0.03) {
      await untilAlive(buffer.cut(id, 'test'))
      return
    }
    const source: Source = {
      key: held.claim.key,
      creation: { contentType: '', headers: {} },
      layout: () => buffer.recording(id) ?? held,
      read: (count) => buffer.read(id, held.pending[0]?.seq ?? 0, count),
      landed: (extent, count) => buffer.confirm(id, extent, held.pending[count - 1]?.seq ?? -1),
      doubtful: { tail: tailOf(id.track), settle: (found) => buffer.settle(id, found) },
    }
    const bodyBytesMax = 500 + Math.floor(random.fraction() * 2_000)
    const state = states.get(name) ?? startState
    const stepped = await untilAlive(step(store, source, { state, bodyBytesMax }, new AbortController().signal))
    if (stepped === undefined) return
    states.set(name, stepped.state)
    const { report } = stepped
    must(report.did !== 'abandon', `the object of ${name} is ours: ${report.did === 'abandon' ? report.why : ''}`)
    must(report.did !== 'unreadable' || !report.message.includes('checksum'), 'what it offers is whole')
    if (report.did !== 'rest') return
    const now = buffer.recording(id)
    if (now?.closed === true && now.pending.length === 0) await untilAlive(buffer.finish(id))
  }

  /** The answer, or `undefined` once the process is dead or has waited long. */
  async function untilAlive<T>(work: Promise<T>): Promise<T | undefined> {
    let answer: { readonly value: T } | undefined
    void work.then((value) => {
      answer = { value }
    })
    for (let turn = 0; turn < 40 && answer === undefined && !stage.disk.crashed(); turn += 1) {
      await calm()
      if (answer === undefined && turn > 1) await pass(stage, 500)
    }
    return answer?.value
  }

  async function oneStep(): Promise<void> {
    const dice = random.fraction()
    if (dice < 0.4) put()
    else if (dice < 0.48) writeLine()
    else if (dice < 0.62) await pass(stage, 500 * (1 + Math.floor(random.fraction() * 4)))
    else if (dice < 0.9) {
      const id = pick(random, buffer.held())
      if (id !== undefined) await visit(id)
    } else if (dice < 0.93) {
      stage.disk.fault = pick(random, ['full', 'io', undefined, undefined] as const)
      refused ||= stage.disk.fault !== undefined
      deaf ||= stage.kv.fault !== undefined && stage.disk.fault !== undefined
    } else if (dice < 0.945) {
      stage.kv.fault = pick(random, ['full', 'io', undefined, undefined] as const)
      refused ||= stage.kv.fault !== undefined
      silent ||= stage.kv.fault !== undefined
      deaf ||= stage.kv.fault !== undefined && stage.disk.fault !== undefined
    } else if (dice < 0.97) stage.disk.crashAfterSteps = Math.floor(random.fraction() * 8)
    else if (dice < 0.98) await restart('close')
    else await restart(random.fraction() < 0.5 ? 'kill' : 'power')
    await calm()
    must(stage.fatal.length === 0, `no bug inside: ${String(stage.fatal[0])}`)
    if (stage.disk.crashed()) await restart(random.fraction() < 0.5 ? 'kill' : 'power')
    else checkHeld()
  }

  async function restart(how: 'close' | 'kill' | 'power'): Promise<void> {
    tally.restarts += 1
    if (how !== 'close') markSafe()
    states.clear()
    if (how === 'close') await untilAlive(buffer.close())
    stage.disk.fault = undefined
    stage.kv.fault = undefined
    stage.restart(how === 'power' ? random : undefined)
    if (how === 'power') {
      tally.powerCuts += 1
      mediaMono.clear()
    }
    await start()
  }

  async function finish(): Promise<Tally> {
    calmly = true
    stage.disk.fault = undefined
    stage.kv.fault = undefined
    stage.disk.crashAfterSteps = undefined
    await pass(stage, 30_000)
    await restart('power')
    for (let round = 0; buffer.held().some((id) => needsWork(id)); round += 1) {
      must(round < 5_000, `everything drains: ${JSON.stringify(buffer.held())}`)
      for (const id of buffer.held()) await visit(id)
      if (round % 10 === 9) await pass(stage, 1000)
    }
    judgeStore()
    await pass(stage, 10_000)
    // One open segment of each class, however many names of recordings are in it.
    const left = await stage.disk.list()
    must(left.ok && left.value.length <= 2, `space comes back (${stage.disk.usedBytes()} bytes left)`)
    return tally
  }

  const needsWork = (id: RecordingId): boolean => {
    const held = buffer.recording(id)
    return held !== undefined && (held.pending.length > 0 || held.closed)
  }

  function judgeStore(): void {
    deaf ||= stage.logged.some(({ event, message }) => {
      const named = event === 'name-not-durable' ? ids.get(/object-\d+/.exec(message)?.[0] ?? '') : undefined
      return named !== undefined && tracks.includes(named.track)
    })
    const linesIn = (track: string): string[] =>
      [...objects.values()]
        .filter(({ id }) => id.track === track)
        .flatMap(({ bytes }) => bytes.toString().split('\n').slice(0, -1))
    const gaps = linesIn('catalogue')
      .map(parseCatalogueLine)
      .filter((record): record is GapRecord => record?.kind === 'gap')
    tally.gaps = gaps.length
    const events = linesIn('events')
    must(new Set(events).size === events.length, 'no line twice')
    const have = new Set(events)
    for (const { line, durable } of written) must(!durable || have.has(line), `a durable line arrives: ${line}`)
    for (const track of tracks) judgeTrack(track, gaps)
  }

  function judgeTrack(track: string, gaps: readonly GapRecord[]): void {
    const own = captured.get(track) ?? []
    const mine = [...objects.values()]
      .filter(({ id }) => id.track === track)
      .map(({ bytes }) => ({ units: cutAtUnits(own, bytes) }))
    const seen = mine.flatMap(({ units }) => units)
    must(deaf || new Set(seen).size === seen.length, `${track}: no unit twice`)
    for (const { units } of mine) {
      for (const [index, unit] of units.entries()) {
        const before = units[index - 1] ?? unit - 1
        must(before < unit, `${track}: in order`)
        // What a kill took with it was never in the buffer; whatever else is missing ends the object.
        const between = own.slice(before + 1, unit)
        const killed = between.every(({ safe, life }) => !safe && life < (own[unit]?.life ?? 0))
        must(killed, `${track}: nothing is left out inside an object`)
      }
    }
    const stored = new Set(seen)
    tally.stored += stored.size
    own.forEach((unit, index) => {
      const mine = gaps.filter((gap) => `video/${gap.camera}` === track)
      if (stored.has(index)) {
        const named = mine.some((gap) => covers(gap, unit))
        must(silent || !named, `${track}: unit ${index} is stored and named in a gap`)
        return
      }
      const named = namesOf(mine, unit)
      // Before the first footage that anybody knew of, nothing is owed; behind the last, nobody knows yet how long.
      const known = own.flatMap((one, at) => {
        return stored.has(at) || namesOf(mine, one).length > 0 ? [at] : []
      })
      const goesOn = known.some((at) => at < index) && known.some((at) => at > index)
      must(deaf || named.length > 0 || !goesOn, `${track}: unit ${index} is not stored, and no gap names it`)
      const kept = named.some(({ cause }) => cause !== 'power' && cause !== 'stopped')
      must(!unit.safe || kept, `${track}: unit ${index} was safe, is not stored, and nobody gave it up`)
    })
  }

  function cutAtUnits(own: readonly Captured[], bytes: Buffer): number[] {
    const found: number[] = []
    for (let position = 0; position < bytes.length; ) {
      const index = own.findIndex((unit) => bytes.subarray(position, position + unit.bytes.length).equals(unit.bytes))
      must(index !== -1, 'an object holds units and nothing else')
      found.push(index)
      position += own[index]?.bytes.length ?? 0
    }
    return found
  }

  return { start, step: oneStep, finish }
}

const remote = (bytes: Buffer) => ({ kind: 'appendable', length: bytes.length, crc64: crc64(bytes) }) as const

/** A gap may end in a later boot than it began in. */
function holds(gap: GapRecord, { boot }: Captured, monoMs: number): boolean {
  const endBoot = gap.endBootCounter ?? gap.bootCounter
  const endMonoMs = gap.endMonoMs ?? gap.toMonoMs
  const begun = boot > gap.bootCounter || (boot === gap.bootCounter && gap.fromMonoMs <= monoMs)
  return begun && (boot < endBoot || (boot === endBoot && monoMs <= endMonoMs))
}

const covers = (gap: GapRecord, unit: Captured): boolean =>
  holds(gap, unit, unit.startMonoMs + 1) && holds(gap, unit, unit.startMonoMs + unitMs - 1)

/** The gaps that name a unit: one may end and the next begin within it. */
function namesOf(gaps: readonly GapRecord[], unit: Captured): readonly GapRecord[] {
  const first = gaps.filter((gap) => holds(gap, unit, unit.startMonoMs + 1))
  const last = gaps.filter((gap) => holds(gap, unit, unit.startMonoMs + unitMs - 1))
  return first.length > 0 && last.length > 0 ? [...first, ...last] : []
}
