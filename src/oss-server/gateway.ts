/**
 * The way of one request: where to, which operation, what goes wrong, the body, whether it may, carry out, answer.
 *
 * Faults sit at the seams of this one path, so every operation can meet every fault and none knows of them.
 */
import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Address, readAddress } from './address.ts'
import { type Body, noBody, readBody } from './body.ts'
import { corsHeaders, preflight } from './cors.ts'
import type { Fault, FaultBook } from './faults.ts'
import type { Keys } from './keys.ts'
import { Link } from './link.ts'
import { listObjects } from './list-operation.ts'
import { answerInstead, distort, meddle } from './mischief.ts'
import type { ObjectStore } from './object-store.ts'
import { type OssRequest, operationOf, queryOf, type Reply } from './operation.ts'
import { getObject, headObject, objectAcl, objectMeta, objectTagging } from './read-operations.ts'
import { refusals } from './refusal.ts'
import { type Exchange, errorReply, makeRequestId, send } from './reply.ts'
import { isSigned, verifySignature } from './signature.ts'
import type { Statistics } from './statistics.ts'
import { appendObject, copyObject, deleteObject, putObject } from './write-operations.ts'

export interface GatewayWorld {
  readonly bucket: string
  readonly region: string
  readonly cname: boolean
  readonly publicRead: boolean
  readonly cors: boolean
  readonly keys: Keys
  readonly store: ObjectStore
  readonly faults: FaultBook
  readonly statistics: Statistics
  readonly up: Link
  readonly down: Link
  readonly nowMs: () => number
  /** Aborted when the server closes: nothing waits longer, nothing is committed late. */
  readonly closing: AbortSignal
}

export async function serve(world: GatewayWorld, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const exchange: Exchange = {
    request,
    response,
    requestId: makeRequestId(),
    arrivedMs: performance.now(),
    always: world.cors ? corsHeaders(request.headers, request.method ?? '') : {},
  }
  const answer = (reply: Reply) =>
    send(exchange, reply, world).catch((error) => send(exchange, errorReply(error, exchange), world))
  let head: Head
  try {
    head = readHead(world, request)
  } catch (error) {
    request.resume()
    await answer(errorReply(error, exchange))
    return
  }
  world.statistics.begin(head.operation, head.key)
  try {
    await serveKnown(world, head, { exchange, answer })
  } finally {
    world.statistics.end(head.operation, head.key)
  }
}

type Head = Omit<OssRequest, 'body'>

function readHead(world: GatewayWorld, request: IncomingMessage): Head {
  const address: Address = readAddress(request.headers.host ?? '', request.url ?? '/', world)
  const partial = { ...address, method: request.method ?? '', headers: request.headers }
  return { ...partial, operation: operationOf(partial) }
}

async function serveKnown(
  world: GatewayWorld,
  head: Head,
  wire: { exchange: Exchange; answer: (reply: Reply) => Promise<void> },
): Promise<void> {
  const { exchange, answer } = wire
  const { request } = exchange
  const fault = world.faults.pick(head.operation, head.key)
  if (fault !== undefined) world.statistics.metFault(head.operation)
  const hangUp = () => request.socket.destroy()

  if (fault?.kind === 'refuse') return void hangUp()
  if (fault?.kind === 'half-open') {
    await rest(fault.ms, world)
    return void hangUp()
  }

  let body: Body
  try {
    body = await takeBody(world, head, request, fault)
  } catch (error) {
    // The sender left before the end of its body: nothing happened, nobody is there to be told.
    if (request.destroyed && !request.complete) return void hangUp()
    const reply = errorReply(error, exchange)
    await answer({ ...reply, headers: { ...reply.headers, connection: 'close' } })
    return
  }

  const known: OssRequest = { ...head, body }
  const attempt = async (): Promise<Reply> => {
    const instead = answerInstead(fault, known, world.nowMs())
    if (instead !== undefined) return instead
    if (known.operation !== 'options') authorise(known, world)
    await meddle(fault, known, world)
    return carryOut(known, world)
  }
  const outcome = () => attempt().catch((error) => errorReply(error, exchange))

  switch (fault?.kind) {
    case 'drop-before-commit':
      return void hangUp()
    case 'commit-late':
      hangUp()
      await rest(fault.delayMs, world)
      if (!world.closing.aborted) await outcome()
      return
    case 'commit-after-gone':
      if (!request.socket.destroyed) await once(request.socket, 'close')
      if (!world.closing.aborted) await outcome()
      return
    case 'commit-then-drop':
      await outcome()
      return void hangUp()
    case 'slow-reply': {
      const reply = await outcome()
      await rest(fault.delayMs, world)
      return answer(reply)
    }
    default:
      return answer(distort(fault, await outcome()))
  }
}

async function takeBody(
  world: GatewayWorld,
  head: Head,
  request: IncomingMessage,
  fault: Fault | undefined,
): Promise<Body> {
  if (head.method !== 'PUT' && head.method !== 'POST') {
    request.resume()
    return noBody
  }
  const { headers } = request
  if (headers['content-length'] === undefined && headers['transfer-encoding'] === undefined) throw refusals.noLength()
  const slow = fault?.kind === 'slow-drain' ? [new Link(fault.bytesPerS)] : []
  const body = await readBody(request, {
    expectedBefore: head.operation === 'append' ? BigInt(world.store.find(head.key)?.crc64 ?? '0') : 0n,
    wantMd5: head.operation !== 'append' || headers['content-md5'] !== undefined,
    links: [world.up, ...slow],
  })
  world.statistics.received(body.bytes)
  const position = queryOf(head, 'position')
  if (head.operation === 'append' && position !== undefined) {
    world.statistics.receivedAt(Number(position), body.bytes, world.store.find(head.key)?.bytes ?? 0)
  }
  return body
}

function authorise(request: OssRequest, world: GatewayWorld): void {
  if (request.bucket === '') throw refusals.notImplemented('operations on the service, such as listing buckets')
  if (request.bucket !== world.bucket) throw refusals.noSuchBucket(request.bucket)
  if (isSigned(request)) {
    verifySignature(request, world.keys, { region: world.region, nowMs: world.nowMs() })
    return
  }
  const acl = world.store.find(request.key)?.creation.acl ?? 'default'
  const open = acl === 'public-read' || acl === 'public-read-write' || (acl === 'default' && world.publicRead)
  // A readable bucket gives its objects to anybody, but not the list of them.
  if (!open || !['get', 'head', 'meta'].includes(request.operation)) {
    throw refusals.denied('You have no right to access this object because of bucket acl.')
  }
  if (request.query.some(([name]) => name.startsWith('response-'))) {
    throw refusals.invalidArgument('response-* needs a signed request.', 'response', '')
  }
}

async function carryOut(request: OssRequest, world: GatewayWorld): Promise<Reply> {
  switch (request.operation) {
    case 'append':
      return appendObject(request, world)
    case 'put':
      return putObject(request, world)
    case 'copy':
      return copyObject(request, world)
    case 'delete':
      return deleteObject(request, world)
    case 'head':
      return headObject(request, world)
    case 'meta':
      return objectMeta(request, world)
    case 'get':
      return getObject(request, world)
    case 'acl':
      return objectAcl(request, world)
    case 'tagging':
      return objectTagging(request, world)
    case 'list':
      return listObjects(request, world)
    case 'options':
      return preflight(request.headers, world.cors)
    case 'unknown':
      throw refusals.notImplemented(
        `${request.method} ${request.key === '' ? 'of the bucket' : 'of an object'} with this query`,
      )
  }
}

const rest = (ms: number, world: GatewayWorld): Promise<void> =>
  sleep(ms, undefined, { signal: world.closing }).catch(() => undefined)
