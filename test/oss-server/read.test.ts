import { describe, expect, test } from 'vitest'
import { append, bare, standIn } from './setup.ts'

const standard = { 'x-oss-range-behavior': 'standard' }

describe('GetObject with Range', () => {
  test.each([
    // asked, default behaviour, standard behaviour (of '0123456789')
    ['bytes=0-3', '206 0123', '206 0123'],
    ['bytes=3-3', '206 3', '206 3'],
    ['bytes=0-', '206 0123456789', '206 0123456789'],
    ['bytes=7-', '206 789', '206 789'],
    ['bytes=-3', '206 789', '206 789'],
    ['bytes=-10', '206 0123456789', '206 0123456789'],
    ['bytes=8-10', '200 0123456789', '206 89'],
    ['bytes=0-99', '200 0123456789', '206 0123456789'],
    ['bytes=10-', '200 0123456789', '416 InvalidRange'],
    ['bytes=10-20', '200 0123456789', '416 InvalidRange'],
    ['bytes=-11', '200 0123456789', '206 0123456789'],
    ['bytes=-0', '200 0123456789', '416 InvalidRange'],
    ['bytes=5-3', '200 0123456789', '200 0123456789'],
    ['bytes=-', '200 0123456789', '200 0123456789'],
    ['bytes=a-b', '200 0123456789', '200 0123456789'],
    ['lines=1-2', '200 0123456789', '200 0123456789'],
    ['bytes=0-1,3-4', '416 InvalidRange', '416 InvalidRange'],
  ])('%s', async (range, byDefault, byStandard) => {
    const server = await standIn()
    await append(server, 'a', 0, '0123456789')
    for (const [headers, expected] of [
      [{ range }, byDefault],
      [{ range, ...standard }, byStandard],
    ] as const) {
      const { status, code, text } = await bare(server, { key: 'a', headers })
      expect(`${status} ${code ?? text}`).toBe(expected)
    }
  })

  test('says which bytes they are', async () => {
    const server = await standIn()
    await append(server, 'a', 0, '0123456789')
    const part = await bare(server, { key: 'a', headers: { range: 'bytes=8-99', ...standard } })
    expect(part.headers).toMatchObject({
      'content-range': 'bytes 8-9/10',
      'content-length': '2',
      'accept-ranges': 'bytes',
    })
    const beyond = await bare(server, { key: 'a', headers: { range: 'bytes=10-', ...standard } })
    expect(beyond.headers['content-range']).toBe('bytes */10')
    expect(beyond.element('ActualObjectSize')).toBe('10')
  })

  test('of an object without bytes', async () => {
    const server = await standIn()
    await append(server, 'a', 0, '')
    const byDefault = await bare(server, { key: 'a', headers: { range: 'bytes=0-' } })
    expect([byDefault.status, byDefault.text]).toEqual([200, ''])
    expect((await bare(server, { key: 'a', headers: { range: 'bytes=0-', ...standard } })).code).toBe('InvalidRange')
  })

  test('gives whole appends while the object grows', async () => {
    const server = await standIn()
    const piece = 'x'.repeat(100_000)
    const grow = (async () => {
      for (let at = 0; at < 10; at += 1) await append(server, 'a', at * piece.length, piece)
    })()
    const lengths = new Set<number>()
    for (let look = 0; look < 20; look += 1) {
      const { status, body } = await bare(server, { key: 'a' })
      if (status === 200) lengths.add(body.length % piece.length)
    }
    await grow
    expect([...lengths, 0]).toContain(0)
    expect([...lengths].filter((rest) => rest !== 0)).toEqual([])
    expect((await bare(server, { key: 'a' })).body.length).toBe(10 * piece.length)
  })
})

describe('HeadObject and GetObjectMeta', () => {
  test('describe an appendable object', async () => {
    const server = await standIn()
    await append(server, 'a', 0, '123456789')
    const head = await bare(server, { method: 'HEAD', key: 'a' })
    expect(head.headers).toMatchObject({
      'content-length': '9',
      'content-type': 'application/octet-stream',
      'x-oss-object-type': 'Appendable',
      'x-oss-next-append-position': '9',
      'x-oss-hash-crc64ecma': '11051210869376104954',
      'x-oss-storage-class': 'Standard',
    })
    expect(head.headers['content-md5']).toBeUndefined()
    expect(Math.abs(Date.parse(head.headers['last-modified'] ?? '') - Date.now())).toBeLessThan(60_000)
  })

  test('describe a Normal object', async () => {
    const server = await standIn()
    await bare(server, { method: 'PUT', key: 'n', body: 'abc' })
    const { headers } = await bare(server, { method: 'HEAD', key: 'n' })
    expect(headers).toMatchObject({ 'x-oss-object-type': 'Normal', 'content-md5': 'kAFQmDzST7DWlj99KOF/cg==' })
    expect(headers.etag).toBe('"900150983CD24FB0D6963F7D28E17F72"')
    expect(headers['x-oss-next-append-position']).toBeUndefined()
  })

  test('GetObjectMeta leaves out type and next position', async () => {
    const server = await standIn()
    await append(server, 'a', 0, 'abc')
    const meta = await bare(server, { method: 'HEAD', key: 'a', query: { objectMeta: null } })
    expect(meta.headers).toMatchObject({ 'content-length': '3' })
    expect(meta.headers.etag).toBeDefined()
    expect(meta.headers['x-oss-object-type'] ?? meta.headers['x-oss-next-append-position']).toBeUndefined()
    expect((await bare(server, { key: 'a', query: { objectMeta: null } })).text).toBe('')
  })

  test('say what is not there: HEAD in x-oss-err, GET in the body', async () => {
    const server = await standIn()
    const head = await bare(server, { method: 'HEAD', key: 'a' })
    expect([head.status, head.code, head.text]).toEqual([404, 'NoSuchKey', ''])
    expect(head.headers['x-oss-err']).toBeDefined()
    const get = await bare(server, { key: 'a' })
    expect([get.status, get.code, get.headers['x-oss-err']]).toEqual([404, 'NoSuchKey', undefined])
    expect((await bare(server, { method: 'HEAD', path: '/other/a', key: 'a' })).code).toBe('NoSuchBucket')
  })

  test.each([
    ['if-none-match', (etag: string) => etag, 304],
    ['if-none-match', () => '"other"', 200],
    ['if-match', (etag: string) => etag, 200],
    ['if-match', () => '"other"', 412],
    ['if-modified-since', (_etag: string, later: string) => later, 304],
    ['if-modified-since', (_etag: string, _later: string, before: string) => before, 200],
    ['if-unmodified-since', (_etag: string, later: string) => later, 200],
    ['if-unmodified-since', (_etag: string, _later: string, before: string) => before, 412],
  ])('%s', async (name, choose, status) => {
    const server = await standIn()
    const made = await append(server, 'a', 0, 'abc')
    const at = (offsetMs: number) => new Date(Date.now() + offsetMs).toUTCString()
    const value = choose(made.headers.etag ?? '', at(5000), at(-60_000))
    for (const method of ['GET', 'HEAD']) {
      expect((await bare(server, { method, key: 'a', headers: { [name]: value } })).status).toBe(status)
    }
  })
})

describe('who may read', () => {
  test('a private bucket is closed to strangers, whether or not the object exists', async () => {
    const server = await standIn()
    await append(server, 'a', 0, 'abc')
    for (const key of ['a', 'absent']) {
      expect((await bare(server, { key, sign: false })).code).toBe('AccessDenied')
      expect((await bare(server, { method: 'HEAD', key, sign: false })).code).toBe('AccessDenied')
    }
  })

  test('a readable bucket gives its objects, not its list, and takes nothing', async () => {
    const server = await standIn({ publicRead: true })
    await append(server, 'a', 0, 'abc')
    await append(server, 'closed', 0, 'abc', { headers: { 'x-oss-object-acl': 'private' } })
    expect((await bare(server, { key: 'a', sign: false })).text).toBe('abc')
    expect((await bare(server, { key: 'absent', sign: false })).code).toBe('NoSuchKey')
    expect((await bare(server, { key: 'closed', sign: false })).code).toBe('AccessDenied')
    expect((await bare(server, { sign: false })).code).toBe('AccessDenied')
    expect((await append(server, 'a', 3, 'x', { sign: false })).code).toBe('AccessDenied')
    expect((await bare(server, { method: 'DELETE', key: 'a', sign: false })).code).toBe('AccessDenied')
    const relabelled = { key: 'a', sign: false, query: { 'response-content-type': 'text/html' } } as const
    expect((await bare(server, relabelled)).code).toBe('InvalidArgument')
  })

  test('a readable object in a private bucket is open', async () => {
    const server = await standIn()
    await append(server, 'open', 0, 'abc', { headers: { 'x-oss-object-acl': 'public-read' } })
    expect((await bare(server, { key: 'open', sign: false })).text).toBe('abc')
  })
})

describe('where the bucket stands', () => {
  test('in the path, in the host, or nowhere', async () => {
    const server = await standIn({ publicRead: true, cname: false })
    await append(server, 'a/b', 0, 'abc')
    const open = async (path: string, host: string) => (await bare(server, { path, host, sign: false })).code ?? 'open'
    expect(await open('/footage/a/b', '127.0.0.1:9000')).toBe('open')
    expect(await open('/footage/a/b', 'localhost')).toBe('open')
    expect(await open('/a/b', 'footage.oss-cn-hangzhou.aliyuncs.com')).toBe('open')
    expect(await open('/a/b', 'footage.localhost:9000')).toBe('open')
    expect(await open('/a/b', 'other.oss-cn-hangzhou.aliyuncs.com')).toBe('NoSuchBucket')
    expect(await open('/a/b', 'cam.example.com')).toBe('NoSuchBucket')
    expect(await open('/a/b', '127.0.0.1')).toBe('NoSuchBucket')
  })

  test('with a domain of one’s own the path is the key', async () => {
    const server = await standIn({ publicRead: true, cname: true })
    await append(server, 'a/b', 0, 'abc', { path: '/a/b' })
    expect((await bare(server, { path: '/a/b', host: 'cam.example.com', sign: false })).text).toBe('abc')
    expect((await bare(server, { path: '/a/b', host: '127.0.0.1', sign: false })).text).toBe('abc')
  })

  test('a broken escape is no name', async () => {
    expect((await bare(await standIn(), { path: '/footage/%zz' })).code).toBe('InvalidObjectName')
    expect((await bare(await standIn(), { path: '/footage/%ff' })).code).toBe('InvalidObjectName')
  })
})

describe('pages of other origins', () => {
  const origin = { origin: 'http://page.example' }
  const ask = (method: string, headers = {}) => ({
    method: 'OPTIONS',
    key: 'a',
    sign: false as const,
    headers: { ...origin, 'access-control-request-method': method, ...headers },
  })

  test('may read with ranges, and see what a player needs', async () => {
    const server = await standIn({ publicRead: true })
    await append(server, 'a', 0, '0123456789')
    const asked = { 'access-control-request-headers': 'range,x-oss-range-behavior' }
    const before = await bare(server, ask('GET', asked))
    expect(before.status).toBe(200)
    expect(before.headers).toMatchObject({
      'access-control-allow-origin': '*',
      'access-control-allow-headers': 'range,x-oss-range-behavior',
    })
    const part = await bare(server, { key: 'a', sign: false, headers: { ...origin, range: 'bytes=2-3', ...standard } })
    expect(part.text).toBe('23')
    expect(part.headers['access-control-allow-origin']).toBe('*')
    for (const name of ['Content-Range', 'Content-Length', 'ETag', 'x-oss-next-append-position']) {
      expect(part.headers['access-control-expose-headers']).toContain(name)
    }
    const absent = await bare(server, { key: 'absent', sign: false, headers: origin })
    expect([absent.status, absent.headers['access-control-allow-origin']]).toEqual([404, '*'])
  })

  test('may not write; without a rule they may nothing', async () => {
    expect((await bare(await standIn(), ask('PUT'))).code).toBe('AccessForbidden')
    const closed = await standIn({ cors: false, publicRead: true })
    expect((await bare(closed, ask('GET'))).status).toBe(403)
    await append(closed, 'a', 0, 'abc')
    const plain = await bare(closed, { key: 'a', sign: false, headers: origin })
    expect([plain.status, plain.headers['access-control-allow-origin']]).toEqual([200, undefined])
  })
})
