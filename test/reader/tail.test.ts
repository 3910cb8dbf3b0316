import { describe, expect, test } from 'vitest'
import { seededRandom } from '../../src/base/random.ts'
import { isoOf, type Place, playlistKeyOf } from '../../src/format/names.ts'
import type { TailFrom, TailTarget } from '../../src/reader/follow.ts'
import { patientArchive } from '../../src/reader/patient-archive.ts'
import { tail } from '../../src/reader/tail.ts'
import { createHandClock, type HandClock } from '../support/hand-clock.ts'
import { type MemoryArchive, memoryArchive } from '../support/memory-archive.ts'

const seed = Number(process.env.SEED ?? 20261123)
const place: Place = { prefix: 'site', device: 'shed' }
const folder = 'site/video/shed/door'
const startMs = Date.UTC(2026, 10, 23, 15)
const camera: TailTarget = { kind: 'camera', place, camera: 'door' }

/** A camera whose units are short words: what counts here is which bytes come, not what they are. */
function recorder(archive: MemoryArchive) {
  let units = 0
  let at: { key: string; bytes: number; entries: number } | undefined
  let sent = ''
  return {
    /** Everything ever stored, in order. */
    sent: () => sent,
    begin(wallMs: number): string {
      const iso = isoOf(wallMs)
      const name = `${iso.replaceAll('-', '').replaceAll(':', '')}-${(wallMs % 997).toString(16)}.ts`
      at = {
        key: `${folder}/${iso.slice(0, 10).replaceAll('-', '/')}/${iso.slice(11, 13)}/${name}`,
        bytes: 0,
        entries: 0,
      }
      return at.key
    },
    unit(wallMs: number): void {
      if (at === undefined) throw new Error('no recording')
      const word = `unit ${units} of the camera;`
      units += 1
      sent += word
      archive.append(at.key, word)
      const header = at.entries === 0 ? '#EXTM3U\n#EXT-X-TARGETDURATION:2\n' : ''
      const date = at.entries % 30 === 0 ? `#EXT-X-PROGRAM-DATE-TIME:${isoOf(wallMs)}\n` : ''
      const entry = `#EXTINF:1.00000,\n#EXT-X-BYTERANGE:${word.length}@${at.bytes}\n${at.key.split('/').at(-1)}\n`
      archive.append(playlistKeyOf(at.key), header + date + entry)
      at = { ...at, bytes: at.bytes + word.length, entries: at.entries + 1 }
    },
    end(): void {
      if (at !== undefined) archive.append(playlistKeyOf(at.key), '#EXT-X-ENDLIST\n')
    },
  }
}

function follow(archive: MemoryArchive, clock: HandClock, from: TailFrom, target = camera) {
  const stop = new AbortController()
  const told: string[] = []
  let received = ''
  let reading = true
  const patience = {
    clock,
    random: seededRandom(seed),
    attemptsMax: Number.POSITIVE_INFINITY,
    tell: (m: string) => told.push(m),
  }
  const sink = {
    async write(bytes: Uint8Array) {
      if (reading) received += Buffer.from(bytes).toString()
      return reading
    },
  }
  const world = { archive: patientArchive(archive, patience), clock, sink, tell: (m: string) => told.push(m) }
  const done = tail(world, target, { from, follow: true, pollMs: 1_000 }, stop.signal)
  return {
    received: () => received,
    told,
    leave: () => {
      reading = false
    },
    async stop() {
      stop.abort()
      await clock.advance(1)
      return done
    },
    done,
  }
}

/** Steps of a tenth of a second: between them everything that waits for a promise runs. */
async function pass(clock: HandClock, seconds: number): Promise<void> {
  for (let step = 0; step < seconds * 10; step += 1) {
    await new Promise((resolve) => setImmediate(resolve))
    await clock.advance(100)
  }
}

describe('tail', () => {
  test('waits for a camera that has stored nothing yet, and says so once', async () => {
    const archive = memoryArchive()
    const clock = createHandClock({ wall: startMs })
    const reader = follow(archive, clock, { at: 'live' })
    await pass(clock, 5)
    expect(reader.told).toEqual(['There is no such footage of camera door yet; waiting for it.'])
    const camera = recorder(archive)
    camera.begin(startMs + 5_000)
    camera.unit(startMs + 5_000)
    await pass(clock, 3)
    expect(reader.received()).toBe(camera.sent())
    await reader.stop()
  })

  test('delivers every byte once, across roll-overs and broken links', async () => {
    const archive = memoryArchive()
    const clock = createHandClock({ wall: startMs })
    const camera = recorder(archive)
    camera.begin(startMs)
    camera.unit(startMs)
    const reader = follow(archive, clock, { at: 'start' })
    const random = seededRandom(seed)
    for (let second = 1; second < 200; second += 1) {
      if (second % 40 === 0) {
        camera.end()
        camera.begin(startMs + second * 1000)
      }
      camera.unit(startMs + second * 1000)
      // A link that goes and comes: at most some seconds at a time.
      if (random.fraction() < 0.1) archive.down = !archive.down
      await pass(clock, 1)
    }
    archive.down = false
    await pass(clock, 40)
    expect(reader.received(), `SEED=${seed}`).toBe(camera.sent())
    expect(reader.told.some((message) => /does not answer\. Trying again in \d+\.\d s\./.test(message))).toBe(true)
    const ended = await reader.stop()
    expect(ended).toEqual({ ok: true, value: camera.sent().length })
  })

  test('joins at the last keyframe, at a time, and after a gap', async () => {
    const archive = memoryArchive()
    const clock = createHandClock({ wall: startMs + 60_000 })
    const camera = recorder(archive)
    camera.begin(startMs)
    for (let second = 0; second < 5; second += 1) camera.unit(startMs + second * 1000)
    camera.end()
    camera.begin(startMs + 20_000)
    for (let second = 20; second < 23; second += 1) camera.unit(startMs + second * 1000)
    const joins: readonly (readonly [TailFrom, number])[] = [
      [{ at: 'live' }, 7],
      [{ at: 'time', wallMs: startMs + 3_500 }, 3],
      [{ at: 'time', wallMs: startMs + 12_000 }, 5],
      [{ at: 'start' }, 0],
    ]
    for (const [from, unit] of joins) {
      const reader = follow(archive, clock, from)
      await pass(clock, 8)
      expect(reader.received()).toBe(camera.sent().slice(camera.sent().indexOf(`unit ${unit} `)))
      await reader.stop()
    }
  })

  test('leaves a recording that stopped without an end for a newer one, and says so', async () => {
    const archive = memoryArchive()
    const clock = createHandClock({ wall: startMs })
    const camera = recorder(archive)
    const first = camera.begin(startMs)
    camera.unit(startMs)
    const reader = follow(archive, clock, { at: 'start' })
    await pass(clock, 2)
    camera.begin(startMs + 2_000)
    camera.unit(startMs + 2_000)
    await pass(clock, 20)
    expect(reader.received()).not.toBe(camera.sent())
    await pass(clock, 20)
    expect(reader.received()).toBe(camera.sent())
    expect(reader.told).toEqual([`${first} stopped growing without an end; going on with the next recording.`])
    await reader.stop()
  })

  test('fetches what came between its last look and the end mark', async () => {
    const archive = memoryArchive()
    const clock = createHandClock({ wall: startMs })
    const camera = recorder(archive)
    camera.begin(startMs)
    camera.unit(startMs)
    let over = false
    // The last unit, the end and the next recording arrive just as the reader asks whether it is over.
    archive.onRequest = (what) => {
      if (over || !what.includes('m3u8')) return
      over = true
      camera.unit(startMs + 1_000)
      camera.end()
      camera.begin(startMs + 2_000)
      camera.unit(startMs + 2_000)
    }
    const reader = follow(archive, clock, { at: 'start' })
    await pass(clock, 10)
    expect(over).toBe(true)
    expect(reader.received()).toBe(camera.sent())
    await reader.stop()
  })

  test('ends quietly when nobody reads any longer', async () => {
    const archive = memoryArchive()
    const clock = createHandClock({ wall: startMs })
    const camera = recorder(archive)
    camera.begin(startMs)
    camera.unit(startMs)
    const reader = follow(archive, clock, { at: 'start' })
    await pass(clock, 2)
    reader.leave()
    camera.unit(startMs + 1_000)
    await pass(clock, 2)
    expect(await reader.done).toMatchObject({ ok: true })
  })

  test('refuses an object that became shorter instead of inventing bytes', async () => {
    const archive = memoryArchive()
    const clock = createHandClock({ wall: startMs })
    archive.append('site/log.txt', 'one\ntwo\n')
    const reader = follow(archive, clock, { at: 'start' }, { kind: 'object', key: 'site/log.txt' })
    await pass(clock, 1)
    archive.objects.set('site/log.txt', Buffer.from('one'))
    await pass(clock, 3)
    expect(await reader.done).toMatchObject({ ok: false, error: { kind: 'rejected' } })
  })

  test('follows lines of a text object from the last whole one', async () => {
    const archive = memoryArchive()
    const clock = createHandClock({ wall: startMs })
    archive.append('site/log.txt', 'one\ntwo\nthree\n')
    const reader = follow(archive, clock, { at: 'live' }, { kind: 'object', key: 'site/log.txt' })
    await pass(clock, 1)
    archive.append('site/log.txt', 'four\n')
    await pass(clock, 2)
    expect(reader.received()).toBe('three\nfour\n')
    await reader.stop()
  })

  test('asks for nothing but the length while nothing is new', async () => {
    const archive = memoryArchive()
    const clock = createHandClock({ wall: startMs })
    const camera = recorder(archive)
    camera.begin(startMs)
    camera.unit(startMs)
    const reader = follow(archive, clock, { at: 'start' })
    await pass(clock, 1)
    const asked: string[] = []
    archive.onRequest = (what) => asked.push(what)
    await pass(clock, 1.5)
    expect(asked.length).toBeGreaterThan(0)
    expect(asked.filter((what) => !what.startsWith('stat '))).toEqual([])
    expect(asked.length).toBeLessThanOrEqual(2)
    // Later it also asks the playlist's end whether the recording is over, and still reads no video.
    await pass(clock, 20)
    expect(asked.filter((what) => what.startsWith('read ') && what.includes('.ts '))).toEqual([])
    await reader.stop()
  })
})
