/**
 * The wire between recorder and store, as bad as it is told to be: a TCP proxy on 127.0.0.1 that refuses, stops
 * forwarding, loses replies, resets in the middle of a body, delays and throttles. It knows nothing of HTTP.
 */
import { type AddressInfo, createServer, type Server, Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

export type LinkMode =
  | { readonly kind: 'pass' }
  /** Connections are cut and new ones refused by the kernel. */
  | { readonly kind: 'refuse' }
  /** Connections stay and are taken, and nothing crosses any more: what a dead modem looks like. */
  | { readonly kind: 'stall' }
  /** What the recorder says arrives; what the store answers does not. */
  | { readonly kind: 'drop-replies' }
  /** Each connection is reset when the recorder has said this much over it. */
  | { readonly kind: 'reset'; readonly afterBytes: number }
  | { readonly kind: 'delay'; readonly ms: number }
  /** Shared by all connections, towards the store. */
  | { readonly kind: 'throttle'; readonly bytesPerS: number }

export interface HostileLink {
  readonly url: string
  /** Takes effect with the next piece that crosses. After `stall` and `drop-replies` the connections are cut. */
  become(mode: LinkMode): Promise<void>
  /** Connections taken so far. */
  readonly connections: number
  close(): Promise<void>
}

/** A piece on a throttled wire, so that a change of mode is felt soon. */
const pieceBytes = 4096
/** How often a piece that does not cross looks whether it may. */
const stallLookMs = 50

interface Pair {
  readonly client: Socket
  readonly server: Socket
  /** Bytes said by the client. */
  said: number
}

/** @param port of the store on 127.0.0.1, up or not */
export async function openHostileLink(port: number): Promise<HostileLink> {
  let mode: LinkMode = { kind: 'pass' }
  let wireFreeAt = 0
  let connections = 0
  const pairs = new Set<Pair>()

  function end(pair: Pair): void {
    pairs.delete(pair)
    // A reset, so that the other side sees a broken connection and not the end of a message.
    for (const socket of [pair.client, pair.server]) if (!socket.destroyed) socket.resetAndDestroy()
  }

  async function cross(pair: Pair, piece: Buffer, up: boolean): Promise<boolean> {
    while (mode.kind === 'stall' && pairs.has(pair)) await sleep(stallLookMs)
    if (mode.kind === 'drop-replies' && !up) return false
    if (mode.kind === 'delay') await sleep(mode.ms)
    if (mode.kind === 'throttle' && up) {
      const now = performance.now()
      wireFreeAt = Math.max(wireFreeAt, now) + (piece.length * 1000) / mode.bytesPerS
      await sleep(wireFreeAt - now)
    }
    if (mode.kind === 'reset' && up && pair.said + piece.length > mode.afterBytes) end(pair)
    if (up) pair.said += piece.length
    return pairs.has(pair)
  }

  async function pump(pair: Pair, source: Socket, target: Socket): Promise<void> {
    const up = source === pair.client
    try {
      for await (const bytes of source as AsyncIterable<Buffer>) {
        for (let at = 0; at < bytes.length; at += pieceBytes) {
          const piece = bytes.subarray(at, at + pieceBytes)
          if (!(await cross(pair, piece, up)) || target.destroyed) continue
          if (!target.write(piece)) await new Promise((resolve) => target.once('drain', resolve).once('close', resolve))
        }
      }
      target.end()
    } catch {
      end(pair)
    }
  }

  function take(client: Socket): void {
    connections += 1
    const server = new Socket()
    const pair: Pair = { client, server, said: 0 }
    pairs.add(pair)
    for (const socket of [client, server]) {
      socket.setNoDelay(true)
      socket.on('error', () => end(pair))
      socket.on('close', () => end(pair))
    }
    server.connect(port, '127.0.0.1')
    void pump(pair, client, server)
    void pump(pair, server, client)
  }

  let listener: Server | undefined
  const listen = (at: number): Promise<number> =>
    new Promise((resolve, reject) => {
      const made = createServer(take)
      listener = made
      made.once('error', reject)
      made.listen(at, '127.0.0.1', () => resolve((made.address() as AddressInfo).port))
    })
  const cut = (): void => {
    for (const pair of [...pairs]) end(pair)
  }
  async function refuse(): Promise<void> {
    const closing = listener
    listener = undefined
    if (closing === undefined) return
    const closed = new Promise((resolve) => closing.close(resolve))
    cut()
    await closed
  }

  const own = await listen(0)
  return {
    url: `http://127.0.0.1:${own}`,
    get connections() {
      return connections
    },
    async become(next) {
      const before = mode
      mode = next
      if (before.kind === 'stall' || before.kind === 'drop-replies') cut()
      if (next.kind === 'refuse') await refuse()
      else if (listener === undefined) await listen(own)
    },
    async close() {
      mode = { kind: 'pass' }
      await refuse()
      cut()
    },
  }
}
