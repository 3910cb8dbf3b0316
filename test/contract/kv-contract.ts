/** What every `Kv` promises, for the fake and for LevelDB. */
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Kv, KvOp, KvStore } from '../../src/buffer/kv.ts'

const put = (key: string, value: string): KvOp => ({ type: 'put', key, value })
const del = (key: string): KvOp => ({ type: 'del', key })

export function kvContract(create: () => Promise<{ store: KvStore; tearDown: () => Promise<void> }>): void {
  let store: KvStore
  let tearDown: () => Promise<void>
  beforeEach(async () => {
    ;({ store, tearDown } = await create())
  })
  afterEach(() => tearDown())

  async function open(): Promise<Kv> {
    const opened = await store.open()
    if (!opened.ok) throw new Error(opened.error.message)
    return opened.value
  }

  async function rows(kv: Kv, prefix = ''): Promise<[string, string][]> {
    const found: [string, string][] = []
    expect(await kv.scan(prefix, (key, value) => found.push([key, value]))).toEqual({ ok: true, value: undefined })
    return found
  }

  test('is empty when new, and gives back what was put, in order of the keys', async () => {
    const kv = await open()
    expect(await rows(kv)).toEqual([])
    await kv.batch([put('b/2', 'two'), put('a', 'ä €'), put('b/10', '')], true)
    expect(await rows(kv)).toEqual([
      ['a', 'ä €'],
      ['b/10', ''],
      ['b/2', 'two'],
    ])
    expect((await rows(kv, 'b/')).map(([key]) => key)).toEqual(['b/10', 'b/2'])
    expect(await kv.get('a')).toEqual({ ok: true, value: 'ä €' })
    expect(await kv.get('none')).toEqual({ ok: true, value: undefined })
    await kv.close()
  })

  test('applies the operations of a batch in their order, and later batches after', async () => {
    const kv = await open()
    await Promise.all([
      kv.batch([put('x', '1'), del('x'), put('y', '1')], false),
      kv.batch([put('y', '2'), del('none')], false),
      kv.batch([], true),
    ])
    expect(await rows(kv)).toEqual([['y', '2']])
    await kv.close()
  })

  test('keeps its rows when closed and opened again', async () => {
    const first = await open()
    await first.batch([put('x', '1')], true)
    await first.batch([put('y', '2')], false)
    await first.close()
    const second = await open()
    expect(await rows(second)).toEqual([
      ['x', '1'],
      ['y', '2'],
    ])
    await second.close()
  })

  test('has one owner: the second is told that it is locked, and may have it afterwards', async () => {
    const first = await open()
    expect(await store.open()).toMatchObject({ ok: false, error: { kind: 'locked' } })
    expect(await rows(first)).toEqual([])
    await first.close()
    await (await open()).close()
  })

  test('opens empty after it was put aside, and with its rows after a needless repair', async () => {
    const first = await open()
    await first.batch([put('x', '1')], true)
    await first.close()
    expect((await store.repair()).ok).toBe(true)
    const second = await open()
    expect(await rows(second)).toEqual([['x', '1']])
    await second.close()
    expect(await store.setAside()).toEqual({ ok: true, value: `${store.place}.quarantined-1` })
    const third = await open()
    expect(await rows(third)).toEqual([])
    await third.close()
  })
}
