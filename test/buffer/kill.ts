/**
 * A real process that fills a real buffer, writes everything through, and is killed with SIGKILL again and again. It says
 * how many units are on the disk, confirms some of them, and writes lines; afterwards the test opens the buffer and looks.
 */
import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { levelStore } from '../../src/adapters/level-store.ts'
import { segmentFiles } from '../../src/adapters/segment-files.ts'
import { systemClock } from '../../src/adapters/system-clock.ts'
import { crc64 } from '../../src/base/crc64.ts'
import { silentLogger } from '../../src/base/log.ts'
import { type Random, seededRandom } from '../../src/base/random.ts'
import { openBuffer } from '../../src/buffer/open-buffer.ts'
import { compiledSrc } from '../support/run-ts.ts'
import { linesOf } from './stage.ts'

const unitBytes = 20_000
const sizes = { segmentBytes: 256 * 1024, commitAgeMs: 5 }

/** Every unit's bytes follow from its number, here and in the child. */
const contentOf = (seq: number): Buffer => Buffer.alloc(unitBytes, `unit ${seq};`)

const script = (src: string): string => `
  import { join } from 'node:path'
  const source = (file) => import(join(${JSON.stringify(src)}, file))
  const { levelStore } = await source('adapters/level-store.js')
  const { segmentFiles } = await source('adapters/segment-files.js')
  const { systemClock } = await source('adapters/system-clock.js')
  const { crc64 } = await source('base/crc64.js')
  const { silentLogger } = await source('base/log.js')
  const { openBuffer } = await source('buffer/open-buffer.js')
  const { extentAfter } = await source('uplink/append-plan.js')
  const [directory, confirms, from] = [process.argv[1], Number(process.argv[2]), Number(process.argv[3])]
  const opened = await openBuffer({
    kv: levelStore(join(directory, 'index')), disk: segmentFiles(join(directory, 'segments')), clock: systemClock,
    wallTime: { at: () => undefined }, log: silentLogger, bootId: 'one', quotaBytes: 1e9, minFreeBytes: 0,
    memory: { spillAfterMs: 0, memoryBytes: 64e6, memoryBytesPerCamera: 64e6 },
    fatal: (error) => { throw error }, sizes: ${JSON.stringify(sizes)},
  })
  if (!opened.ok) throw new Error(opened.error.message)
  const buffer = opened.value
  const track = 'video/gate'
  const video = { codec: 'h264', width: 640, height: 360, targetDurationS: 2 }
  const startMonoMs = from
  buffer.begin(track, { startMonoMs, video })
  const { id } = buffer.open(track).head
  await buffer.claim(id, { key: 'k' + from + '.ts', token: 't' + from })
  let made = 0
  let told = 0
  let confirmed = 0
  for (;;) {
    const bytes = Buffer.alloc(${unitBytes}, 'unit ' + (from + made) + ';')
    const media = { firstPts: 90 * startMonoMs + 90_000 * made, durationTicks: 90_000, discontinuity: false, keyframe: true }
    buffer.put(track, { bytes, crc64: crc64(bytes), media })
    made += 1
    if (made % 7 === 0) {
      const line = JSON.stringify({ line: from + made })
      void buffer.write('events', line).then(() => process.stdout.write('line ' + line + '\\n'))
    }
    await new Promise((resolve) => setTimeout(resolve, 2))
    const safe = buffer.status().spilledBytes / ${unitBytes}
    if (safe > told) process.stdout.write('units ' + from + ' ' + safe + '\\n')
    told = safe
    if (safe - confirmed > confirms) {
      const held = buffer.recording(id)
      await buffer.confirm(id, extentAfter(held, confirms), held.pending[confirms - 1].seq)
      confirmed += confirms
    }
  }
`

interface Promised {
  /** First unit of a life → how many of it are on the disk. */
  readonly units: Map<number, number>
  readonly lines: Set<string>
}

/** Throws when something that the child was offered is missing or altered. */
export async function surviveKills(lives: number, seed: number): Promise<{ units: number; lines: number }> {
  const random = seededRandom(seed)
  const directory = await mkdtemp(join(tmpdir(), 'watchpost-kill-'))
  const promised: Promised = { units: new Map(), lines: new Set() }
  try {
    for (let life = 0; life < lives; life += 1) {
      await oneLife({ directory, promised, random, from: 1 + life * 100_000 })
      await look(directory, promised)
    }
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
  return { units: [...promised.units.values()].reduce((sum, count) => sum + count, 0), lines: promised.lines.size }
}

interface Life {
  readonly directory: string
  readonly promised: Promised
  readonly random: Random
  /** Number of its first unit. */
  readonly from: number
}

async function oneLife({ directory, promised, random, from }: Life): Promise<void> {
  const confirms = 1 + Math.floor(random.fraction() * 20)
  const source = script(await compiledSrc())
  const child = spawn(
    process.execPath,
    ['--input-type=module', '--eval', source, directory, String(confirms), String(from)],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  )
  const gone = new Promise<void>((resolve) => child.on('close', () => resolve()))
  // Words of the child decide when, so that a slow machine is killed in the same places as a fast one.
  let left = Math.floor(random.fraction() * 60)
  for await (const line of createInterface({ input: child.stdout })) {
    const [what, ...rest] = line.split(' ')
    if (what === 'units') promised.units.set(Number(rest[0]), Number(rest[1]))
    if (what === 'line') promised.lines.add(rest.join(' '))
    left -= 1
    if (left < 0) child.kill('SIGKILL')
  }
  await gone
  if (child.signalCode !== 'SIGKILL') throw new Error('the writer ended by itself')
}

async function look(directory: string, promised: Promised): Promise<void> {
  const opened = await openBuffer({
    kv: levelStore(join(directory, 'index')),
    disk: segmentFiles(join(directory, 'segments')),
    clock: systemClock,
    wallTime: { at: () => undefined },
    log: silentLogger,
    ...{ bootId: 'one', quotaBytes: 1e9, minFreeBytes: 0, sizes },
    fatal: (error) => {
      throw error
    },
  })
  if (!opened.ok) throw new Error(opened.error.message)
  const buffer = opened.value
  for (const [from, count] of promised.units) {
    const id = buffer.held().find((held) => buffer.recording(held)?.claim?.key === `k${from}.ts`)
    const held = id && buffer.recording(id)
    if (id === undefined || held === undefined) throw new Error(`the recording from ${from} is gone`)
    const before = (held.doubt?.pendingFrom ?? held.arrived).length / unitBytes
    let sum = 0n
    for (let at = 0; at < before; at += 1) sum = crc64(contentOf(from + at), sum)
    const known = held.doubt?.pendingFrom ?? held.arrived
    if (sum !== known.crc64) throw new Error('the checksum of what is confirmed is wrong')
    for (const [at, { seq }] of held.pending.entries()) {
      const read = await buffer.read(id, seq, 1)
      if (!read.ok || Buffer.compare(read.value, contentOf(from + before + at)) !== 0) {
        throw new Error(`unit ${from + before + at} is missing or altered`)
      }
    }
    if (before + held.pending.length < count) throw new Error(`unit ${from + count - 1} was on the disk and is gone`)
  }
  const lines = new Set(await linesOf(buffer, 'events'))
  for (const line of promised.lines) if (!lines.has(line)) throw new Error(`a durable line is gone: ${line}`)
  await buffer.close()
}
