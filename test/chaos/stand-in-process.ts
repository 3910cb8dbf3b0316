/** `watchpost oss-server` as a process of its own that is killed and started again on the same port and files. */
import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ServerStatistics } from '../../src/oss-server/statistics.ts'
import { dyingWithUs } from './die-with-us.ts'

export const storeFacts = {
  bucket: 'chaos-footage',
  region: 'cn-hangzhou',
  accessKeyId: 'chaos-key',
  /** Unlike any other word, so that it is found wherever it leaks. */
  accessKeySecret: 'hush-5ecret-of-chaos',
} as const

/** What the store has seen over all its lives; what it saw in the last moments before a kill is not counted. */
export interface StoreFigures {
  requests: number
  readonly byOperation: Record<string, number>
  readonly faults: Record<string, number>
  bytesReceived: number
}

export interface StandIn {
  readonly port: number
  readonly figures: StoreFigures
  /** An order as in `src/oss-server/control.ts`. */
  order(method: 'POST' | 'DELETE', what: string, value?: unknown): Promise<void>
  /** Asks for its counts; keeps them. */
  count(): Promise<void>
  /** Takes no connections but orders, also after a kill and a start. */
  setOffline(offline: boolean): Promise<void>
  start(): Promise<void>
  kill(): Promise<void>
  /** SIGTERM. */
  close(): Promise<void>
  /** How it ended by itself, which it never should. */
  died(): string | undefined
}

/** On a busy machine a start takes a few seconds. */
const startMsMax = 30_000
const orderMsMax = 5_000

export async function openStandIn(cli: string, directory: string): Promise<StandIn> {
  const logFile = join(directory, 'stand-in.log')
  const figures: StoreFigures = { requests: 0, byOperation: {}, faults: {}, bytesReceived: 0 }
  let child: ChildProcess | undefined
  let wanted = false
  let died: string | undefined
  let port = 0
  let offline = false
  let up = false
  let last: ServerStatistics | undefined

  async function start(): Promise<void> {
    wanted = true
    last = undefined
    await mkdir(join(directory, 'store'), { recursive: true })
    const log = openSync(logFile, 'a')
    const { bucket, region, accessKeyId, accessKeySecret } = storeFacts
    const args = ['oss-server', '--faults', '--dir', join(directory, 'store'), '--port', String(port)]
    args.push('--bucket', bucket, '--region', region)
    args.push('--access-key-id', accessKeyId, '--access-key-secret', accessKeySecret)
    const [program = process.execPath, ...words] = [...dyingWithUs, process.execPath, cli, ...args]
    const mine = spawn(program, words, { stdio: ['ignore', log, log] })
    closeSync(log)
    child = mine
    mine.on('error', (error) => {
      died = error.message
    })
    mine.on('exit', (code, signal) => {
      if (wanted && child === mine) died = `the stand-in ended by itself (${code ?? signal})`
    })
    const deadline = performance.now() + startMsMax
    while (died === undefined && performance.now() < deadline) {
      const text = await readFile(logFile, 'utf8')
      port ||= Number(/at http:\/\/127\.0\.0\.1:(\d+)/.exec(text)?.[1] ?? 0)
      if (port > 0 && (await answers())) {
        up = true
        return await sayOffline()
      }
      await sleep(50)
    }
    throw new Error(died ?? `the stand-in did not start within ${startMsMax} ms`)
  }

  const ask = (method: string, what: string, body?: string): Promise<Response> =>
    fetch(`http://127.0.0.1:${port}/-/${what}`, {
      method,
      // One connection each: none is left over when the store is killed.
      headers: { connection: 'close' },
      signal: AbortSignal.timeout(orderMsMax),
      ...(body === undefined ? {} : { body }),
    })
  const answers = (): Promise<boolean> =>
    ask('GET', 'stats').then(
      (reply) => reply.text().then(() => true),
      () => false,
    )

  async function order(method: 'POST' | 'DELETE', what: string, value?: unknown): Promise<void> {
    const reply = await ask(method, what, value === undefined ? undefined : JSON.stringify(value))
    const text = await reply.text()
    if (!reply.ok) throw new Error(`the stand-in refused the order ${what}: ${text.trim()}`)
  }
  const sayOffline = (): Promise<void> => order('POST', 'offline', { offline })

  function add(now: ServerStatistics): void {
    const grown = (next: Readonly<Record<string, number>>, before: Readonly<Record<string, number>> | undefined) =>
      Object.entries(next).map(([name, count]) => [name, count - (before?.[name] ?? 0)] as const)
    for (const [name, count] of grown(now.requests, last?.requests)) {
      figures.byOperation[name] = (figures.byOperation[name] ?? 0) + count
      figures.requests += count
    }
    for (const [name, count] of grown(now.faults, last?.faults)) {
      figures.faults[name] = (figures.faults[name] ?? 0) + count
    }
    figures.bytesReceived += now.bytesReceived - (last?.bytesReceived ?? 0)
    last = now
  }

  async function count(): Promise<void> {
    const mine = child
    const reply = await ask('GET', 'stats').catch(() => undefined)
    const text = await reply?.text().catch(() => undefined)
    if (text !== undefined && child === mine && wanted) add(JSON.parse(text) as ServerStatistics)
  }

  async function end(signal: NodeJS.Signals): Promise<void> {
    wanted = false
    up = false
    const mine = child
    if (mine === undefined || mine.exitCode !== null || mine.signalCode !== null) return
    const ended = new Promise((resolve) => mine.once('exit', resolve))
    mine.kill(signal)
    await ended
  }

  await start()
  return {
    port,
    figures,
    start,
    count,
    order,
    async setOffline(next) {
      offline = next
      const mine = child
      await sayOffline().catch((error: unknown) => {
        // Down, or killed meanwhile: its start says it again.
        if (up && child === mine) throw error
      })
    },
    async kill() {
      await count()
      await end('SIGKILL')
    },
    close: () => end('SIGKILL'),
    died: () => died,
  }
}
