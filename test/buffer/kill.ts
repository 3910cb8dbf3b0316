/**
 * A real process that fills a real buffer and is killed with SIGKILL again and again. It says which units it was offered
 * (they are durable then), confirms some, and writes lines; afterwards the test opens the buffer and looks.
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
  const from = (file) => import(join(${JSON.stringify(src)}, file))
  const { levelStore } = await from('adapters/level-store.js')
  const { segmentFiles } = await from('adapters/segment-files.js')
  const { systemClock } = await from('adapters/system-clock.js')
  const { crc64 } = await from('base/crc64.js')
  const { silentLogger } = await from('base/log.js')
  const { openBuffer } = await from('buffer/open-buffer.js')
  const { extentAfter } = await from('uplink/append-plan.js')
  const [directory, confirms] = [process.argv[1], Number(process.argv[2])]
  const opened = await openBuffer({
    kv: levelStore(join(directory, 'index')), disk: segmentFiles(join(directory, 'segments')), clock: systemClock,
    wallTime: { at: () => undefined }, log: silentLogger, bootId: 'one', quotaBytes: 1e9, minFreeBytes: 0,
    fatal: (error) => { throw error }, sizes: ${JSON.stringify(sizes)},
  })
  if (!opened.ok) throw new Error(opened.error.message)
  const buffer = opened.value
  const track = 'video/gate'
  const video = { codec: 'h264', width: 640, height: 360, targetDurationS: 2 }
  if (buffer.open(track) === undefined) buffer.begin(track, { startMonoMs: 1000, video })
  const id = buffer.held().find((held) => held.track === track)
  if (buffer.recording(id).claim === undefined) await buffer.claim(id, { key: 'k.ts', token: 't' })
  let next = buffer.open(track).length / ${unitBytes}
  let told = next
  let lines = 0
  process.stdout.write('open ' + next + '\\n')
  for (;;) {
    const bytes = Buffer.alloc(${unitBytes}, 'unit ' + next + ';')
    const media = { firstPts: 90_000 * (next + 1), durationTicks: 90_000, discontinuity: false, keyframe: true }
    buffer.put(track, { bytes, crc64: crc64(bytes), media })
    next += 1
    if (next % 7 === 0) {
      const line = JSON.stringify({ line: next, pid: process.pid })
      void buffer.write('events', line).then(() => process.stdout.write('line ' + line + '\\n'))
    }
    await new Promise((resolve) => setTimeout(resolve, 2))
    const held = buffer.recording(id)
    const last = held.pending.at(-1)
    if (last !== undefined && last.seq >= told) {
      told = last.seq + 1
      process.stdout.write('units ' + told + '\\n')
    }
    if (held.pending.length > confirms) {
      await buffer.confirm(id, extentAfter(held, confirms), held.pending[confirms - 1].seq)
    }
  }
`

interface Promised {
  units: number
  readonly lines: Set<string>
}

/** Throws when something that the child was offered is missing or altered. */
export async function surviveKills(lives: number, seed: number): Promise<{ units: number; lines: number }> {
  const random = seededRandom(seed)
  const directory = await mkdtemp(join(tmpdir(), 'watchpost-kill-'))
  const promised: Promised = { units: 0, lines: new Set() }
  try {
    for (let life = 0; life < lives; life += 1) {
      await oneLife(directory, promised, random)
      await look(directory, promised)
    }
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
  return { units: promised.units, lines: promised.lines.size }
}

async function oneLife(directory: string, promised: Promised, random: Random): Promise<void> {
  const confirms = 1 + Math.floor(random.fraction() * 20)
  const source = script(await compiledSrc())
  const child = spawn(process.execPath, ['--input-type=module', '--eval', source, directory, String(confirms)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const gone = new Promise<void>((resolve) => child.on('close', () => resolve()))
  // Words of the child decide when, so that a slow machine is killed in the same places as a fast one.
  let left = Math.floor(random.fraction() * 60)
  for await (const line of createInterface({ input: child.stdout })) {
    const [what, ...rest] = line.split(' ')
    if (what === 'units') promised.units = Math.max(promised.units, Number(rest[0]))
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
  const ids = buffer.held().filter(({ track }) => track === 'video/gate')
  const [id] = ids
  const held = id && buffer.recording(id)
  if (ids.length > 1) throw new Error('a kill cut the recording')
  if (promised.units > 0 && (id === undefined || held === undefined)) throw new Error('the recording is gone')
  if (id !== undefined && held !== undefined) {
    const before = held.arrived.length / unitBytes
    let sum = 0n
    for (let seq = 0; seq < before; seq += 1) sum = crc64(contentOf(seq), sum)
    if (sum !== held.arrived.crc64) throw new Error('the checksum of what is confirmed is wrong')
    for (const [index, { seq }] of held.pending.entries()) {
      if (seq !== before + index) throw new Error(`unit ${before + index} is missing`)
      const read = await buffer.read(id, seq, 1)
      if (!read.ok || Buffer.compare(read.value, contentOf(seq)) !== 0) throw new Error(`unit ${seq} is altered`)
    }
    if (before + held.pending.length < promised.units)
      throw new Error(`unit ${promised.units - 1} was offered and is gone`)
  }
  const lines = new Set(await linesOf(buffer, 'events'))
  for (const line of promised.lines) if (!lines.has(line)) throw new Error(`a durable line is gone: ${line}`)
  await buffer.close()
}
