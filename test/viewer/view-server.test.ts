import { request } from 'node:http'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openViewServer, type ViewServer } from '../../src/adapters/view-server.ts'
import { createCatalogueReader } from '../../src/reader/catalogue.ts'
import { createHandClock } from '../support/hand-clock.ts'
import { camera, makeRecording, noteGap, place } from '../support/make-recording.ts'
import { type MemoryArchive, memoryArchive } from '../support/memory-archive.ts'

const startWallMs = Date.UTC(2026, 10, 23, 15, 0, 0, 120)
/** Not decoded here: what counts is which bytes come. */
const unit = (pts: number) => ({ pts, bytes: Buffer.alloc(188, pts % 251) })
const runs = [[unit(90_000_000), unit(90_090_000), unit(90_180_000)]]

let archive: MemoryArchive
let clock: ReturnType<typeof createHandClock>
let server: ViewServer

async function open(port = 0): Promise<Awaited<ReturnType<typeof openViewServer>>> {
  const world = { archive, catalogues: createCatalogueReader(archive), place, timeZone: 'Europe/Berlin', clock }
  return openViewServer(world, { port, host: '127.0.0.1' })
}

beforeEach(async () => {
  archive = memoryArchive()
  clock = createHandClock({ wall: startWallMs + 60_000 })
  const opened = await open()
  if (!opened.ok) throw new Error(opened.error.message)
  server = opened.value
})
afterEach(() => server.close())

const get = (path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Response> =>
  fetch(new URL(path, server.address), { headers, method })

/** What a question of the page is answered with. */
interface Answer {
  readonly newest: { readonly url: string } | null
  readonly recordings: readonly { readonly state: string }[]
  readonly gaps: readonly unknown[]
}
const ask = async (path: string): Promise<Answer> => (await (await get(path)).json()) as Answer

/** With headers that `fetch` does not let through, and a path as it is. */
function raw(path: string, host: string): Promise<number> {
  const { hostname, port } = new URL(server.address)
  return new Promise((resolve, reject) => {
    request({ hostname, port, path, headers: { host } }, (response) => {
      response.resume()
      resolve(response.statusCode ?? 0)
    })
      .on('error', reject)
      .end()
  })
}

describe('the page', () => {
  test.each([
    ['/', 'text/html; charset=utf-8', 'Watchpost'],
    ['/hls.js', 'text/javascript; charset=utf-8', 'Hls'],
    ['/page.js', 'text/javascript; charset=utf-8', 'createPlayer'],
    ['/past.js', 'text/javascript; charset=utf-8', 'createPast'],
    ['/player.js', 'text/javascript; charset=utf-8', 'tailLoader'],
    ['/tail-loader.js', 'text/javascript; charset=utf-8', 'Range'],
    ['/words.js', 'text/javascript; charset=utf-8', 'siteTime'],
    ['/style.css', 'text/css; charset=utf-8', '.screen'],
    ['/icon.svg', 'image/svg+xml', '<svg'],
  ])('%s is served', async (path, type, words) => {
    const response = await get(path)
    expect([response.status, response.headers.get('content-type')]).toEqual([200, type])
    expect(await response.text()).toContain(words)
    expect(response.headers.get('content-security-policy')).toContain("default-src 'self'")
  })

  test('is all there is', async () => {
    expect((await get('/package.json')).status).toBe(404)
    expect((await get('/', {}, 'POST')).status).toBe(405)
  })
})

describe('objects', () => {
  test('come whole, in part, and by their length alone', async () => {
    const { key } = makeRecording(archive, { startWallMs, startMonoMs: 1_000_000, runs })
    const bytes = archive.objects.get(key) ?? Buffer.alloc(0)
    const whole = await get(`/objects/${key}`)
    expect(whole.status).toBe(200)
    expect(whole.headers.get('content-type')).toBe('video/mp2t')
    expect(Buffer.from(await whole.arrayBuffer()).equals(bytes)).toBe(true)

    const part = await get(`/objects/${key}`, { Range: 'bytes=188-375' })
    expect([part.status, part.headers.get('content-range')]).toEqual([206, `bytes 188-375/${bytes.length}`])
    expect(Buffer.from(await part.arrayBuffer()).equals(bytes.subarray(188, 376))).toBe(true)

    const past = await get(`/objects/${key}`, { Range: `bytes=${bytes.length}-` })
    expect([past.status, past.headers.get('content-range')]).toEqual([416, `bytes */${bytes.length}`])

    const head = await get(`/objects/${key}`, {}, 'HEAD')
    expect([head.status, head.headers.get('content-length')]).toEqual([200, String(bytes.length)])
  })

  test('larger than a piece come in pieces, unbroken', async () => {
    const bytes = Buffer.from(Uint8Array.from({ length: 3_500_000 }, (_, index) => (index * 7) % 256))
    archive.append('site/video/shed/door/big.bin', bytes)
    const response = await get('/objects/site/video/shed/door/big.bin')
    expect(Buffer.from(await response.arrayBuffer()).equals(bytes)).toBe(true)
  })

  test('a viewer who leaves ends the reading', async () => {
    archive.append('site/video/shed/door/big.bin', Buffer.alloc(40 * 1024 * 1024))
    const leave = new AbortController()
    const response = await fetch(new URL('/objects/site/video/shed/door/big.bin', server.address), {
      signal: leave.signal,
    })
    await response.body?.getReader().read()
    leave.abort()
    await new Promise((resolve) => setTimeout(resolve, 200))
    const { requests } = archive.counts
    await new Promise((resolve) => setTimeout(resolve, 200))
    expect(archive.counts.requests).toBe(requests)
    expect(archive.counts.bytes).toBeLessThan(40 * 1024 * 1024)
  })

  test.each([
    '/objects/other/secret.ts',
    '/objects/sitex/a.ts',
    '/objects/',
    '/objects/site/%2e%2e/other/a',
    '/objects/%zz',
  ])('outside the prefix are not shown: %s', async (path) => {
    archive.append('other/secret.ts', 'secret')
    archive.append('sitex/a.ts', 'secret')
    expect(await raw(path, '127.0.0.1')).toBe(404)
    expect(archive.counts.requests).toBe(0)
  })

  test('that are absent, or behind a broken link, are refused in words', async () => {
    const absent = await get('/objects/site/none.ts')
    expect([absent.status, await absent.json()]).toEqual([404, { problem: 'There is no object site/none.ts.' }])
    archive.down = true
    const away = await get('/objects/site/none.ts')
    expect([away.status, await away.json()]).toEqual([503, { problem: 'The store does not answer.' }])
  })
})

describe('answers', () => {
  test('say which cameras there are, what is newest, and what is missing', async () => {
    makeRecording(archive, { startWallMs, startMonoMs: 1_000_000, runs })
    const newer = makeRecording(archive, {
      ...{ startWallMs: startWallMs + 10_000, startMonoMs: 1_010_000, number: 1, complete: false },
      runs: [[unit(90_900_000)]],
    })
    noteGap(archive, startWallMs + 3_000, startWallMs + 10_000)
    const common = { nowMs: startWallMs + 60_000, timeZone: 'Europe/Berlin' }
    expect(await (await get('/api/cameras')).json()).toEqual({
      ...common,
      device: 'shed',
      cameras: [{ device: 'shed', camera }],
    })
    const live = await ask(`/api/live?camera=${camera}`)
    expect(live.newest).toMatchObject({
      key: newer.key,
      url: `/objects/${newer.playlistKey}`,
      playable: true,
      ended: false,
    })
    expect((await get(live.newest?.url ?? '')).status).toBe(200)
    const { recordings } = await ask(`/api/recordings?camera=${camera}&device=shed`)
    expect(recordings.map(({ state }) => state)).toEqual(['complete', 'growing'])
    const { gaps } = await ask(`/api/gaps?camera=${camera}`)
    expect(gaps).toMatchObject([{ cause: 'camera', fromMs: startWallMs + 3_000 }])
  })

  test('are empty for a camera without footage', async () => {
    expect((await ask('/api/live?camera=nobody')).newest).toBeNull()
    expect((await ask('/api/recordings?camera=nobody')).recordings).toEqual([])
  })

  test.each(['', '..', '../../other', '%00', 'a'.repeat(500)])('are refused for what is no name: %s', async (name) => {
    makeRecording(archive, { startWallMs, startMonoMs: 1_000_000, runs })
    for (const question of ['live', 'recordings', 'gaps']) {
      const answer = await get(`/api/${question}?camera=${encodeURIComponent(name)}`)
      expect([answer.status, await answer.json()]).toEqual([404, { problem: 'There is no such camera.' }])
    }
    expect(archive.counts.requests).toBe(0)
  })

  test('are shared for a second, however many ask', async () => {
    makeRecording(archive, { startWallMs, startMonoMs: 1_000_000, runs })
    await get('/api/cameras')
    const { requests } = archive.counts
    await Promise.all(Array.from({ length: 20 }, () => get('/api/cameras')))
    expect(archive.counts.requests).toBe(requests)
    await clock.advance(1_001)
    await get('/api/cameras')
    expect(archive.counts.requests).toBe(2 * requests)
  })
})

describe('the address', () => {
  test('answers to its own name only, so that no page of a stranger reads through it', async () => {
    expect(await raw('/api/cameras', 'evil.example')).toBe(421)
    expect(await raw('/api/cameras', '127.0.0.1.evil.example')).toBe(421)
    expect(await raw('/api/cameras', `localhost:${new URL(server.address).port}`)).toBe(200)
    const answer = await get('/api/cameras', { Origin: 'http://evil.example' })
    expect(answer.headers.get('access-control-allow-origin')).toBeNull()
  })

  test('in use is said in a sentence', async () => {
    const port = Number(new URL(server.address).port)
    const second = await open(port)
    expect(second).toMatchObject({ ok: false, error: { kind: 'in-use' } })
    if (!second.ok)
      expect(second.error.message).toBe(
        `Port ${port} on 127.0.0.1 is in use. Choose another with --port, or --port 0 for any free one.`,
      )
  })
})
