/**
 * Was this request signed by somebody we know, for this bucket's region, at about this time?
 *
 * OSS signature version 4, in the header or in the query. Built from the service's description of it alone: the canonical
 * request is method, path with the bucket in front, query, the headers that must be signed (content-type, content-md5,
 * x-oss-*) and those named as additional, each in byte order. A query parameter without a value is signed without `=`.
 * Version 1 is refused: new accounts and buckets no longer have it.
 */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import type { Keys } from './keys.ts'
import { Refusal, refusals } from './refusal.ts'

/** OSS refuses requests further than this from its own clock. */
const skewMsMax = 900_000
/** 7 days (EC 0002-00000232). */
const urlSecondsMax = 604_800
const algorithm = 'OSS4-HMAC-SHA256'
const unsigned = 'UNSIGNED-PAYLOAD'

export interface SignedRequest {
  readonly method: string
  readonly bucket: string
  readonly key: string
  readonly query: readonly (readonly [string, string])[]
  readonly headers: IncomingHttpHeaders
}
interface Claim {
  readonly accessKeyId: string
  readonly day: string
  readonly region: string
  readonly time: string
  readonly signature: string
  readonly additional: readonly string[]
  readonly token: string | undefined
  readonly inUrl: boolean
}

/** Whether the request carries a signature at all; without one it is anonymous. */
export function isSigned(request: SignedRequest): boolean {
  return (
    request.headers.authorization !== undefined ||
    request.query.some(([name]) => name === 'x-oss-signature' || name === 'Signature')
  )
}

/** Returns when the signature is good, else throws the refusal that OSS documents. `region` as in `cn-hangzhou`. */
export function verifySignature(request: SignedRequest, keys: Keys, world: { region: string; nowMs: number }): void {
  const claim = request.headers.authorization === undefined ? claimInUrl(request) : claimInHeader(request)
  const secret = keys.secretFor(claim.accessKeyId, claim.token, world.nowMs)
  checkTime(request, claim, world.nowMs)
  if (claim.region !== world.region) throw wrongRegion(claim)
  const canonical = canonicalRequest(request, claim)
  const scope = `${claim.day}/${claim.region}/oss/aliyun_v4_request`
  const digest = createHash('sha256').update(Buffer.from(canonical, 'latin1')).digest('hex')
  const stringToSign = [algorithm, claim.time, scope, digest].join('\n')
  let signingKey: Buffer | string = `aliyun_v4${secret}`
  for (const part of [claim.day, claim.region, 'oss', 'aliyun_v4_request']) signingKey = hmac(signingKey, part)
  const expected = hmac(signingKey, stringToSign).toString('hex')
  const given = Buffer.from(claim.signature)
  if (given.length !== expected.length || !timingSafeEqual(given, Buffer.from(expected))) {
    throw mismatch(claim, stringToSign, canonical)
  }
}

const hmac = (key: Buffer | string, text: string): Buffer => createHmac('sha256', key).update(text).digest()

function claimInHeader(request: SignedRequest): Claim {
  const text = request.headers.authorization ?? ''
  if (!text.startsWith(`${algorithm} `)) {
    throw refusals.denied(
      'Signature version 1 is closed to new accounts and buckets: sign with version 4.',
      '0002-00000231',
    )
  }
  const fields = new Map(
    text
      .slice(algorithm.length + 1)
      .split(',')
      .map((part) => {
        const at = part.indexOf('=')
        return [part.slice(0, at).trim(), part.slice(at + 1).trim()]
      }),
  )
  const [credential, signature] = [fields.get('Credential'), fields.get('Signature')]
  if (credential === undefined || signature === undefined) {
    throw refusals.invalidArgument('The Authorization header is invalid.', 'Authorization', text, '0002-00000202')
  }
  const content = header(request, 'x-oss-content-sha256')
  if (content !== unsigned) {
    throw refusals.invalidArgument('x-oss-content-sha256 must be UNSIGNED-PAYLOAD.', 'x-oss-content-sha256', content)
  }
  const time = header(request, 'x-oss-date') ?? compactTime(Date.parse(header(request, 'date') ?? ''))
  const additional = (fields.get('AdditionalHeaders') ?? '').split(';').filter((name) => name !== '')
  const token = header(request, 'x-oss-security-token')
  return { ...readCredential(credential), time, signature, additional, token, inUrl: false }
}

function claimInUrl(request: SignedRequest): Claim {
  const query = new Map(request.query)
  if (query.get('x-oss-signature-version') !== algorithm) {
    throw refusals.denied(
      'Signature version 1 is closed to new accounts and buckets: sign with version 4.',
      '0002-00000231',
    )
  }
  const needed = (name: string): string => {
    const value = query.get(name)
    if (value === undefined || value === '') {
      throw refusals.invalidArgument(`Missing query parameter ${name}.`, name, value, '0002-00000215')
    }
    return value
  }
  const additional = (query.get('x-oss-additional-headers') ?? '').split(';').filter((name) => name !== '')
  return {
    ...readCredential(needed('x-oss-credential')),
    time: needed('x-oss-date'),
    signature: needed('x-oss-signature'),
    additional,
    token: query.get('x-oss-security-token'),
    inUrl: true,
  }
}

function readCredential(text: string): { accessKeyId: string; day: string; region: string } {
  const [accessKeyId = '', day = '', region = '', product, end, ...rest] = text.split('/')
  if (accessKeyId === '' || region === '' || end !== 'aliyun_v4_request' || rest.length > 0) {
    throw refusals.invalidArgument('The Credential is invalid.', 'Credential', text, '0002-00000213')
  }
  if (!/^\d{8}$/.test(day)) {
    throw refusals.invalidArgument(
      'The signing date in the Credential is invalid.',
      'Credential',
      text,
      '0002-00000212',
    )
  }
  if (product !== 'oss') {
    throw refusals.invalidArgument(
      'Invalid signing product in Authorization header.',
      'Credential',
      text,
      '0002-00000227',
    )
  }
  return { accessKeyId, day, region }
}

function checkTime(request: SignedRequest, claim: Claim, nowMs: number): void {
  const signedMs = parseCompactTime(claim.time)
  if (signedMs === undefined || claim.time.slice(0, 8) !== claim.day) {
    throw refusals.invalidArgument('The signing date is missing or invalid.', 'x-oss-date', claim.time, '0002-00000212')
  }
  if (!claim.inUrl) {
    if (Math.abs(nowMs - signedMs) > skewMsMax) throw tooSkewed(signedMs, nowMs)
    return
  }
  const asked = new Map(request.query).get('x-oss-expires') ?? ''
  const seconds = Number(asked)
  if (!/^\d+$/.test(asked) || seconds < 1 || seconds > urlSecondsMax) {
    throw refusals.invalidArgument(
      'x-oss-expires must be 1 to 604800 seconds.',
      'x-oss-expires',
      asked,
      '0002-00000232',
    )
  }
  if (signedMs - nowMs > skewMsMax) throw refusals.denied('Request is not valid yet.', '0002-00000236')
  if (nowMs > signedMs + seconds * 1000) {
    throw new Refusal([403, 'AccessDenied', 'Request has expired.', '0002-00000236'], {
      details: { Expires: isoTime(signedMs + seconds * 1000), ServerTime: isoTime(nowMs) },
    })
  }
}

function canonicalRequest(request: SignedRequest, claim: Claim): string {
  const path = request.bucket === '' ? '/' : `/${request.bucket}/${request.key}`
  const query = request.query
    .filter(([name]) => name !== 'x-oss-signature')
    .map(([name, value]) => [encode(name), encode(value)] as const)
    .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
    .map(([name, value]) => (value === '' ? name : `${name}=${value}`))
  const signed = new Set(claim.additional)
  for (const name of Object.keys(request.headers)) {
    if (name === 'content-type' || name === 'content-md5' || name.startsWith('x-oss-')) signed.add(name)
  }
  const headers = [...signed].sort().map((name) => `${name}:${(header(request, name) ?? '').trim()}\n`)
  return [
    request.method,
    encode(path).replaceAll('%2F', '/'),
    query.join('&'),
    headers.join(''),
    claim.additional.join(';'),
    unsigned,
  ].join('\n')
}

/** Percent-encodes every byte outside A–Z a–z 0–9 - _ . ~ */
function encode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)
}

function header(request: SignedRequest, name: string): string | undefined {
  const value = request.headers[name]
  return Array.isArray(value) ? value.join(',') : value
}

function parseCompactTime(text: string): number | undefined {
  const found = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(text)
  if (found === null) return undefined
  const [, year, month, day, hour, minute, second] = found
  const ms = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`)
  return Number.isNaN(ms) ? undefined : ms
}

const isoTime = (ms: number): string => new Date(ms).toISOString()
const compactTime = (ms: number): string =>
  Number.isNaN(ms) ? '' : new Date(ms).toISOString().replace(/[-:]|\.\d+/g, '')

export const tooSkewed = (requestMs: number, nowMs: number) =>
  new Refusal(
    [
      403,
      'RequestTimeTooSkewed',
      'The difference between the request time and the current time is too large.',
      '0002-00000504',
    ],
    {
      details: {
        MaxAllowedSkewMilliseconds: skewMsMax,
        RequestTime: isoTime(requestMs),
        ServerTime: isoTime(nowMs),
      },
    },
  )

const wrongRegion = (claim: Claim) =>
  new Refusal(
    [
      400,
      'InvalidArgument',
      claim.inUrl ? 'Invalid signing region in Credential.' : 'Invalid signing region in Authorization header.',
      '0002-00000226',
    ],
    { details: { Region: claim.region } },
  )

const mismatch = (claim: Claim, stringToSign: string, canonical: string) =>
  new Refusal(
    [
      403,
      'SignatureDoesNotMatch',
      'The request signature we calculated does not match the signature you provided. Check your key and signing method.',
      '0002-00000040',
    ],
    {
      details: {
        OSSAccessKeyId: claim.accessKeyId,
        SignatureProvided: claim.signature,
        StringToSign: stringToSign,
        CanonicalRequest: canonical,
      },
    },
  )
