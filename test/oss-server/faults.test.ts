import { readFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { type Fault, FaultBook } from '../../src/oss-server/faults.ts'
import type { OssServer } from '../../src/oss-server/server.ts'
import { append, bare, crc64ByTheBit, standIn } from './setup.ts'

const held = async (server: OssServer, key = 'a') => {
  const path = server.objectPath(key)
  return path === undefined ? undefined : readFile(path, 'utf8')
}
/** Until what happens behind the client's back has happened. */
async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  for (let look = 0; look < 500; look += 1) {
    if (await holds()) return
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  throw new Error('it did not happen within 5 s')
}

/** A server that holds `abc` at `a`, and a fault that the next append meets. */
async function meeting(fault: Fault, options = {}): Promise<OssServer> {
  const server = await standIn(options)
  await append(server, 'a', 0, 'abc')
  server.faults.add({ on: 'append', ...fault })
  return server
}

describe('a fault', () => {
  test.each<[Fault, string]>([
    [{ kind: 'refuse' }, 'abc'],
    [{ kind: 'drop-before-commit' }, 'abc'],
    [{ kind: 'half-open', ms: 20 }, 'abc'],
    [{ kind: 'commit-then-drop' }, 'abcdef'],
  ])('%j leaves the client without an answer, and the object as it says', async (fault, after) => {
    const server = await meeting(fault)
    await expect(append(server, 'a', 3, 'def')).rejects.toThrow(/hang up|ECONNRESET/)
    expect(await held(server)).toBe(after)
    expect(server.faults.list()).toEqual([])
    expect(server.stats().faults).toEqual({ [fault.kind]: 1 })
    const again = await append(server, 'a', 3, 'def')
    expect(again.status).toBe(after === 'abc' ? 200 : 409)
  })

  test('commit-late carries out after the client has looked', async () => {
    const server = await meeting({ kind: 'commit-late', delayMs: 200 })
    await expect(append(server, 'a', 3, 'def')).rejects.toThrow()
    expect((await bare(server, { method: 'HEAD', key: 'a' })).headers['content-length']).toBe('3')
    await until(async () => (await held(server)) === 'abcdef')
  })

  test('a late commit loses against one that was faster', async () => {
    const server = await meeting({ kind: 'commit-late', delayMs: 100 })
    await expect(append(server, 'a', 3, 'old')).rejects.toThrow()
    expect((await append(server, 'a', 3, 'new!')).status).toBe(200)
    await until(() => server.stats().inFlight === 0)
    expect(await held(server)).toBe('abcnew!')
  })

  test('a late commit that fits continues the checksum of what came before it, not of what there was when it was sent', async () => {
    const server = await meeting({ kind: 'commit-late', delayMs: 100 })
    await expect(append(server, 'a', 6, 'ghi')).rejects.toThrow()
    await append(server, 'a', 3, 'def')
    await until(() => server.stats().inFlight === 0)
    expect(await held(server)).toBe('abcdefghi')
    expect(server.objects()[0]?.crc64).toBe(String(crc64ByTheBit(Buffer.from('abcdefghi'))))
  })

  test('commit-after-gone waits until the client gives up', async () => {
    const server = await meeting({ kind: 'commit-after-gone' })
    const controller = new AbortController()
    const sent = append(server, 'a', 3, 'def', { signal: controller.signal })
    const gaveUp = expect(sent).rejects.toThrow(/abort/)
    await until(() => server.stats().inFlight === 1)
    expect(await held(server)).toBe('abc')
    controller.abort()
    await gaveUp
    await until(async () => (await held(server)) === 'abcdef')
  })

  test('wrong-crc and wrong-next-position commit and say something else', async () => {
    const server = await meeting({ kind: 'wrong-crc' })
    const first = await append(server, 'a', 3, 'def')
    expect(first.status).toBe(200)
    expect(BigInt(String(first.headers['x-oss-hash-crc64ecma'])) ^ 1n).toBe(BigInt(server.objects()[0]?.crc64 ?? ''))
    server.faults.add({ kind: 'wrong-next-position' })
    expect((await append(server, 'a', 6, 'ghi')).headers['x-oss-next-append-position']).toBe('10')
    expect(await held(server)).toBe('abcdefghi')
  })

  test.each([500, 502, 503])('error %i is XML and does nothing', async (status) => {
    const server = await meeting({ kind: 'error', status, qosDelayMs: 1500 })
    const answer = await append(server, 'a', 3, 'def')
    expect(answer.status).toBe(status)
    expect(answer.code).toMatch(/^[A-Z]/)
    expect(answer.headers['x-oss-qos-delay-time']).toBe('1500')
    expect(answer.headers['x-oss-request-id']).toBeDefined()
    expect(await held(server)).toBe('abc')
  })

  test.each([200, 404, 502])('html %i is nobody’s answer', async (status) => {
    const server = await meeting({ kind: 'html', status, count: 2, on: 'any' })
    for (const answer of [await append(server, 'a', 3, 'def'), await bare(server, { method: 'HEAD', key: 'a' })]) {
      expect(answer.status).toBe(status)
      expect(answer.headers['content-type']).toContain('text/html')
      expect(answer.headers['x-oss-request-id']).toBeUndefined()
    }
    expect(await held(server)).toBe('abc')
  })

  test('foreign-append comes first, with as many bytes as ours when none are named', async () => {
    const server = await meeting({ kind: 'foreign-append' })
    const answer = await append(server, 'a', 3, 'def')
    expect([answer.code, answer.headers['x-oss-next-append-position']]).toEqual(['PositionNotEqualToLength', '6'])
    expect(await held(server)).toBe('abcFFF')
    server.faults.add({ kind: 'foreign-append', bytes: 1, key: 'new' })
    expect((await append(server, 'new', 0, 'x')).status).toBe(409)
    expect(await held(server, 'new')).toBe('F')
  })

  test('delete-before and replace-before change what we meet', async () => {
    const server = await meeting({ kind: 'delete-before' })
    const gone = await append(server, 'a', 3, 'def')
    expect([gone.status, gone.headers['x-oss-next-append-position']]).toEqual([409, '0'])
    expect(await held(server)).toBeUndefined()
    server.faults.add({ kind: 'replace-before' })
    expect((await append(server, 'a', 0, 'abc')).code).toBe('ObjectNotAppendable')
    expect((await bare(server, { method: 'HEAD', key: 'a' })).headers['x-oss-object-type']).toBe('Normal')
  })

  test('token-expired, no-such-bucket and skewed are the documented refusals', async () => {
    const server = await meeting({ kind: 'token-expired' })
    expect((await append(server, 'a', 3, 'def')).code).toBe('SecurityTokenExpired')
    server.faults.add({ kind: 'no-such-bucket', on: 'head' })
    expect((await bare(server, { method: 'HEAD', key: 'a' })).code).toBe('NoSuchBucket')
    server.faults.add({ kind: 'skewed', offsetMs: 3_600_000, date1970: true })
    const skewed = await append(server, 'a', 3, 'def')
    expect([skewed.status, skewed.code]).toEqual([403, 'RequestTimeTooSkewed'])
    expect(new Date(skewed.headers.date ?? '').getUTCFullYear()).toBe(1970)
    const aheadMs = Date.parse(skewed.element('ServerTime') ?? '') - Date.now()
    expect(Math.abs(aheadMs - 3_600_000)).toBeLessThan(60_000)
    expect(await held(server)).toBe('abc')
  })

  test('slow-reply and slow-drain only take time', async () => {
    const server = await meeting({ kind: 'slow-reply', delayMs: 30 })
    expect((await append(server, 'a', 3, 'def')).status).toBe(200)
    server.faults.add({ kind: 'slow-drain', bytesPerS: 1_000_000 })
    expect((await append(server, 'a', 6, 'x'.repeat(50_000))).status).toBe(200)
  })
})

describe('which request meets a fault', () => {
  test('is chosen by operation, key, how many passed and how often', () => {
    const book = new FaultBook()
    book.add({ kind: 'refuse', on: 'append', key: /^video/, skip: 1, count: 2 })
    const meets = (operation: 'append' | 'head', key: string) => book.pick(operation, key)?.kind
    expect(meets('head', 'video/1')).toBeUndefined()
    expect(meets('append', 'events/1')).toBeUndefined()
    expect([1, 2, 3, 4].map(() => meets('append', 'video/1'))).toEqual([undefined, 'refuse', 'refuse', undefined])
    expect(book.list()).toEqual([])
  })

  test('is the first that fires; the others wait', () => {
    const book = new FaultBook()
    book.add({ kind: 'refuse', key: 'b' }, { kind: 'html', status: 200 }, { kind: 'token-expired' })
    expect(['a', 'a', 'b', 'b'].map((key) => book.pick('get', key)?.kind)).toEqual([
      'html',
      'token-expired',
      'refuse',
      undefined,
    ])
  })

  test('by chance repeats with its seed', () => {
    const run = (seed: number) => {
      const book = new FaultBook()
      book.add({ kind: 'refuse', probability: 0.3, seed })
      return Array.from({ length: 1000 }, () => (book.pick('append', 'a') === undefined ? '.' : 'x')).join('')
    }
    expect(run(7)).toBe(run(7))
    expect(run(7)).not.toBe(run(8))
    const share = run(7).split('x').length - 1
    expect(share).toBeGreaterThan(240)
    expect(share).toBeLessThan(360)
  })
})

describe('orders over HTTP', () => {
  const order = (server: OssServer, method: string, what: string, value?: unknown) =>
    fetch(`${server.url}/-/${what}`, { method, ...(value === undefined ? {} : { body: JSON.stringify(value) }) })

  test('add, list and clear faults', async () => {
    const server = await standIn({ faultsOverHttp: true })
    const added = await order(server, 'POST', 'faults', [
      { kind: 'refuse', keyPattern: '^a' },
      { kind: 'error', status: 503, on: 'head' },
    ])
    expect(added.status).toBe(200)
    const listed = await (await order(server, 'GET', 'faults')).json()
    expect(listed).toEqual([
      { kind: 'refuse', keyPattern: '^a' },
      { kind: 'error', status: 503, on: 'head' },
    ])
    await expect(append(server, 'a', 0, 'x')).rejects.toThrow()
    expect((await bare(server, { method: 'HEAD', key: 'b' })).status).toBe(503)
    server.faults.add({ kind: 'refuse' })
    await order(server, 'DELETE', 'faults')
    expect(server.faults.list()).toEqual([])
  })

  test.each([
    [{ kind: 'explode' }, 'no fault "explode"'],
    [{ kind: 'commit-late' }, 'needs delayMs as a number'],
    [{ kind: 'error', status: '503' }, 'needs status as a number'],
    [{ kind: 'refuse', delayMs: 4 }, 'has no delayMs'],
    [{ kind: 'refuse', on: 'upload' }, 'no operation "upload"'],
    [{ kind: 'refuse', keyPattern: '(' }, 'not a regular expression'],
    ['refuse', 'JSON object'],
  ])('refuse %j in a sentence', async (fault, words) => {
    const server = await standIn({ faultsOverHttp: true })
    const answer = await order(server, 'POST', 'faults', [{ kind: 'refuse' }, fault])
    expect(answer.status).toBe(400)
    expect(((await answer.json()) as { problem: string }).problem).toContain(words)
    expect(server.faults.list()).toEqual([])
  })

  test('are not taken unless the server was started with them', async () => {
    const server = await standIn()
    expect((await order(server, 'POST', 'faults', { kind: 'refuse' })).status).not.toBe(200)
    expect((await order(server, 'GET', 'stats')).status).not.toBe(200)
    expect(server.faults.list()).toEqual([])
  })

  test('cut the network and bring it back', async () => {
    const server = await standIn({ faultsOverHttp: true })
    await order(server, 'POST', 'offline', { offline: true })
    await until(() =>
      append(server, 'a', 0, 'x').then(
        () => false,
        () => true,
      ),
    )
    expect(await (await order(server, 'GET', 'stats')).json()).toMatchObject({
      requests: { append: expect.any(Number) },
    })
    expect((await order(server, 'POST', 'offline', { offline: 'no' })).status).toBe(400)
    await order(server, 'POST', 'offline', { offline: false })
    expect((await append(server, 'a', server.objects()[0]?.bytes ?? 0, 'x')).status).toBe(200)
  })

  test('move the clock and slow the line', async () => {
    const server = await standIn({ faultsOverHttp: true })
    await order(server, 'POST', 'clock', { offsetMs: 3_600_000 })
    expect((await append(server, 'a', 0, 'x')).code).toBe('RequestTimeTooSkewed')
    await order(server, 'POST', 'clock', { offsetMs: 0 })
    expect((await order(server, 'POST', 'link', { bytesPerS: 10_000_000 })).status).toBe(200)
    expect((await append(server, 'a', 0, 'x'.repeat(300_000))).status).toBe(200)
    expect((await bare(server, { key: 'a' })).body.length).toBe(300_000)
    expect((await order(server, 'POST', 'link', { bytesPerS: -1 })).status).toBe(400)
    expect((await order(server, 'POST', 'link', { bytesPerS: null })).status).toBe(200)
  })
})

describe('the cut network', () => {
  test('ends what is under way and takes nothing, and what was held is there afterwards', async () => {
    const server = await standIn()
    await append(server, 'a', 0, 'abc')
    server.faults.add({ kind: 'slow-drain', bytesPerS: 1000 })
    const underWay = append(server, 'a', 3, 'x'.repeat(100_000))
    const ended = expect(underWay).rejects.toThrow()
    await until(() => server.stats().inFlight === 1)
    server.setOffline(true)
    await ended
    await expect(bare(server, { key: 'a' })).rejects.toThrow()
    server.setOffline(false)
    expect((await bare(server, { key: 'a' })).text).toBe('abc')
  })
})

describe('closing', () => {
  test('does not wait for those who hang', async () => {
    const server = await standIn()
    server.faults.add(
      { kind: 'half-open', ms: 600_000 },
      { kind: 'commit-late', delayMs: 600_000 },
      { kind: 'commit-after-gone' },
    )
    const hanging = ['a', 'b', 'c'].map((key) => append(server, key, 0, 'x').catch(() => 'cut'))
    await until(() => server.stats().inFlight === 3)
    await server.close()
    expect(await Promise.all(hanging)).toEqual(['cut', 'cut', 'cut'])
    expect(server.objects()).toEqual([])
  })
})
