import { describe, expect, test } from 'vitest'
import { crc64, crc64Combine } from '../../src/base/crc64.ts'
import { seededRandom } from '../../src/base/random.ts'
import { err } from '../../src/base/result.ts'
import type { Buffer as FootageBuffer } from '../../src/buffer/buffer.ts'
import { createLateDisk, type Opening } from '../../src/commands/late-disk.ts'
import { memoryBootCounter, opener, openInMemory } from '../../src/commands/recorder-buffer.ts'
import { type Claim, type Extent, emptyExtent, type RecordingId } from '../../src/format/recording.ts'
import type { Unit } from '../../src/format/unit.ts'
import { createLiveness } from '../../src/health/liveness.ts'
import { createUplink, uplinkTurnMsMax } from '../../src/uplink/uplink.ts'
import { gate, unitAt, video } from '../buffer/footage.ts'
import { at, calm, catalogueOf, createStage, linesOf, pass, pendingOf, type Stage, videoHeld } from '../buffer/stage.ts'
import { createMemoryStore } from '../support/memory-store.ts'

const broken = (): Opening =>
  Promise.resolve(
    err({ kind: 'io', message: "The buffer's directory /buffer cannot be used: the disk reports an error." }),
  )

interface Late {
  readonly stage: Stage
  readonly buffer: FootageBuffer & { onDisk(): boolean }
  /** How often the disk was tried, the first time included. */
  tries(): number
  /** What the next tries find. */
  becomes(open: () => Opening): void
}

async function late(first: () => Opening = broken): Promise<Late> {
  const stage = createStage()
  let open = first
  let tries = 0
  const { clock, bootId } = stage
  const log = { debug: note, info: note, warn: note, error: note, with: () => log }
  function note(event: string, message: string): void {
    stage.logged.push({ event, message, fields: undefined })
  }
  const fatal = (error: unknown): void => void stage.fatal.push(error)
  const wallTime = {
    at: (moment: number) =>
      stage.wallOffsetMs === undefined ? undefined : { wallMs: (moment + stage.wallOffsetMs) as never, errorMs: 5 },
  }
  const memory = await openInMemory(
    { clock, log, bootId, fatal, wallTime, quotaBytes: 1e9, minFreeBytes: 0 } as Parameters<typeof openInMemory>[0],
    '/buffer',
  )
  const tryOpen = (): Opening => {
    tries += 1
    return open()
  }
  const buffer = createLateDisk({ memory, first: tryOpen(), open: tryOpen, place: '/buffer', clock, log, fatal })
  await calm()
  return {
    stage,
    buffer,
    tries: () => tries,
    becomes: (next) => {
      open = next
    },
  }
}

/** Footage of `count` units of one second from `startMonoMs`, in a recording of its own. */
function record(buffer: FootageBuffer, startMonoMs: number, count: number): Unit[] {
  const units = Array.from({ length: count }, (_, n) => unitAt(startMonoMs + n * 1000, 100 + n))
  if (buffer.open(gate) === undefined) buffer.begin(gate, { startMonoMs, video })
  for (const unit of units) buffer.put(gate, unit)
  return units
}

const claim: Claim = { key: 'video/gate/1.ts', playlistKey: 'video/gate/1.m3u8', token: 'one' }
const sum = (units: readonly Unit[]): Extent =>
  units.reduce(
    (extent, { bytes }) => ({
      length: extent.length + bytes.length,
      crc64: crc64Combine(extent.crc64, crc64(bytes), bytes.length),
    }),
    emptyExtent,
  )

async function bytesOf(buffer: FootageBuffer, id: RecordingId): Promise<string[]> {
  const found: string[] = []
  for (const { seq } of pendingOf(buffer, id)) {
    const read = await buffer.read(id, seq, 1)
    found.push(read.ok ? Buffer.from(read.value).toString('hex') : read.error.message)
  }
  return found
}
const hex = (units: readonly Unit[]): string[] => units.map(({ bytes }) => Buffer.from(bytes).toString('hex'))

describe('while the disk cannot be used', () => {
  test('footage is held and offered, and the reason is told', async () => {
    const { buffer, stage } = await late()
    const units = record(buffer, 50_000, 3)
    await pass(stage, 2_000)
    expect(await bytesOf(buffer, at(videoHeld(buffer), 0))).toEqual(hex(units))
    expect(buffer.status()).toMatchObject({
      units: 3,
      problem: expect.stringMatching(/^Recording in memory only; .*the disk reports an error\. It is tried again/),
    })
    expect(stage.logged.map(({ event }) => event)).toContain('memory-only')
    expect(buffer.onDisk()).toBe(false)
  })

  test('it is tried every ten seconds', async () => {
    const { stage, tries } = await late()
    expect(tries()).toBe(1)
    await pass(stage, 60_000)
    expect(tries()).toBe(7)
  })

  test('a try that hangs is the only one, and is told', async () => {
    const { stage, buffer, tries } = await late(() => new Promise(() => {}))
    await pass(stage, 600_000)
    expect(tries()).toBe(1)
    expect(buffer.status().problem).toContain('/buffer has not answered for 10 s')
    expect(stage.fatal).toEqual([])
  })

  test('what is lost at the end is told', async () => {
    const { stage, buffer } = await late()
    record(buffer, 50_000, 3)
    await calm()
    const closed = buffer.close()
    await pass(stage, 5_000)
    await closed
    expect(stage.logged.find(({ event }) => event === 'memory-lost')?.message).toContain(
      '3 units of footage (303 bytes)',
    )
  })

  test('its boots are those of no disk, and one for one boot of the machine', () => {
    const counters = Array.from({ length: 1000 }, (_, n) => memoryBootCounter(`boot ${n}`))
    expect(new Set(counters).size).toBe(1000)
    expect(Math.min(...counters)).toBeGreaterThanOrEqual(1e9)
    expect(Math.max(...counters)).toBeLessThan(1e12)
    expect(memoryBootCounter('boot 7')).toBe(counters[7])
  })
})

describe('once the disk can be used', () => {
  async function switched(before: (one: Late) => Promise<void> | void): Promise<Late> {
    const one = await late()
    await before(one)
    one.becomes(() => one.stage.tryOpen())
    await pass(one.stage, 11_000)
    expect(one.buffer.onDisk()).toBe(true)
    expect(one.stage.fatal).toEqual([])
    return one
  }

  test('what has no name moves to it, and new footage goes there', async () => {
    let first: Unit[] = []
    const one = await switched(({ buffer }) => {
      first = record(buffer, 50_000, 3)
      void buffer.write('events', '{"v":1}')
    })
    const { buffer, stage } = one
    expect(buffer.boot.counter).toBe(1)
    const [id] = videoHeld(buffer)
    expect(id?.boot).toBe(1)
    const moved = buffer.recording(id as RecordingId)
    expect(moved).toMatchObject({ head: { startMonoMs: 50_000, video }, closed: true })
    expect(await bytesOf(buffer, id as RecordingId)).toEqual(hex(first))
    expect(await linesOf(buffer, 'events')).toEqual(['{"v":1}'])
    const second = record(buffer, 62_000, 2)
    await pass(stage, 10_000)
    expect(await bytesOf(buffer, at(videoHeld(buffer), 1))).toEqual(hex(second))
    expect(buffer.status()).toMatchObject({ units: 5, problem: null })
    // All of it is there for the next start.
    const closed = buffer.close()
    await pass(stage, 3_000)
    await closed
    stage.restart()
    const again = await stage.open()
    expect(await Promise.all(videoHeld(again).map((held) => bytesOf(again, held)))).toEqual([hex(first), hex(second)])
  })

  test('what has a name is sent from memory, to its end', async () => {
    let units: Unit[] = []
    let id: RecordingId | undefined
    const { buffer } = await switched(async ({ buffer }) => {
      units = record(buffer, 50_000, 3)
      id = at(videoHeld(buffer), 0)
      await buffer.claim(id, claim)
    })
    if (id === undefined) throw new Error('no recording')
    expect(buffer.recording(id)).toMatchObject({ claim, closed: true })
    expect(await bytesOf(buffer, id)).toEqual(hex(units))
    await buffer.confirm(id, sum(units), at(pendingOf(buffer, id), -1).seq)
    await buffer.finish(id)
    expect(videoHeld(buffer)).toEqual([])
    expect(buffer.status().units).toBe(0)
  })

  test('what has moved is gone from memory for whoever was just naming it', async () => {
    let moved: RecordingId | undefined
    const { buffer } = await switched(async ({ buffer }) => {
      record(buffer, 50_000, 1)
      // This one keeps the memory in use.
      await buffer.claim(at(videoHeld(buffer), 0), claim)
      buffer.endOpen(gate)
      record(buffer, 51_000, 1)
      moved = at(videoHeld(buffer), 1)
    })
    if (moved === undefined) throw new Error('no recording')
    expect(buffer.recording(moved)).toBeUndefined()
    await buffer.claim(moved, { ...claim, token: 'two' })
    expect(await buffer.read(moved, 1, 1)).toMatchObject({ ok: false, error: { kind: 'gone' } })
    expect(videoHeld(buffer).map(({ boot }) => boot)).toEqual([memoryBootCounter('boot-1'), 1])
  })

  test('what of it was not confirmed is on the disk after an orderly stop', async () => {
    let units: Unit[] = []
    const { buffer, stage } = await switched(async ({ buffer }) => {
      units = record(buffer, 50_000, 3)
      const id = at(videoHeld(buffer), 0)
      await buffer.claim(id, claim)
      await buffer.confirm(id, sum(units.slice(0, 1)), at(pendingOf(buffer, id), 0).seq)
    })
    const closed = buffer.close()
    await pass(stage, 3_000)
    await closed
    stage.restart()
    const again = await stage.open()
    const [id] = videoHeld(again)
    expect(again.recording(id as RecordingId)).toMatchObject({ head: { startMonoMs: 51_000 }, arrived: emptyExtent })
    expect(await bytesOf(again, id as RecordingId)).toEqual(hex(units.slice(1)))
  })

  test('the catalogue dates both boots', async () => {
    const { buffer, stage } = await switched(({ buffer, stage }) => {
      stage.wallOffsetMs = 1_000_000
      return buffer.learnBootTime({ ms: 1_000_000, errorMs: 5 })
    })
    await pass(stage, 2_000)
    const clocks = async () => (await catalogueOf(buffer)).filter(({ kind }) => kind === 'clock')
    expect(await clocks()).toMatchObject([{ bootCounter: 1, bootId: 'boot-1', offsetMs: 1_000_000 }])
    await buffer.learnBootTime({ ms: 1_000_500, errorMs: 5 })
    await buffer.learnBootTime({ ms: 1_005_000, errorMs: 5 })
    await pass(stage, 2_000)
    expect(await clocks()).toMatchObject([{ bootCounter: 1 }, { bootCounter: memoryBootCounter('boot-1') }])
    expect(buffer.bootTime(1)).toMatchObject({ offset: { ms: 1_005_000 } })
  })

  /** A recorder with footage of seconds 40 to 43 ended somehow; then one in memory recorded from 50 on, and is switched. */
  async function secondLife(end: 'stopped' | 'killed'): Promise<Stage> {
    const one = await late()
    const { stage } = one
    const before = await stage.open()
    record(before, 40_000, 3)
    await pass(stage, 8_000)
    const closed = end === 'stopped' ? before.close() : undefined
    await pass(stage, 3_000)
    await closed
    const { clock } = stage
    stage.restart()
    stage.clock = clock
    record(one.buffer, 50_000, 3)
    one.becomes(() => stage.tryOpen())
    await pass(stage, 21_000)
    expect(one.buffer.onDisk()).toBe(true)
    record(one.buffer, 62_000, 2)
    await pass(stage, 2_000)
    const gaps = (await catalogueOf(one.buffer)).filter(({ kind }) => kind === 'gap')
    // What the life before left unsaid is the buffer's to name; where it ends is ours.
    const cause = expect.stringMatching(/^(stopped|power)$/)
    expect(gaps).toMatchObject([{ cause, fromMonoMs: 43_000, toMonoMs: 50_000, camera: 'gate' }])
    expect(stage.fatal).toEqual([])
    return stage
  }

  test('what was missing since it was used ends where the footage in memory began', async () => {
    await secondLife('stopped')
    await secondLife('killed')
  })

  test('whoever waits for a change is woken', async () => {
    const one = await late()
    // Something that is sent from memory, and nothing that is going to change about it.
    record(one.buffer, 50_000, 1)
    await one.buffer.claim(at(videoHeld(one.buffer), 0), claim)
    one.buffer.endOpen(gate)
    let woken = false
    const signal = new AbortController()
    void one.buffer.changed(signal.signal).then(() => {
      woken = true
    })
    await pass(one.stage, 1_000)
    expect(woken).toBe(false)
    one.becomes(() => one.stage.tryOpen())
    await pass(one.stage, 10_000)
    expect(woken).toBe(true)
  })

  test('a window that an event protects goes on there', async () => {
    const windows: unknown[] = []
    const one = await late()
    one.buffer.protect(gate, 40_000, 70_000)
    one.buffer.protect(gate, 45_000, 80_000)
    one.becomes(async () => {
      const opened = await one.stage.tryOpen()
      if (opened.ok) opened.value.protect = (...window) => void windows.push(window)
      return opened
    })
    await pass(one.stage, 11_000)
    expect(windows).toEqual([[gate, 40_000, 80_000]])
  })
})

test('a disk that is full of other things costs two segments, however often it is tried', async () => {
  const stage = createStage()
  const { disk, kv, clock, bootId } = stage
  const before = await stage.open()
  for (let n = 0; n < 5; n += 1) {
    before.begin(gate, { startMonoMs: 40_000 + n * 3000, video })
    for (let unit = 0; unit < 2; unit += 1) before.put(gate, unitAt(40_000 + n * 3000 + unit * 1000, 1_900))
    await pass(stage, 8_000)
  }
  const closed = before.close()
  await pass(stage, 3_000)
  await closed
  stage.restart()
  const count = async (): Promise<number> => {
    const listed = await disk.list()
    return listed.ok ? listed.value.length : -1
  }
  const first = await count()
  expect(first).toBeGreaterThan(4)
  disk.fault = 'full'
  const log = { debug() {}, info() {}, warn() {}, error() {}, with: () => log }
  const options = { clock, log, bootId, fatal: (error: unknown) => void stage.fatal.push(error) }
  const wallTime = { at: () => undefined }
  const open = opener({ ...options, wallTime, quotaBytes: 1e9, minFreeBytes: 0 } as Parameters<typeof opener>[0], {
    kv,
    disk,
  })
  for (let n = 0; n < 4; n += 1) expect((await open()).ok).toBe(false)
  expect(await count()).toBe(first - 2)
  disk.fault = undefined
  expect((await open()).ok).toBe(true)
})

test('a disk that hangs for ten minutes is not stuck: every loop turns, and footage arrives', async () => {
  const { buffer, stage } = await late(() => new Promise(() => {}))
  const { clock } = stage
  stage.wallOffsetMs = 1_000_000
  const liveness = createLiveness(clock.mono)
  const store = createMemoryStore()
  const log = { debug() {}, info() {}, warn() {}, error() {}, with: () => log }
  const uplink = createUplink({
    ...{ store, backlog: buffer, clock, log, random: seededRandom(1) },
    wallTime: { at: (moment) => ({ wallMs: (moment + 1_000_000) as never, errorMs: 5 }) },
    place: { prefix: '', device: 'shed' },
    creation: () => ({ contentType: 'video/mp2t', headers: {} }),
    catalogue: async (record) => buffer.write('catalogue', JSON.stringify(record)),
    cutLive: (track) => buffer.endOpen(track),
    beat: liveness.watch('uplink', uplinkTurnMsMax),
  })
  const stop = new AbortController()
  const running = uplink.run(stop.signal)
  buffer.begin(gate, { startMonoMs: clock.mono(), video })
  for (let second = 0; second < 600; second += 1) {
    buffer.put(gate, unitAt(clock.mono(), 100))
    await pass(stage, 1_000)
    expect(liveness.stuck(clock.mono())).toEqual([])
  }
  expect(buffer.status().units).toBeLessThanOrEqual(1)
  expect(uplink.status().bytesConfirmed).toBeGreaterThan(599 * 100)
  stop.abort()
  await pass(stage, 1_000)
  await running
})
