import { Readable } from 'node:stream'
import { text as textOf } from 'node:stream/consumers'
import { describe, expect, test } from 'vitest'
import type { OssServer } from '../../src/oss-server/server.ts'
import { bare, client, standIn } from './setup.ts'

interface Way {
  readonly name: string
  readonly options: (server: OssServer) => object
  readonly server?: object
}
const ways: readonly Way[] = [
  { name: 'an IP address', options: (server) => ({ endpoint: server.url }) },
  {
    name: 'the bucket in the path',
    options: (server) => ({ endpoint: `http://localhost:${server.port}`, sldEnable: true }),
  },
  {
    name: 'a domain of one’s own',
    options: (server) => ({ endpoint: `http://localhost:${server.port}`, cname: true }),
    server: { cname: true },
  },
]

describe.each(ways)('the real ali-oss, by $name', ({ options, server: serverOptions }) => {
  const start = async () => {
    const server = await standIn(serverOptions)
    return { server, oss: client(server, options(server)) }
  }
  const key = 'video/gate 1/ü+(1).ts'

  test('appends, heads, reads with ranges', async () => {
    const { oss } = await start()
    const first = await oss.append(key, Buffer.from('12345'), {
      position: '0',
      meta: { uid: 1, pid: 2, device: 'gate-1' } as never,
    })
    expect(first.nextAppendPosition).toBe('5')
    const body = Readable.from([Buffer.from('6789')])
    const second = await oss.append(key, body, { position: '5', contentLength: 4 } as never)
    expect(second.nextAppendPosition).toBe('9')
    const head = await oss.head(key)
    expect(head.meta).toMatchObject({ device: 'gate-1' })
    expect(head.res.headers).toMatchObject({
      'content-length': '9',
      'content-type': 'video/mp2t',
      'x-oss-object-type': 'Appendable',
      'x-oss-hash-crc64ecma': '11051210869376104954',
    })
    const standard = { Range: 'bytes=6-99', 'x-oss-range-behavior': 'standard' }
    const part = await oss.getStream(key, { headers: standard } as never)
    expect([part.res.status, await textOf(part.stream)]).toEqual([206, '789'])
    const whole = await oss.getStream(key, { headers: { Range: 'bytes=6-99' } } as never)
    expect([whole.res.status, await textOf(whole.stream)]).toEqual([200, '123456789'])
    expect((await oss.get(key)).content.toString()).toBe('123456789')
  })

  test('understands the refusals', async () => {
    const { oss } = await start()
    await oss.append(key, Buffer.from('abc'), { position: '0' })
    const refused = await oss.append(key, Buffer.from('x'), { position: '1' }).catch((error: unknown) => error)
    expect(refused).toMatchObject({ code: 'PositionNotEqualToLength', status: 409, ecCode: '0026-00000016' })
    expect((refused as { requestId: string }).requestId).toMatch(/^[0-9A-F]{24}$/)
    await expect(oss.head('absent')).rejects.toMatchObject({ code: 'NoSuchKey', requestId: expect.any(String) })
    await expect(oss.get('absent')).rejects.toMatchObject({ code: 'NoSuchKey', status: 404 })
  })

  test('puts, lists, changes metadata, copies, deletes', async () => {
    const { oss } = await start()
    await oss.put('a/1', Buffer.from('one'), { meta: { uid: 1, pid: 2 } })
    await oss.append('a/2', Buffer.from('two'), { position: '0' })
    await oss.append('a/b/3', Buffer.from('three'), { position: '0' })
    const first = await oss.listV2({ prefix: 'a/', delimiter: '/', 'max-keys': '2' })
    expect(
      first.objects.map(({ name, type, size }: { name: string; type: string; size: number }) => [name, type, size]),
    ).toEqual([
      ['a/1', 'Normal', 3],
      ['a/2', 'Appendable', 3],
    ])
    expect(first.isTruncated).toBe(true)
    const next = await oss.listV2({ prefix: 'a/', delimiter: '/', 'continuation-token': first.nextContinuationToken })
    expect([next.prefixes, next.objects, next.isTruncated]).toEqual([['a/b/'], [], false])
    expect((await oss.list({ 'max-keys': 10 }, {})).objects.map(({ name }) => name)).toEqual(['a/1', 'a/2', 'a/b/3'])

    await oss.putMeta('a/2', { uid: 5, pid: 6 }, {})
    expect((await oss.head('a/2')).meta).toMatchObject({ uid: '5' })
    expect((await oss.copy('a/4', 'a/1')).res.status).toBe(200)
    await expect(oss.copy('a/5', 'a/2')).rejects.toMatchObject({ status: 400 })
    expect((await oss.getACL('a/2')).acl).toBe('default')
    await oss.delete('a/1')
    await expect(oss.head('a/1')).rejects.toMatchObject({ code: 'NoSuchKey' })
  })
})

test('a clock that is off is corrected by what the refusal says', async () => {
  const server = await standIn()
  server.setClockOffsetMs(7_200_000)
  const wrong = client(server)
  const refused = await wrong.head('a').catch((error: unknown) => error)
  expect(refused).toMatchObject({ code: 'RequestTimeTooSkewed' })
  await client(server, { amendTimeSkewed: 7_200_000 }).append('a', Buffer.from('x'), { position: '0' })
})

test('a signed URL made for the path style opens in any browser', async () => {
  const server = await standIn()
  const oss = client(server, { endpoint: `http://localhost:${server.port}`, sldEnable: true })
  await oss.append('a b.ts', Buffer.from('abc'), { position: '0' })
  const url = await oss.signatureUrlV4('GET', 60, undefined, 'a b.ts')
  expect((await bare(server, { path: url.slice(url.indexOf('/footage')), sign: false })).text).toBe('abc')
})
