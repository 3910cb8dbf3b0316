/**
 * Does memory grow over months? As many units as 30 days have go through the real buffer and the whole uplink, small and
 * as fast as they are taken, with the recordings, playlists, events and reports of such a time. After every part of it V8
 * collects all it can, and what is left is noted: a line through the second half says what the next 30 days would add.
 *
 * The store is a ledger of lengths and checksums, so that the memory is the recorder's own.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { systemClock } from '../../src/adapters/system-clock.ts'
import { systemRandom } from '../../src/adapters/system-random.ts'
import { crc64 } from '../../src/base/crc64.ts'
import { silentLogger } from '../../src/base/log.ts'
import { err, ok } from '../../src/base/result.ts'
import type { Buffer as FootageBuffer } from '../../src/buffer/buffer.ts'
import { catalogueLine } from '../../src/format/catalogue-record.ts'
import type { ObjectStore } from '../../src/uplink/object-store.ts'
import { createUplink } from '../../src/uplink/uplink.ts'
import type { Bench } from './bench.ts'
import { header, makeDirectory, openBenchBuffer, removeDirectory, unitMaker, wallTime } from './buffer-stage.ts'
import type { BenchResult } from './result.ts'

const track = 'video/gate'
/** 30 days of a unit a second. */
const unitsInAll = 30 * 86_400
const parts = 40
const unitBytes = 400
const unitsTogether = 50
/** So many may wait: the uplink is never idle, and memory does not depend on who is faster. */
const waitingMax = 500
const unitsPerRecording = 12 * 3_600
const unitsPerLine = 60

interface Sample {
  readonly units: number
  readonly heapMB: number
  readonly residentMB: number
}

export const benchGrowth: Bench = {
  name: 'growth',
  async open() {
    const samples: Sample[] = []
    let seconds = 0
    return {
      async round() {
        const since = systemClock.mono()
        samples.splice(0, samples.length, ...(await run()))
        seconds = (systemClock.mono() - since) / 1000
      },
      results: () => resultsOf(samples, seconds),
      async close() {},
    }
  },
}

async function run(): Promise<Sample[]> {
  const directory = makeDirectory()
  const buffer = await openBenchBuffer(directory)
  const uplink = createUplink({
    ...{
      store: createLedger(),
      backlog: buffer,
      clock: systemClock,
      random: systemRandom,
      log: silentLogger,
      wallTime,
    },
    place: { prefix: '', device: 'bench' },
    creation: () => ({ contentType: 'video/mp2t', headers: {} }),
    catalogue: (record) => buffer.write('catalogue', catalogueLine(record)),
    cutLive: () => {},
  })
  const stop = new AbortController()
  const running = uplink.run(stop.signal)
  const samples: Sample[] = []
  const unit = unitMaker(unitBytes)
  for (let part = 1; part <= parts; part += 1) {
    const until = Math.floor((unitsInAll * part) / parts)
    const from = Math.floor((unitsInAll * (part - 1)) / parts)
    for (let index = from; index < until; index += 1) {
      if (index % unitsPerRecording === 0) {
        buffer.endOpen(track)
        buffer.begin(track, { startMonoMs: 1_000 * (index + 1), video: header })
      }
      buffer.put(track, unit(index))
      if (index % unitsPerLine === 0) {
        void buffer.write('events', JSON.stringify({ v: 1, kind: 'test', index }))
        void buffer.write('health', JSON.stringify({ v: 1, kind: 'report', index }))
      }
      if (index % unitsTogether === 0) await nextTurn()
      while (index % unitsTogether === 0 && buffer.status().units > waitingMax) await nextTurn()
    }
    await drained(buffer)
    samples.push(lookAt(until))
    process.stderr.write(`growth: ${part} of ${parts}: ${JSON.stringify(samples.at(-1))}\n`)
  }
  stop.abort()
  await running
  await buffer.close()
  removeDirectory(directory)
  return samples
}

async function drained(buffer: FootageBuffer): Promise<void> {
  while (buffer.status().units > 0) await systemClock.sleep(5)
}

function lookAt(units: number): Sample {
  const { gc } = globalThis
  if (gc === undefined) throw new Error('run node with --expose-gc')
  gc()
  gc()
  const { heapUsed, external, rss } = process.memoryUsage()
  return { units, heapMB: (heapUsed + external) / 1e6, residentMB: rss / 1e6 }
}

function resultsOf(samples: readonly Sample[], seconds: number): BenchResult[] {
  const late = samples.slice(samples.length / 2)
  const [first, last] = [late[0], late.at(-1)]
  if (first === undefined || last === undefined) return []
  const heap = slope(late.map(({ units, heapMB }) => [units, heapMB])) * unitsInAll
  const resident = slope(late.map(({ units, residentMB }) => [units, residentMB])) * unitsInAll
  const words = `${unitsInAll} units in ${seconds.toFixed(0)} s; line through the second half`
  const common = { unit: 'MB', better: 'less', reason: 'something is held for each unit or recording' } as const
  return [
    {
      ...{ name: 'growth of V8 memory in 30 days', value: heap, aim: 1, ...common },
      baseline: `${words}, ${first.heapMB.toFixed(1)} to ${last.heapMB.toFixed(1)} MB`,
    },
    {
      ...{ name: 'growth of resident memory in 30 days', value: resident, aim: 10, ...common },
      baseline: `${words}, ${first.residentMB.toFixed(0)} to ${last.residentMB.toFixed(0)} MB`,
    },
  ]
}

/** Of the line with the least squares. */
function slope(points: readonly (readonly [number, number])[]): number {
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length
  const [meanX, meanY] = [mean(points.map(([x]) => x)), mean(points.map(([, y]) => y))]
  const above = points.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0)
  return above / points.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0)
}

function createLedger(): ObjectStore {
  const objects = new Map<string, { readonly length: number; readonly crc64: bigint }>()
  return {
    async inspect(key) {
      const found = objects.get(key)
      return ok(found === undefined ? { kind: 'absent' } : { kind: 'appendable', ...found })
    },
    async append({ key, position, body }) {
      const { length, crc64: sum } = objects.get(key) ?? { length: 0, crc64: 0n }
      if (position !== length) return err({ kind: 'position-mismatch', message: `${key} is ${length} bytes long.` })
      const grown = { length: length + body.length, crc64: crc64(body, sum) }
      objects.set(key, grown)
      // As from a network: never in the same turn.
      await nextTurn()
      return ok({ kind: 'appendable', ...grown })
    },
    read: async (key) => err({ kind: 'absent', message: `${key} cannot be read: only its length is kept.` }),
  }
}
