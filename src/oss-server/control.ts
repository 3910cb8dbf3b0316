/**
 * Orders over HTTP, for a demo or a test whose stand-in runs as another process: faults, the cut network, the clock, the
 * speed of the line, counts. Only from this machine, and only when started with faults.
 *
 *     POST /-/faults   one fault or a list of them        GET, DELETE /-/faults
 *     POST /-/offline  {"offline": true}                  GET /-/stats
 *     POST /-/clock    {"offsetMs": 3600000}              POST /-/link {"bytesPerS": 12500000} or null
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { readFault, showFault } from './fault-text.ts'
import type { Fault, FaultBook } from './faults.ts'
import type { ServerStatistics } from './statistics.ts'

export interface Controls {
  readonly faults: FaultBook
  setOffline(offline: boolean): void
  setClockOffsetMs(offsetMs: number): void
  setBytesPerS(bytesPerS: number | undefined): void
  stats(): ServerStatistics
}

/** An order is a few lines. */
const orderBytesMax = 1024 * 1024
const loopback = /^(::1|127\.|::ffff:127\.)/

export const isOrder = (request: IncomingMessage): boolean => (request.url ?? '').startsWith('/-/')

export async function obey(controls: Controls, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const reply = (status: number, value: unknown) => {
    const text = `${JSON.stringify(value)}\n`
    response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) })
    response.end(text)
  }
  if (!loopback.test(request.socket.remoteAddress ?? ''))
    return reply(403, { problem: 'Orders are taken from this machine only.' })
  const order = `${request.method} ${(request.url ?? '').slice('/-/'.length)}`
  switch (order) {
    case 'GET stats':
      return reply(200, controls.stats())
    case 'GET faults':
      return reply(200, controls.faults.list().map(showFault))
    case 'DELETE faults':
      controls.faults.clear()
      return reply(200, [])
  }
  const value = await readJson(request)
  if (value === undefined) return reply(400, { problem: 'An order is JSON of at most 1 MiB.' })
  const done = change(controls, order, value)
  if (typeof done === 'string') return reply(400, { problem: done })
  // Going offline cuts this connection too, once it has its answer.
  if (done !== undefined) response.once('finish', done)
  reply(200, { done: true })
}

/** Does what is asked, or says why not; what is returned is done after the answer. */
function change(controls: Controls, order: string, value: unknown): string | (() => void) | undefined {
  const field = (name: string): unknown =>
    typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined
  switch (order) {
    case 'POST faults': {
      const faults = (Array.isArray(value) ? value : [value]).map(readFault)
      const problem = faults.find((fault) => typeof fault === 'string')
      if (problem !== undefined) return problem as string
      controls.faults.add(...(faults as Fault[]))
      return undefined
    }
    case 'POST offline': {
      const offline = field('offline')
      if (typeof offline !== 'boolean') return 'offline must be true or false.'
      return () => controls.setOffline(offline)
    }
    case 'POST clock': {
      const offsetMs = field('offsetMs')
      if (typeof offsetMs !== 'number' || !Number.isFinite(offsetMs)) return 'offsetMs must be a number.'
      controls.setClockOffsetMs(offsetMs)
      return undefined
    }
    case 'POST link': {
      const bytesPerS = field('bytesPerS')
      if (bytesPerS !== null && !(typeof bytesPerS === 'number' && bytesPerS > 0))
        return 'bytesPerS must be above 0, or null.'
      controls.setBytesPerS(bytesPerS ?? undefined)
      return undefined
    }
    default:
      return `There is no order "${order}".`
  }
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  let text = ''
  for await (const piece of request as AsyncIterable<Buffer>) {
    text += piece.toString()
    if (text.length > orderBytesMax) return undefined
  }
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
