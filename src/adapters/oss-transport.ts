/**
 * The HTTP under `ali-oss`: its own `urllib`, with four things added that its interface lacks. Each answer is kept whole
 * (headers too), a call can be aborted (which destroys its socket, so that nothing of it can be sent later), the agents
 * are ours (a hung pool can be thrown away, and idle connections live long enough for a camera's pace), and the system
 * error of a broken connection keeps its code.
 */
import { readFileSync } from 'node:fs'
import { Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import { rootCertificates } from 'node:tls'
import type { OssAnswer } from './oss-answer.ts'

/** One call, handed through `ali-oss` as its `ctx`, and filled in here. */
export interface OssCall {
  readonly signal: AbortSignal | undefined
  answer?: OssAnswer
  /** The error of the connection, if there was no answer. */
  silence?: unknown
}

/** What we use of urllib 2. */
export interface Urllib {
  requestWithCallback(url: string, args: UrllibArgs, done: UrllibDone): { destroy(): void }
}
interface UrllibArgs {
  readonly ctx?: unknown
  readonly headers: Record<string, unknown>
  readonly [name: string]: unknown
}
interface UrllibResponse {
  readonly status?: number
  readonly statusCode?: number
  readonly headers?: OssAnswer['headers']
}
type UrllibDone = (
  error:
    | (Error & { readonly status?: number; readonly headers?: OssAnswer['headers']; readonly data?: unknown })
    | null,
  data: Uint8Array | undefined,
  response: UrllibResponse,
) => void

export interface OssTransport {
  request(url: string, args: UrllibArgs): Promise<unknown>
  close(): void
}

export interface TransportOptions {
  /** PEM file with further certificate authorities. */
  readonly caFile?: string
  /** Bucket in the path: the host header must then stay what the address says, which `ali-oss` changes for an IP. */
  readonly pathStyle: boolean
}

/** Objects written at once, plus a reader; more would only queue in the router. */
const socketsMax = 8
/** A free connection is kept this long: a camera appends every second or two, a quiet one must not pay a handshake each. */
const idleMs = 45_000

export function createOssTransport(urllib: Urllib, options: TransportOptions): OssTransport {
  const ca = options.caFile === undefined ? {} : { ca: [...rootCertificates, readFileSync(options.caFile, 'utf8')] }
  const pool = { keepAlive: true, maxSockets: socketsMax, timeout: idleMs }
  const agent = new HttpAgent(pool)
  const httpsAgent = new HttpsAgent({ ...pool, ...ca })

  return {
    request(url, args) {
      const call = args.ctx as OssCall
      const { signal } = call
      if (options.pathStyle) delete args.headers.host
      return new Promise((resolve, reject) => {
        if (signal?.aborted === true) return reject(new Error('aborted'))
        const stop = (): void => request.destroy()
        const request = urllib.requestWithCallback(
          url,
          { ...args, ctx: undefined, agent, httpsAgent },
          (error, data, response) => {
            signal?.removeEventListener('abort', stop)
            if (error !== null) {
              call.silence = error
              reject(error)
              return
            }
            const status = response.statusCode ?? response.status ?? 0
            const headers = response.headers ?? {}
            call.answer = { status, headers, body: data ?? new Uint8Array(0) }
            resolve({ data, status, headers, res: response })
          },
        )
        signal?.addEventListener('abort', stop, { once: true })
      })
    },
    close() {
      agent.destroy()
      httpsAgent.destroy()
    },
  }
}
