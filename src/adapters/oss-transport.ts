/**
 * The HTTP under `ali-oss`, which signs, names and reads, and lets others carry (its option `urllib`). Ours does what its
 * own does not: each answer is kept whole, headers too; a call can be given up, which destroys its socket, so that
 * nothing of it can be sent later; a body goes to the socket in one piece, without three streams on the way; the agents
 * are our own (a hung pool can be thrown away, and idle connections live long enough for a camera's pace).
 *
 * It follows no redirect, asks nothing twice, and believes nothing: that is for those above it.
 */
import { readFileSync } from 'node:fs'
import { type ClientRequest, Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import { rootCertificates } from 'node:tls'
import type { OssAnswer } from './oss-answer.ts'

/** One call, handed through `ali-oss` as its `ctx`, and filled in here. */
export interface OssCall {
  readonly signal: AbortSignal | undefined
  /** What is sent; `ali-oss` is given an empty stream in its place. */
  readonly body?: Uint8Array
  answer?: OssAnswer
  /** The error of the connection, if there was no answer. */
  silence?: unknown
}

/** What `ali-oss` says of a request. */
interface TransportArgs {
  readonly ctx: OssCall
  readonly method: string
  readonly headers: Readonly<Record<string, unknown>>
  /** [until connected, from then until answered] in ms. The second one runs through the whole upload. */
  readonly timeout: readonly [number, number]
}
interface TransportResult {
  readonly data: Uint8Array
  readonly status: number
  readonly headers: OssAnswer['headers']
  readonly res: { readonly status: number; readonly headers: OssAnswer['headers'] }
}

export interface OssTransport {
  request(url: string, args: TransportArgs): Promise<TransportResult>
  close(): void
}

export interface TransportOptions {
  /** PEM file with further certificate authorities. */
  readonly caFile?: string
  /** Bucket in the path: the host header must then stay what the address says, which `ali-oss` changes for an IP. */
  readonly pathStyle: boolean
}

/** Our own code: the time allowed for the call ran out. */
export const lateCode = 'NotInTime'

/** Objects written at once, plus a reader; more would only queue in the router. */
const socketsMax = 8
/** A free connection is kept this long: a camera appends every second or two, a quiet one must not pay a handshake each. */
const idleMs = 45_000
/** We read in pieces of 4 MiB, and a page of a listing is under 1 MiB; who sends more than this is not answering us. */
const answerBytesMax = 64 * 1024 * 1024

/** Throws if the CA file cannot be read. */
export function createOssTransport(options: TransportOptions): OssTransport {
  const ca = options.caFile === undefined ? {} : { ca: [...rootCertificates, readFileSync(options.caFile, 'utf8')] }
  const pool = { keepAlive: true, maxSockets: socketsMax, timeout: idleMs }
  const agent = new HttpAgent(pool)
  const httpsAgent = new HttpsAgent({ ...pool, ...ca })

  /** The path is kept as it is: parsing would fold a key with `..` in it into another one. */
  function open(url: string, { method, headers }: TransportArgs): ClientRequest {
    const secure = url.startsWith('https:')
    const pathAt = url.indexOf('/', secure ? 8 : 7)
    const { hostname, port } = new URL(url.slice(0, pathAt))
    const given = Object.entries(headers).filter(
      ([name, value]) => value !== undefined && value !== null && !(options.pathStyle && name === 'host'),
    )
    const request = {
      host: hostname.replace(/^\[|\]$/g, ''),
      port: port === '' ? undefined : Number(port),
      path: url.slice(pathAt),
      method,
      headers: Object.fromEntries(given.map(([name, value]) => [name, String(value)])),
    }
    return secure ? httpsRequest({ ...request, agent: httpsAgent }) : httpRequest({ ...request, agent })
  }

  return {
    async request(url, args) {
      const { ctx } = args
      try {
        const answer = await exchange(() => open(url, args), args)
        ctx.answer = answer
        const { status, headers, body } = answer
        return { data: body, status, headers, res: { status, headers } }
      } catch (error) {
        ctx.silence = error
        throw error
      }
    },
    close() {
      agent.destroy()
      httpsAgent.destroy()
    },
  }
}

/** One request and its whole answer. Rejects with the connection's error, or with code `lateCode`. */
function exchange(open: () => ClientRequest, { ctx, timeout }: TransportArgs): Promise<OssAnswer> {
  return new Promise((resolve, reject) => {
    if (ctx.signal?.aborted === true) return reject(new Error('given up'))
    const request = open()
    const [connectMs, answerMs] = timeout
    const expire = (): void => void request.destroy(Object.assign(new Error('not in time'), { code: lateCode }))
    const giveUp = (): void => void request.destroy(new Error('given up'))
    let timer = setTimeout(expire, connectMs)
    const answering = (): void => {
      clearTimeout(timer)
      timer = setTimeout(expire, answerMs)
    }
    const settle = <T>(then: (value: T) => void): ((value: T) => void) => {
      return (value) => {
        clearTimeout(timer)
        ctx.signal?.removeEventListener('abort', giveUp)
        then(value)
      }
    }
    ctx.signal?.addEventListener('abort', giveUp, { once: true })
    request.once('socket', (socket) => {
      if (socket.connecting) socket.once('connect', answering)
      else answering()
    })
    request.on('error', settle(reject))
    request.on('response', (response) => collect(response, settle(resolve), (error) => request.destroy(error)))
    request.end(ctx.body)
  })
}

function collect(response: IncomingMessage, done: (answer: OssAnswer) => void, fail: (error: Error) => void): void {
  const pieces: Buffer[] = []
  let bytes = 0
  response.on('data', (piece: Buffer) => {
    pieces.push(piece)
    bytes += piece.length
    if (bytes > answerBytesMax) fail(new Error('the answer is too long'))
  })
  response.on('error', fail)
  response.on('end', () => {
    const { statusCode: status = 0, headers, complete } = response
    if (complete) done({ status, headers, body: pieces.length === 1 && pieces[0] ? pieces[0] : Buffer.concat(pieces) })
    else fail(new Error('the answer is not complete'))
  })
}
