/** When rows reach the disk: who asks for it at once, and all others in ten seconds, no oftener. */
import { expect, test } from 'vitest'
import { silentLogger } from '../../src/base/log.ts'
import { createKvWriter, type KvWriter } from '../../src/buffer/kv-writer.ts'
import { createTurns } from '../../src/buffer/turns.ts'
import { createHandClock } from '../support/hand-clock.ts'
import { createMemoryKv } from '../support/memory-kv.ts'
import { calm } from './stage.ts'

async function stage() {
  const store = createMemoryKv()
  const opened = await store.open()
  if (!opened.ok) throw new Error('opens')
  const clock = createHandClock({ mono: 1_000 })
  const fatal = (error: unknown): void => {
    throw error
  }
  const writer: KvWriter = createKvWriter({
    ...{ store, kv: opened.value, clock, turns: createTurns(2), log: silentLogger, fatal },
  })
  const put = (key: string, value: string, sync = false): Promise<void> =>
    writer.write([{ type: 'put', key, value }], sync)
  const pass = async (ms: number): Promise<void> => {
    for (let left = ms; left > 0; left -= 500) {
      await clock.advance(Math.min(500, left))
      await calm()
    }
  }
  return { store, clock, writer, put, pass }
}

test('a row that nothing follows is synced after ten seconds, once', async () => {
  const { store, writer, put, pass, clock } = await stage()
  await put('position', '1')
  expect([store.batches(), store.syncs()]).toEqual([1, 0])
  await pass(9_500)
  expect(store.syncs()).toBe(0)
  await pass(1_000)
  expect(store.syncs()).toBe(1)
  const before = store.batches()
  await pass(60_000)
  expect([store.batches(), store.syncs()]).toEqual([before, 1])
  await writer.close()
  expect(clock.sleepers()).toBe(0)
})

test('a row a second is synced every ten seconds, and no oftener', async () => {
  const { store, writer, put, pass } = await stage()
  for (let second = 0; second < 100; second += 1) {
    await put('position', String(second))
    await pass(1_000)
  }
  expect(store.syncs()).toBeGreaterThanOrEqual(9)
  expect(store.syncs()).toBeLessThanOrEqual(10)
  await writer.close()
})

test('a synced row takes with it what came before, and the ten seconds begin anew', async () => {
  const { store, writer, put, pass } = await stage()
  await put('position', '1')
  await pass(8_000)
  await put('claim', 'x', true)
  expect(store.syncs()).toBe(1)
  await pass(9_000)
  expect(store.syncs()).toBe(1)
  await put('position', '2')
  await pass(9_000)
  expect(store.syncs()).toBe(1)
  await pass(2_000)
  expect(store.syncs()).toBe(2)
  await writer.close()
})

test('closing syncs what is not synced, and nothing otherwise', async () => {
  const first = await stage()
  await first.put('position', '1')
  await first.writer.close()
  expect(first.store.syncs()).toBe(1)
  const second = await stage()
  await second.put('claim', '1', true)
  await second.writer.close()
  expect(second.store.syncs()).toBe(1)
})
