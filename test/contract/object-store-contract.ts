/** What every `ObjectStore` promises. The fake and the real adapter pass the same list, so that the fake may stand in. */
import { expect, test } from 'vitest'
import { crc64 } from '../../src/base/crc64.ts'
import type { AppendRequest, ObjectStore } from '../../src/uplink/object-store.ts'

const never = new AbortController().signal
const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text)

export const append = (key: string, position: number, body: Uint8Array): AppendRequest => ({
  key,
  position,
  body,
  creation: { contentType: 'video/mp2t', headers: { 'x-oss-meta-device': 'shed' } },
})

export function objectStoreContract(makeStore: () => ObjectStore): void {
  test('an object that was never written is absent, and reading it says so', async () => {
    const store = makeStore()
    expect(await store.inspect('a/absent.ts', never)).toEqual({ ok: true, value: { kind: 'absent' } })
    expect(await store.read('a/absent.ts', 0, 10, never)).toMatchObject({ ok: false, error: { kind: 'absent' } })
  })

  test('appends grow it, and each answer has the length and the CRC-64 of the whole', async () => {
    const store = makeStore()
    const first = await store.append(append('b/grows.ts', 0, bytesOf('hello ')), never)
    expect(first).toEqual({ ok: true, value: { kind: 'appendable', length: 6, crc64: crc64(bytesOf('hello ')) } })
    const second = await store.append(append('b/grows.ts', 6, bytesOf('world')), never)
    const whole = { kind: 'appendable', length: 11, crc64: crc64(bytesOf('hello world')) }
    expect(second).toEqual({ ok: true, value: whole })
    expect(await store.inspect('b/grows.ts', never)).toEqual({ ok: true, value: whole })
  })

  test('an append anywhere but at the end is refused and changes nothing', async () => {
    const store = makeStore()
    await store.append(append('c/exact.ts', 0, bytesOf('12345')), never)
    for (const position of [0, 4, 6]) {
      const refused = await store.append(append('c/exact.ts', position, bytesOf('x')), never)
      expect(refused).toMatchObject({ ok: false, error: { kind: 'position-mismatch' } })
    }
    const missing = await store.append(append('c/missing.ts', 3, bytesOf('x')), never)
    expect(missing).toMatchObject({ ok: false, error: { kind: 'position-mismatch' } })
    expect(await store.inspect('c/exact.ts', never)).toMatchObject({ value: { length: 5 } })
  })

  test('ranges are exact, end where the object ends, and are empty past it', async () => {
    const store = makeStore()
    await store.append(append('d/ranges.ts', 0, bytesOf('0123456789')), never)
    const read = async (start: number, end: number): Promise<string> => {
      const got = await store.read('d/ranges.ts', start, end, never)
      return got.ok ? new TextDecoder().decode(got.value) : got.error.message
    }
    expect(await read(0, 10)).toBe('0123456789')
    expect(await read(3, 5)).toBe('34')
    expect(await read(8, 1000)).toBe('89')
    expect(await read(10, 20)).toBe('')
    expect(await read(5, 5)).toBe('')
  })

  test('keys may hold spaces, plus signs, percent signs and other scripts', async () => {
    const store = makeStore()
    const key = 'e/a b+c%20d/журнал ü?&=.txt'
    await store.append(append(key, 0, bytesOf('odd')), never)
    expect(await store.inspect(key, never)).toMatchObject({ value: { kind: 'appendable', length: 3 } })
  })

  test('all byte values and a body of a megabyte survive', async () => {
    const store = makeStore()
    const body = Uint8Array.from({ length: 1_048_577 }, (_, i) => (i * 7) ^ (i >> 9))
    const sent = await store.append(append('f/large.ts', 0, body), never)
    expect(sent).toEqual({ ok: true, value: { kind: 'appendable', length: body.length, crc64: crc64(body) } })
    const got = await store.read('f/large.ts', 0, body.length, never)
    expect(got.ok && Buffer.compare(got.value, body)).toBe(0)
  })
}
