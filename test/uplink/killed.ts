/**
 * A recorder that was killed, as its next life finds it: so many units of a recording are in the store, of these so many
 * are known to have arrived, some later ones are pending (they had been spilled), and the rest died in memory.
 */
import { systemClock } from '../../src/adapters/system-clock.ts'
import { crc64 } from '../../src/base/crc64.ts'
import { type CatalogueRecord, parseCatalogueLine } from '../../src/format/catalogue-record.ts'
import { parsePlaylist } from '../../src/format/playlist.ts'
import { type Extent, type RecordingId, videoTrack } from '../../src/format/recording.ts'
import type { MediaInfo } from '../../src/format/unit.ts'
import type { ObjectStore } from '../../src/uplink/object-store.ts'
import { createUplink, type UplinkWorld } from '../../src/uplink/uplink.ts'
import type { ClipUnit } from '../support/clip.ts'
import { mediaOf } from '../support/make-recording.ts'
import { createMemoryBacklog, type Kept, type MemoryBacklog } from '../support/memory-backlog.ts'
import type { MemoryStore } from '../support/memory-store.ts'
import { startMonoMs, video, worldOf } from './haul.ts'

export const key = 'site/video/shed/cam0/x-00.ts'
export const playlistKey = 'site/video/shed/cam0/x-00.m3u8'
const track = videoTrack('cam0')

export interface Killed {
  readonly units: readonly ClipUnit[]
  /** Units in the store. */
  readonly stored: number
  /** Units of which the database knew that they had arrived. */
  readonly known: number
  /** The units that are pending: `from` to `to` (exclusive). Empty by default. */
  readonly pending?: readonly [from: number, to: number]
  /** Bytes that somebody else wrote behind ours. */
  readonly foreign?: Uint8Array
}

export const extentOf = (units: readonly { readonly bytes: Uint8Array }[]): Extent => {
  const bytes = Buffer.concat(units.map((unit) => unit.bytes))
  return { length: bytes.length, crc64: crc64(bytes) }
}

export interface NextLife {
  readonly backlog: MemoryBacklog
  readonly id: RecordingId
  readonly kept: Kept
}

export function nextLife(store: Pick<MemoryStore, 'objects'>, killed: Killed): NextLife {
  const { units, stored, known, pending: [from, to] = [0, 0], foreign = new Uint8Array(0) } = killed
  const media = mediaOf({ runs: [units] }).map((one) => one.media)
  const backlog = createMemoryBacklog({ id: 'b', counter: 2 })
  const id = backlog.begin(track, startMonoMs, video)
  for (const [index, { bytes }] of units.entries()) backlog.put(track, bytes, media[index] as MediaInfo)
  backlog.close(track)
  const [kept] = backlog.kept
  if (kept === undefined) throw new Error('nothing is kept')
  kept.claim = { key, playlistKey, token: 't0', start: { wallMs: Date.UTC(2026, 10, 23, 15), errorMs: 10 } }
  kept.arrived = extentOf(units.slice(0, known))
  kept.pending = kept.pending.slice(from, to)
  const first = to > from ? from : known
  kept.doubt = { pendingFrom: extentOf(units.slice(0, first)), beyond: true }
  const bytes = Buffer.concat([...units.slice(0, stored).map((unit) => unit.bytes), foreign])
  if (bytes.length > 0) store.objects.set(key, { bytes, appendable: true, headers: {} })
  return { backlog, id, kept }
}

/** Runs an uplink until nothing is held. */
export async function drainAll(
  store: ObjectStore,
  backlog: MemoryBacklog,
  world: Partial<UplinkWorld> = {},
): Promise<void> {
  const uplink = createUplink(worldOf({ store, seed: 1, units: [], world }, backlog))
  const stop = new AbortController()
  const running = uplink.run(stop.signal)
  const since = systemClock.mono()
  const waits = (): boolean => backlog.held().some((held) => held.track !== 'catalogue')
  for (const isOver of [() => !waits(), () => backlog.held().length === 0]) {
    while (!isOver()) {
      if (systemClock.mono() - since > 20_000) throw new Error('not drained')
      await Promise.race([systemClock.sleep(3), running])
    }
    if (backlog.kept.some((one) => one.head.id.track === 'catalogue')) backlog.close('catalogue')
  }
  stop.abort()
  await running
}

export function catalogueOf(backlog: MemoryBacklog): CatalogueRecord[] {
  return backlog.kept
    .filter((one) => one.head.id.track === 'catalogue')
    .flatMap((one) => one.confirmed.flatMap((chunk) => Buffer.from(chunk.bytes).toString().trimEnd().split('\n')))
    .flatMap((line) => parseCatalogueLine(line) ?? [])
}

/** Lengths of the playlist's entries; `undefined` while it has no end mark. */
export function publishedLengths(store: MemoryStore): number[] | undefined {
  const parsed = parsePlaylist(store.objects.get(playlistKey)?.bytes.toString() ?? '')
  return parsed.ok && parsed.value.ended ? parsed.value.entries.map((entry) => entry.length) : undefined
}
