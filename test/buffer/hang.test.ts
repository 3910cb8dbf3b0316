/** A disk that answers late, or not at all: footage flows, nobody waits who need not, and nothing is held twice. */
import { expect, test } from 'vitest'
import type { Buffer as FootageBuffer } from '../../src/buffer/buffer.ts'
import type { RecordingId } from '../../src/format/recording.ts'
import { extentAfter } from '../../src/uplink/append-plan.ts'
import { gate, unitAt, video } from './footage.ts'
import { at, calm, createStage, gapsOf, linesOf, pass, pendingOf, type Stage, videoHeld } from './stage.ts'

const claim = { key: 'v/gate.ts', playlistKey: 'v/gate.m3u8', token: 'abc' }

/** Index and segments are on one card. */
function onOneCard(options: Parameters<typeof createStage>[0] = {}): Stage {
  const stage = createStage({ ...options, memory: { spillAfterMs: 3_000, ...options.memory } })
  stage.kv.delay = () => stage.disk.ready()
  return stage
}

function put(stage: Stage, buffer: FootageBuffer, track = gate): void {
  const start = stage.clock.mono()
  if (buffer.open(track) === undefined) buffer.begin(track, { startMonoMs: start, video })
  buffer.put(track, unitAt(start, 500))
}

async function confirm(buffer: FootageBuffer, id: RecordingId, count: number): Promise<void> {
  const held = buffer.recording(id)
  if (held === undefined) throw new Error('held')
  await buffer.confirm(id, extentAfter(held, count), at(held.pending, count - 1).seq)
}

/** Has it come, once everything ran that waits for no clock? */
async function came(work: Promise<unknown>): Promise<boolean> {
  let done = false
  void work.then(() => {
    done = true
  })
  await calm()
  return done
}

test('footage is offered, read, named and confirmed while the disk hangs; two of its calls are under way at most', async () => {
  const stage = onOneCard()
  const buffer = await stage.open()
  put(stage, buffer)
  stage.disk.hang()
  const [id] = videoHeld(buffer)
  if (id === undefined) throw new Error('held')
  const named = buffer.claim(id, claim)
  expect(await came(named)).toBe(false)
  expect(buffer.recording(id)?.claim).toBeUndefined()
  // Two seconds for the row, two more for a segment to take the name instead.
  await pass(stage, 4_000)
  expect(await came(named)).toBe(true)
  expect(buffer.recording(id)?.claim).toEqual(claim)
  let most = 0
  for (let second = 0; second < 30; second += 1) {
    put(stage, buffer)
    const [next] = pendingOf(buffer, id)
    const read = buffer.read(id, next?.seq ?? -1, 1)
    expect(await came(read)).toBe(true)
    expect((await read).ok).toBe(true)
    const confirmed = confirm(buffer, id, 1)
    expect(await came(confirmed)).toBe(true)
    await pass(stage, 1_000)
    most = Math.max(most, stage.disk.inFlight())
  }
  expect(most).toBe(2)
  expect(buffer.status()).toMatchObject({ units: 1, spilledBytes: 0 })
  stage.disk.resume()
  await pass(stage, 20_000)
  expect(buffer.status()).toMatchObject({ spilledBytes: 500, problem: null })
  expect(stage.kv.rows().get(`r/${gate}|1|0`)).toContain('v/gate.ts')
  await buffer.close()
})

test('lines are offered after two seconds; who waits for their durability goes on then', async () => {
  const stage = onOneCard()
  const buffer = await stage.open()
  stage.disk.hang()
  const written = buffer.write('events', '{"n":1}')
  await pass(stage, 1_500)
  expect(await came(written)).toBe(false)
  expect(await linesOf(buffer, 'events')).toEqual([])
  await pass(stage, 1_000)
  expect(await came(written)).toBe(true)
  expect(await linesOf(buffer, 'events')).toEqual(['{"n":1}'])
  stage.disk.resume()
  await pass(stage, 2_000)
  expect([...stage.kv.rows().values()]).toContain('{"n":1}\n')
  await buffer.close()
})

test('a gap named while the disk hangs is sent from memory', async () => {
  const stage = onOneCard()
  const buffer = await stage.open()
  stage.disk.hang()
  for (let i = 0; i < 30; i += 1) {
    put(stage, buffer)
    await pass(stage, 1_000)
  }
  // The first unit is on its way to the disk.
  const [gap] = await gapsOf(buffer)
  expect(gap).toMatchObject({ cause: 'disk', fromMonoMs: 51_000 })
  stage.disk.resume()
  await buffer.close()
})

test('a cut waits for the disk, and another camera does not wait for the cut', async () => {
  const stage = onOneCard()
  const buffer = await stage.open()
  put(stage, buffer)
  const [id] = videoHeld(buffer)
  if (id === undefined) throw new Error('held')
  await buffer.claim(id, claim)
  stage.disk.hang()
  const cut = buffer.cut(id, 'test')
  await pass(stage, 10_000)
  expect(await came(cut)).toBe(false)
  put(stage, buffer, 'video/yard')
  const yard = videoHeld(buffer).find(({ track }) => track === 'video/yard')
  if (yard === undefined) throw new Error('held')
  expect(await came(buffer.read(yard, 0, 1))).toBe(true)
  const named = buffer.claim(yard, { ...claim, key: 'v/yard.ts' })
  await pass(stage, 5_000)
  expect(await came(named)).toBe(true)
  stage.disk.resume()
  await pass(stage, 1_000)
  expect(await came(cut)).toBe(true)
  await buffer.close()
})

test('a unit that is confirmed while its group is being written is not held there: its segment goes', async () => {
  const stage = onOneCard({ sizes: { segmentBytes: 1_000 } })
  const buffer = await stage.open()
  for (let i = 0; i < 3; i += 1) put(stage, buffer)
  const [id] = videoHeld(buffer)
  if (id === undefined) throw new Error('held')
  await buffer.claim(id, claim)
  await pass(stage, 2_500)
  stage.disk.hang()
  await pass(stage, 1_000)
  expect(stage.disk.inFlight()).toBeGreaterThan(0)
  await confirm(buffer, id, 3)
  stage.disk.resume()
  await pass(stage, 15_000)
  // The next group begins a new segment, and the old one has nothing to wait for.
  put(stage, buffer)
  await pass(stage, 15_000)
  expect(buffer.status().units).toBe(1)
  expect(stage.disk.content(1)).toBeUndefined()
  await buffer.close()
  stage.restart()
  const again = await stage.open()
  expect(pendingOf(again, id).map(({ seq }) => seq)).toEqual([3])
  await again.close()
})

test('a stop takes two seconds, whatever hangs, and leaves no timer behind', async () => {
  for (const moment of ['idle', 'writing', 'naming'] as const) {
    const stage = onOneCard()
    const buffer = await stage.open()
    put(stage, buffer)
    if (moment === 'writing') await pass(stage, 2_500)
    stage.disk.hang()
    if (moment === 'writing') await pass(stage, 1_000)
    if (moment === 'naming') void buffer.claim(at(videoHeld(buffer), 0), claim)
    const closed = buffer.close()
    await pass(stage, 1_500)
    expect(await came(closed), moment).toBe(false)
    await pass(stage, 500)
    expect(await came(closed), moment).toBe(true)
    stage.disk.resume()
    await pass(stage, 5_000)
    expect(stage.clock.sleepers(), moment).toBe(0)
    expect(stage.fatal).toEqual([])
  }
})

test('an unlink that hangs keeps nobody', async () => {
  const stage = onOneCard({ memory: { spillAfterMs: 0 } })
  const buffer = await stage.open()
  for (let i = 0; i < 12; i += 1) {
    put(stage, buffer)
    await pass(stage, 1_000)
  }
  const [id] = videoHeld(buffer)
  if (id === undefined) throw new Error('held')
  await buffer.claim(id, claim)
  await calm()
  stage.disk.hang()
  expect(await came(confirm(buffer, id, 10))).toBe(true)
  await pass(stage, 5_000)
  put(stage, buffer)
  expect(await came(buffer.read(id, 12, 1))).toBe(true)
  stage.disk.resume()
  await pass(stage, 10_000)
  expect(stage.disk.usedBytes()).toBeLessThan(6_000)
  await buffer.close()
})
