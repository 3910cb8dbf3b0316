/**
 * What the page asks about the archive, as JSON: cameras, the newest recording, recordings and gaps. Answers are kept
 * for a second and shared, so that ten pages ask the store no more often than one.
 */
import type { Clock, MonoMs } from '../base/clock.ts'
import { err, ok, type Result } from '../base/result.ts'
import { type Place, playlistKeyOf } from '../format/names.ts'
import type { Archive, ArchiveError } from '../reader/archive.ts'
import type { CatalogueReader } from '../reader/catalogue.ts'
import { newestRecording } from '../reader/newest.ts'
import { readPlaylistTail } from '../reader/playlist-reader.ts'
import { type CameraHistory, listCameras, readCamera } from '../reader/recordings.ts'

export interface ViewWorld {
  readonly archive: Archive
  readonly catalogues: CatalogueReader
  readonly place: Place
  /** Of the site, an IANA name. */
  readonly timeZone: string
  readonly clock: Clock
}

type Answer = Result<unknown, ArchiveError>

const keptMs = 1_000
/** Questions remembered; the oldest is forgotten. A page asks five. */
const keptMax = 100
const dayMs = 86_400_000
/** An answer is shared, so a viewer who leaves must not end it; the store's own time limits do. */
const nobody = new AbortController().signal

export function createAnswers(world: ViewWorld): (path: string, query: URLSearchParams) => Promise<Answer> | undefined {
  const kept = new Map<string, { readonly since: MonoMs; readonly answer: Promise<Answer> }>()

  function once(question: string, ask: () => Promise<Answer>): Promise<Answer> {
    const known = kept.get(question)
    if (known !== undefined && world.clock.mono() - known.since < keptMs) return known.answer
    const answer = ask()
    kept.delete(question)
    kept.set(question, { since: world.clock.mono(), answer })
    const oldest = kept.size > keptMax ? kept.keys().next().value : undefined
    if (oldest !== undefined) kept.delete(oldest)
    return answer
  }

  return (path, query) => {
    const ask = questions[path]
    if (ask === undefined) return undefined
    query.sort()
    return once(`${path}?${query}`, () => ask(world, query))
  }
}

const questions: Readonly<Record<string, (world: ViewWorld, query: URLSearchParams) => Promise<Answer>>> = {
  '/api/cameras': async (world) => {
    const cameras = await listCameras(world.archive, world.place.prefix, nobody)
    if (!cameras.ok) return cameras
    return ok({ ...common(world), device: world.place.device, cameras: cameras.value })
  },
  '/api/live': async (world, query) => {
    const name = nameIn(world, query)
    if (name === undefined) return noCamera
    const newest = await newestRecording(world.archive, name, world.clock.wall(), nobody)
    if (!newest.ok) return newest
    if (newest.value === undefined) return ok({ ...common(world), newest: null })
    const playlistKey = playlistKeyOf(newest.value.key)
    const tail = await readPlaylistTail(world.archive, playlistKey, nobody)
    // A recording whose first line is not published yet cannot be played yet.
    if (!tail.ok && tail.error.kind !== 'absent') return tail
    const last = tail.ok ? tail.value.entries.at(-1) : undefined
    const endMs = last?.wallMs === undefined ? null : last.wallMs + last.durationS * 1000
    const ended = tail.ok && tail.value.ended
    return ok({
      ...common(world),
      newest: { ...newest.value, playable: tail.ok, ended, endMs, url: urlOf(playlistKey) },
    })
  },
  '/api/recordings': async (world, query) => {
    const history = await historyOf(world, query)
    if (!history.ok) return history
    const recordings = history.value.recordings.map((recording) => ({
      ...recording,
      startMs: recording.startMs ?? null,
      endMs: recording.endMs ?? null,
      url: recording.playlistKey === undefined ? null : urlOf(recording.playlistKey),
    }))
    return ok({ ...common(world), recordings })
  },
  '/api/gaps': async (world, query) => {
    const history = await historyOf(world, query)
    if (!history.ok) return history
    const gaps = history.value.gaps.map((gap) => ({ ...gap, fromMs: gap.fromMs ?? null, toMs: gap.toMs ?? null }))
    return ok({ ...common(world), gaps })
  },
}

const common = (world: ViewWorld) => ({ nowMs: world.clock.wall(), timeZone: world.timeZone })

const noCamera: Result<never, ArchiveError> = err({ kind: 'absent', message: 'There is no such camera.' })

/** `undefined`: no name of a camera. */
function nameIn(
  world: ViewWorld,
  query: URLSearchParams,
): { readonly place: Place; readonly camera: string } | undefined {
  const device = query.has('device') ? plain(query.get('device')) : world.place.device
  const camera = plain(query.get('camera'))
  return device === undefined || camera === undefined ? undefined : { place: { ...world.place, device }, camera }
}

/** Names come from a browser: nothing that could lead out of the folder. */
const plain = (name: string | null): string | undefined =>
  name !== null && /^(?!\.+$)[\p{L}\p{N}._-]{1,64}$/u.test(name) ? name : undefined

async function historyOf(world: ViewWorld, query: URLSearchParams): Promise<Result<CameraHistory, ArchiveError>> {
  const name = nameIn(world, query)
  if (name === undefined) return noCamera
  const nowMs = world.clock.wall()
  const sinceMs = Number(query.get('sinceMs') ?? Number.NaN)
  const untilMs = Number(query.get('untilMs') ?? Number.NaN)
  const range = {
    sinceMs: Number.isFinite(sinceMs) ? sinceMs : nowMs - dayMs,
    ...(Number.isFinite(untilMs) ? { untilMs } : {}),
  }
  return readCamera({ ...world, nowMs }, name, range, nobody)
}

/** Path below the server's address, each part escaped. */
const urlOf = (key: string): string => `/objects/${key.split('/').map(encodeURIComponent).join('/')}`
