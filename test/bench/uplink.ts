/** What the way to the store costs: the adapter against bare HTTP, the checksum, and how full a slow link gets. */
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { createOssStore } from '../../src/adapters/oss-store.ts'
import { systemClock } from '../../src/adapters/system-clock.ts'
import { systemRandom } from '../../src/adapters/system-random.ts'
import { wallMs } from '../../src/base/clock.ts'
import { crc64 } from '../../src/base/crc64.ts'
import { referenceCrc64 } from '../../src/base/crc64-reference.ts'
import { silentLogger } from '../../src/base/log.ts'
import { Secret } from '../../src/base/secret.ts'
import { startOssServer } from '../../src/oss-server/server.ts'
import { createUplink } from '../../src/uplink/uplink.ts'
import { createMemoryBacklog } from '../support/memory-backlog.ts'
import { type BenchResult, median } from './result.ts'

const MiB = 1024 * 1024
/** Requests until the machine code is there: the recorder runs for months, not for a second. */
const warmUps = 150
const never = new AbortController().signal
const noise = (length: number): Buffer => Buffer.alloc(length, systemRandom.hex(4096), 'hex')

export async function benchUplink(): Promise<BenchResult[]> {
  return [...(await benchAppend()), benchCrc64(), await benchThrottled()]
}

const appendReason =
  'ali-oss signs and names each request in 0.4 to 0.6 ms of CPU, whatever its size; a megabyte on loopback takes about as long'

/** Seconds of one call after another, median ratio of interleaved rounds: the noise of the machine hits both. */
export async function benchAppend(rounds = 7): Promise<BenchResult[]> {
  const worker = new Worker(new URL('./append-sink.js', import.meta.url))
  const [port] = (await once(worker, 'message')) as [number]
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const store = createOssStore({
    ...{ bucket: 'footage', region: 'cn-hangzhou', endpoint: `http://127.0.0.1:${port}`, pathStyle: true },
    clock: systemClock,
    credentials: () => ({ accessKeyId: 'a', accessKeySecret: new Secret('b') }),
  })
  const creation = { contentType: 'video/mp2t', headers: {} }
  const ours = async (body: Buffer): Promise<void> => {
    const sent = await store.append({ key: 'x/bench.ts', position: 1, body, creation }, never)
    if (!sent.ok) throw new Error(sent.error.message)
  }
  const bare = (body: Buffer): Promise<void> =>
    new Promise((resolve, reject) => {
      const headers = { 'content-length': body.length }
      const path = '/footage/x/bench.ts?append&position=1'
      const sent = request({ host: '127.0.0.1', port, method: 'POST', path, agent, headers }, (response) => {
        response.resume().on('end', resolve)
      })
      sent.on('error', reject).end(body)
    })
  const results: BenchResult[] = []
  for (const [size, aim] of [
    [1, 0.75],
    [4, 0.85],
  ] as const) {
    const body = noise(size * MiB)
    const times = Math.round(160 / size)
    const ratios: number[] = []
    const speeds: number[] = []
    await megabytesPerS(ours, body, warmUps)
    await megabytesPerS(bare, body, warmUps)
    for (let round = 0; round < rounds; round += 1) {
      const adapter = await megabytesPerS(ours, body, times)
      const http = await megabytesPerS(bare, body, times)
      ratios.push(adapter / http)
      speeds.push(http)
    }
    const value = median(ratios)
    const baseline = `node:http with the same bodies, ${median(speeds).toFixed(0)} MB/s`
    const reason = value < aim ? { reason: appendReason } : {}
    const name = `ali-oss append, ${size} MiB`
    results.push({ name, value, unit: 'x', aim, baseline, better: 'more', ...reason })
  }
  await store.close()
  agent.destroy()
  await worker.terminate()
  return results
}

async function megabytesPerS(send: (body: Buffer) => Promise<void>, body: Buffer, times: number): Promise<number> {
  const since = systemClock.mono()
  for (let i = 0; i < times; i += 1) await send(body)
  return (times * body.length) / 1000 / (systemClock.mono() - since)
}

export function benchCrc64(rounds = 5): BenchResult {
  const body = noise(MiB)
  const speed = (sum: (bytes: Uint8Array) => bigint, times: number): number => {
    const before = process.cpuUsage()
    for (let i = 0; i < times; i += 1) sum(body)
    const { user, system } = process.cpuUsage(before)
    return (times * body.length) / (user + system)
  }
  speed(crc64, 50)
  const ours = Array.from({ length: rounds }, () => speed(crc64, 400))
  const script = speed(referenceCrc64, 40)
  const baseline = `the same in JavaScript, ${script.toFixed(0)} MB per CPU second`
  return { name: 'CRC-64', value: median(ours), unit: 'MB per CPU second', aim: 1000, baseline, better: 'more' }
}

/** A backlog of two cameras drains through the whole uplink and the stand-in, over a line of 100 Mbit/s. */
export async function benchThrottled(megabytes = 60): Promise<BenchResult> {
  const bytesPerS = 12_500_000
  const dir = mkdtempSync(join(tmpdir(), 'watchpost-bench-'))
  const server = await startOssServer({ dir, bucket: 'footage', bytesPerS })
  const { accessKeyId, accessKeySecret } = server.keys
  const store = createOssStore({
    ...{ bucket: 'footage', region: server.region, endpoint: server.url, pathStyle: true },
    clock: systemClock,
    credentials: () => ({ accessKeyId, accessKeySecret: new Secret(accessKeySecret) }),
  })
  const backlog = createMemoryBacklog()
  const unit = noise(500_000)
  for (const track of ['video/a', 'video/b']) {
    backlog.begin(track, 1_000, { codec: 'h264', width: 1920, height: 1080, targetDurationS: 2 })
    for (let i = 0; i < megabytes; i += 1) {
      const media = { firstPts: 90_000 * (i + 1), durationTicks: 90_000, discontinuity: i === 0, keyframe: true }
      backlog.put(track, unit, media)
    }
  }
  const uplink = createUplink({
    ...{ store, backlog, clock: systemClock, random: systemRandom, log: silentLogger },
    wallTime: { at: (moment) => ({ wallMs: wallMs(1.7e12 + moment), errorMs: 1 }) },
    place: { prefix: '', device: 'bench' },
    creation: () => ({ contentType: 'video/mp2t', headers: {} }),
    catalogue: async () => {},
    cutLive: () => {},
  })
  const stop = new AbortController()
  const since = systemClock.mono()
  const running = uplink.run(stop.signal)
  while (uplink.status().backlogBytes > 0) await systemClock.sleep(5)
  const seconds = (systemClock.mono() - since) / 1000
  stop.abort()
  await running
  await store.close()
  await server.close()
  rmSync(dir, { recursive: true, force: true })
  const value = (megabytes * 2 * unit.length) / seconds / bytesPerS
  const baseline = `${megabytes} MB in ${((megabytes * 1e6) / bytesPerS).toFixed(1)} s at 100 Mbit/s`
  return { name: 'a 100 Mbit/s link filled', value, unit: 'x', aim: 0.95, baseline, better: 'more' }
}
