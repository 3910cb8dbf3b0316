/**
 * One haul: cameras and events fill a backlog, the uplink carries it to the stand-in through the real `ali-oss`, faults
 * happen, the uplink is stopped and started. At the end everything is compared with what was given.
 *
 * The uplink's own clock runs faster than ours, so that a minute of back-off costs a test little; requests do not.
 */
import { expect } from 'vitest'
import { systemClock } from '../../src/adapters/system-clock.ts'
import { type Clock, monoMs, type WallTime, wallMs } from '../../src/base/clock.ts'
import { crc64, crc64Text } from '../../src/base/crc64.ts'
import { silentLogger } from '../../src/base/log.ts'
import { seededRandom } from '../../src/base/random.ts'
import { catalogueLine, parseCatalogueLine } from '../../src/format/catalogue-record.ts'
import { parsePlaylist } from '../../src/format/playlist.ts'
import { trackKind, videoTrack } from '../../src/format/recording.ts'
import type { ObjectStore } from '../../src/uplink/object-store.ts'
import { createUplink, type Uplink, type UplinkWorld } from '../../src/uplink/uplink.ts'
import type { ClipUnit } from '../support/clip.ts'
import { makeClip } from '../support/clip.ts'
import { mediaOf } from '../support/make-recording.ts'
import { createMemoryBacklog, type Kept, type MemoryBacklog } from '../support/memory-backlog.ts'

const speedUp = 500
const startWall = Date.UTC(2026, 10, 23, 15)
export const startMonoMs = 10_000
/** A haul that takes longer has lost its way. */
const haulMsMax = 60_000
export const video = { codec: 'h264', width: 160, height: 120, targetDurationS: 2 } as const

export const fastClock: Clock = {
  wall: () => wallMs(startWall + fastClock.mono()),
  mono: () => monoMs((systemClock.mono() % 1e9) * speedUp),
  sleep: (ms, signal) => systemClock.sleep(ms / speedUp, signal),
}
const wallTime: WallTime = { at: (moment) => ({ wallMs: wallMs(startWall + (moment % 1e7)), errorMs: 20 }) }

export const clip = (seconds = 12): Promise<ClipUnit[]> => makeClip({ seconds, startMonoMs })

export interface HaulOptions {
  readonly store: ObjectStore
  readonly seed: number
  readonly units: readonly ClipUnit[]
  /** Cameras, of which each gives all units. */
  readonly cameras?: number
  /** How often the uplink is stopped in the middle of whatever it does, and made anew. */
  readonly restarts?: number
  /** Called between two units, to let something happen. */
  readonly meanwhile?: (step: number) => void | Promise<void>
  readonly world?: Partial<UplinkWorld>
  /** Another recording begins after this many units. */
  readonly rollEvery?: number
}

export interface Hauled {
  readonly backlog: MemoryBacklog
  readonly uplink: Uplink
}

export async function haul(options: HaulOptions): Promise<Hauled> {
  const random = seededRandom(options.seed)
  const backlog = createMemoryBacklog()
  const world = worldOf(options, backlog)
  let uplink = createUplink(world)
  let stop = new AbortController()
  let running = uplink.run(stop.signal)
  running.catch(() => {})
  const restart = async (): Promise<void> => {
    stop.abort()
    await running
    uplink = createUplink(world)
    stop = new AbortController()
    running = uplink.run(stop.signal)
    running.catch(() => {})
  }
  await fill(options, { backlog, random, restart })
  const tracks = [...new Set(backlog.kept.map((one) => one.head.id.track))].filter((track) => track !== 'catalogue')
  for (const track of tracks) backlog.close(track)
  await drained(backlog, running, (id) => id.track !== 'catalogue')
  backlog.close('catalogue')
  await drained(backlog, running, () => true)
  stop.abort()
  await running
  return { backlog, uplink }
}

export function worldOf(options: HaulOptions, backlog: MemoryBacklog): UplinkWorld {
  const random = seededRandom(options.seed + 1)
  return {
    store: options.store,
    backlog,
    clock: fastClock,
    wallTime,
    random,
    log: silentLogger,
    place: { prefix: 'site', device: 'shed' },
    creation: (what, camera, claim) => ({
      contentType: what === 'video' ? 'video/mp2t' : 'text/plain',
      headers: { 'x-oss-meta-token': claim.token, ...(camera === undefined ? {} : { 'x-oss-meta-camera': camera }) },
    }),
    async catalogue(record) {
      if (!backlog.kept.some((one) => one.head.id.track === 'catalogue')) backlog.begin('catalogue', startMonoMs)
      backlog.put('catalogue', Buffer.from(`${catalogueLine(record)}\n`))
    },
    cutLive: () => {},
    ...options.world,
  }
}

async function fill(
  options: HaulOptions,
  { backlog, random, restart }: { backlog: MemoryBacklog; random: { fraction(): number }; restart(): Promise<void> },
): Promise<void> {
  const { units, cameras = 2, restarts = 0, rollEvery = Number.POSITIVE_INFINITY } = options
  const runs = mediaOf({ runs: [units] })
  const restartAt = new Set(Array.from({ length: restarts }, () => Math.floor(random.fraction() * units.length)))
  backlog.begin('events', startMonoMs)
  for (const [step, { unit, media }] of runs.entries()) {
    for (let camera = 0; camera < cameras; camera += 1) {
      const track = videoTrack(`cam${camera}`)
      if (step % rollEvery === 0 || step === 0) backlog.begin(track, media.firstPts / 90, video)
      backlog.put(track, unit.bytes, media)
    }
    if (random.fraction() < 0.5) backlog.put('events', Buffer.from(`{"v":1,"step":${step}}\n`))
    if (restartAt.has(step)) await restart()
    await options.meanwhile?.(step)
    if (random.fraction() < 0.7) await systemClock.sleep(random.fraction() * 6)
  }
}

async function drained(
  backlog: MemoryBacklog,
  running: Promise<void>,
  counts: (id: Kept['head']['id']) => boolean,
): Promise<void> {
  const since = systemClock.mono()
  while (backlog.held().some(counts)) {
    if (systemClock.mono() - since > haulMsMax) {
      const left = backlog
        .held()
        .filter(counts)
        .map((id) => `${id.track} ${id.number}`)
      throw new Error(`not drained in ${haulMsMax} ms: ${left.join(', ')}`)
    }
    await Promise.race([systemClock.sleep(5), running])
  }
}

/** Nothing lost, doubled or reordered; playlists and catalogue complete. `spoilt`: objects that somebody else wrote to. */
export function expectDelivered(
  hauled: Hauled,
  bytesOf: (key: string) => Buffer,
  spoilt: 'none' | 'some' = 'none',
): void {
  const { backlog } = hauled
  for (const track of new Set(backlog.kept.map((one) => one.head.id.track))) {
    const seqs = backlog.kept.filter((one) => one.head.id.track === track).flatMap((one) => one.confirmed)
    expect(seqs.map((chunk) => chunk.seq)).toEqual(seqs.map((_, index) => index))
  }
  const lines = backlog.kept
    .filter((one) => one.head.id.track === 'catalogue' && one.claim !== undefined)
    .flatMap((one) =>
      bytesOf(one.claim?.key ?? '')
        .toString()
        .split('\n'),
    )
    .map(parseCatalogueLine)
  const cut = new Set(backlog.cuts.map((text) => text.split(' ')[0]))
  if (spoilt === 'none') expect(backlog.cuts).toEqual([])
  for (const one of backlog.kept) {
    expect(one.pending).toEqual([])
    if (one.claim === undefined || one.confirmed.length === 0) continue
    const { id } = one.head
    if (spoilt === 'some' && cut.has(`${id.track}|${id.boot}|${id.number}`)) continue
    const given = Buffer.concat(one.confirmed.map((chunk) => chunk.bytes))
    const object = bytesOf(one.claim.key)
    expect(object.length).toBe(given.length)
    expect(Buffer.compare(object, given)).toBe(0)
    if (trackKind(id.track) !== 'video') continue
    expectPlaylist(one, bytesOf, spoilt)
    const own = lines.filter((line) => line !== undefined && 'key' in line && line.key === one.claim?.key)
    expect(own.some((line) => line?.kind === 'recording')).toBe(true)
    const end = own.find((line) => line?.kind === 'recording-end')
    expect(end).toMatchObject({ bytes: given.length, crc64: crc64Text(crc64(given)), why: 'complete' })
  }
}

function expectPlaylist(one: Kept, bytesOf: (key: string) => Buffer, spoilt: 'none' | 'some'): void {
  const text = bytesOf(one.claim?.playlistKey ?? '').toString()
  const playlist = parsePlaylist(text)
  // Where somebody meddled, it may have been with the playlist.
  if (spoilt === 'some' && !(playlist.ok && playlist.value.ended)) return
  expect(playlist).toMatchObject({ ok: true, value: { ended: true } })
  if (!playlist.ok) return
  expect(playlist.value.entries.map((entry) => entry.length)).toEqual(one.confirmed.map((chunk) => chunk.length))
  let at = 0
  for (const entry of playlist.value.entries) {
    expect(entry.offset).toBe(at)
    at += entry.length
  }
}
