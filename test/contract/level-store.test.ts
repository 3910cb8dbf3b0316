import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { levelStore } from '../../src/adapters/level-store.ts'
import { createMemoryKv } from '../support/memory-kv.ts'
import { kvContract } from './kv-contract.ts'

describe('rows in memory', () => kvContract(async () => ({ store: createMemoryKv(), tearDown: async () => {} })))

const temporary = (): Promise<string> => mkdtemp(join(tmpdir(), 'watchpost-level-'))

describe('rows in LevelDB', () => {
  kvContract(async () => {
    const folder = await temporary()
    return {
      store: levelStore(join(folder, 'deep', 'index')),
      tearDown: () => rm(folder, { recursive: true, force: true }),
    }
  })

  test.each([
    ['a torn list of files', 'CURRENT', 'MANIF'],
    ['a list of files that names nothing', 'CURRENT', 'MANIFEST-999999\n'],
  ])('with %s is corrupt, and a repair brings the rows back', async (_name, file, content) => {
    const folder = await temporary()
    const store = levelStore(folder)
    const first = await store.open()
    if (!first.ok) throw new Error(first.error.message)
    await first.value.batch([{ type: 'put', key: 'x', value: '1' }], true)
    await first.value.close()
    await writeFile(join(folder, file), content)
    expect(await store.open()).toMatchObject({ ok: false, error: { kind: 'corrupt' } })
    expect((await store.repair()).ok).toBe(true)
    const again = await store.open()
    if (!again.ok) throw new Error(again.error.message)
    expect(await again.value.get('x')).toEqual({ ok: true, value: '1' })
    await again.value.close()
    await rm(folder, { recursive: true, force: true })
  })

  test('makes few files: no option is present without a number', async () => {
    const folder = await temporary()
    const opened = await levelStore(folder).open()
    if (!opened.ok) throw new Error(opened.error.message)
    for (let i = 0; i < 50; i += 1) {
      await opened.value.batch([{ type: 'put', key: `k${i}`, value: 'x'.repeat(10_000) }], false)
    }
    expect((await readdir(folder)).length).toBeLessThan(10)
    await opened.value.close()
    await rm(folder, { recursive: true, force: true })
  })

  test('beneath a plain file says that this is no directory', async () => {
    const folder = await temporary()
    await writeFile(join(folder, 'plain'), '')
    expect(await levelStore(join(folder, 'plain', 'index')).open()).toMatchObject({
      ok: false,
      error: { kind: 'not-a-directory' },
    })
    await rm(folder, { recursive: true, force: true })
  })

  test('where the kernel makes no folders it ends with a sentence, too', async () => {
    expect((await levelStore('/proc/watchpost/index').open()).ok).toBe(false)
  })
})
