import { describe, expect, test } from 'vitest'
import { append, bare, client, standIn } from './setup.ts'

const keysOf = (text: string) => [...text.matchAll(/<Key>([^<]*)<\/Key>/g)].map(([, key]) => key)
const prefixesOf = (text: string) =>
  [...text.matchAll(/<CommonPrefixes>\s*<Prefix>([^<]*)<\/Prefix>/g)].map(([, prefix]) => prefix)

async function filled(keys: readonly string[]) {
  const server = await standIn()
  for (const key of keys) await append(server, key, 0, key)
  return server
}

describe('ListObjectsV2', () => {
  const keys = ['b/2', 'a', 'b/1', 'b/c/1', 'b/c/2', 'c', 'ä', 'Z']

  test('lists in the order of bytes, with what each object is', async () => {
    const server = await filled(keys)
    const { text } = await bare(server, { query: { 'list-type': '2' } })
    expect(keysOf(text)).toEqual(['Z', 'a', 'b/1', 'b/2', 'b/c/1', 'b/c/2', 'c', 'ä'])
    expect(text).toContain('<KeyCount>8</KeyCount>')
    expect(text).toContain('<MaxKeys>100</MaxKeys>')
    expect(text).toContain('<Type>Appendable</Type>')
    expect(text).not.toContain('<Owner>')
    expect((await bare(server, { query: { 'list-type': '2', 'fetch-owner': 'true' } })).text).toContain('<Owner>')
  })

  test.each([
    [{ prefix: 'b/' }, ['b/1', 'b/2', 'b/c/1', 'b/c/2'], []],
    [{ prefix: 'b/', delimiter: '/' }, ['b/1', 'b/2'], ['b/c/']],
    [{ delimiter: '/' }, ['Z', 'a', 'c', 'ä'], ['b/']],
    [{ prefix: 'b', delimiter: '/' }, [], ['b/']],
    [{ 'start-after': 'b/2' }, ['b/c/1', 'b/c/2', 'c', 'ä'], []],
    [{ 'start-after': 'b/2', prefix: 'b/' }, ['b/c/1', 'b/c/2'], []],
    [{ prefix: 'nothing' }, [], []],
  ])('%j', async (query, objects, prefixes) => {
    const { text } = await bare(await filled(keys), { query: { 'list-type': '2', ...query } })
    expect(keysOf(text)).toEqual(objects)
    expect(prefixesOf(text)).toEqual(prefixes)
  })

  test.each([[{}], [{ delimiter: '/' }], [{ prefix: 'b/', delimiter: '/' }]])(
    'page by page is the same as at once: %j',
    async (query) => {
      const server = await filled(keys)
      const all = (await bare(server, { query: { 'list-type': '2', ...query } })).text
      for (const size of [1, 2, 3]) {
        const found: (string | undefined)[] = []
        const folded: (string | undefined)[] = []
        let token: string | undefined
        for (let page = 0; page < 20; page += 1) {
          const more = token === undefined ? {} : { 'continuation-token': token }
          const { text } = await bare(server, {
            query: { 'list-type': '2', 'max-keys': String(size), ...query, ...more },
          })
          found.push(...keysOf(text))
          folded.push(...prefixesOf(text))
          expect(keysOf(text).length + prefixesOf(text).length).toBeLessThanOrEqual(size)
          token = /<NextContinuationToken>([^<]*)</.exec(text)?.[1]
          expect(text).toContain(`<IsTruncated>${token !== undefined}</IsTruncated>`)
          if (token === undefined) break
        }
        expect(found).toEqual(keysOf(all))
        expect(folded).toEqual(prefixesOf(all))
      }
    },
  )

  test('encodes names on request, and escapes them always', async () => {
    const server = await filled(['a&b <c>\u0001'])
    expect((await bare(server, { query: { 'list-type': '2', 'encoding-type': 'url' } })).text).toContain(
      '<Key>a%26b%20%3Cc%3E%01</Key>',
    )
    expect((await bare(server, { query: { 'list-type': '2' } })).text).toContain('<Key>a&amp;b &lt;c&gt;')
  })

  test.each([
    ['max-keys', '0'],
    ['max-keys', '1001'],
    ['max-keys', 'many'],
    ['continuation-token', '!'],
    ['encoding-type', 'base64'],
    ['list-type', '3'],
  ])('refuses %s=%s', async (name, value) => {
    const answer = await bare(await standIn(), { query: { 'list-type': '2', [name]: value } })
    expect([answer.status, answer.code]).toEqual([400, 'InvalidArgument'])
  })

  test('in its first version lists with markers', async () => {
    const server = await filled(keys)
    const first = (await bare(server, { query: { 'max-keys': '3', delimiter: '/' } })).text
    expect([keysOf(first), prefixesOf(first)]).toEqual([['Z', 'a'], ['b/']])
    expect(first).toContain('<NextMarker>b/</NextMarker>')
    const next = (await bare(server, { query: { marker: 'b/', delimiter: '/' } })).text
    expect([keysOf(next), prefixesOf(next)]).toEqual([['c', 'ä'], []])
  })
})

describe('PutObject, CopyObject, DeleteObject', () => {
  test('a put replaces an appendable object by a Normal one', async () => {
    const server = await filled(['a'])
    await bare(server, { method: 'PUT', key: 'a', body: 'new', headers: { 'content-type': 'text/plain' } })
    const { headers, text } = await bare(server, { key: 'a' })
    expect([headers['x-oss-object-type'], headers['content-type'], text]).toEqual(['Normal', 'text/plain', 'new'])
  })

  test('a put spares what is there when told to', async () => {
    const server = await filled(['a'])
    const headers = { 'x-oss-forbid-overwrite': 'true' }
    expect((await bare(server, { method: 'PUT', key: 'a', body: 'new', headers })).code).toBe('FileAlreadyExists')
    expect((await bare(server, { method: 'PUT', key: 'b', body: 'new', headers })).status).toBe(200)
  })

  test('a copy onto itself changes metadata and nothing else', async () => {
    const server = await filled(['a b'])
    const before = server.objects()[0]
    const copied = await client(server).putMeta('a b', { lens: 'wide' } as never, {})
    expect(copied.res.status).toBe(200)
    const after = await bare(server, { method: 'HEAD', key: 'a b' })
    expect(after.headers).toMatchObject({ 'x-oss-meta-lens': 'wide', 'x-oss-object-type': 'Appendable' })
    expect(server.objects()[0]).toMatchObject({ bytes: before?.bytes, crc64: before?.crc64 })
    expect((await append(server, 'a b', 3, 'x')).status).toBe(200)
  })

  test('an appendable object goes nowhere else; a Normal one does', async () => {
    const server = await filled(['a'])
    await bare(server, { method: 'PUT', key: 'n', body: 'abc', headers: { 'x-oss-meta-m': '1' } })
    const copy = (source: string) =>
      bare(server, { method: 'PUT', key: 'to', headers: { 'x-oss-copy-source': source, 'content-length': '0' } })
    expect((await copy('/footage/a')).status).toBe(400)
    expect((await copy('/footage/absent')).code).toBe('NoSuchKey')
    expect((await copy('/elsewhere/n')).code).toBe('NoSuchBucket')
    expect((await copy('n')).code).toBe('InvalidArgument')
    expect((await copy('/footage/n')).status).toBe(200)
    const made = await bare(server, { key: 'to' })
    expect([made.text, made.headers['x-oss-meta-m']]).toEqual(['abc', '1'])
  })

  test('a delete answers 204 whether or not there was one; the name is free again', async () => {
    const server = await filled(['a'])
    expect((await bare(server, { method: 'DELETE', key: 'a' })).status).toBe(204)
    expect((await bare(server, { method: 'DELETE', key: 'a' })).status).toBe(204)
    expect((await bare(server, { key: 'a' })).code).toBe('NoSuchKey')
    expect((await append(server, 'a', 1, 'x')).code).toBe('PositionNotEqualToLength')
    expect((await append(server, 'a', 0, 'fresh')).status).toBe(200)
    expect((await bare(server, { key: 'a' })).text).toBe('fresh')
  })

  test.each([
    ['POST', 'a', {}],
    ['PUT', 'a', { acl: null }],
    ['GET', '', { acl: null }],
    ['POST', 'a', { seal: null, position: '0' }],
    ['PATCH', 'a', {}],
  ])('what is not made here says so: %s %s %j', async (method, key, query) => {
    const answer = await bare(await standIn(), { method, key, query, body: 'x' })
    expect([answer.status, answer.code]).toEqual([501, 'NotImplemented'])
  })
})
