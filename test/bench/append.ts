/**
 * What does the adapter cost, `ali-oss` and all? The same bodies one after another, once through `ObjectStore.append` and
 * once as bare requests of `node:http` on one kept connection, to the same far end.
 */
import { Agent, request } from 'node:http'
import { systemClock } from '../../src/adapters/system-clock.ts'
import type { Bench, OpenBench } from './bench.ts'
import { connect, startSink } from './far-end.ts'
import { MiB, noise } from './noise.ts'
import { type BenchResult, median } from './result.ts'

/** Requests until the machine code is there. */
const warmUps = 150
/** Short turns, many of them: another program on the machine then spoils some pairs, and not the median. */
const pairsPerRound = 20
const never = new AbortController().signal
const sizes = [
  { mebibytes: 1, aim: 0.75, times: 10 },
  { mebibytes: 4, aim: 0.85, times: 4 },
] as const

type Send = (body: Buffer) => Promise<void>

export const benchAppend: Bench = { name: 'append', open }

async function open(): Promise<OpenBench> {
  const sink = await startSink()
  const { port } = sink.address
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const store = connect(sink.address)
  const creation = { contentType: 'video/mp2t', headers: {} }
  const ours: Send = async (body) => {
    const sent = await store.append({ key: 'x/bench.ts', position: 1, body, creation }, never)
    if (!sent.ok) throw new Error(sent.error.message)
  }
  const bare: Send = (body) =>
    new Promise((resolve, reject) => {
      const headers = { 'content-length': body.length }
      const path = '/footage/x/bench.ts?append&position=1'
      const sent = request({ host: '127.0.0.1', port, method: 'POST', path, agent, headers }, (response) => {
        response.resume().on('end', resolve)
      })
      sent.on('error', reject).end(body)
    })
  const cases = sizes.map((size) => ({
    ...size,
    body: noise(size.mebibytes * MiB),
    ratios: [0].slice(1),
    speeds: [0].slice(1),
  }))
  for (const { body } of cases) {
    await speedOf(ours, body, warmUps)
    await speedOf(bare, body, warmUps)
  }
  return {
    async round() {
      for (const { body, times, ratios, speeds } of cases) {
        for (let pair = 0; pair < pairsPerRound; pair += 1) {
          // Who goes second finds a warmer machine: they take turns at that too.
          const first = pair % 2 === 0 ? await speedOf(bare, body, times) : undefined
          const adapter = await speedOf(ours, body, times)
          const http = first ?? (await speedOf(bare, body, times))
          ratios.push(adapter / http)
          speeds.push(http)
        }
      }
    },
    results: () => cases.map(resultOf),
    async close() {
      await store.close()
      agent.destroy()
      await sink.close()
    },
  }
}

function resultOf(one: (typeof sizes)[number] & { ratios: readonly number[]; speeds: readonly number[] }): BenchResult {
  return {
    name: `ali-oss append, ${one.mebibytes} MiB`,
    ...{ value: median(one.ratios), unit: 'x', aim: one.aim, floor: 0.55, better: 'more' },
    baseline: `node:http with the same bodies, ${median(one.speeds).toFixed(0)} MB/s`,
    reason:
      'ali-oss signs and names each request in 0.4 to 0.6 ms of CPU, whatever its size; a megabyte on loopback takes hardly longer',
  }
}

/** MB/s of one call after another. */
async function speedOf(send: Send, body: Buffer, times: number): Promise<number> {
  const since = systemClock.mono()
  for (let i = 0; i < times; i += 1) await send(body)
  return (times * body.length) / 1000 / (systemClock.mono() - since)
}
