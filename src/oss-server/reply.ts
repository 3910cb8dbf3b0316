/** Puts answers on the wire: the headers OSS always sends, errors as XML, bytes of objects through the link. */
import { randomBytes } from 'node:crypto'
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http'
import { pipeline } from 'node:stream/promises'
import type { Link } from './link.ts'
import type { ObjectStore } from './object-store.ts'
import type { ObjectBytes, Reply } from './operation.ts'
import { Refusal } from './refusal.ts'
import { xmlDocument } from './xml.ts'

/** One request and its answer. */
export interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly requestId: string
  readonly arrivedMs: number
  /** Headers that go with whatever is answered (CORS). */
  readonly always: OutgoingHttpHeaders
}

export const makeRequestId = (): string => randomBytes(12).toString('hex').toUpperCase()

/** Read from disk in pieces of this size: few turns of the loop, and small beside the link's catch-up. */
const readPieceBytes = 256 * 1024

/** What a failed operation answers: the refusal as documented, or InternalError when the stand-in itself failed. */
export function errorReply(error: unknown, exchange: Exchange): Reply {
  const refusal =
    error instanceof Refusal
      ? error
      : new Refusal([
          500,
          'InternalError',
          `The stand-in failed: ${error instanceof Error ? error.message : error}`,
          '0001-00000000',
        ])
  const content = xmlDocument('Error', {
    Code: refusal.code,
    Message: refusal.message,
    RequestId: exchange.requestId,
    HostId: (exchange.request.headers.host ?? '').replace(/:\d+$/, ''),
    ...refusal.details,
    EC: refusal.ec,
    RecommendDoc: `https://api.aliyun.com/troubleshoot?q=${refusal.ec}`,
  })
  return {
    status: refusal.status,
    headers: {
      ...refusal.headers,
      'content-type': 'application/xml',
      'x-oss-ec': refusal.ec,
      // An answer to HEAD has no body; its error travels in a header.
      ...(exchange.request.method === 'HEAD' ? { 'x-oss-err': Buffer.from(content).toString('base64') } : {}),
    },
    content,
  }
}

export async function send(
  exchange: Exchange,
  reply: Reply,
  world: { store: ObjectStore; down: Link; nowMs: () => number },
): Promise<void> {
  const { response, request } = exchange
  if (response.destroyed) return
  const { content } = reply
  response.sendDate = false
  const headers: OutgoingHttpHeaders = {
    server: 'AliyunOSS',
    date: new Date(world.nowMs()).toUTCString(),
    'x-oss-request-id': exchange.requestId,
    'x-oss-server-time': String(Math.max(0, Math.round(performance.now() - exchange.arrivedMs))),
    ...exchange.always,
    ...reply.headers,
  }
  if (content === undefined || typeof content === 'string') {
    const text = Buffer.from(content ?? '')
    if (reply.status !== 204 && reply.status !== 304) headers['content-length'] ??= text.length
    response.writeHead(reply.status, present(headers))
    if (request.method === 'HEAD' || text.length === 0) response.end()
    else response.end(text)
    return
  }
  // Opened before the head is sent: an object deleted meanwhile is a refusal, not a broken answer.
  const source = await openBytes(world.store, content)
  response.writeHead(reply.status, present(headers))
  await sendBytes(source, world.down, response)
}

/** Node refuses a header without a value; here it means that the header is left out. */
const present = (headers: OutgoingHttpHeaders): OutgoingHttpHeaders =>
  Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== undefined))

type Source = Awaited<ReturnType<ObjectStore['open']>>['handle'] | undefined

async function openBytes(store: ObjectStore, bytes: ObjectBytes) {
  const handle: Source = bytes.end < bytes.start ? undefined : (await store.open(bytes.key)).handle
  return { handle, bytes }
}

async function sendBytes(
  { handle, bytes }: { handle: Source; bytes: ObjectBytes },
  down: Link,
  response: ServerResponse,
): Promise<void> {
  if (handle === undefined) {
    response.end()
    return
  }
  const stream = handle.createReadStream({ start: bytes.start, end: bytes.end, highWaterMark: readPieceBytes })
  const throttled = async function* (source: AsyncIterable<Buffer>) {
    let first = true
    for await (const piece of source) {
      await down.cross(piece.length, first)
      first = false
      yield piece
    }
  }
  // A reader may leave at any time.
  await pipeline(stream, throttled, response).catch(() => response.destroy())
}
