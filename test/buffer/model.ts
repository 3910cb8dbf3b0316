/**
 * A life of the buffer under one seed: random capture, uplink, cuts, faults, kills and power cuts on a disk that tears
 * writes and a database that forgets what was not synced. The store is a map of objects; the uplink here believes it and
 * nothing else, as the real one does.
 *
 * What must hold at the end: every unit that was ever offered is in the store exactly once, in order, byte for byte, or a
 * gap record names its time; a unit that was never offered may be missing only where a process or the power ended.
 */
import { crc64 } from '../../src/base/crc64.ts'
import { type Random, seededRandom } from '../../src/base/random.ts'
import type { Buffer as FootageBuffer } from '../../src/buffer/buffer.ts'
import { type GapRecord, parseCatalogueLine } from '../../src/format/catalogue-record.ts'
import { type RecordingId, recordingName } from '../../src/format/recording.ts'
import { judge } from '../../src/uplink/append-plan.ts'
import { unitAt, video } from './footage.ts'
import { calm, createStage, pass, type Stage } from './stage.ts'

interface Captured {
  readonly boot: number
  readonly startMonoMs: number
  readonly bytes: Uint8Array
  offered: boolean
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

async function live(seed: number, steps: number): Promise<Tally> {
  const random = seededRandom(seed)
  const stage = createStage({ quotaBytes: random.fraction() < 0.5 ? 24_000 : 1e9 })
  const life = createLife(stage, random)
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

function createLife(stage: Stage, random: Random) {
  const captured = new Map<string, Captured[]>(tracks.map((track) => [track, []]))
  const written: Written[] = []
  const objects = new Map<string, { readonly id: RecordingId; bytes: Buffer }>()
  const tally: Tally = { units: 0, stored: 0, gaps: 0, restarts: 0, powerCuts: 0 }
  let buffer: FootageBuffer
  let lives = 0
  let mediaMono = 0
  let claims = 0

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
    mediaMono = Math.max(mediaMono, stage.clock.mono())
    checkHeld()
  }

  function put(): void {
    const track = pick(random, tracks) ?? ''
    const own = captured.get(track) ?? []
    const startMonoMs = mediaMono
    mediaMono += unitMs
    const open = buffer.open(track)
    if (open === undefined || random.fraction() < 0.05) buffer.begin(track, { startMonoMs, video })
    const unit = unitAt(startMonoMs, 100 + Math.floor(random.fraction() * 900), tally.units + 1)
    own.push({ boot: buffer.boot.counter, startMonoMs, bytes: unit.bytes, offered: false, life: lives })
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
      one.durable = true
    })
  }

  /** What is offered is remembered; what is offered must be without holes. */
  function checkHeld(): void {
    for (const id of buffer.held()) {
      const held = buffer.recording(id)
      must(held !== undefined, 'what is held can be looked at')
      for (const [index, { seq }] of held.pending.entries()) {
        must(seq === (held.pending[0]?.seq ?? 0) + index, `no hole in ${recordingName(id)}`)
      }
      const own = captured.get(id.track)
      if (own === undefined) continue
      for (const chunk of held.pending) {
        const unit = own.find(
          (one) => one.offered === false && crc64(one.bytes) === chunk.crc64 && one.bytes.length === chunk.length,
        )
        if (unit !== undefined) unit.offered = true
      }
    }
  }

  /** One visit of the uplink to one recording, with replies that get lost. */
  async function visit(id: RecordingId, calmly: boolean): Promise<void> {
    const before = buffer.recording(id)
    if (before === undefined) return
    if (before.claim === undefined) {
      if (before.pending.length === 0) {
        if (before.closed) await untilAlive(buffer.finish(id))
        return
      }
      claims += 1
      await untilAlive(buffer.claim(id, { key: `object-${claims}`, token: String(claims) }))
    }
    const held = buffer.recording(id)
    if (held?.claim === undefined || stage.disk.crashed()) return
    const { key } = held.claim
    const object = objects.get(key)
    const bytes = object?.bytes ?? Buffer.alloc(0)
    const remote =
      object === undefined
        ? ({ kind: 'absent' } as const)
        : ({ kind: 'appendable', length: bytes.length, crc64: crc64(bytes) } as const)
    const verdict = judge(held, remote as Parameters<typeof judge>[1])
    must(
      verdict.landed !== undefined,
      `the object of ${recordingName(id)} fits: ${'why' in verdict ? verdict.why : ''}`,
    )
    if (verdict.landed > 0) {
      await buffer.confirm(id, verdict.extent, held.pending[verdict.landed - 1]?.seq ?? -1)
      return
    }
    if (held.pending.length === 0) {
      if (held.closed) await untilAlive(buffer.finish(id))
      return
    }
    if (!calmly && random.fraction() < 0.04) {
      await untilAlive(buffer.cut(id, 'test'))
      return
    }
    const count = Math.min(held.pending.length, 1 + Math.floor(random.fraction() * 3))
    const read = await untilAlive(buffer.read(id, held.pending[0]?.seq ?? 0, count))
    if (read === undefined) return
    if (!read.ok) {
      // After a refusal the index is opened again, which may take its time.
      must(read.error.kind !== 'corrupt', `what it offers is whole: ${read.error.message}`)
      return
    }
    objects.set(key, { id, bytes: Buffer.concat([bytes, read.value]) })
    // A lost reply: the next visit asks, and learns.
    if (!calmly && random.fraction() < 0.3) return
    const now = buffer.recording(id)
    if (now === undefined || stage.disk.crashed()) return
    const landed = judge(now, {
      kind: 'appendable',
      length: bytes.length + read.value.length,
      crc64: crc64(read.value, crc64(bytes)),
    } as Parameters<typeof judge>[1])
    must(landed.landed !== undefined, 'what was pinned is still there')
    await buffer.confirm(id, landed.extent, now.pending[landed.landed - 1]?.seq ?? -1)
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

  async function step(): Promise<void> {
    const dice = random.fraction()
    if (dice < 0.4) put()
    else if (dice < 0.48) writeLine()
    else if (dice < 0.62) await pass(stage, 500 * (1 + Math.floor(random.fraction() * 4)))
    else if (dice < 0.9) {
      const id = pick(random, buffer.held())
      if (id !== undefined) await visit(id, false)
    } else if (dice < 0.93) stage.disk.fault = pick(random, ['full', 'io', undefined, undefined] as const)
    else if (dice < 0.945) {
      stage.kv.fault = pick(random, ['full', 'io', undefined, undefined] as const)
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
    if (how === 'close') await untilAlive(buffer.close())
    stage.disk.fault = undefined
    stage.kv.fault = undefined
    stage.restart(how === 'power' ? random : undefined)
    if (how === 'power') {
      tally.powerCuts += 1
      mediaMono = 0
    }
    await start()
  }

  async function finish(): Promise<Tally> {
    stage.disk.fault = undefined
    stage.kv.fault = undefined
    stage.disk.crashAfterSteps = undefined
    await pass(stage, 30_000)
    await restart('power')
    for (let round = 0; buffer.held().some((id) => needsWork(id)); round += 1) {
      must(round < 5_000, `everything drains: ${JSON.stringify(buffer.held())}`)
      for (const id of buffer.held()) await visit(id, true)
      if (round % 10 === 9) await pass(stage, 1000)
    }
    judgeStore()
    await pass(stage, 10_000)
    must(stage.disk.usedBytes() <= 2 * 4_000 + 2_000, `space comes back (${stage.disk.usedBytes()} bytes left)`)
    return tally
  }

  const needsWork = (id: RecordingId): boolean => {
    const held = buffer.recording(id)
    return held !== undefined && (held.pending.length > 0 || held.closed)
  }

  function judgeStore(): void {
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
    if (process.env.TRACE && new Set(seen).size !== seen.length) {
      for (const [key, { id, bytes }] of objects)
        if (id.track === track) console.log(key, recordingName(id), cutAtUnits(own, bytes).join(' '))
      console.log(own.map((u, i) => `${i}:b${u.boot}l${u.life}${u.offered ? 'o' : ''}`).join(' '))
      for (const l of stage.logged) console.log(l.event, l.message)
    }
    must(new Set(seen).size === seen.length, `${track}: no unit twice`)
    for (const { units } of mine) {
      for (const [index, unit] of units.entries()) {
        const before = units[index - 1] ?? unit - 1
        must(before < unit, `${track}: in order`)
        // What a kill took with it was never in the buffer; whatever else is missing ends the object.
        const between = own.slice(before + 1, unit)
        const killed = between.every(({ offered, life }) => !offered && life < (own[unit]?.life ?? 0))
        must(killed, `${track}: nothing is left out inside an object`)
      }
    }
    const stored = new Set(seen)
    tally.stored += stored.size
    own.forEach((unit, index) => {
      const named = gaps.filter((gap) => `video/${gap.camera}` === track && covers(gap, unit))
      if (stored.has(index)) {
        must(named.length === 0, `${track}: unit ${index} is stored and named in a gap`)
        return
      }
      if (named.length > 0) return
      must(!unit.offered, `${track}: unit ${index} was offered, is not stored, and no gap names it`)
      // Lost with its process: nothing later of that life may have survived it, or a gap would be owed.
      const later = own.slice(index + 1).findIndex((other, i) => other.life === unit.life && stored.has(index + 1 + i))
      must(later === -1, `${track}: unit ${index} vanished between others`)
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

  return { start, step, finish }
}

const covers = (gap: GapRecord, unit: Captured): boolean =>
  gap.bootCounter === unit.boot &&
  gap.fromMonoMs <= unit.startMonoMs + 1 &&
  unit.startMonoMs + unitMs <= gap.toMonoMs + 1
