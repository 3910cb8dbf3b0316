/** What this version cannot read is moved out of the way, whole, and nobody has to come. */
import { expect, test } from 'vitest'
import { seededRandom } from '../../src/base/random.ts'
import type { Buffer as FootageBuffer } from '../../src/buffer/buffer.ts'
import { gate, unitAt, video } from './footage.ts'
import { at, calm, catalogueOf, createStage, linesOf, pass, pendingOf, type Stage, videoHeld } from './stage.ts'

const claim = { key: 'v/gate.ts', playlistKey: 'v/gate.m3u8', token: 'abc' }

async function record(stage: Stage, buffer: FootageBuffer, count: number): Promise<void> {
  for (let i = 0; i < count; i += 1) {
    const start = stage.clock.mono()
    if (buffer.open(gate) === undefined) buffer.begin(gate, { startMonoMs: start, video })
    buffer.put(gate, unitAt(start, 900))
    await pass(stage, 1000)
  }
}

const seqs = (buffer: FootageBuffer): number[] =>
  videoHeld(buffer).flatMap((id) => pendingOf(buffer, id).map(({ seq }) => seq))

async function setRow(stage: Stage, key: string, value: string): Promise<void> {
  const kv = await stage.kv.open()
  if (!kv.ok) throw new Error(kv.error.message)
  await kv.value.batch([{ type: 'put', key, value }], true)
  await kv.value.close()
}

/** Six units and an event, closed in order. */
async function lived(): Promise<Stage> {
  const stage = createStage()
  const buffer = await stage.open()
  await record(stage, buffer, 4)
  await buffer.claim(at(videoHeld(buffer), 0), claim)
  await record(stage, buffer, 2)
  await buffer.write('events', '{"n":1}')
  await buffer.close()
  stage.restart()
  return stage
}

/** As another version would have written it: its heads say so, and their checksums are not ours to know. */
function renumber(stage: Stage, segment: number, to: { readonly magic?: string; readonly version?: number }): void {
  const content = stage.disk.content(segment)
  if (content === undefined) throw new Error('no such segment')
  for (let from = content.indexOf('WPs1'); from !== -1; from = content.indexOf('WPs1', from + 4)) {
    if (to.magic !== undefined) content.write(to.magic, from)
    if (to.version !== undefined) content[from + 4] = to.version
  }
}

const alarmsOf = async (buffer: FootageBuffer): Promise<string[]> =>
  (await catalogueOf(buffer)).flatMap((record) => (record.kind === 'alarm' ? [record.note] : []))

test('rows of another version go aside, with the lines in them; footage goes on under its name', async () => {
  const stage = await lived()
  await setRow(stage, 'format', '99')
  const buffer = await stage.open()
  expect(stage.kv.aside().map((rows) => [rows.get('format'), rows.size > 5])).toEqual([['99', true]])
  expect(seqs(buffer)).toEqual([0, 1, 2, 3, 4, 5])
  expect(buffer.recording(at(videoHeld(buffer), 0))?.claim).toEqual(claim)
  expect(await linesOf(buffer, 'events')).toEqual([])
  const sentence = expect.stringMatching(/format 99; this one reads 1.*moved to \/buffer\/index.quarantined-1/)
  expect(await alarmsOf(buffer)).toEqual([sentence])
  expect(at(await alarmsOf(buffer), 0)).toContain('Events and reports that were waiting may be missing.')
  expect(buffer.status().repairs).toEqual([sentence])
  expect(stage.logged).toContainEqual(expect.objectContaining({ event: 'index-set-aside' }))
  await record(stage, buffer, 1)
  expect(seqs(buffer)).toEqual([0, 1, 2, 3, 4, 5, 6])
  await buffer.close()
  // Said once.
  stage.restart()
  const again = await stage.open()
  expect(again.status().repairs).toEqual([])
  expect((await alarmsOf(again)).length).toBe(1)
  expect(stage.kv.aside().length).toBe(1)
  await again.close()
})

test('boots of the other version are counted on, so that no counter is used twice', async () => {
  for (const [row, least] of [
    ['{"counter":7,"id":"old"}', 8],
    ['{"of":"another shape"}', 1001],
  ] as const) {
    const stage = createStage()
    await (await stage.open()).close()
    await setRow(stage, 'boot', row)
    await setRow(stage, 'format', '2')
    stage.restart(seededRandom(1))
    const buffer = await stage.open()
    expect(buffer.boot.counter).toBe(least)
    await buffer.close()
  }
})

test.each([{ version: 2 }, { magic: 'WPs2' }, { magic: 'WPs9', version: 9 }])(
  'segments of another version (%j) go aside whole; ours beside them stay',
  async (other) => {
    const stage = await lived()
    const before = stage.disk.contents().map((content) => content.length)
    expect(before.length).toBeGreaterThan(1)
    renumber(stage, 1, other)
    const foreign = Buffer.from(stage.disk.content(1) ?? [])
    stage.kv.state = 'hopeless'
    const buffer = await stage.open()
    expect(stage.disk.aside()).toEqual([[foreign]])
    expect(seqs(buffer).at(-1)).toBe(5)
    expect(seqs(buffer).length).toBeLessThan(6)
    expect(await alarmsOf(buffer)).toContainEqual(expect.stringContaining('/buffer/segments.quarantined-1'))
    // Its number is not used again: somebody may move it back.
    await record(stage, buffer, 12)
    expect(stage.disk.content(1)).toBeUndefined()
    await buffer.close()
  },
)

test('everything is of another version: the recorder begins anew, and the other one may have its own back', async () => {
  const stage = await lived()
  const all = [...stage.disk.contents()]
  for (let segment = 1; segment <= all.length; segment += 1) renumber(stage, segment, { version: 2 })
  await setRow(stage, 'format', '2')
  const buffer = await stage.open()
  expect(stage.disk.aside().map((heap) => heap.length)).toEqual([all.length])
  expect(videoHeld(buffer)).toEqual([])
  expect(buffer.status().repairs.length).toBe(2)
  await record(stage, buffer, 2)
  expect(seqs(buffer)).toEqual([0, 1])
  await buffer.close()
})

test('one damaged byte is no version: what is whole behind it stays', async () => {
  const stage = await lived()
  stage.disk.damage(1, 4)
  stage.kv.state = 'hopeless'
  const buffer = await stage.open()
  expect(stage.disk.aside()).toEqual([])
  expect(seqs(buffer)).toEqual([0, 1, 2, 3, 4, 5])
  await buffer.close()
})

test('what went aside goes first when the disk is short, before any footage that can be sent', async () => {
  const stage = createStage({ minFreeBytes: 2_000, quotaBytes: 1e9 })
  let buffer = await stage.open()
  await record(stage, buffer, 8)
  await buffer.close()
  stage.restart()
  renumber(stage, 1, { version: 2 })
  stage.kv.state = 'hopeless'
  buffer = await stage.open()
  await pass(stage, 6_000)
  const held = seqs(buffer)
  expect(stage.disk.aside().length).toBe(1)
  stage.disk.capacityBytes = stage.disk.usedBytes() + 2_500
  await record(stage, buffer, 3)
  expect(stage.disk.aside()).toEqual([])
  expect(seqs(buffer).slice(0, held.length)).toEqual(held)
  expect(buffer.status().evictedUnits).toBe(0)
  expect(stage.logged).toContainEqual(expect.objectContaining({ event: 'aside-dropped' }))
  await buffer.close()
})

test('a power cut while a lost index is being built anew does not make it look whole', async () => {
  let partial = 0
  for (let steps = 0; steps < 25; steps += 1) {
    const stage = await lived()
    await setRow(stage, 'format', '99')
    stage.disk.crashAfterSteps = steps
    void stage.open().catch(() => {})
    await calm()
    if (stage.disk.crashed()) partial += 1
    stage.restart(seededRandom(steps))
    const buffer = await stage.open()
    expect(seqs(buffer), `${steps} steps`).toEqual([0, 1, 2, 3, 4, 5])
    expect(await alarmsOf(buffer), `${steps} steps`).toContainEqual(expect.stringContaining('Events and reports'))
    expect(stage.kv.aside().length).toBe(1)
    await buffer.close()
  }
  expect(partial).toBeGreaterThan(5)
})
