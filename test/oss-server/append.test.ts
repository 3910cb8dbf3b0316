import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { append, bare, crc64ByTheBit, standIn } from './setup.ts'

const md5 = (body: string) => createHash('md5').update(body).digest('base64')

describe('AppendObject', () => {
  test('makes an appendable object and grows it; length and checksum are of the whole', async () => {
    const server = await standIn()
    const first = await append(server, 'a.ts', 0, '12345')
    expect(first.status).toBe(200)
    expect(first.headers['x-oss-next-append-position']).toBe('5')
    const second = await append(server, 'a.ts', 5, '6789')
    expect(second.headers).toMatchObject({
      'x-oss-next-append-position': '9',
      'x-oss-hash-crc64ecma': '11051210869376104954',
      'content-length': '0',
    })
    expect(second.headers['x-oss-request-id']).toMatch(/^[0-9A-F]{24}$/)
    expect(second.headers['x-oss-server-time']).toMatch(/^\d+$/)
    expect(second.headers.etag).not.toBe(first.headers.etag)
    expect(await readFile(server.objectPath('a.ts') ?? '', 'utf8')).toBe('123456789')
  })

  test('refuses another position with 409, tells the right one, and changes nothing', async () => {
    const server = await standIn()
    await append(server, 'a.ts', 0, '12345')
    for (const position of [0, 4, 6, 5_000_000_000]) {
      const answer = await append(server, 'a.ts', position, 'xyz')
      expect([answer.status, answer.code, answer.element('EC')]).toEqual([
        409,
        'PositionNotEqualToLength',
        '0026-00000016',
      ])
      expect(answer.headers['x-oss-next-append-position']).toBe('5')
      expect(answer.headers['x-oss-ec']).toBe('0026-00000016')
      expect(answer.element('RequestId')).toBe(answer.headers['x-oss-request-id'])
      expect(answer.element('HostId')).toBe('127.0.0.1')
    }
    const absent = await append(server, 'b.ts', 7, 'xyz')
    expect([absent.code, absent.headers['x-oss-next-append-position']]).toEqual(['PositionNotEqualToLength', '0'])
    expect(server.objects().map(({ key, bytes }) => [key, bytes])).toEqual([['a.ts', 5]])
  })

  test.each([
    ['a missing position', { append: null }, 400, 'MissingArgument'],
    ['an empty position', { append: null, position: null }, 400, 'MissingArgument'],
    ['a position of letters', { append: null, position: 'end' }, 400, 'InvalidArgument'],
    ['a negative position', { append: null, position: '-1' }, 400, 'InvalidArgument'],
    ['a broken position', { append: null, position: '1.5' }, 400, 'InvalidArgument'],
  ])('refuses %s', async (_name, query, status, code) => {
    const answer = await bare(await standIn(), { method: 'POST', key: 'a.ts', query, body: 'x' })
    expect([answer.status, answer.code]).toEqual([status, code])
  })

  test('takes an append of no bytes: it creates, or changes nothing', async () => {
    const server = await standIn()
    expect((await append(server, 'a.ts', 0, '')).headers['x-oss-next-append-position']).toBe('0')
    expect((await append(server, 'a.ts', 0, 'abc')).headers['x-oss-next-append-position']).toBe('3')
    const nothing = await append(server, 'a.ts', 3, '')
    expect(nothing.headers['x-oss-hash-crc64ecma']).toBe(String(crc64ByTheBit(Buffer.from('abc'))))
  })

  test('refuses a Normal object, at any position', async () => {
    const server = await standIn()
    await bare(server, { method: 'PUT', key: 'n', body: 'abc' })
    for (const position of [0, 3]) {
      const answer = await append(server, 'n', position, 'x')
      expect([answer.status, answer.code]).toEqual([409, 'ObjectNotAppendable'])
    }
  })

  test('refuses what would pass the size limit, and takes what just reaches it', async () => {
    const server = await standIn({ sizeLimitBytes: 10 })
    await append(server, 'a', 0, '12345')
    expect((await append(server, 'a', 5, '123456')).code).toBe('EntityTooLarge')
    expect((await append(server, 'a', 5, '12345')).status).toBe(200)
    expect((await append(server, 'a', 10, '1')).code).toBe('EntityTooLarge')
  })

  test('keeps creation headers of the first append and gives them back', async () => {
    const server = await standIn()
    const headers = {
      'content-type': 'video/mp2t',
      'cache-control': 'no-cache',
      'content-disposition': 'inline',
      'content-encoding': 'identity',
      expires: 'Thu, 01 Dec 2033 16:00:00 GMT',
      'x-oss-meta-device': 'gate-1',
      'x-oss-object-acl': 'public-read',
      'x-oss-storage-class': 'IA',
      'x-oss-server-side-encryption': 'AES256',
      'x-oss-tagging': 'site=7&kind=video',
    }
    await append(server, 'a.ts', 0, 'abc', { headers })
    await append(server, 'a.ts', 3, 'def', { headers: { 'content-type': 'text/plain', 'cache-control': 'public' } })
    const { 'x-oss-object-acl': acl, 'x-oss-tagging': _tags, ...returned } = headers
    for (const method of ['HEAD', 'GET']) {
      const { headers: found } = await bare(server, { method, key: 'a.ts' })
      expect(found).toMatchObject(returned)
      expect(found['x-oss-tagging-count']).toBe('2')
      expect(found['x-oss-object-acl']).toBeUndefined()
    }
    expect((await bare(server, { key: 'a.ts', query: { acl: null } })).element('Grant')).toBe(acl)
    const tags = (await bare(server, { key: 'a.ts', query: { tagging: null } })).text
    expect(tags).toMatch(/<Key>site<\/Key>\s*<Value>7<\/Value>/)
  })

  test.each([
    ['metadata after the first', 3, { 'x-oss-meta-device': 'x' }],
    ['cold archive', 0, { 'x-oss-storage-class': 'ColdArchive' }],
    ['an unknown class', 0, { 'x-oss-storage-class': 'Fast' }],
    ['an unknown acl', 0, { 'x-oss-object-acl': 'everybody' }],
    ['an unknown encryption', 0, { 'x-oss-server-side-encryption': 'ROT13' }],
    ['a key id', 0, { 'x-oss-server-side-encryption': 'KMS', 'x-oss-server-side-encryption-key-id': 'k' }],
    ['metadata over 8 KB', 0, { 'x-oss-meta-a': 'x'.repeat(8192) }],
    ['a metadata name with an underscore', 0, { 'x-oss-meta-a_b': 'x' }],
    ['eleven tags', 0, { 'x-oss-tagging': Array.from({ length: 11 }, (_, at) => `t${at}=1`).join('&') }],
  ])('refuses %s', async (_name, position, headers) => {
    const server = await standIn()
    if (position > 0) await append(server, 'a', 0, 'abc')
    const answer = await append(server, 'a', position, 'x', { headers })
    expect([answer.status, answer.code]).toEqual([400, 'InvalidArgument'])
    expect(server.objects().map(({ bytes }) => bytes)).toEqual(position > 0 ? [3] : [])
  })

  test('checks Content-MD5 of this body', async () => {
    const server = await standIn()
    expect((await append(server, 'a', 0, 'abc', { headers: { 'content-md5': md5('abc') } })).status).toBe(200)
    const wrong = await append(server, 'a', 3, 'def', { headers: { 'content-md5': md5('dex') } })
    expect([wrong.status, wrong.code]).toEqual([400, 'InvalidDigest'])
    expect((await append(server, 'a', 3, 'def', { headers: { 'content-md5': 'abc' } })).code).toBe('InvalidDigest')
    expect(server.objects()[0]?.bytes).toBe(3)
  })

  test('wants a length or chunks', async () => {
    const server = await standIn()
    const query = { append: null, position: '0' }
    const answer = await bare(server, { method: 'POST', key: 'a', query, unmeasured: true })
    expect([answer.status, answer.code]).toEqual([411, 'MissingContentLength'])
    const chunked = { 'transfer-encoding': 'chunked' }
    expect((await bare(server, { method: 'POST', key: 'a', query, body: 'abc', headers: chunked })).status).toBe(200)
  })

  test.each([
    ['nothing', '', undefined],
    ['1024 bytes', 'k'.repeat(1024), 'InvalidObjectName'],
    ['1023 bytes', 'k'.repeat(1023), undefined],
    ['1023 bytes in fewer letters', 'ü'.repeat(511), undefined],
    ['1024 bytes in fewer letters', 'ü'.repeat(512), 'InvalidObjectName'],
    ['a leading slash', '/a', 'InvalidObjectName'],
    ['a leading backslash', '\\a', 'InvalidObjectName'],
    ['dots and doubled slashes, which are names like any other', 'a/../b//c', undefined],
  ])('names of %s', async (name, key, code) => {
    const answer = await append(await standIn(), key, 0, 'x')
    if (name === 'nothing') expect(answer.status).toBe(501)
    else expect([answer.status, answer.code]).toEqual(code === undefined ? [200, undefined] : [400, code])
  })

  test('lets one of two appends at the same position win', async () => {
    const server = await standIn()
    const bodies = Array.from({ length: 8 }, (_, at) => String(at).repeat(200_000))
    const answers = await Promise.all(bodies.map((body) => append(server, 'a', 0, body)))
    expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array(7).fill(409)])
    const winner = answers.findIndex(({ status }) => status === 200)
    expect(await readFile(server.objectPath('a') ?? '', 'utf8')).toBe(bodies[winner])
    expect(server.stats()).toMatchObject({ inFlight: 0, requests: { append: 8 } })
    expect(server.stats().appendsPerKeyMax).toBeGreaterThan(1)
  })
})
