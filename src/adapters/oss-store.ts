/**
 * Alibaba Cloud OSS as the uplink's store and the reader's archive, over the real `ali-oss`.
 *
 * Every answer is held against the rules of its kind before anything is concluded from it: a request id (else somebody
 * else answered), a length, a CRC-64. No foreign error leaves this file: `oss-errors.ts` has the table.
 *
 * For the stand-in of this program: `endpoint: 'http://127.0.0.1:<port>'`, `pathStyle: true`, and the bucket, region and
 * keys it was started with.
 */
import { Readable } from 'node:stream'
import { assert } from '../base/assert.ts'
import type { Clock } from '../base/clock.ts'
import { err, ok, type Result } from '../base/result.ts'
import type { StoreCredentials } from '../config/credentials.ts'
import type { Archive, ArchiveError, ArchiveListing, ArchiveObject } from '../reader/archive.ts'
import type { AppendRequest, ObjectStore, RemoteObject, StoreError } from '../uplink/object-store.ts'
import type { TimeCorrection } from '../uplink/time-correction.ts'
import { clockOf, type OssAnswer, requestIdOf } from './oss-answer.ts'
import { connectOss, type OssAddress, type OssClient, type OssConnection, setCredentials } from './oss-client.ts'
import { errorBeforehand, errorOfAnswer, errorOfSilence } from './oss-errors.ts'
import { archiveError, bytesOfRange, headFacts, remoteAfterAppend, remoteOfFacts } from './oss-objects.ts'
import { lateCode, type OssCall } from './oss-transport.ts'

export interface OssStoreOptions extends OssAddress {
  readonly clock: Clock
  /** Asked before each call, so it must be quick when nothing changed. All fields belong together. */
  readonly credentials: () => Promise<StoreCredentials> | StoreCredentials
  /** The store says that they are no longer good: the next ask should bring new ones. */
  readonly credentialsExpired?: () => void
  /** Learns from the store's answers, and says by how much the signing clock is wrong. */
  readonly time?: Pick<TimeCorrection, 'heard' | 'signingSkewMs'>
  /** For tests that provoke silence: how long the store may think, and how fast the link is taken to be at first. */
  readonly patience?: { readonly answerMs: number; readonly bytesPerS: number }
}

export type OssStore = ObjectStore & Archive & { close(): Promise<void> }

const connectMsMax = 10_000
/**
 * `answerMs`: time for the store to think, beside the time the bytes take. `bytesPerS`: until something was measured,
 * 32 KiB/s, so that with the slowdown below 256 KiB may take half a minute.
 */
const defaultPatience = { answerMs: 15_000, bytesPerS: 32 * 1024 }
/** A link may become this much slower from one call to the next without being cut off. */
const slowdown = 4
const slowestBytesPerS = 4 * 1024
/** A shorter body measures the round trip, not the link, and says only that the link is at least so fast. */
const measuredBytesMin = 64 * 1024
const newest = 0.3
const callMsMax = 20 * 60_000
/** OSS gives at most 1,000 names a page; ten million names are more than any device makes. */
const listPagesMax = 10_000

export function createOssStore(options: OssStoreOptions): OssStore {
  const { clock, patience = defaultPatience } = options
  let connection: Promise<OssConnection> | undefined
  let { bytesPerS } = patience
  /** When temporary keys were last refused; `undefined` again after any success. */
  let refusedAt: ReturnType<Clock['mono']> | undefined

  /** Long enough for a link that got slower, short enough to notice a dead one; learns from success and from silence. */
  const timeoutFor = (bytes: number): readonly [number, number] => [
    connectMsMax,
    Math.round(
      Math.min(callMsMax, patience.answerMs + (bytes / Math.max(slowestBytesPerS, bytesPerS / slowdown)) * 1000),
    ),
  ]

  async function ready(credentials: StoreCredentials): Promise<OssClient> {
    connection ??= connectOss(options, credentials).catch((error: unknown) => {
      connection = undefined
      throw error
    })
    const { client } = await connection
    setCredentials(client, credentials)
    client.options.amendTimeSkewed = options.time?.signingSkewMs() ?? 0
    return client
  }

  /** One request. The value is whatever the library made of a success; the answer is what was really said. */
  async function call<T>(
    what: string,
    request: Pick<OssCall, 'signal' | 'body'>,
    send: (client: OssClient, ctx: OssCall) => Promise<T>,
  ): Promise<Result<{ readonly value: T; readonly answer: OssAnswer }, StoreError>> {
    const ctx: OssCall = { ...request }
    let keys: 'lasting' | 'temporary' = 'lasting'
    const sentAt = clock.mono()
    try {
      const credentials = await options.credentials()
      if (credentials.securityToken !== undefined) keys = 'temporary'
      const client = await ready(credentials)
      const value = await send(client, ctx)
      hear(ctx, sentAt)
      const { answer } = ctx
      assert(answer !== undefined, 'a success has an answer')
      if (requestIdOf(answer) === undefined) return err(errorOfAnswer(answer, what))
      refusedAt = undefined
      return ok({ value, answer })
    } catch (error) {
      hear(ctx, sentAt)
      if (ctx.answer === undefined) {
        if (ctx.silence === undefined) return err(errorBeforehand(error, what))
        return err(errorOfSilence(ctx.silence, what, request.signal?.aborted === true))
      }
      // A request that was on its way when the keys were refused says nothing about those that were read since.
      const isAgain = keys === 'temporary' && refusedAt !== undefined && sentAt >= refusedAt
      const refusal = errorOfAnswer(ctx.answer, what, isAgain ? 'read again' : keys)
      if (refusal.kind === 'credentials-expired') refusedAt = clock.mono()
      if (refusal.kind === 'credentials-expired' || isAgain) options.credentialsExpired?.()
      return err(refusal)
    }
  }

  function hear({ answer }: OssCall, sentAt: ReturnType<Clock['mono']>): void {
    const shown = answer === undefined ? undefined : clockOf(answer)
    if (shown === undefined) return
    options.time?.heard({ sentAt, heardAt: clock.mono(), grainMs: 1000, ...shown })
  }

  async function head(key: string, signal: AbortSignal | undefined): Promise<Result<ArchiveObject, StoreError>> {
    const what = `Asking for ${key}`
    const found = await call(what, { signal }, (client, ctx) => client.head(key, { ctx, timeout: timeoutFor(0) }))
    return found.ok ? headFacts(found.value.answer, what) : found
  }

  async function append(request: AppendRequest, signal: AbortSignal): Promise<Result<RemoteObject, StoreError>> {
    const { key, position, body, creation } = request
    const what = `Appending to ${key}`
    const since = clock.mono()
    const headers = position === 0 ? { ...creation.headers, 'Content-Type': creation.contentType } : {}
    const sent = await call(what, { signal, body }, (client, ctx) =>
      client.append(key, Readable.from([]), {
        ctx,
        position: String(position),
        contentLength: body.length,
        timeout: timeoutFor(body.length),
        headers,
      }),
    )
    if (!sent.ok) {
      if (sent.error.code === lateCode) bytesPerS = Math.max(slowestBytesPerS, bytesPerS / 2)
      return sent
    }
    const measured = body.length / (Math.max(1, clock.mono() - since) / 1000)
    if (body.length >= measuredBytesMin || measured > bytesPerS) bytesPerS += newest * (measured - bytesPerS)
    return remoteAfterAppend(sent.value.answer, what)
  }

  async function read(
    key: string,
    start: number,
    end: number,
    signal: AbortSignal | undefined,
  ): Promise<Result<Uint8Array, StoreError>> {
    if (end <= start) return ok(new Uint8Array(0))
    const what = `Reading ${key}`
    // Without the second header OSS answers a range that ends beyond the object with the whole object.
    const headers = { Range: `bytes=${start}-${end - 1}`, 'x-oss-range-behavior': 'standard' }
    const got = await call(what, { signal }, (client, ctx) =>
      client.get(key, { ctx, headers, timeout: timeoutFor(end - start) }),
    )
    if (got.ok) return bytesOfRange(got.value.answer, { start, end }, what)
    return got.error.code === 'InvalidRange' ? ok(new Uint8Array(0)) : got
  }

  async function list(
    prefix: string,
    delimiter: string,
    signal?: AbortSignal,
  ): Promise<Result<ArchiveListing, ArchiveError>> {
    const objects: { key: string; length: number }[] = []
    const folders: string[] = []
    let token: string | undefined
    for (let page = 0; page < listPagesMax; page += 1) {
      const query = { prefix, 'max-keys': '1000', ...(delimiter === '' ? {} : { delimiter }) }
      const next = token === undefined ? {} : { 'continuation-token': token }
      const listed = await call(`Listing ${prefix}`, { signal }, (client, ctx) =>
        client.listV2({ ...query, ...next }, { ctx, timeout: timeoutFor(0) }),
      )
      if (!listed.ok) return err(archiveError(listed.error))
      for (const { name, size } of listed.value.value.objects ?? []) objects.push({ key: name, length: size })
      folders.push(...(listed.value.value.prefixes ?? []))
      token = listed.value.value.nextContinuationToken ?? undefined
      if (!listed.value.value.isTruncated || token === undefined) return ok({ objects, folders })
    }
    return err({ kind: 'rejected', message: `Listing ${prefix}: more than ${listPagesMax} pages of names.` })
  }

  return {
    async inspect(key, signal) {
      const found = await head(key, signal)
      if (found.ok) return ok(remoteOfFacts(found.value))
      return found.error.kind === 'absent' ? ok({ kind: 'absent' }) : found
    },
    append,
    read,
    list,
    async stat(key, signal) {
      const found = await head(key, signal)
      return found.ok ? found : err(archiveError(found.error))
    },
    async readRange(key, start, end, signal) {
      const got = await read(key, start, end, signal)
      return got.ok ? got : err(archiveError(got.error))
    },
    async close() {
      const made = await connection?.catch(() => undefined)
      made?.transport.close()
    },
  }
}
