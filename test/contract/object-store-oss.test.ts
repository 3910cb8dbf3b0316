import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:https'
import { type AddressInfo, createServer as createTcpServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { afterEach, describe, expect, test } from 'vitest'
import { createOssStore, type OssStore } from '../../src/adapters/oss-store.ts'
import { systemClock } from '../../src/adapters/system-clock.ts'
import { monoMs } from '../../src/base/clock.ts'
import { crc64 } from '../../src/base/crc64.ts'
import { Secret } from '../../src/base/secret.ts'
import type { Fault } from '../../src/oss-server/faults.ts'
import type { StoreErrorKind } from '../../src/uplink/object-store.ts'
import { storeCodes } from '../../src/uplink/store-codes.ts'
import { createTimeCorrection } from '../../src/uplink/time-correction.ts'
import { type StandIn, startStandIn } from '../support/stand-in.ts'
import { append } from './object-store-contract.ts'

const never = new AbortController().signal
const body = Buffer.from('sixteen bytes ok')
const patience = { answerMs: 200, bytesPerS: 10e6 }
/** For answers that must come, however busy the machine is. */
const calmly = { answerMs: 10_000, bytesPerS: 10e6 }
let standIn: StandIn
const start = async (...options: Parameters<typeof startStandIn>): Promise<StandIn> => {
  standIn = await startStandIn(...options)
  return standIn
}
afterEach(() => standIn?.close())

describe('ali-oss behind its port', () => {
  const table: readonly (readonly [Fault, StoreErrorKind])[] = [
    [{ kind: 'refuse' }, 'unanswered'],
    [{ kind: 'commit-then-drop' }, 'unanswered'],
    [{ kind: 'half-open', ms: 2_000 }, 'unanswered'],
    [{ kind: 'slow-reply', delayMs: 2_000 }, 'unanswered'],
    [{ kind: 'error', status: 500 }, 'unanswered'],
    [{ kind: 'error', status: 502, code: 'BadGateway' }, 'unanswered'],
    [{ kind: 'error', status: 503 }, 'busy'],
    [{ kind: 'error', status: 429, code: 'QpsLimitExceeded' }, 'busy'],
    [{ kind: 'error', status: 503, code: 'UploadTrafficRateLimitExceeded' }, 'busy'],
    [{ kind: 'error', status: 400, code: 'InvalidDigest' }, 'damaged'],
    [{ kind: 'error', status: 400, code: 'EntityTooLarge' }, 'full'],
    [{ kind: 'error', status: 400, code: 'InvalidArgument' }, 'rejected'],
    [{ kind: 'error', status: 409, code: 'ObjectNotAppendable' }, 'not-appendable'],
    [{ kind: 'error', status: 409, code: 'FileImmutable' }, 'not-appendable'],
    [{ kind: 'error', status: 403, code: 'AccessDenied' }, 'denied'],
    [{ kind: 'error', status: 403, code: 'UserDisable' }, 'denied'],
    [{ kind: 'error', status: 403, code: 'InvalidAccessKeyId' }, 'denied'],
    [{ kind: 'no-such-bucket' }, 'denied'],
    [{ kind: 'token-expired' }, 'credentials-expired'],
    [{ kind: 'skewed', offsetMs: 7_200_000 }, 'clock-skewed'],
    [{ kind: 'html', status: 200 }, 'impostor'],
    [{ kind: 'html', status: 302 }, 'impostor'],
    [{ kind: 'html', status: 404 }, 'impostor'],
    [{ kind: 'html', status: 502 }, 'impostor'],
  ]
  test.each(table)('an append that meets %j is %s, without a secret in its words', async (fault, kind) => {
    const { server, store } = await start({}, { patience: fault.kind === 'html' ? calmly : patience })
    server.faults.add(fault)
    const answer = await store.append(append('t/x.ts', 0, body), never)
    expect(answer).toMatchObject({ ok: false, error: { kind } })
    const text = inspect(answer, { depth: 9 })
    expect(text).not.toContain(server.keys.accessKeySecret)
    expect(text).not.toContain('sixteen bytes')
    expect(text).not.toContain('Signature=')
    if (!answer.ok) expect(answer.error.message).toMatch(/^Appending to t\/x\.ts: [^\n]*\.$|\?$/)
  })

  test.each(storeCodes)(
    '$status $code is $kind, and says what a person can do',
    async ({ status, code, kind, hint }) => {
      const { server, store } = await start()
      server.faults.add({ kind: 'error', status, code })
      const answer = await store.append(append('t/x.ts', 0, body), never)
      expect(answer).toMatchObject({ ok: false, error: { kind, code } })
      if (!answer.ok && hint !== undefined) expect(answer.error.message).toContain(hint)
    },
  )

  test.each([
    [429, 'busy'],
    [503, 'busy'],
    [500, 'unanswered'],
    [504, 'unanswered'],
    [401, 'denied'],
    [403, 'denied'],
    [404, 'absent'],
    [400, 'rejected'],
    [405, 'rejected'],
  ] as const)('a code nobody knows is judged by its status: %i is %s', async (status, kind) => {
    const { server, store } = await start()
    server.faults.add({ kind: 'error', status, code: 'NeverHeardOf' })
    expect(await store.append(append('t/x.ts', 0, body), never)).toMatchObject({ ok: false, error: { kind } })
  })

  test.each([404, 200, 502])(
    'a login page (HTTP %i) is never taken for an object, or for its absence',
    async (status) => {
      const { server, store } = await start()
      await store.append(append('t/x.ts', 0, body), never)
      server.faults.add({ kind: 'html', status, count: 3 })
      expect(await store.inspect('t/x.ts', never)).toMatchObject({ ok: false, error: { kind: 'impostor' } })
      expect(await store.read('t/x.ts', 0, 5, never)).toMatchObject({ ok: false, error: { kind: 'impostor' } })
      expect(await store.stat('t/x.ts')).toMatchObject({ ok: false, error: { kind: 'unanswered' } })
    },
  )

  test('a question about a bucket that is gone is no absent object', async () => {
    const { server, store } = await start()
    server.faults.add({ kind: 'no-such-bucket', on: 'head' })
    expect(await store.inspect('t/x.ts', never)).toMatchObject({ ok: false, error: { kind: 'denied' } })
  })

  test('a store that asks for time is given it, within reason', async () => {
    const { server, store } = await start()
    server.faults.add(
      { kind: 'error', status: 503, qosDelayMs: 1_234 },
      { kind: 'error', status: 503, qosDelayMs: 9e9 },
    )
    expect(await store.inspect('t/x.ts', never)).toMatchObject({ error: { retryAfterMs: 1_234 } })
    expect(await store.inspect('t/x.ts', never)).toMatchObject({ error: { retryAfterMs: 300_000 } })
  })

  test('a call that is given up frees its socket at once, and nothing is sent later', async () => {
    const { server, store } = await start()
    server.faults.add({ kind: 'half-open', ms: 5_000 })
    const stop = new AbortController()
    const call = store.append(append('t/x.ts', 0, body), stop.signal)
    await systemClock.sleep(50)
    const since = systemClock.mono()
    stop.abort()
    expect(await call).toMatchObject({ ok: false, error: { kind: 'unanswered' } })
    expect(systemClock.mono() - since).toBeLessThan(2_000)
    expect(server.objects()).toEqual([])
  })

  test('wrong secret, wrong region and unknown key are refused with what to look at', async () => {
    const { server, connect } = await start()
    const { accessKeyId } = server.keys
    const wrongSecret = connect({ credentials: () => ({ accessKeyId, accessKeySecret: new Secret('not it') }) })
    const wrongRegion = connect({ region: 'cn-beijing' })
    const unknown = connect({ credentials: () => ({ accessKeyId: 'LTAInobody', accessKeySecret: new Secret('x') }) })
    for (const [store, words] of [
      [wrongSecret, 'secret'],
      [wrongRegion, 'store.region'],
      [unknown, 'access key'],
    ] as const) {
      const answer = await store.append(append('t/x.ts', 0, body), never)
      expect(answer).toMatchObject({ ok: false, error: { kind: 'denied' } })
      if (!answer.ok) expect(answer.error.message).toContain(words)
    }
  })

  test('a wrong system clock costs one refusal', async () => {
    for (const offsetMs of [7_200_000, -86_400_000]) {
      const { server, connect, close } = await start()
      server.setClockOffsetMs(offsetMs)
      const time = createTimeCorrection(systemClock)
      const store = connect({ time })
      expect(await store.append(append('t/x.ts', 0, body), never)).toMatchObject({ error: { kind: 'clock-skewed' } })
      expect(await store.append(append('t/x.ts', 0, body), never)).toMatchObject({ ok: true })
      expect(Math.abs(time.signingSkewMs() - offsetMs)).toBeLessThan(2_000)
      await close()
    }
  })

  test('every answer of the store teaches the time, a login page none', async () => {
    const { server, connect } = await start()
    const time = createTimeCorrection(systemClock)
    const store = connect({ time })
    server.faults.add({ kind: 'html', status: 200 })
    await store.inspect('t/x.ts', never)
    expect(time.offset()).toBeUndefined()
    await store.inspect('t/x.ts', never)
    const now = systemClock.mono()
    const found = time.at(monoMs(now))
    expect(Math.abs((found?.wallMs ?? 0) - Date.now())).toBeLessThanOrEqual((found?.errorMs ?? 0) + 50)
  })

  test('temporary keys are read again when the store says that they ended', async () => {
    const { server, connect } = await start()
    let keys = server.issueToken(3_600_000)
    let expired = 0
    const store = connect({
      credentials: () => ({
        accessKeyId: keys.accessKeyId,
        accessKeySecret: new Secret(keys.accessKeySecret),
        securityToken: new Secret(keys.securityToken),
      }),
      credentialsExpired: () => {
        expired += 1
        keys = server.issueToken(3_600_000)
      },
    })
    expect(await store.append(append('t/x.ts', 0, body), never)).toMatchObject({ ok: true })
    keys = server.issueToken(-1_000)
    expect(await store.append(append('t/x.ts', 16, body), never)).toMatchObject({
      error: { kind: 'credentials-expired' },
    })
    expect(expired).toBe(1)
    expect(await store.append(append('t/x.ts', 16, body), never)).toMatchObject({ ok: true, value: { length: 32 } })
  })

  test('temporary keys that are refused again after they were read again are a matter for a person', async () => {
    const { server, connect } = await start()
    let reads = 0
    const ended = server.issueToken(-1_000)
    let keys = ended
    const store = connect({
      credentials: () => ({
        accessKeyId: keys.accessKeyId,
        accessKeySecret: new Secret(keys.accessKeySecret),
        securityToken: new Secret(keys.securityToken),
      }),
      credentialsExpired: () => {
        reads += 1
      },
    })
    // Both were on their way with the same keys: that is one refusal.
    const together = await Promise.all([store.inspect('t/x.ts', never), store.inspect('t/y.ts', never)])
    for (const one of together) expect(one).toMatchObject({ error: { kind: 'credentials-expired' } })
    const again = await store.append(append('t/x.ts', 0, body), never)
    expect(again).toMatchObject({ error: { kind: 'denied', message: expect.stringContaining('read again') } })
    expect(reads).toBe(3)
    keys = server.issueToken(3_600_000)
    expect(await store.append(append('t/x.ts', 0, body), never)).toMatchObject({ ok: true })
    keys = ended
    expect(await store.inspect('t/x.ts', never)).toMatchObject({ error: { kind: 'credentials-expired' } })
  })

  test('creation headers go with the first append only, and arrive', async () => {
    const { server, store } = await start()
    const headers = { 'x-oss-object-acl': 'public-read', 'Cache-Control': 'no-cache', 'x-oss-meta-camera': 'gate' }
    const creation = { contentType: 'video/mp2t', headers }
    expect(await store.append({ key: 't/x.ts', position: 0, body, creation }, never)).toMatchObject({ ok: true })
    expect(await store.append({ key: 't/x.ts', position: 16, body, creation }, never)).toMatchObject({ ok: true })
    const [object] = server.objects()
    expect(object?.creation.acl).toBe('public-read')
    expect(object?.creation.headers).toMatchObject({ 'content-type': 'video/mp2t', 'cache-control': 'no-cache' })
    const open = await fetch(`${server.url}/footage/t/x.ts`)
    expect(open.headers.get('x-oss-meta-camera')).toBe('gate')
  })

  test('an object made by Put is stat-able, and not appendable', async () => {
    const { server, store } = await start()
    server.faults.add({ kind: 'replace-before', bytes: 10 })
    await store.append(append('t/x.ts', 0, body), never)
    expect(await store.stat('t/x.ts')).toMatchObject({ ok: true, value: { length: 10, appendable: false } })
    expect(await store.inspect('t/x.ts', never)).toEqual({ ok: true, value: { kind: 'other' } })
  })

  test('listings have all pages and folders', async () => {
    const { store } = await start()
    for (let n = 0; n < 12; n += 1) await store.append(append(`l/${n % 3}/${n}.ts`, 0, body), never)
    const folders = await store.list('l/', '/')
    expect(folders).toEqual({ ok: true, value: { objects: [], folders: ['l/0/', 'l/1/', 'l/2/'] } })
    const all = await store.list('l/', '')
    expect(all.ok && all.value.objects.length).toBe(12)
    expect(all.ok && all.value.objects[0]).toEqual({ key: 'l/0/0.ts', length: 16 })
    expect(await store.list('none/', '')).toEqual({ ok: true, value: { objects: [], folders: [] } })
  })

  test('host style and path style reach the same bucket', async () => {
    const { connect, server } = await start()
    const host = connect({ pathStyle: false })
    expect(await host.append(append('t/host.ts', 0, body), never)).toMatchObject({ ok: true })
    const path = connect({ endpoint: `http://localhost:${server.port}`, pathStyle: true })
    const whole = { kind: 'appendable', length: 16, crc64: crc64(body) }
    expect(await path.inspect('t/host.ts', never)).toEqual({ ok: true, value: whole })
  })

  test('nobody at the address, and a name nobody knows, are said in words', async () => {
    const { connect } = await start()
    const port = await freePort()
    const dead = await connect({ endpoint: `http://127.0.0.1:${port}` }).inspect('t/x.ts', never)
    expect(dead).toMatchObject({ error: { kind: 'unanswered', message: expect.stringContaining('nobody listens') } })
  })
})

describe('TLS', () => {
  test('is what an endpoint without a scheme gets; an unknown signer is refused until its CA file is given', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'watchpost-tls-'))
    const cert = join(dir, 'cert.pem')
    const key = join(dir, 'key.pem')
    const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost']
    const made = [
      'req',
      '-x509',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-days',
      '2',
      ...subject,
      '-keyout',
      key,
      '-out',
      cert,
    ]
    execFileSync('openssl', made, { stdio: 'ignore' })
    const server = createServer({ key: readFileSync(key), cert: readFileSync(cert) }, (_request, response) => {
      response.writeHead(404, { 'x-oss-request-id': 'ABC' }).end()
    })
    await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve))
    const { port } = server.address() as AddressInfo
    const stores: OssStore[] = []
    const connect = (caFile?: string): OssStore => {
      const store = createOssStore({
        ...{ bucket: 'footage', region: 'cn-hangzhou', endpoint: `localhost:${port}`, pathStyle: true, caFile },
        clock: systemClock,
        credentials: () => ({ accessKeyId: 'a', accessKeySecret: new Secret('b') }),
      })
      stores.push(store)
      return store
    }
    const refused = await connect().inspect('x', never)
    expect(refused).toMatchObject({ error: { kind: 'unanswered', message: expect.stringContaining('store.caFile') } })
    expect(await connect(cert).inspect('x', never)).toEqual({ ok: true, value: { kind: 'absent' } })
    await Promise.all(stores.map((store) => store.close()))
    await new Promise((resolve) => server.close(resolve))
    rmSync(dir, { recursive: true })
  })
})

async function freePort(): Promise<number> {
  const server = createTcpServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}
