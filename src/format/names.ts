/**
 * Object names. Class first, so that three lifecycle rules serve any fleet; device before time, so that load spreads
 * (OSS limits requests on keys that share a sequential prefix; source: OSS, "Limits"). All times in names are UTC.
 *
 *     <prefix>/video/<device>/<camera>/2026/11/23/15/20261123T150000.120Z-<token>.ts  (+ .m3u8)
 *     <prefix>/events/<device>/2026/11/23-<token>.jsonl       likewise health/ and catalogue/
 *     <prefix>/video/<device>/<camera>/unsynced/2026/11/23/b7-512-<token>.ts   the boot's time was never known
 */
import { cameraOf, type RecordingHead, type TrackId, trackKind } from './recording.ts'

export interface Place {
  /** Of the settings: without leading and trailing slash; may be empty. */
  readonly prefix: string
  readonly device: string
}

/** The folder of everything a track ever stored, with its trailing slash. */
export function trackFolder(place: Place, track: TrackId): string {
  const camera = cameraOf(track)
  const parts = [place.prefix, trackKind(track), place.device, camera ?? '']
  return `${parts.filter((part) => part !== '').join('/')}/`
}

/** The folder under which each device with footage has a folder. */
export const classFolder = (prefix: string, kind: string): string => `${prefix === '' ? '' : `${prefix}/`}${kind}/`

/**
 * The name a recording gets at its claim.
 *
 * @param when wall time of its first frame in ms; `undefined` if its boot never learnt the time
 * @param claimedAtMs wall time of the claim in ms: the folder of recordings without a time of their own
 */
export function recordingKey(
  place: Place,
  head: RecordingHead,
  token: string,
  when: { readonly startMs: number | undefined; readonly claimedAtMs: number },
): string {
  const folder = trackFolder(place, head.id.track)
  const video = trackKind(head.id.track) === 'video'
  if (when.startMs === undefined) {
    const seconds = Math.floor(head.startMonoMs / 1000)
    const name = `b${head.id.boot}-${seconds}-${token}${video ? '.ts' : '.jsonl'}`
    return `${folder}unsynced/${dayPath(when.claimedAtMs)}/${name}`
  }
  if (!video) return `${folder}${dayPath(when.startMs)}-${token}.jsonl`
  const hour = isoOf(when.startMs).slice(11, 13)
  return `${folder}${dayPath(when.startMs)}/${hour}/${compactTime(when.startMs)}-${token}.ts`
}

export const playlistKeyOf = (videoKey: string): string => videoKey.replace(/\.ts$/, '.m3u8')

/** The start that stands in a video object's name, in wall ms; `undefined` for unsynced and foreign names. */
export function startInKey(key: string): number | undefined {
  const match = /(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)\.(\d{3})Z-[0-9a-f]+\.(?:ts|m3u8)$/.exec(key)
  if (match === null) return undefined
  const [, year, month, day, hour, minute, second, ms] = match.map(Number)
  return Date.UTC(year ?? 0, (month ?? 1) - 1, day, hour, minute, second, ms)
}

/** `2026/11/23` of a wall time in ms. */
export const dayPath = (ms: number): string => isoOf(ms).slice(0, 10).replaceAll('-', '/')

/** `2026-11-23T15:00:00.120Z`. */
export const isoOf = (ms: number): string => new Date(Math.round(ms)).toISOString()

const compactTime = (ms: number): string => isoOf(ms).replaceAll('-', '').replaceAll(':', '')
