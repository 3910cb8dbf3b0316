/**
 * A loopback HTTP server that behaves as Alibaba Cloud OSS does towards one bucket, with its objects on disk.
 *
 * It is the far end of every test, measurement and demo, and their judge: it knows nothing of Watchpost and shares no code
 * with it. Where the service's documentation is silent, the comment at the place says what was assumed. It has no
 * versioning, no lifecycle, no multipart upload, no policies, and it is no storage for anybody's real data.
 *
 * Settings of `ali-oss` that fit (always with `authorizationV4: true` and `region: 'oss-<region>'`):
 * - `endpoint: server.url` (an IP address): ali-oss itself names the bucket in Host. Its signed URLs then lack the bucket:
 *   add `sldEnable: true` for them, and for everything if your transport takes that Host header away;
 * - `endpoint: 'http://localhost:<port>', sldEnable: true`: the bucket comes first in the path;
 * - `endpoint: 'http://<any name>:<port>', cname: true`: the whole path is the key; start the server with `cname: true`.
 */
import { createServer, type Server } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { join } from 'node:path'
import { isBucketName } from './address.ts'
import { isOrder, obey } from './control.ts'
import { type Fault, FaultBook } from './faults.ts'
import { type GatewayWorld, serve } from './gateway.ts'
import { type KeyPair, Keys, makeKeyPair, makeTokenKeys, type TokenKeys } from './keys.ts'
import { Link } from './link.ts'
import { ObjectStore, type StoredObject } from './object-store.ts'
import { type ServerStatistics, Statistics } from './statistics.ts'

export interface OssServerOptions {
  /** Objects are kept in `<dir>/<bucket>`. Made when absent. One server at a time. */
  readonly dir: string
  readonly bucket: string
  /** Default `cn-hangzhou`: as in a signature, without `oss-`. */
  readonly region?: string
  /** Default 0: any free one. */
  readonly port?: number
  /** Default 127.0.0.1. */
  readonly host?: string
  /** Default: a new pair, found in `keys`. */
  readonly keys?: KeyPair
  readonly tokens?: readonly TokenKeys[]
  readonly publicRead?: boolean
  /** Default true: any page may read. */
  readonly cors?: boolean
  /** A host that names no bucket is a custom domain of ours. Default false. */
  readonly cname?: boolean
  /** Largest object. Default 5,000,000,000: whether the service's "5 GB" is this or 5 GiB is not documented. */
  readonly sizeLimitBytes?: number
  /** Also survive the machine's end, not only this process's. Default false. */
  readonly fsync?: boolean
  /** Take orders at `/-/`. Default false; the methods below work regardless. */
  readonly faultsOverHttp?: boolean
  /** Speed of the line, in each direction. Default: as fast as it goes. */
  readonly bytesPerS?: number
  /** Wall clock, milliseconds since the epoch. */
  readonly now?: () => number
}

export interface OssServer {
  readonly port: number
  /** `http://127.0.0.1:<port>`, without a slash at the end. */
  readonly url: string
  readonly bucket: string
  readonly region: string
  readonly keys: KeyPair
  readonly faults: {
    add(...faults: readonly Fault[]): void
    clear(): void
    /** Those that may still fire. */
    list(): Fault[]
  }
  /** Cuts every connection and takes none until switched back; orders at `/-/` still come through. */
  setOffline(offline: boolean): void
  /** Moves the server's clock: signatures, dates, `ServerTime`. */
  setClockOffsetMs(offsetMs: number): void
  /** Undefined: as fast as it goes. */
  setBytesPerS(bytesPerS: number | undefined): void
  /** Hands out temporary keys that end after `validMs` of the server's clock. */
  issueToken(validMs: number): TokenKeys
  stats(): ServerStatistics
  /** What the bucket holds, in the order of keys. */
  objects(): StoredObject[]
  /** The file with an object's bytes, or undefined when there is no such object. */
  objectPath(key: string): string | undefined
  /** Ends connections at once, lets writes in progress finish, frees the port. */
  close(): Promise<void>
}

/** Longer than any client keeps an idle connection, so that a reused one is never closed under a request. */
const keepAliveMs = 120_000

/** Rejects with the system's error when the port is taken or the directory cannot be used. */
export async function startOssServer(options: OssServerOptions): Promise<OssServer> {
  if (!isBucketName(options.bucket)) {
    throw new RangeError('a bucket name has 3 to 63 of a-z, 0-9 and -, and neither begins nor ends with -')
  }
  const store = new ObjectStore(join(options.dir, options.bucket), {
    fsync: options.fsync ?? false,
    bytesMax: options.sizeLimitBytes ?? 5e9,
  })
  await store.load()

  let clockOffsetMs = 0
  let offline = false
  const closing = new AbortController()
  const sockets = new Set<Socket>()
  const world: GatewayWorld = {
    bucket: options.bucket,
    region: options.region ?? 'cn-hangzhou',
    cname: options.cname ?? false,
    publicRead: options.publicRead ?? false,
    cors: options.cors ?? true,
    keys: new Keys(options.keys ?? makeKeyPair(), options.tokens ?? []),
    store,
    faults: new FaultBook(),
    statistics: new Statistics(),
    up: new Link(options.bytesPerS),
    down: new Link(options.bytesPerS),
    nowMs: () => (options.now ?? Date.now)() + clockOffsetMs,
    closing: closing.signal,
  }
  const cut = () => {
    for (const socket of sockets) socket.destroy()
  }
  const controls = {
    faults: world.faults,
    setOffline(next: boolean) {
      offline = next
      if (offline) cut()
    },
    setClockOffsetMs(offsetMs: number) {
      clockOffsetMs = offsetMs
    },
    setBytesPerS(bytesPerS: number | undefined) {
      world.up.setRate(bytesPerS)
      world.down.setRate(bytesPerS)
    },
    stats: () => world.statistics.now(world.faults.fired()),
  }

  const server = createServer({ keepAliveTimeout: keepAliveMs, requestTimeout: 0 }, (request, response) => {
    request.on('error', () => undefined)
    response.on('error', () => undefined)
    const order = options.faultsOverHttp === true && isOrder(request)
    if (offline && !order) request.socket.destroy()
    else if (order) void obey(controls, request, response)
    else void serve(world, request, response)
  })
  server.headersTimeout = keepAliveMs + 1000
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    if (offline && options.faultsOverHttp !== true) socket.destroy()
  })
  const port = await listen(server, options.port ?? 0, options.host ?? '127.0.0.1')

  return {
    ...controls,
    port,
    url: `http://${options.host ?? '127.0.0.1'}:${port}`,
    bucket: world.bucket,
    region: world.region,
    keys: world.keys.lasting,
    issueToken(validMs) {
      const token = makeTokenKeys(world.nowMs() + validMs)
      world.keys.add(token)
      return token
    },
    objects: () => store.keys().flatMap((key) => store.find(key) ?? []),
    objectPath(key) {
      const found = store.find(key)
      return found === undefined ? undefined : store.pathOf(found)
    },
    async close() {
      closing.abort()
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      cut()
      await closed
      await store.settled()
    },
  }
}

function listen(server: Server, port: number, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.off('error', reject)
      resolve((server.address() as AddressInfo).port)
    })
  })
}
