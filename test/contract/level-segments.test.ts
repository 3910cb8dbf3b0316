import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { segmentFiles } from '../../src/adapters/segment-files.ts'
import { createMemoryDisk } from '../support/memory-disk.ts'
import { segmentDiskContract } from './segment-disk-contract.ts'

describe('segments in memory', () =>
  segmentDiskContract(async () => ({ disk: createMemoryDisk(), tearDown: async () => {} })))

const temporary = (): Promise<string> => mkdtemp(join(tmpdir(), 'watchpost-segments-'))

describe('segments as files', () => {
  segmentDiskContract(async () => {
    const folder = await temporary()
    return {
      disk: segmentFiles(join(folder, 'a', 'b')),
      tearDown: () => rm(folder, { recursive: true, force: true }),
    }
  })

  test('leaves files alone that are not its own', async () => {
    const folder = await temporary()
    const disk = segmentFiles(folder)
    await writeFile(join(folder, 'notes.txt'), 'x')
    await writeFile(join(folder, '1.seg'), 'x')
    expect(await disk.prepare()).toEqual({ ok: true, value: undefined })
    expect(await disk.list()).toEqual({ ok: true, value: [] })
    await rm(folder, { recursive: true, force: true })
  })

  test('knows the free space', async () => {
    const folder = await temporary()
    expect(await segmentFiles(folder).freeBytes()).toBeGreaterThan(1_000_000)
    expect(await segmentFiles(join(folder, 'none')).freeBytes()).toBeUndefined()
    await rm(folder, { recursive: true, force: true })
  })

  test('says where a part of the path is a plain file', async () => {
    const folder = await temporary()
    await writeFile(join(folder, 'plain'), '')
    for (const path of ['plain', 'plain/segments']) {
      const prepared = await segmentFiles(join(folder, path)).prepare()
      expect(prepared).toMatchObject({ ok: false, error: { kind: 'not-a-directory' } })
    }
    await rm(folder, { recursive: true, force: true })
  })

  // Root may write everywhere: for it the kernel's own folders are the place where nobody can.
  test('says where it may not write', async () => {
    const folder = await temporary()
    await chmod(folder, 0o500)
    const path = process.getuid?.() === 0 ? '/proc/watchpost' : join(folder, 'segments')
    const prepared = await segmentFiles(path).prepare()
    expect(prepared.ok).toBe(false)
    await rm(folder, { recursive: true, force: true })
  })
})
