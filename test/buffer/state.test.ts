/** What each operation of the buffer promises, on a disk and a clock in the test's hand. */
import { expect, test } from 'vitest'
import { crc64 } from '../../src/base/crc64.ts'
import type { Buffer as FootageBuffer } from '../../src/buffer/buffer.ts'
import { extentAfter } from '../../src/uplink/append-plan.ts'
import { gate, unitAt, video } from './footage.ts'
import { at, calm, catalogueOf, createStage, gapsOf, linesOf, pass, pendingOf, type Stage, videoHeld } from './stage.ts'

const yard = 'video/yard'

/** Puts `count` units of one second, one by one, each committed. */
async function record(
  stage: Stage,
  buffer: FootageBuffer,
  what: { count: number; bytes?: number; track?: string },
): Promise<void> {
  const track = what.track ?? gate
  for (let i = 0; i < what.count; i += 1) {
    const start = stage.clock.mono()
    if (buffer.open(track) === undefined) buffer.begin(track, { startMonoMs: start, video })
    buffer.put(track, unitAt(start, what.bytes ?? 500))
    await pass(stage, 1000)
  }
}

async function confirm(buffer: FootageBuffer, count: number): Promise<void> {
  const id = at(videoHeld(buffer), 0)
  const held = buffer.recording(id)
  if (held === undefined) throw new Error('held')
  await buffer.confirm(id, extentAfter(held, count), at(held.pending, count - 1).seq)
}

const claim = { key: 'v/gate.ts', playlistKey: 'v/gate.m3u8', token: 'abc', start: { wallMs: 1e12, errorMs: 5 } }

test('a unit is offered at once, from memory, and one that is confirmed in time never sees the disk', async () => {
  const stage = createStage({ memory: { spillAfterMs: 5_000 } })
  const buffer = await stage.open()
  buffer.begin(gate, { startMonoMs: 50_000, video })
  const id = at(buffer.held(), 0)
  await buffer.claim(id, claim)
  for (let i = 0; i < 20; i += 1) {
    buffer.put(gate, unitAt(50_000 + i * 1000, 100))
    expect(pendingOf(buffer, id).map(({ seq }) => seq)).toContain(i)
    expect(await buffer.read(id, i, 1)).toMatchObject({ ok: true, value: unitAt(50_000 + i * 1000, 100).bytes })
    await pass(stage, 1000)
    if (i % 3 === 2) await confirm(buffer, 3)
  }
  expect(stage.disk.bytesWritten()).toBeLessThan(1_500)
  expect(buffer.status()).toMatchObject({ spilledBytes: 0, memoryBytes: 200, units: 2 })
  await buffer.close()
})

test('what is not confirmed in time goes to the disk, in groups, and stays in memory while there is room', async () => {
  const stage = createStage({ memory: { spillAfterMs: 5_000 } })
  const buffer = await stage.open()
  buffer.begin(gate, { startMonoMs: 50_000, video })
  buffer.put(gate, unitAt(50_000, 100))
  await pass(stage, 4_500)
  expect(buffer.status().spilledBytes).toBe(0)
  await pass(stage, 500)
  expect(buffer.status()).toMatchObject({ spilledBytes: 100, memoryBytes: 100 })
  for (let i = 1; i <= 20; i += 1) {
    buffer.put(gate, unitAt(50_000 + i * 1000, 900))
    await pass(stage, 1_000)
  }
  await pass(stage, 7_000)
  expect(buffer.status().spilledBytes).toBe(18_100)
  expect(buffer.status().memoryBytes).toBeLessThanOrEqual(8_000)
  await buffer.close()
})

test('units that are due within a second share one write; a full group does not wait', async () => {
  const stage = createStage()
  const buffer = await stage.open()
  buffer.begin(gate, { startMonoMs: 50_000, video })
  const written = (): number => buffer.status().spilledBytes
  const put = (bytes: number): void => buffer.put(gate, unitAt(stage.clock.mono(), bytes))
  put(100)
  await calm()
  put(100)
  put(100)
  await pass(stage, 900)
  expect(written()).toBe(100)
  await pass(stage, 100)
  expect(written()).toBe(300)
  put(1900)
  await calm()
  expect(written()).toBe(300)
  put(200)
  await calm()
  expect(written()).toBe(300 + 1900)
  await buffer.close()
})

test('in an outage groups are larger; an event waits for none of that', async () => {
  const stage = createStage({ memory: { spillAfterMs: 0 }, sizes: { commitAgeOutageMs: 4_000, segmentBytes: 100_000 } })
  const buffer = await stage.open()
  buffer.begin(gate, { startMonoMs: 50_000, video })
  await pass(stage, 20_000)
  const writes: number[] = []
  let before = 0
  const second = async (): Promise<void> => {
    const start = stage.clock.mono()
    buffer.put(gate, unitAt(start, 100))
    await pass(stage, 1_000)
    const now = buffer.status().spilledBytes
    writes.push(now - before)
    before = now
  }
  for (let i = 0; i < 12; i += 1) await second()
  expect(writes.filter((bytes) => bytes > 0).length).toBeLessThanOrEqual(4)
  buffer.protect(gate, stage.clock.mono() - 2_000, stage.clock.mono() + 60_000)
  writes.length = 0
  for (let i = 0; i < 5; i += 1) await second()
  expect(writes.every((bytes) => bytes > 0)).toBe(true)
  await buffer.close()
})

test.each([8_000, 0])('reads what it offers, from memory or the disk, and nothing else', async (memoryBytes) => {
  const stage = createStage()
  const buffer = await stage.open()
  const units = [0, 1, 2].map((i) => unitAt(50_000 + i * 1000, 500))
  buffer.begin(gate, { startMonoMs: 50_000, video })
  for (const unit of units) buffer.put(gate, unit)
  await pass(stage, 3000)
  buffer.setMemoryLimits({ spillAfterMs: 0, memoryBytes, memoryBytesPerCamera: memoryBytes })
  const id = at(buffer.held(), 0)
  const whole = Buffer.concat(units.map(({ bytes }) => bytes))
  expect(await buffer.read(id, 0, 3)).toEqual({ ok: true, value: whole })
  const third = await buffer.read(id, 2, 1)
  expect(third.ok && Buffer.compare(third.value, at(units, 2).bytes)).toBe(0)
  for (const [seq, count] of [
    [3, 1],
    [1, 3],
    [-1, 1],
  ] as const) {
    expect(await buffer.read(id, seq, count)).toMatchObject({ ok: false, error: { kind: 'gone' } })
  }
  await buffer.close()
})

test('a cut moves what is pending, waiting units included, to a new recording that is open in its place', async () => {
  const stage = createStage()
  const buffer = await stage.open()
  await record(stage, buffer, { count: 3, bytes: 100 })
  const id = at(buffer.held(), 0)
  await buffer.claim(id, claim)
  await confirm(buffer, 1)
  buffer.put(gate, unitAt(53_000, 100))
  buffer.put(gate, unitAt(54_000, 100))
  await buffer.cut(id, 'test')
  expect(buffer.recording(id)).toMatchObject({ closed: true, pending: [], claim })
  const open = buffer.open(gate)
  expect(open).toMatchObject({ length: 400, head: { firstSeq: 1, startMonoMs: 51_000, video } })
  const heir = open?.head.id
  if (heir === undefined) throw new Error('open')
  expect(heir.number).toBe(1)
  buffer.put(gate, unitAt(55_000, 100))
  await pass(stage, 2000)
  expect(pendingOf(buffer, heir).map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5])
  expect(buffer.recording(heir)).toMatchObject({ closed: false, claim: undefined, arrived: { length: 0 } })
  await buffer.finish(id)
  expect(buffer.recording(id)).toBeUndefined()
  await buffer.close()
})

test('after a cut with nothing pending the next unit needs a new recording', async () => {
  const stage = createStage()
  const buffer = await stage.open()
  await record(stage, buffer, { count: 1 })
  await buffer.claim(at(buffer.held(), 0), claim)
  await confirm(buffer, 1)
  await buffer.cut(at(buffer.held(), 0), 'full')
  expect(buffer.open(gate)).toBeUndefined()
  await buffer.close()
})

test('segments go when all in them is confirmed, and the rows of their boots with them', async () => {
  const stage = createStage()
  const buffer = await stage.open()
  await record(stage, buffer, { count: 20, bytes: 900 })
  expect(stage.disk.usedBytes()).toBeGreaterThan(18_000)
  await buffer.claim(at(buffer.held(), 0), claim)
  await confirm(buffer, 19)
  await pass(stage, 1000)
  expect(stage.disk.usedBytes()).toBeLessThan(2 * 4000)
  await buffer.close()
})

test('a claim that the index has not stored is not shown, and the first one stands', async () => {
  const stage = createStage()
  const buffer = await stage.open()
  await record(stage, buffer, { count: 1 })
  stage.kv.fault = 'io'
  const id = at(buffer.held(), 0)
  const first = buffer.claim(id, claim)
  await calm()
  expect(buffer.recording(id)?.claim).toBeUndefined()
  const second = buffer.claim(id, { key: 'other', token: 'other' })
  stage.kv.fault = undefined
  await pass(stage, 12_000)
  await Promise.all([first, second])
  expect(buffer.recording(id)?.claim).toEqual(claim)
  await buffer.close()
})

test('a chunk that does not prove is given up with a gap, and what follows goes on behind it', async () => {
  const stage = createStage()
  stage.wallOffsetMs = 1e12
  const buffer = await stage.open()
  await record(stage, buffer, { count: 3 })
  const id = at(buffer.held(), 0)
  await buffer.claim(id, claim)
  // Newer footage takes its place in memory.
  buffer.setMemoryLimits({ spillAfterMs: 0, memoryBytes: 0, memoryBytesPerCamera: 0 })
  const stored = stage.disk.content(1)
  if (stored === undefined) throw new Error('segment 1')
  const unit = unitAt(51_000, 500)
  stage.disk.damage(1, stored.indexOf(unit.bytes) + 7)
  expect(await buffer.read(id, 0, 3)).toMatchObject({ ok: false, error: { kind: 'corrupt' } })
  expect(pendingOf(buffer, id).map(({ seq }) => seq)).toEqual([0])
  const heir = at(videoHeld(buffer), 1)
  expect(pendingOf(buffer, heir).map(({ seq }) => seq)).toEqual([2])
  expect(await gapsOf(buffer)).toMatchObject([
    {
      ...{ camera: 'gate', cause: 'corrupt', units: 1, bytes: 500, fromMonoMs: 51_000, toMonoMs: 52_000 },
      ...{ from: new Date(1e12 + 51_000).toISOString(), to: new Date(1e12 + 52_000).toISOString() },
    },
  ])
  await buffer.close()
})

test('the quota is kept by giving up the oldest that is not on its way, and the gaps name exactly what is missing', async () => {
  const stage = createStage({ quotaBytes: 20_000 })
  const buffer = await stage.open()
  await record(stage, buffer, { count: 10, bytes: 900 })
  const first = at(videoHeld(buffer), 0)
  await buffer.claim(first, claim)
  expect((await buffer.read(first, 0, 2)).ok).toBe(true)
  for (let i = 0; i < 60; i += 1) {
    await record(stage, buffer, { count: 1, bytes: 900 })
    expect(stage.disk.usedBytes()).toBeLessThanOrEqual(20_000 + 4_000)
  }
  const held = videoHeld(buffer)
  expect(
    pendingOf(buffer, first)
      .map(({ seq }) => seq)
      .slice(0, 2),
  ).toEqual([0, 1])
  expect(buffer.recording(first)?.closed).toBe(true)
  const gaps = await gapsOf(buffer)
  const missing = new Set(Array.from({ length: 70 }, (_, i) => 50_000 + i * 1000))
  for (const id of held) for (const { seq } of pendingOf(buffer, id)) missing.delete(50_000 + seq * 1000)
  const named = gaps.flatMap(({ fromMonoMs, units }) => Array.from({ length: units }, (_, i) => fromMonoMs + i * 1000))
  expect(named.map(Math.round).sort((a, b) => a - b)).toEqual([...missing].sort((a, b) => a - b))
  expect(
    gaps.every(
      ({ cause, fromMonoMs, toMonoMs, units }) =>
        cause === 'evicted' && Math.round(toMonoMs - fromMonoMs) === units * 1000,
    ),
  ).toBe(true)
  expect(buffer.status()).toMatchObject({ evictedUnits: missing.size, evictedBytes: missing.size * 900 })
  expect(stage.logged.filter(({ event }) => event === 'footage-lost').length).toBe(gaps.length)
  await buffer.close()
})

test('two cameras in one segment are cut each for itself', async () => {
  const stage = createStage({ quotaBytes: 12_000 })
  const buffer = await stage.open()
  for (let i = 0; i < 20; i += 1) {
    await record(stage, buffer, { count: 1, bytes: 400 })
    await record(stage, buffer, { count: 1, bytes: 400, track: yard })
  }
  expect(new Set((await gapsOf(buffer)).map(({ camera }) => camera))).toEqual(new Set(['gate', 'yard']))
  expect(stage.disk.usedBytes()).toBeLessThanOrEqual(16_000)
  await buffer.close()
})

test('other files on the disk make it give way, too: free space is kept', async () => {
  const stage = createStage({ minFreeBytes: 10_000 })
  stage.disk.capacityBytes = 60_000
  const buffer = await stage.open()
  await record(stage, buffer, { count: 80, bytes: 900 })
  expect(60_000 - stage.disk.usedBytes()).toBeGreaterThanOrEqual(10_000 - 4_000)
  expect((await gapsOf(buffer)).length).toBeGreaterThan(3)
  await buffer.close()
})

test('a new quota is in force with the next write', async () => {
  const stage = createStage()
  const buffer = await stage.open()
  await record(stage, buffer, { count: 40, bytes: 900 })
  buffer.setQuota({ quotaBytes: 12_000, minFreeBytes: 0 })
  await record(stage, buffer, { count: 2, bytes: 900 })
  expect(stage.disk.usedBytes()).toBeLessThanOrEqual(16_000)
  expect(buffer.status().quotaBytes).toBe(12_000)
  await buffer.close()
})

test('a disk that refuses is told in the status; footage waits, and what does not fit becomes one gap after the other', async () => {
  const stage = createStage()
  const buffer = await stage.open()
  await record(stage, buffer, { count: 2, bytes: 900 })
  stage.disk.fault = 'io'
  await record(stage, buffer, { count: 20, bytes: 900 })
  expect(buffer.status().problem).toContain('/buffer/segments')
  expect(buffer.status().units).toBeLessThanOrEqual(2 + 8)
  stage.disk.fault = undefined
  await pass(stage, 12_000)
  expect(buffer.status().problem).toBeNull()
  const gaps = await gapsOf(buffer)
  expect(gaps.every(({ cause }) => cause === 'disk')).toBe(true)
  const held = videoHeld(buffer).flatMap((id) => pendingOf(buffer, id).map(({ seq }) => seq))
  const lost = gaps.reduce((sum, { units }) => sum + units, 0)
  expect(held.length + lost).toBe(22)
  expect(at(held, -1)).toBe(21)
  await buffer.close()
})

test('a full disk is made room on, though the index cannot be written either', async () => {
  const stage = createStage()
  const buffer = await stage.open()
  await record(stage, buffer, { count: 20, bytes: 900 })
  stage.disk.fault = 'full'
  stage.kv.fault = 'full'
  await record(stage, buffer, { count: 3, bytes: 900 })
  const before = stage.disk.usedBytes()
  await pass(stage, 20_000)
  expect(stage.disk.usedBytes()).toBeLessThan(before)
  stage.disk.fault = undefined
  stage.kv.fault = undefined
  await pass(stage, 30_000)
  expect((await gapsOf(buffer)).reduce((sum, { units }) => sum + units, 0)).toBe(buffer.status().evictedUnits)
  await buffer.close()
})

test('lines of a record track are durable when written, in order, and many share one sync', async () => {
  const stage = createStage()
  let buffer = await stage.open()
  const before = stage.kv.batches()
  await Promise.all(Array.from({ length: 50 }, (_, i) => buffer.write('events', `{"n":${i}}`)))
  expect(stage.kv.batches() - before).toBeLessThan(5)
  const lines = Array.from({ length: 50 }, (_, i) => `{"n":${i}}`)
  expect(await linesOf(buffer, 'events')).toEqual(lines)
  stage.restart()
  buffer = await stage.open()
  expect(await linesOf(buffer, 'events')).toEqual(lines)
  await buffer.write('events', '{"n":50}')
  const ids = buffer.held().filter(({ track }) => track === 'events')
  expect(ids.length).toBe(1)
  const held = buffer.recording(at(ids, 0))
  if (held === undefined) throw new Error('held')
  await buffer.confirm(at(ids, 0), extentAfter(held, held.pending.length), at(held.pending, -1).seq)
  await calm()
  expect([...stage.kv.rows().keys()].filter((key) => key.startsWith('l/'))).toEqual([])
  await buffer.close()
})

test.each([
  ['the UTC day, once it is known', 1e12 - (1e12 % 86_400_000), 86_000_000, 600_000],
  ['24 hours, while it is not', undefined, 86_000_000, 86_400_000],
])('a record track begins anew with %s', async (_name, wallOffsetMs, quietMs, restMs) => {
  const stage = createStage()
  stage.wallOffsetMs = wallOffsetMs
  const buffer = await stage.open()
  const recordings = (): number => buffer.held().filter(({ track }) => track === 'events').length
  await buffer.write('events', '{}')
  await stage.clock.advance(quietMs)
  await buffer.write('events', '{}')
  expect(recordings()).toBe(1)
  await stage.clock.advance(restMs)
  await buffer.write('events', '{}')
  expect(recordings()).toBe(2)
  expect(buffer.recording(at(buffer.held(), 0))?.closed).toBe(true)
  await buffer.close()
})

test('a record track begins anew at its size, and keeps a bounded number of lines', async () => {
  const stage = createStage({ sizes: { recordsHeld: 100, recordingBytes: 500 } })
  const buffer = await stage.open()
  for (let i = 0; i < 250; i += 1) await buffer.write('health', `{"n":${i}}`)
  const lines = await linesOf(buffer, 'health')
  expect(lines.length).toBeLessThanOrEqual(100)
  expect(at(lines, -1)).toBe('{"n":249}')
  expect(buffer.held().filter(({ track }) => track === 'health').length).toBeGreaterThan(1)
  const alarms = (await catalogueOf(buffer)).filter(({ kind }) => kind === 'alarm')
  const dropped = alarms.map((alarm) => Number.parseInt('note' in alarm ? alarm.note : '', 10))
  expect(dropped.reduce((sum, count) => sum + count, 0) + lines.length).toBe(250)
  await buffer.close()
})

test('a gap that capture reports is dated as far as the time is known', async () => {
  const stage = createStage()
  const buffer = await stage.open()
  const gap = {
    camera: 'gate',
    cause: 'camera',
    fromMonoMs: 1000,
    toMonoMs: 3000,
    note: 'It gave no pictures.',
  } as const
  await buffer.gap(gap)
  stage.wallOffsetMs = 1e12
  await buffer.gap(gap)
  expect(await gapsOf(buffer)).toMatchObject([
    { ...gap, from: null, to: null, bootCounter: 1 },
    { ...gap, from: new Date(1e12 + 1000).toISOString(), to: new Date(1e12 + 3000).toISOString() },
  ])
  await buffer.close()
})

test('the boots it remembers are those of which something is held', async () => {
  const stage = createStage()
  let buffer = await stage.open()
  await buffer.learnBootTime({ ms: 1e12, errorMs: 20 })
  await record(stage, buffer, { count: 1 })
  await buffer.claim(at(buffer.held(), 0), claim)
  await buffer.close()
  stage.restart({ fraction: () => 0.99, hex: () => '' })
  buffer = await stage.open()
  expect(buffer.boot).toEqual({ id: 'boot-2', counter: 2 })
  expect(buffer.bootTime(1)).toEqual({ boot: { id: 'boot-1', counter: 1 }, offset: { ms: 1e12, errorMs: 20 } })
  const id = at(buffer.held(), 0)
  await confirm(buffer, 1)
  await buffer.finish(id)
  expect(buffer.bootTime(1)).toBeUndefined()
  expect(buffer.bootTime(2)).toEqual({ boot: { id: 'boot-2', counter: 2 } })
  await buffer.close()
})

test('wakes who waits for a change, and who gives up waiting', async () => {
  const stage = createStage()
  const buffer = await stage.open()
  let woken = 0
  const over = new AbortController()
  void buffer.changed(new AbortController().signal).then(() => {
    woken += 1
  })
  await calm()
  expect(woken).toBe(0)
  await buffer.write('events', '{}')
  await calm()
  expect(woken).toBe(1)
  const waiting = buffer.changed(over.signal)
  over.abort()
  await waiting
  await buffer.close()
})

test('closes with what waits written, nothing left running, and again without harm', async () => {
  const stage = createStage()
  const buffer = await stage.open()
  await record(stage, buffer, { count: 1 })
  buffer.put(gate, unitAt(51_000, 100))
  buffer.put(gate, unitAt(51_500, 100))
  await Promise.all([buffer.close(), buffer.close()])
  await calm()
  expect(stage.clock.sleepers()).toBe(0)
  stage.restart()
  const again = await stage.open()
  expect(pendingOf(again, at(again.held(), 0)).length).toBe(3)
  expect(crc64(unitAt(51_500, 100).bytes)).toBe(at(pendingOf(again, at(again.held(), 0)), 2).crc64)
  await again.close()
})

test('closes in bounded time on a disk that refuses everything', async () => {
  const stage = createStage()
  const buffer = await stage.open()
  await record(stage, buffer, { count: 1 })
  stage.disk.fault = 'io'
  stage.kv.fault = 'io'
  void buffer.write('events', '{}')
  buffer.put(gate, unitAt(51_000, 100))
  let closed = false
  void buffer.close().then(() => {
    closed = true
  })
  await pass(stage, 8_000)
  expect(closed).toBe(true)
  expect(stage.clock.sleepers()).toBe(0)
})

test('an event that begins and ends within a group never overtakes, and is not overtaken: any end of a write leaves no hole', async () => {
  for (let steps = 0; steps < 12; steps += 1) {
    // So little memory that everything is due at once.
    const stage = createStage({ memory: { spillAfterMs: 3_000, memoryBytesPerCamera: 2_000 } })
    let buffer = await stage.open()
    buffer.begin(gate, { startMonoMs: 50_000, video })
    // The event is units 2 and 3 of 7.
    buffer.protect(gate, 52_100, 53_900)
    for (let i = 0; i < 7; i += 1) buffer.put(gate, unitAt(50_000 + i * 1_000, 200))
    stage.disk.crashAfterSteps = steps
    await pass(stage, 5_000)
    const whole = !stage.disk.crashed()
    stage.restart()
    buffer = await stage.open()
    const held = videoHeld(buffer).flatMap((id) => pendingOf(buffer, id).map(({ seq }) => seq))
    expect(held, `${steps} steps`).toEqual(held.map((_, seq) => seq))
    if (whole) expect(held.length).toBe(7)
    await buffer.close()
  }
})
