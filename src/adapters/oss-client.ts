/**
 * The `ali-oss` client as we use it: V4 signatures, TLS unless the endpoint says `http://`, no retry of its own (it would
 * send an append again without asking), no token refresh of its own (its timer races), our own transport beneath it.
 *
 * Loaded at the first call: it is 280 modules, and most commands never need it.
 */
import type { Readable } from 'node:stream'
import type OssClass from 'ali-oss'
import type { StoreCredentials } from '../config/credentials.ts'
import { createOssTransport, type OssCall, type OssTransport } from './oss-transport.ts'

export interface OssAddress {
  readonly bucket: string
  /** With or without `oss-` in front. */
  readonly region: string
  /** Without a scheme it is https; left out, the region's public address. */
  readonly endpoint?: string | undefined
  /** The endpoint is a domain bound to the bucket. */
  readonly cname?: boolean
  /** The bucket stands in the path, as a stand-in on one local address wants it. */
  readonly pathStyle?: boolean
  readonly caFile?: string | undefined
}

/** What we call of it. The published types lack `ctx`, pairs of timeouts and the signing clock. */
export interface OssClient {
  append(key: string, body: Readable, options: AppendOptions): Promise<unknown>
  head(key: string, options: CallOptions): Promise<unknown>
  get(key: string, options: CallOptions): Promise<unknown>
  listV2(query: Readonly<Record<string, string>>, options: CallOptions): Promise<OssListing>
  /** Read anew for each request; written between requests. */
  readonly options: {
    accessKeyId: string
    accessKeySecret: string
    stsToken: string | undefined
    amendTimeSkewed: number
  }
}
/** Made anew for each call: the library writes into it. */
export interface CallOptions {
  readonly ctx: OssCall
  /** [until connected, until answered] in ms. The second one runs through the whole upload. */
  readonly timeout: readonly [number, number]
  readonly headers?: Record<string, string>
}
interface AppendOptions extends CallOptions {
  /** As text: left out, the library would write at 0. */
  readonly position: string
  readonly contentLength: number
}
export interface OssListing {
  readonly objects?: readonly { readonly name: string; readonly size: number }[] | null
  readonly prefixes?: readonly string[] | null
  readonly isTruncated: boolean
  readonly nextContinuationToken: string | null
}

export interface OssConnection {
  readonly client: OssClient
  readonly transport: OssTransport
}

/** Throws only for settings that their own validation refuses, and for a CA file that cannot be read. */
export async function connectOss(address: OssAddress, credentials: StoreCredentials): Promise<OssConnection> {
  const { default: OSS } = await import('ali-oss')
  const { caFile, pathStyle = false } = address
  const transport = createOssTransport({ pathStyle, ...(caFile === undefined ? {} : { caFile }) })
  const client = new OSS(ossOptions(address, credentials, transport)) as unknown as OssClient
  setCredentials(client, credentials)
  return { client, transport }
}

/** All three fields in one go: a request signed with half of a new key is refused. */
export function setCredentials(client: OssClient, credentials: StoreCredentials): void {
  Object.assign(client.options, {
    accessKeyId: credentials.accessKeyId,
    accessKeySecret: credentials.accessKeySecret.reveal(),
    stsToken: credentials.securityToken?.reveal(),
  })
}

/** The token is set later: given here, the library writes a warning to the terminal. */
function ossOptions(address: OssAddress, credentials: StoreCredentials, urllib: OssTransport): OssClass.Options {
  const region = address.region.startsWith('oss-') ? address.region : `oss-${address.region}`
  const options = {
    accessKeyId: credentials.accessKeyId,
    accessKeySecret: credentials.accessKeySecret.reveal(),
    bucket: address.bucket,
    region,
    secure: true,
    authorizationV4: true,
    cname: address.cname ?? false,
    sldEnable: address.pathStyle ?? false,
    retryMax: 0,
    urllib,
    ...(address.endpoint === undefined ? {} : { endpoint: withScheme(address.endpoint) }),
  }
  return options as OssClass.Options
}

const withScheme = (endpoint: string): string => (/^https?:\/\//.test(endpoint) ? endpoint : `https://${endpoint}`)
