/**
 * The page and the footage behind it, for a person with a browser and a private bucket: a small HTTP server on this
 * machine that reads the archive on the page's behalf. It changes nothing and remembers nothing but a second of answers.
 *
 * It has no accounts: it listens on the loopback address unless told otherwise, answers there only to its own name (or a
 * page of a stranger could read footage through a forged name), and sends no permission to other origins.
 */
import { readFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createRequire } from 'node:module'
import { type AddressInfo, isIP } from 'node:net'
import { err, ok, type Result } from '../base/result.ts'
import { classFolder } from '../format/names.ts'
import { createAnswers, type ViewWorld } from './view-answers.ts'
import { refuse, refuseFor, serveObject } from './view-objects.ts'

/** A page holds up to six; ten viewers. Further connections are refused by the system. */
const connectionsMax = 64

export interface ViewServer {
  /** `http://127.0.0.1:8080/` */
  readonly address: string
  /** Ends connections too. */
  close(): Promise<void>
}

/** `in-use`: choose another port. `refused`: the address is not ours, or the port needs rights. */
export interface ListenProblem {
  readonly kind: 'in-use' | 'refused'
  readonly message: string
}

const page = (name: string, type: string) => ({ file: new URL(`../viewer/page/${name}`, import.meta.url), type })
const script = 'text/javascript; charset=utf-8'

/** Everything that is served as it is. */
const files: Readonly<Record<string, { readonly file: URL | string; readonly type: string }>> = {
  '/': page('index.html', 'text/html; charset=utf-8'),
  '/style.css': page('style.css', 'text/css; charset=utf-8'),
  '/page.js': page('page.js', script),
  '/past.js': page('past.js', script),
  '/player.js': page('player.js', script),
  '/tail-loader.js': page('tail-loader.js', script),
  '/words.js': page('words.js', script),
  '/icon.svg': page('icon.svg', 'image/svg+xml'),
  '/hls.js': { file: createRequire(import.meta.url).resolve('hls.js/dist/hls.min.js'), type: script },
}

const securityHeaders: Readonly<Record<string, string>> = {
  'Content-Security-Policy':
    "default-src 'self'; media-src 'self' blob:; worker-src 'self' blob:; img-src 'self' data:; frame-ancestors 'none'",
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
}

/** @param at `port` 0 takes a free one */
export async function openViewServer(
  world: ViewWorld,
  at: { readonly port: number; readonly host: string },
): Promise<Result<ViewServer, ListenProblem>> {
  const answers = createAnswers(world)
  const server = createServer((request, response) => {
    const gone = new AbortController()
    response.on('close', () => gone.abort())
    respond(world, answers, { request, response, host: at.host }, gone.signal).catch((problem: unknown) => {
      refuse(response, 500, problem instanceof Error ? problem.message : 'Something failed.')
    })
  })
  server.maxConnections = connectionsMax
  const problem = await listening(server, at)
  if (problem !== undefined) return err(problem)
  const { port } = server.address() as AddressInfo
  return ok({
    address: `http://${isIP(at.host) === 6 ? `[${at.host}]` : at.host}:${port}/`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  })
}

interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  /** The address we listen on. */
  readonly host: string
}

async function respond(
  world: ViewWorld,
  answers: ReturnType<typeof createAnswers>,
  { request, response, host }: Exchange,
  signal: AbortSignal,
): Promise<void> {
  for (const [name, value] of Object.entries(securityHeaders)) response.setHeader(name, value)
  if (!isForUs(request.headers.host, host)) return refuse(response, 421, 'This server answers to its own address only.')
  if (request.method !== 'GET' && request.method !== 'HEAD') return refuse(response, 405, 'Only GET and HEAD.')
  const url = new URL(request.url ?? '/', 'http://view')
  const file = files[url.pathname]
  if (file !== undefined) {
    response.writeHead(200, { 'Content-Type': file.type, 'Cache-Control': 'no-cache' })
    response.end(request.method === 'HEAD' ? undefined : await readFile(file.file))
    return
  }
  if (url.pathname.startsWith('/objects/')) {
    const key = keyIn(url.pathname)
    if (key === undefined || !key.startsWith(`${world.place.prefix}/`.replace(/^\/$/, ''))) {
      return refuse(response, 404, `Nothing outside ${classFolder(world.place.prefix, '')} is shown here.`)
    }
    return serveObject(world.archive, key, request, response, signal)
  }
  const answer = await answers(url.pathname, url.searchParams)
  if (answer === undefined) return refuse(response, 404, 'There is no such page.')
  if (!answer.ok) return refuseFor(response, answer.error)
  response.writeHead(200, { 'Content-Type': 'application/json; charset=utf-8', 'Cache-Control': 'no-store' })
  response.end(JSON.stringify(answer.value))
}

/** On a loopback address only names of the loopback are believed; elsewhere we cannot know by what names we are called. */
function isForUs(hostHeader: string | undefined, listensOn: string): boolean {
  if (!isLoopback(listensOn)) return true
  return isLoopback((hostHeader ?? '').replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1'))
}

const isLoopback = (host: string): boolean => host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host)

function keyIn(path: string): string | undefined {
  try {
    const key = decodeURIComponent(path.slice('/objects/'.length))
    return key === '' || key.split('/').some((part) => part === '..' || part === '.') ? undefined : key
  } catch {
    return undefined
  }
}

function listening(
  server: Server,
  at: { readonly port: number; readonly host: string },
): Promise<ListenProblem | undefined> {
  return new Promise((resolve) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') {
        const message = `Port ${at.port} on ${at.host} is in use. Choose another with --port, or --port 0 for any free one.`
        resolve({ kind: 'in-use', message })
      } else {
        const why = error.code ?? error.message
        resolve({
          kind: 'refused',
          message: `Cannot listen on ${at.host}, port ${at.port} (${why}). Choose others with --host and --port.`,
        })
      }
    })
    server.listen(at.port, at.host, () => resolve(undefined))
  })
}
