/** A stand-in in a folder of its own, and two ways to talk to it: the real client, and bare requests signed by that client. */
import { mkdtemp, rm } from 'node:fs/promises'
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import OSS from 'ali-oss'
import { onTestFinished } from 'vitest'
import { type OssServer, type OssServerOptions, startOssServer } from '../../src/oss-server/server.ts'

interface SignUtils {
  authorizationV4(
    accessKeyId: string,
    accessKeySecret: string,
    region: string,
    method: string,
    request: { headers: Record<string, string>; queries: Record<string, string | null> },
    bucket: string,
    key: string,
    additionalHeaders?: string[],
  ): string
}
/** A signer that we did not write: the oracle for ours. */
const signUtils: SignUtils = createRequire(import.meta.url)('ali-oss/lib/common/signUtils.js')

export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'oss-server-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

/** Ends with the test. */
export async function standIn(options: Partial<OssServerOptions> = {}): Promise<OssServer> {
  const server = await startOssServer({ dir: await temporaryFolder(), bucket: 'footage', ...options })
  onTestFinished(() => server.close())
  return server
}

type ClientOptions = OSS.Options & { sldEnable?: boolean; retryMax?: number; amendTimeSkewed?: number }

export function client(server: OssServer, options: Partial<ClientOptions> = {}): OSS {
  const all: ClientOptions = {
    ...server.keys,
    bucket: server.bucket,
    region: `oss-${server.region}`,
    endpoint: `http://127.0.0.1:${server.port}`,
    authorizationV4: true,
    ...options,
  }
  return new OSS(all)
}

export interface Bare {
  readonly method?: string
  /** As it stands in the path, unencoded. */
  readonly key?: string
  readonly query?: Record<string, string | null>
  readonly headers?: Record<string, string>
  readonly body?: Uint8Array | string
  /** False: anonymous. Else what differs from a good signature. */
  readonly sign?: false | { id?: string; secret?: string; region?: string; atMs?: number; token?: string }
  readonly host?: string
  /** Instead of the path made of bucket and key. */
  readonly path?: string
  readonly signal?: AbortSignal
  /** Neither length nor chunks. */
  readonly unmeasured?: boolean
}
export interface BareAnswer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
  readonly text: string
  /** The `Code` of an error document, in the body or in x-oss-err. */
  readonly code: string | undefined
  /** Any element of that document. */
  element(name: string): string | undefined
}

export async function bare(server: OssServer, asked: Bare): Promise<BareAnswer> {
  const { method = 'GET', key = '', query = {}, sign = {}, body } = asked
  const headers: Record<string, string> = { ...asked.headers }
  if (sign !== false) {
    headers['x-oss-date'] = new Date(sign.atMs ?? Date.now()).toISOString().replace(/[-:]|\.\d+/g, '')
    headers['x-oss-content-sha256'] = 'UNSIGNED-PAYLOAD'
    if (sign.token !== undefined) headers['x-oss-security-token'] = sign.token
    headers.authorization = signUtils.authorizationV4(
      sign.id ?? server.keys.accessKeyId,
      sign.secret ?? server.keys.accessKeySecret,
      sign.region ?? server.region,
      method,
      { headers, queries: query },
      server.bucket,
      key,
    )
  }
  if (body !== undefined && headers['transfer-encoding'] === undefined)
    headers['content-length'] ??= String(Buffer.byteLength(body))
  if (asked.host !== undefined) headers.host = asked.host
  const search = Object.entries(query)
    .map(([name, value]) => (value === null ? name : `${name}=${encodeURIComponent(value)}`))
    .join('&')
  const path = asked.path ?? `/${server.bucket}/${key.split('/').map(encodeURIComponent).join('/')}`
  return exchange(server.port, { method, path: search === '' ? path : `${path}?${search}`, headers }, asked)
}

function exchange(
  port: number,
  line: { method: string; path: string; headers: Record<string, string> },
  { body, unmeasured, signal }: Bare,
): Promise<BareAnswer> {
  return new Promise((resolve, reject) => {
    const sent = httpRequest(
      { host: '127.0.0.1', port, ...line, agent: false, ...(signal === undefined ? {} : { signal }) },
      (answer) => {
        const pieces: Buffer[] = []
        answer.on('data', (piece: Buffer) => pieces.push(piece))
        answer.on('error', reject)
        answer.on('end', () => {
          const all = Buffer.concat(pieces)
          const inHeader = answer.headers['x-oss-err']
          const document = typeof inHeader === 'string' ? Buffer.from(inHeader, 'base64').toString() : all.toString()
          const element = (name: string) => new RegExp(`<${name}>([^<]*)</${name}>`).exec(document)?.[1]
          resolve({
            status: answer.statusCode ?? 0,
            headers: answer.headers,
            body: all,
            text: all.toString(),
            code: element('Code'),
            element,
          })
        })
      },
    )
    sent.on('error', reject)
    if (unmeasured === true) sent.removeHeader('transfer-encoding')
    if (unmeasured === true) sent.useChunkedEncodingByDefault = false
    sent.end(body)
  })
}

/** One append by bare request. */
export const append = (
  server: OssServer,
  key: string,
  position: number | string,
  body: string | Uint8Array,
  more: Bare = {},
) => bare(server, { method: 'POST', key, query: { append: null, position: String(position) }, body, ...more })

/** The checksum one bit at a time, from the definition: slow, and right beyond doubt. */
export function crc64ByTheBit(bytes: Uint8Array): bigint {
  let crc = 0xffffffffffffffffn
  for (const byte of bytes) {
    crc ^= BigInt(byte)
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 1n ? (crc >> 1n) ^ 0xc96c5795d7870f42n : crc >> 1n
  }
  return crc ^ 0xffffffffffffffffn
}
