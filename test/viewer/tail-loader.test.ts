import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { answerRange } from '../../src/viewer/range.ts'

/** The page's own file, as the browser gets it. */
const file = new URL('../../src/viewer/page/tail-loader.js', import.meta.url).href

interface Loader {
  load(context: unknown, config: unknown, callbacks: unknown): void
}

let server: Server
let playlist: string
let broken = false
let ranges: (string | undefined)[]
let url: string
let load: () => Promise<{ text?: string; error?: number }>
let notes: { bytes: number; problem: string | null }

beforeEach(async () => {
  playlist = '#EXTM3U\n#EXT-X-TARGETDURATION:2\n'
  ranges = []
  broken = false
  notes = { bytes: 0, problem: null }
  server = createServer((request, response) => {
    ranges.push(request.headers.range)
    if (broken) return response.writeHead(503).end('{"problem":"The store does not answer."}')
    const range = answerRange(request.headers.range, playlist.length)
    if (range.kind === 'unsatisfiable') return response.writeHead(416).end()
    if (range.kind === 'whole') return response.writeHead(200).end(playlist)
    return response.writeHead(206).end(playlist.slice(range.start, range.end))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  Reflect.set(globalThis, 'location', { href: `${origin}/` })
  url = '/a.m3u8'
  const { tailLoader } = (await import(file)) as { tailLoader: (notes: unknown) => new () => Loader }
  const Made = tailLoader({
    text: () => {},
    answer: (problem: string | null) => {
      notes.problem = problem
    },
    loaded: (bytes: number) => {
      notes.bytes += bytes
    },
  })
  load = () =>
    new Promise((resolve) => {
      new Made().load(
        { url },
        {},
        {
          onSuccess: (answer: { data: string }) => resolve({ text: answer.data }),
          onError: (problem: { code: number }) => resolve({ error: problem.code }),
        },
      )
    })
})
afterEach(() => new Promise((resolve) => server.close(resolve)))

test('fetches what is new, and one byte of what it has', async () => {
  expect(await load()).toEqual({ text: playlist })
  const first = playlist.length
  playlist += '#EXTINF:1.0,\na.ts\n'
  expect(await load()).toEqual({ text: playlist })
  expect(await load()).toEqual({ text: playlist })
  expect(ranges).toEqual([undefined, `bytes=${first - 1}-`, `bytes=${playlist.length - 1}-`])
  expect(notes.bytes).toBe(playlist.length + 2)
})

test('hands on whole lines only', async () => {
  playlist += '#EXTINF:1.0,\na.t'
  expect(await load()).toEqual({ text: '#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:1.0,\n' })
  playlist += 's\n'
  expect(await load()).toEqual({ text: playlist })
})

test('gives what it has while the store does not answer, and says why', async () => {
  broken = true
  expect(await load()).toEqual({ error: 503 })
  broken = false
  await load()
  broken = true
  expect(await load()).toEqual({ text: playlist })
  expect(notes.problem).toBe('The store does not answer.')
  broken = false
  playlist += '#EXTINF:1.0,\na.ts\n'
  expect(await load()).toEqual({ text: playlist })
  expect(notes.problem).toBeNull()
})

test('begins again when somebody replaced the playlist', async () => {
  await load()
  playlist = '#EXTM3U\n'
  expect(await load()).toEqual({ text: '#EXTM3U\n' })
  playlist = '#EXTM3U another, longer one\n'
  expect(await load()).toEqual({ text: '#EXTM3U another, longer one\n' })
})

test('asks no more once the end mark is there', async () => {
  playlist += '#EXT-X-ENDLIST\n'
  await load()
  await load()
  expect(ranges).toHaveLength(1)
})
