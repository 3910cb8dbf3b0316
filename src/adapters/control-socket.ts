/**
 * The control socket: how another process on this machine asks the running recorder. A Unix socket of mode 0660 with one
 * JSON line per request and per reply.
 *
 * A socket file that a killed recorder left behind is replaced; one that somebody answers on is not, which is also how a
 * second recorder with the same settings learns that it is one too many.
 */
import { chmod, lstat, mkdir, unlink } from 'node:fs/promises'
import { createConnection, createServer, type Server, type Socket } from 'node:net'
import { dirname } from 'node:path'
import { limits } from '../base/limits.ts'
import type { Logger } from '../base/log.ts'
import { err, ok, type Result } from '../base/result.ts'
import {
  type ControlHandler,
  type ControlReply,
  type ControlRequest,
  readControlReply,
  readControlRequest,
} from '../console/control.ts'

/** A console, a person with `status`, a monitor and some to spare; more are closed at once. */
const connectionsMax = 16
/** A connection that says nothing this long is closed. */
const idleMsMax = 30_000
/** The recorder answers from memory; a longer silence means that it hangs. */
const answerMsMax = 5_000

export interface ControlServerOptions {
  /** At most 107 bytes long. */
  readonly path: string
  readonly handle: ControlHandler
  readonly log: Logger
  /** Ends the server and removes the socket file. */
  readonly signal: AbortSignal
}

export interface ControlServer {
  /** Resolves when the signal has ended the server and its connections. */
  readonly closed: Promise<void>
}

export type ControlServerProblem = { readonly kind: 'in-use' | 'failed'; readonly message: string }

/** Resolves once requests are answered, or with the reason why not. */
export async function serveControl(
  options: ControlServerOptions,
): Promise<Result<ControlServer, ControlServerProblem>> {
  const { path, signal, log } = options
  await mkdir(dirname(path), { recursive: true }).catch(() => undefined)
  const sockets = new Set<Socket>()
  // Half open: whoever sends a request and closes its side still gets the reply.
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    answerLines(socket, options)
  })
  server.maxConnections = connectionsMax
  for (const attempt of [1, 2]) {
    const problem = await listen(server, path)
    if (problem === undefined) break
    if (problem !== 'EADDRINUSE') return err({ kind: 'failed', message: failedSentence(path, problem) })
    if (attempt === 2 || (await isAnswered(path))) {
      return err({
        kind: 'in-use',
        message: `A recorder answers on ${path} already; only one can run with these settings.`,
      })
    }
    if (!(await isSocket(path)))
      return err({ kind: 'failed', message: `${path} is not a socket; it is left as it is.` })
    await unlink(path).catch(() => undefined)
  }
  await chmod(path, 0o660).catch((error: unknown) => {
    log.warn('control-mode', `The control socket ${path} may not be opened by its group (${String(error)}).`)
  })
  server.on('error', (error) => log.warn('control', `The control socket ${path} has a problem: ${error.message}`))
  return ok({ closed: closedBy(signal, server, sockets) })
}

/** @returns the error's code, or `undefined` when the server listens */
function listen(server: Server, path: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const failed = (error: NodeJS.ErrnoException): void => resolve(error.code ?? error.message)
    server.once('error', failed)
    // The file must never be open to more than it will be, not even until `chmod`; binding happens inside this call.
    const umask = process.umask(0o117)
    server.listen(path, () => {
      server.off('error', failed)
      resolve(undefined)
    })
    process.umask(umask)
  })
}

const isSocket = (path: string): Promise<boolean> =>
  lstat(path).then(
    (found) => found.isSocket(),
    // Gone meanwhile: then there is nothing to keep.
    () => true,
  )

function isAnswered(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(path)
    const done = (answered: boolean) => (): void => {
      socket.destroy()
      resolve(answered)
    }
    socket.on('connect', done(true))
    // Only a refusal proves that nobody is there: a full queue or a socket of another user is somebody.
    socket.on('error', (error: NodeJS.ErrnoException) =>
      done(error.code !== 'ECONNREFUSED' && error.code !== 'ENOENT')(),
    )
  })
}

function closedBy(signal: AbortSignal, server: Server, sockets: ReadonlySet<Socket>): Promise<void> {
  return new Promise((resolve) => {
    const close = (): void => {
      // Removes the socket file as well.
      server.close(() => resolve())
      for (const socket of sockets) socket.destroy()
    }
    if (signal.aborted) close()
    else signal.addEventListener('abort', close, { once: true })
  })
}

function answerLines(socket: Socket, { handle, log }: ControlServerOptions): void {
  let turn = Promise.resolve()
  socket.setTimeout(idleMsMax, () => socket.destroy())
  socket.on('error', () => socket.destroy())
  socket.on('end', () => {
    turn = turn.then(() => {
      socket.end()
    })
  })
  eachLine(
    socket,
    (line) => {
      socket.pause()
      turn = turn.then(async () => {
        const reply = await replyTo(line, handle, log)
        if (socket.destroyed) return
        socket.write(`${replyText(reply)}\n`)
        socket.resume()
      })
    },
    () => socket.end(`${JSON.stringify({ ok: false, error: 'The request is too long.' })}\n`),
  )
}

async function replyTo(line: string, handle: ControlHandler, log: Logger): Promise<ControlReply> {
  const request = readControlRequest(line)
  if (!request.ok) return { ok: false, error: request.error }
  try {
    return { ok: true, value: (await handle(request.value)) ?? null }
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    log.error('control', `The request "${request.value.do}" failed: ${message}`)
    return { ok: false, error: `The recorder could not answer: ${message}` }
  }
}

function replyText(reply: ControlReply): string {
  const text = JSON.stringify(reply)
  if (Buffer.byteLength(text) < limits.controlMessageBytesMax) return text
  return JSON.stringify({ ok: false, error: 'The answer is too long for the control socket.' })
}

/** Lines of at most `limits.controlMessageBytesMax`; what is longer ends the reading. */
function eachLine(socket: Socket, take: (line: string) => void, tooLong: () => void): void {
  let held: Buffer[] = []
  let heldBytes = 0
  let ended = false
  socket.on('data', (chunk: Buffer) => {
    let rest = chunk
    while (!ended) {
      const end = rest.indexOf(0x0a)
      const piece = end === -1 ? rest : rest.subarray(0, end)
      heldBytes += piece.length
      if (heldBytes > limits.controlMessageBytesMax) {
        ended = true
        held = []
        tooLong()
        return
      }
      held.push(piece)
      if (end === -1) return
      take(Buffer.concat(held).toString('utf8'))
      held = []
      heldBytes = 0
      rest = rest.subarray(end + 1)
    }
  })
}

export type AskProblem = {
  /** `not-running`: nobody listens. `silent`: no answer in time. `refused`: the recorder said no. `denied`: not this user. */
  readonly kind: 'not-running' | 'silent' | 'refused' | 'denied'
  readonly message: string
}

/** Asks the recorder that listens on `path`; waits at most 5 s. */
export function askControl(path: string, request: ControlRequest): Promise<Result<unknown, AskProblem>> {
  return new Promise((resolve) => {
    const socket = createConnection(path)
    const done = (result: Result<unknown, AskProblem>): void => {
      clearTimeout(timer)
      socket.destroy()
      resolve(result)
    }
    const silent = (): void =>
      done(err({ kind: 'silent', message: `The recorder at ${path} did not answer; its log may say why.` }))
    const timer = setTimeout(silent, answerMsMax)
    socket.on('connect', () => socket.write(`${JSON.stringify(request)}\n`))
    socket.on('error', (error: NodeJS.ErrnoException) => done(err(askProblem(path, error.code))))
    socket.on('close', silent)
    eachLine(
      socket,
      (line) => {
        const reply = readControlReply(line)
        if (reply === undefined)
          return done(err({ kind: 'refused', message: `What answers at ${path} is no recorder.` }))
        done(reply.ok ? ok(reply.value) : err({ kind: 'refused', message: reply.error }))
      },
      () => done(err({ kind: 'refused', message: `The answer from ${path} is too long.` })),
    )
  })
}

function askProblem(path: string, code: string | undefined): AskProblem {
  if (code === 'EACCES' || code === 'EPERM') {
    return { kind: 'denied', message: `This user may not open ${path}; run as root or as a member of its group.` }
  }
  return {
    kind: 'not-running',
    message: `The recorder is not running: nobody answers on ${path}. Start it with: systemctl start watchpost`,
  }
}

function failedSentence(path: string, code: string): string {
  if (code === 'EACCES' || code === 'EPERM')
    return `This user may not make the control socket ${path}; see its folder's owner.`
  if (code === 'ENOENT') return `The folder of the control socket ${path} does not exist and could not be made.`
  return `The control socket ${path} could not be opened (${code}).`
}
