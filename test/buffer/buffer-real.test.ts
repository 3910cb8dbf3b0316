import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { levelStore } from '../../src/adapters/level-store.ts'
import { segmentFiles } from '../../src/adapters/segment-files.ts'
import { systemClock } from '../../src/adapters/system-clock.ts'
import { silentLogger } from '../../src/base/log.ts'
import type { Buffer as FootageBuffer } from '../../src/buffer/buffer.ts'
import { openBuffer } from '../../src/buffer/open-buffer.ts'
import type { UnitSink } from '../../src/capture/unit-sink.ts'
import { extentAfter } from '../../src/uplink/append-plan.ts'
import type { Backlog } from '../../src/uplink/backlog.ts'
import { gate, unitAt, video } from './footage.ts'

let directory = ''
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'watchpost-buffer-'))
})
afterEach(() => rm(directory, { recursive: true, force: true }))

const options = (bootId: string) => ({
  kv: levelStore(join(directory, 'index')),
  disk: segmentFiles(join(directory, 'segments')),
  clock: systemClock,
  wallTime: { at: () => undefined },
  log: silentLogger,
  bootId,
  quotaBytes: 1e9,
  minFreeBytes: 0,
  fatal: (error: unknown) => {
    throw error
  },
})

async function opened(bootId: string): Promise<FootageBuffer> {
  const buffer = await openBuffer(options(bootId))
  if (!buffer.ok) throw new Error(buffer.error.message)
  return buffer.value
}

async function pendingUntil(buffer: FootageBuffer, count: number): Promise<void> {
  const never = new AbortController().signal
  for (;;) {
    const held = buffer.held().reduce((sum, id) => sum + (buffer.recording(id)?.pending.length ?? 0), 0)
    if (held >= count) return
    await buffer.changed(never)
  }
}

describe('the buffer on real files and a real database', () => {
  test('fits the ports of capture and uplink', async () => {
    const buffer = await opened('boot-a')
    const sink: UnitSink = buffer
    const backlog: Backlog = buffer
    expect([sink.open(gate), backlog.held()]).toEqual([undefined, []])
    await buffer.close()
  })

  test('a unit goes from put to finished, over restarts of the process and of the machine', async () => {
    const units = [0, 1000, 2000, 3000].map((start) => unitAt(50_000 + start, 10_000))
    const [a, b, c, d] = units
    if (!a || !b || !c || !d) throw new Error('four units')
    let buffer = await opened('boot-a')
    buffer.begin(gate, { startMonoMs: 50_000, video })
    buffer.put(gate, a)
    buffer.put(gate, b)
    await pendingUntil(buffer, 2)
    await buffer.close()

    buffer = await opened('boot-a')
    expect(buffer.boot.counter).toBe(1)
    expect(buffer.open(gate)).toMatchObject({ length: 20_000, endPts: b.media.firstPts + 90_000 })
    buffer.put(gate, c)
    await pendingUntil(buffer, 3)
    const [id] = buffer.held()
    if (id === undefined) throw new Error('one recording')
    await buffer.claim(id, { key: 'k.ts', playlistKey: 'k.m3u8', token: 't' })
    const before = buffer.recording(id)
    if (before === undefined) throw new Error('held')
    const read = await buffer.read(id, 0, 2)
    expect(read).toEqual({ ok: true, value: Buffer.concat([a.bytes, b.bytes]) })
    await buffer.confirm(id, extentAfter(before, 2), 1)
    await buffer.close()

    buffer = await opened('boot-b')
    expect(buffer.boot.counter).toBe(2)
    expect(buffer.open(gate)).toBeUndefined()
    const after = buffer.recording(id)
    expect(after).toMatchObject({ closed: true, arrived: extentAfter(before, 2), claim: { key: 'k.ts' } })
    expect(after?.pending).toEqual([{ seq: 2, length: 10_000, crc64: c.crc64, media: c.media }])
    if (after === undefined) throw new Error('held')
    expect(await buffer.read(id, 2, 1)).toEqual({ ok: true, value: Buffer.from(c.bytes) })
    await buffer.confirm(id, extentAfter(after, 1), 2)
    await buffer.finish(id)
    buffer.begin(gate, { startMonoMs: 1_000, video })
    buffer.put(gate, d)
    await pendingUntil(buffer, 1)
    expect(buffer.recording(buffer.held()[0] ?? id)?.pending[0]?.seq).toBe(3)
    await buffer.close()
  })
})
