/** Starting is recovering: from a killed process, a cut power, a damaged file, a lost database, and what stops a start. */
import { describe, expect, test } from 'vitest'
import { seededRandom } from '../../src/base/random.ts'
import type { Buffer as FootageBuffer } from '../../src/buffer/buffer.ts'
import { extentAfter } from '../../src/uplink/append-plan.ts'
import { gate, unitAt, video } from './footage.ts'
import { at, calm, catalogueOf, createStage, gapsOf, pass, pendingOf, type Stage, videoHeld } from './stage.ts'

const claim = { key: 'v/gate.ts', playlistKey: 'v/gate.m3u8', token: 'abc' }

async function record(stage: Stage, buffer: FootageBuffer, count: number): Promise<void> {
  for (let i = 0; i < count; i += 1) {
    const start = stage.clock.mono()
    if (buffer.open(gate) === undefined) buffer.begin(gate, { startMonoMs: start, video })
    buffer.put(gate, unitAt(start, 900))
    await pass(stage, 1000)
  }
}

async function confirm(buffer: FootageBuffer, count: number): Promise<void> {
  const id = at(videoHeld(buffer), 0)
  const held = buffer.recording(id)
  if (held === undefined) throw new Error('held')
  await buffer.confirm(id, extentAfter(held, count), at(held.pending, count - 1).seq)
}

const seqs = (buffer: FootageBuffer): number[] =>
  videoHeld(buffer).flatMap((id) => pendingOf(buffer, id).map(({ seq }) => seq))
const all = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i)

describe('the database is lost and', () => {
  /** Ten units, claimed after the fourth, six confirmed. */
  async function lived(): Promise<Stage> {
    const stage = createStage()
    const buffer = await stage.open()
    await record(stage, buffer, 4)
    await buffer.claim(at(videoHeld(buffer), 0), claim)
    await record(stage, buffer, 8)
    await confirm(buffer, 6)
    await buffer.write('events', '{}')
    await pass(stage, 2000)
    return stage
  }

  test.each(['damaged', 'unreadable', 'hopeless'] as const)(
    'is %s: footage keeps its object and its name; how far that reaches only the store can tell',
    async (state) => {
      const stage = await lived()
      stage.kv.state = state
      stage.restart()
      const buffer = await stage.open()
      const id = at(videoHeld(buffer), 0)
      const held = buffer.recording(id)
      // Some that was confirmed may be held again, none that was not may be missing.
      expect(seqs(buffer)).toEqual(all(at(seqs(buffer), 0), 12))
      expect(at(seqs(buffer), 0)).toBeLessThanOrEqual(6)
      expect(held).toMatchObject({ claim, closed: true, doubt: { beyond: true } })
      const units = Array.from({ length: 12 }, (_, i) => ({
        length: 900,
        crc64: unitAt(50_000 + i * 1000, 900).crc64,
        seq: i,
      }))
      const known = extentAfter({ arrived: { length: 0, crc64: 0n }, pending: units }, at(seqs(buffer), 0))
      expect(held?.doubt?.pendingFrom).toEqual(known)
      expect(buffer.open(gate)).toBeUndefined()
      expect(buffer.boot.counter).toBe(1)
      const alarms = (await catalogueOf(buffer)).filter(({ kind }) => kind === 'alarm')
      expect(alarms).toMatchObject([{ about: 'buffer' }])
      await record(stage, buffer, 1)
      expect(seqs(buffer)).toEqual(all(at(seqs(buffer), 0), 13))
      await buffer.close()
      stage.restart()
      const again = await stage.open()
      const kinds = (await catalogueOf(again)).map(({ kind }) => kind)
      expect(kinds.filter((kind) => kind === 'alarm').length).toBe(1)
      await again.close()
    },
  )

  test('the machine has booted since: its counter is one that was never used', async () => {
    const stage = await lived()
    stage.kv.state = 'hopeless'
    stage.restart(seededRandom(1))
    const buffer = await stage.open()
    expect(buffer.boot.counter).toBeGreaterThan(1000)
    expect(buffer.recording(at(videoHeld(buffer), 0))?.closed).toBe(true)
    await buffer.close()
  })

  test('only some rows are missing: what they said is read from the segments', async () => {
    for (const prefix of ['r/', 's/', 't/', 'boot', 'l/']) {
      const stage = await lived()
      stage.kv.state = 'damaged'
      stage.kv.lossOnRepair = (key) => key.startsWith(prefix)
      stage.restart()
      const buffer = await stage.open()
      expect(seqs(buffer), prefix).toEqual(all(at(seqs(buffer), 0), 12))
      expect(buffer.recording(at(videoHeld(buffer), 0))?.claim, prefix).toEqual(claim)
      expect(await gapsOf(buffer), prefix).toEqual([])
      await buffer.close()
    }
  })
})

test('a row that does not read is a lost row, not an end', async () => {
  const stage = createStage()
  let buffer = await stage.open()
  await record(stage, buffer, 3)
  await buffer.close()
  const kv = await stage.kv.open()
  if (!kv.ok) throw new Error(kv.error.message)
  const row = at(
    [...stage.kv.rows().keys()].filter((key) => key.startsWith('r/')),
    0,
  )
  await kv.value.batch([{ type: 'put', key: row, value: '{"half":' }], true)
  await kv.value.close()
  stage.restart()
  buffer = await stage.open()
  expect(seqs(buffer)).toEqual([0, 1, 2])
  await buffer.close()
})

test('a power cut in the middle of a write tears off its end and nothing else', async () => {
  for (let seed = 1; seed <= 30; seed += 1) {
    const stage = createStage()
    let buffer = await stage.open()
    await record(stage, buffer, 5)
    stage.disk.crashAfterSteps = 1
    buffer.put(gate, unitAt(55_000, 900))
    buffer.put(gate, unitAt(56_000, 900))
    await pass(stage, 1000)
    expect(stage.disk.crashed()).toBe(true)
    stage.restart(seededRandom(seed))
    buffer = await stage.open()
    const held = seqs(buffer)
    expect(held.slice(0, 5)).toEqual([0, 1, 2, 3, 4])
    for (const id of videoHeld(buffer)) {
      for (const { seq } of pendingOf(buffer, id)) {
        const read = await buffer.read(id, seq, 1)
        expect(read.ok && Buffer.compare(read.value, unitAt(50_000 + seq * 1000, 900).bytes), `SEED=${seed}`).toBe(0)
      }
    }
    const used = stage.disk.usedBytes()
    await buffer.close()
    stage.restart()
    await (await stage.open()).close()
    expect(stage.disk.usedBytes()).toBe(used)
  }
})

test('a damaged record in an unfinished segment costs that unit alone, and a gap names it', async () => {
  for (const where of ['header', 'payload'] as const) {
    const stage = createStage()
    let buffer = await stage.open()
    await record(stage, buffer, 3)
    const content = stage.disk.content(1)
    const payload = content?.indexOf(unitAt(51_000, 900).bytes) ?? -1
    stage.restart()
    stage.disk.damage(1, where === 'payload' ? payload + 100 : payload - 50)
    buffer = await stage.open()
    expect(seqs(buffer)).toEqual([0, 2])
    expect(await gapsOf(buffer)).toMatchObject([
      { camera: 'gate', units: 1, bytes: 900, fromMonoMs: 51_000, toMonoMs: 52_000 },
    ])
    await buffer.close()
  }
})

test('a segment that somebody deleted is a gap that names all of it', async () => {
  const stage = createStage()
  let buffer = await stage.open()
  await record(stage, buffer, 10)
  await buffer.close()
  const before = seqs(buffer)
  await stage.disk.remove(1)
  stage.restart()
  buffer = await stage.open()
  const after = seqs(buffer)
  const [gap] = await gapsOf(buffer)
  expect(gap).toMatchObject({ cause: 'corrupt', units: before.length - after.length, fromMonoMs: 50_000 })
  expect(Math.round((gap?.toMonoMs ?? 0) - 50_000)).toBe((before.length - after.length) * 1000)
  expect(after).toEqual(all(before.length - after.length, 10))
  await buffer.close()
})

test('a restart at every step of a small life loses nothing that was offered', async () => {
  for (let steps = 0; steps < 60; steps += 1) {
    for (const power of [undefined, seededRandom(steps + 1)]) {
      const stage = createStage({ sizes: { segmentBytes: 2500 } })
      let buffer = await stage.open()
      stage.disk.crashAfterSteps = steps
      let offered: number[] = []
      for (let i = 0; i < 6 && !stage.disk.crashed(); i += 1) {
        await record(stage, buffer, 1)
        if (!stage.disk.crashed()) offered = seqs(buffer)
      }
      stage.restart(power)
      buffer = await stage.open()
      expect(seqs(buffer).slice(0, offered.length), `${steps} steps`).toEqual(offered)
      expect(buffer.open(gate) !== undefined, `${steps} steps`).toBe(false)
      await buffer.close()
    }
  }
})

test('an open that is killed at any step may be repeated', async () => {
  const before = async (): Promise<Stage> => {
    const stage = createStage()
    const buffer = await stage.open()
    await record(stage, buffer, 6)
    stage.restart()
    return stage
  }
  for (let steps = 0; steps < 15; steps += 1) {
    const stage = await before()
    stage.disk.crashAfterSteps = steps
    void stage.open().catch(() => {})
    await calm()
    stage.restart(seededRandom(steps))
    const buffer = await stage.open()
    expect(seqs(buffer)).toEqual([0, 1, 2, 3, 4, 5])
    await buffer.close()
  }
})

test('a disk that is full of our own footage does not stop a start: the oldest segment goes, by name', async () => {
  const stage = createStage()
  let buffer = await stage.open()
  await record(stage, buffer, 20)
  await buffer.close()
  const before = seqs(buffer)
  stage.restart()
  stage.disk.fault = 'full'
  const remove = stage.disk.remove
  stage.disk.remove = (segment) => {
    stage.disk.fault = undefined
    return remove(segment)
  }
  buffer = await stage.open()
  const after = seqs(buffer)
  expect(after.length).toBeGreaterThan(10)
  expect(await gapsOf(buffer)).toMatchObject([
    { cause: 'evicted', units: before.length - after.length, fromMonoMs: 50_000 },
  ])
  await buffer.close()
})

test('what a full disk took at a start after a kill is named so, once the store has said what it has', async () => {
  const stage = createStage()
  let buffer = await stage.open()
  await record(stage, buffer, 20)
  const id = at(videoHeld(buffer), 0)
  await buffer.claim(id, claim)
  await pass(stage, 12_000)
  stage.restart()
  stage.disk.fault = 'full'
  const remove = stage.disk.remove
  stage.disk.remove = (segment) => {
    stage.disk.fault = undefined
    return remove(segment)
  }
  buffer = await stage.open()
  expect(buffer.recording(id)?.doubt).toBeDefined()
  await buffer.settle(id, { arrived: { length: 0, crc64: 0n }, unitsRead: 0, endPts: undefined })
  const [gap] = await gapsOf(buffer)
  expect(gap).toMatchObject({ cause: 'evicted', fromMonoMs: 50_000 })
  expect(gap?.units).toBe(at(seqs(buffer), 0))
  await buffer.close()
})

describe('what stops a start is one sentence:', () => {
  test('another owner', async () => {
    const stage = createStage()
    const buffer = await stage.open()
    const second = await stage.tryOpen()
    expect(second).toMatchObject({ ok: false, error: { kind: 'locked' } })
    expect(!second.ok && second.error.message).toMatch(/Another process uses the buffer in \/buffer\/index/)
    await buffer.close()
  })

  test.each(['full', 'io', 'unwritable', 'not-a-directory'] as const)('a disk that is %s', async (kind) => {
    const stage = createStage()
    stage.disk.fault = kind
    const opened = await stage.tryOpen()
    expect(opened).toMatchObject({ ok: false, error: { kind } })
    expect(!opened.ok && opened.error.message).toMatch(/^The .*\/buffer\/segments.*\.$/)
  })

  test('an index that takes no rows; and its lock is let go', async () => {
    const stage = createStage()
    stage.kv.fault = 'full'
    expect(await stage.tryOpen()).toMatchObject({ ok: false, error: { kind: 'full' } })
    stage.kv.fault = undefined
    await (await stage.open()).close()
  })
})
