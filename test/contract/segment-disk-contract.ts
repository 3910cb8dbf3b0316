/** What every `SegmentDisk` promises, for the fake and for real files. */
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { SegmentDisk, SegmentFile } from '../../src/buffer/segment-disk.ts'

export function segmentDiskContract(create: () => Promise<{ disk: SegmentDisk; tearDown: () => Promise<void> }>): void {
  let disk: SegmentDisk
  let tearDown: () => Promise<void>
  beforeEach(async () => {
    ;({ disk, tearDown } = await create())
    expect((await disk.prepare()).ok).toBe(true)
  })
  afterEach(() => tearDown())

  async function file(segment: number): Promise<SegmentFile> {
    const created = await disk.create(segment)
    if (!created.ok) throw new Error(created.error.message)
    return created.value
  }
  const text = (value: string): Uint8Array => Buffer.from(value)
  const read = async (segment: number, position: number, length: number): Promise<string> => {
    const got = await disk.read(segment, position, length)
    return got.ok ? Buffer.from(got.value).toString() : got.error.kind
  }

  test('is empty when new, and may be prepared twice', async () => {
    expect((await disk.prepare()).ok).toBe(true)
    expect(await disk.list()).toEqual({ ok: true, value: [] })
  })

  test('appends pieces one after the other and reads any part of them', async () => {
    const one = await file(1)
    expect((await one.append(0, [text('abc'), text(''), text('def')])).ok).toBe(true)
    expect((await one.append(6, [text('ghi')])).ok).toBe(true)
    await one.close()
    expect(await read(1, 0, 100)).toBe('abcdefghi')
    expect(await read(1, 4, 3)).toBe('efg')
    expect(await read(1, 9, 3)).toBe('')
  })

  test('takes thousands of pieces in one call', async () => {
    const one = await file(1)
    const pieces = Array.from({ length: 3000 }, (_, i) => text(`${i},`))
    expect((await one.append(0, pieces)).ok).toBe(true)
    await one.close()
    expect(await read(1, 0, 100_000)).toBe(Buffer.concat(pieces).toString())
  })

  test('lists segments by number, with their length', async () => {
    for (const [segment, content] of [
      [10, 'a'],
      [9, 'bb'],
      [11, ''],
    ] as const) {
      const one = await file(segment)
      await one.append(0, [text(content)])
      await one.close()
    }
    expect(await disk.list()).toEqual({
      ok: true,
      value: [
        { segment: 9, bytes: 2 },
        { segment: 10, bytes: 1 },
        { segment: 11, bytes: 0 },
      ],
    })
  })

  test('uses a number once', async () => {
    const one = await file(3)
    await one.append(0, [text('abc')])
    expect((await disk.create(3)).ok).toBe(false)
    await one.close()
    expect(await read(3, 0, 10)).toBe('abc')
  })

  test('truncates', async () => {
    const one = await file(1)
    await one.append(0, [text('abcdef')])
    await one.close()
    expect((await disk.truncate(1, 2)).ok).toBe(true)
    expect(await read(1, 0, 10)).toBe('ab')
  })

  test('puts files aside, which are no segments then, and drops the oldest heap first', async () => {
    for (const segment of [1, 2, 3]) await (await file(segment)).close()
    expect(await disk.dropAside()).toEqual({ ok: true, value: undefined })
    expect(await disk.setAside([1, 3])).toEqual({ ok: true, value: `${disk.place}.quarantined-1` })
    expect(await disk.list()).toEqual({ ok: true, value: [{ segment: 2, bytes: 0 }] })
    expect(await disk.setAside([2])).toEqual({ ok: true, value: `${disk.place}.quarantined-2` })
    expect(await disk.list()).toEqual({ ok: true, value: [] })
    expect(await disk.dropAside()).toEqual({ ok: true, value: `${disk.place}.quarantined-1` })
    expect(await disk.dropAside()).toEqual({ ok: true, value: `${disk.place}.quarantined-2` })
    expect(await disk.dropAside()).toEqual({ ok: true, value: undefined })
  })

  test('removes; a file that is not there is fine to remove and absent to read', async () => {
    const one = await file(1)
    await one.close()
    expect((await disk.remove(1)).ok).toBe(true)
    expect((await disk.remove(1)).ok).toBe(true)
    expect(await read(1, 0, 1)).toBe('absent')
    expect((await disk.truncate(1, 0)).ok).toBe(false)
    expect(await disk.list()).toEqual({ ok: true, value: [] })
  })
}
