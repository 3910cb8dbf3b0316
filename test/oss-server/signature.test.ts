import { describe, expect, test } from 'vitest'
import { append, bare, client, standIn } from './setup.ts'

const minute = 60_000

describe('a signature', () => {
  test.each([
    ['another secret', { secret: 'wrong' }, 403, 'SignatureDoesNotMatch'],
    ['an unknown key', { id: 'LTAInobody' }, 403, 'InvalidAccessKeyId'],
    ['another region', { region: 'cn-beijing' }, 400, 'InvalidArgument'],
    ['a region with oss- in front', { region: 'oss-cn-hangzhou' }, 400, 'InvalidArgument'],
    ['a clock 16 minutes slow', { atMs: Date.now() - 16 * minute }, 403, 'RequestTimeTooSkewed'],
    ['a clock 16 minutes fast', { atMs: Date.now() + 16 * minute }, 403, 'RequestTimeTooSkewed'],
    ['a clock in 1970', { atMs: 12_345_000 }, 403, 'RequestTimeTooSkewed'],
    ['a token for a lasting key', { token: 'x' }, 403, 'InvalidSecurityToken'],
  ])('with %s is refused', async (_name, sign, status, code) => {
    const server = await standIn()
    for (const answer of [
      await append(server, 'a', 0, 'x', { sign }),
      await bare(server, { method: 'HEAD', key: 'a', sign }),
    ]) {
      expect([answer.status, answer.code]).toEqual([status, code])
      expect(answer.headers['x-oss-request-id']).toBeDefined()
    }
    expect(server.objects()).toEqual([])
  })

  test('is good within 15 minutes', async () => {
    const server = await standIn()
    for (const atMs of [Date.now() - 14 * minute, Date.now() + 14 * minute]) {
      expect((await bare(server, { method: 'HEAD', key: 'a', sign: { atMs } })).code).toBe('NoSuchKey')
    }
  })

  test('refused for its time comes with the times that explain it', async () => {
    const nowMs = Date.UTC(2026, 10, 23, 15, 0, 0)
    const server = await standIn({ now: () => nowMs })
    const answer = await append(server, 'a', 0, 'x', { sign: { atMs: 0 } })
    expect(answer.element('RequestTime')).toBe('1970-01-01T00:00:00.000Z')
    expect(answer.element('ServerTime')).toBe('2026-11-23T15:00:00.000Z')
    expect(answer.element('MaxAllowedSkewMilliseconds')).toBe('900000')
    expect(answer.headers.date).toBe('Mon, 23 Nov 2026 15:00:00 GMT')
  })

  test.each([
    ['key', { key: 'b' }],
    ['metadata', { headers: { 'x-oss-meta-a': 'changed' } }],
    ['position', { query: { append: null, position: '1' } }],
    ['content type', { headers: { 'content-type': 'text/html' } }],
  ])('covers the %s', async (_name, changed) => {
    const server = await standIn()
    // Signed as one request, sent as another.
    const good = { method: 'POST', key: 'a', query: { append: null, position: '0' }, body: 'x' }
    const seen = await new Promise<Record<string, string>>((resolve) => {
      const headers: Record<string, string> = {}
      const signed = client(server)
      const asked = { method: 'POST', bucket: 'footage', object: 'a', subres: { append: '', position: '0' } }
      // @ts-expect-error: not in the types
      signed.urllib = {
        request: (_url: string, { headers: made }: { headers: Record<string, string> }) =>
          resolve(Object.assign(headers, made)),
      }
      // @ts-expect-error: not in the types
      void signed.request(asked).catch(() => undefined)
    })
    delete seen.host
    const intact = await bare(server, { ...good, sign: false, headers: seen })
    expect(intact.status).toBe(200)
    const answer = await bare(server, {
      ...good,
      ...changed,
      sign: false,
      headers: { ...seen, ...('headers' in changed ? changed.headers : {}) },
    })
    expect([answer.status, answer.code]).toEqual([403, 'SignatureDoesNotMatch'])
  })

  test('of version 1 is refused', async () => {
    const server = await standIn()
    await expect(client(server, { authorizationV4: false }).head('a')).rejects.toMatchObject({ code: 'AccessDenied' })
  })

  test.each([
    ['no credential', 'OSS4-HMAC-SHA256 Signature=ab', 'InvalidArgument'],
    [
      'another product',
      'OSS4-HMAC-SHA256 Credential=k/20261123/cn-hangzhou/ecs/aliyun_v4_request,Signature=ab',
      'InvalidArgument',
    ],
    [
      'a bad end',
      'OSS4-HMAC-SHA256 Credential=k/20261123/cn-hangzhou/oss/aws4_request,Signature=ab',
      'InvalidArgument',
    ],
    [
      'a bad day',
      'OSS4-HMAC-SHA256 Credential=k/2026-11-23/cn-hangzhou/oss/aliyun_v4_request,Signature=ab',
      'InvalidArgument',
    ],
  ])('with %s is refused', async (_name, authorization, code) => {
    const headers = { authorization, 'x-oss-content-sha256': 'UNSIGNED-PAYLOAD' }
    expect((await bare(await standIn(), { key: 'a', sign: false, headers })).code).toBe(code)
  })

  test('names the content rule it breaks', async () => {
    const headers = {
      authorization: 'OSS4-HMAC-SHA256 Credential=k/20261123/cn-hangzhou/oss/aliyun_v4_request,Signature=ab',
    }
    const answer = await bare(await standIn(), { key: 'a', sign: false, headers })
    expect([answer.code, answer.element('ArgumentName')]).toEqual(['InvalidArgument', 'x-oss-content-sha256'])
  })
})

describe('a signed URL', () => {
  const options = { endpoint: 'http://localhost', sldEnable: true }
  const pathOf = (url: string) => url.replace(/^http:\/\/[^/]+/, '')
  const get = async (server: Awaited<ReturnType<typeof standIn>>, url: string, headers = {}) =>
    bare(server, { path: pathOf(url), sign: false, headers })

  test('opens one object, with ranges', async () => {
    const server = await standIn()
    await append(server, 'a b+ü.ts', 0, '123456789')
    const url = await client(server, options).signatureUrlV4('GET', 60, undefined, 'a b+ü.ts')
    expect((await get(server, url)).text).toBe('123456789')
    const part = await get(server, url, { range: 'bytes=2-4' })
    expect([part.status, part.text, part.headers['content-range']]).toEqual([206, '345', 'bytes 2-4/9'])
  })

  test('says how the answer is labelled', async () => {
    const server = await standIn()
    await append(server, 'a.ts', 0, 'x')
    const queries = { 'response-content-type': 'text/plain', 'response-cache-control': 'no-store' }
    const url = await client(server, options).signatureUrlV4('GET', 60, { queries }, 'a.ts')
    expect((await get(server, url)).headers).toMatchObject({
      'content-type': 'text/plain',
      'cache-control': 'no-store',
    })
  })

  test('does not open another object, nor admit an x-oss header it does not cover', async () => {
    const server = await standIn()
    await append(server, 'a.ts', 0, 'x')
    await append(server, 'b.ts', 0, 'x')
    const url = await client(server, options).signatureUrlV4('GET', 60, undefined, 'a.ts')
    expect((await get(server, url.replace('a.ts', 'b.ts'))).code).toBe('SignatureDoesNotMatch')
    expect((await get(server, url, { 'x-oss-range-behavior': 'standard' })).code).toBe('SignatureDoesNotMatch')
    expect((await bare(server, { method: 'DELETE', path: pathOf(url), sign: false })).code).toBe(
      'SignatureDoesNotMatch',
    )
    const headers = { 'x-oss-range-behavior': 'standard' }
    const covered = await client(server, options).signatureUrlV4('GET', 60, { headers }, 'a.ts')
    expect((await get(server, covered, headers)).status).toBe(200)
  })

  test.each([
    ['expired', 60, 61_000, 'AccessDenied'],
    ['from the future', 60, -16 * minute, 'AccessDenied'],
    ['for 8 days', 691_200, 0, 'InvalidArgument'],
    ['for no time', 0, 0, 'InvalidArgument'],
  ])('%s is refused', async (_name, seconds, laterMs, code) => {
    const server = await standIn()
    await append(server, 'a.ts', 0, 'x')
    const url = await client(server, options).signatureUrlV4('GET', seconds, undefined, 'a.ts')
    server.setClockOffsetMs(laterMs)
    expect((await get(server, url)).code).toBe(code)
  })
})

describe('temporary keys', () => {
  const options = (token: { accessKeyId: string; accessKeySecret: string; securityToken: string }) => ({
    accessKeyId: token.accessKeyId,
    accessKeySecret: token.accessKeySecret,
    stsToken: token.securityToken,
    refreshSTSTokenInterval: 1e9,
  })

  test('work with their token until they end', async () => {
    const server = await standIn()
    const token = server.issueToken(60_000)
    const held = client(server, options(token))
    await held.append('a', Buffer.from('abc'), { position: '0' })
    const url = await client(server, {
      ...options(token),
      endpoint: 'http://localhost',
      sldEnable: true,
    }).signatureUrlV4('GET', 600, undefined, 'a')
    const open = () => bare(server, { path: url.replace('http://localhost', ''), sign: false })
    expect((await open()).text).toBe('abc')
    server.setClockOffsetMs(60_000)
    await expect(held.head('a')).rejects.toMatchObject({ code: 'SecurityTokenExpired', status: 403 })
    expect((await open()).code).toBe('SecurityTokenExpired')
  })

  test.each([
    ['no token', () => undefined, 'InvalidAccessKeyId'],
    ["another key's token", (other: string) => other, 'AccessKeyIdAndSecurityTokenNotMatch'],
    ['an invented token', () => 'CAISinvented', 'InvalidSecurityToken'],
  ])('with %s are refused', async (_name, choose, code) => {
    const server = await standIn()
    const own = server.issueToken(60_000)
    const other = server.issueToken(60_000)
    const token = choose(other.securityToken)
    const sign = { id: own.accessKeyId, secret: own.accessKeySecret, ...(token === undefined ? {} : { token }) }
    expect((await bare(server, { method: 'HEAD', key: 'a', sign })).code).toBe(code)
  })
})
