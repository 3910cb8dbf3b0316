/**
 * Objects of a private bucket for the page: GET and HEAD with standard ranges, read from the archive piece by piece, so
 * that a slow viewer holds one piece in memory and a viewer who left costs nothing more.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Archive, ArchiveError } from '../reader/archive.ts'
import { answerRange } from '../viewer/range.ts'

/** One read on the way through. Smaller than a tail's piece: a person waits for the first byte. */
const pieceBytesMax = 1024 * 1024

const contentTypes: Readonly<Record<string, string>> = {
  m3u8: 'application/vnd.apple.mpegurl',
  ts: 'video/mp2t',
  jsonl: 'application/jsonl; charset=utf-8',
  jpg: 'image/jpeg',
}

const statusOf: Readonly<Record<ArchiveError['kind'], number>> = {
  absent: 404,
  denied: 403,
  rejected: 400,
  // The page asks again by itself.
  unanswered: 503,
}

/** Says in words, as JSON, why there is no answer. */
export function refuse(response: ServerResponse, status: number, problem: string): void {
  if (response.headersSent) {
    response.destroy()
    return
  }
  response.writeHead(status, { 'Content-Type': 'application/json; charset=utf-8', 'Cache-Control': 'no-store' })
  response.end(`${JSON.stringify({ problem })}\n`)
}

export const refuseFor = (response: ServerResponse, error: ArchiveError): void =>
  refuse(response, statusOf[error.kind], error.message)

/** @param key already known to lie below the prefix */
export async function serveObject(
  archive: Archive,
  key: string,
  request: IncomingMessage,
  response: ServerResponse,
  signal: AbortSignal,
): Promise<void> {
  const stat = await archive.stat(key, signal)
  if (!stat.ok) return refuseFor(response, stat.error)
  const { length } = stat.value
  const range = answerRange(request.headers.range, length)
  const headers = {
    'Content-Type': contentTypes[key.slice(key.lastIndexOf('.') + 1)] ?? 'application/octet-stream',
    'Accept-Ranges': 'bytes',
    'Cache-Control': 'no-cache',
  }
  if (range.kind === 'unsatisfiable') {
    response.writeHead(416, { ...headers, 'Content-Range': `bytes */${length}`, 'Content-Length': 0 }).end()
    return
  }
  const { start, end } = range.kind === 'whole' ? { start: 0, end: length } : range
  const part = range.kind === 'part' ? { 'Content-Range': `bytes ${start}-${end - 1}/${length}` } : {}
  const head = (): unknown =>
    response.writeHead(range.kind === 'part' ? 206 : 200, { ...headers, ...part, 'Content-Length': end - start })
  if (request.method === 'HEAD' || start === end) {
    head()
    response.end()
    return
  }
  for (let at = start; at < end && !signal.aborted; ) {
    const piece = await archive.readRange(key, at, Math.min(end, at + pieceBytesMax), signal)
    if (!piece.ok) return refuseFor(response, piece.error)
    // It was replaced by a shorter one: the promised length cannot be kept, and a cut connection says so.
    if (piece.value.length === 0) return refuse(response, 503, `${key} has become shorter.`)
    if (!response.headersSent) head()
    at += piece.value.length
    if (!response.write(piece.value)) await drained(response, signal)
  }
  response.end()
}

function drained(response: ServerResponse, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      response.off('drain', done)
      signal.removeEventListener('abort', done)
      resolve()
    }
    if (signal.aborted) return resolve()
    response.once('drain', done)
    signal.addEventListener('abort', done, { once: true })
  })
}
