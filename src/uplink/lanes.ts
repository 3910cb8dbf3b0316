/**
 * Whose turn is it on the link? Records (events, reports, catalogue) before live video before back-fill, oldest first
 * within a lane. A turn is one body, so a newcomer of a better lane waits for one body at most.
 *
 * One place is kept for records: they are small, and an alarm must not wait behind 16 MiB of yesterday.
 *
 * Pure.
 */
import { type RecordingId, trackKind } from '../format/recording.ts'

export type Lane = 'records' | 'live' | 'back-fill'

/** Appends in flight at once, over all objects. More than one, so that a slow reply does not leave the link idle. */
export const placesMax = 3
/** Of these, how many video may take. */
const videoPlacesMax = 2

const order: Readonly<Record<Lane, number>> = { records: 0, live: 1, 'back-fill': 2 }

/** @param live the recording still grows, in this boot */
export function laneOf(id: RecordingId, live: boolean): Lane {
  if (trackKind(id.track) !== 'video') return 'records'
  return live ? 'live' : 'back-fill'
}

/**
 * The one to serve next, or `undefined` if nobody may go now.
 *
 * @param waiting those with something to do that are not being served, oldest first
 * @param serving the lanes being served
 * @param places how many may be served at once: fewer than `placesMax` while the link is in doubt
 */
export function nextTurn<T extends { readonly lane: Lane }>(
  waiting: readonly T[],
  serving: readonly Lane[],
  places: number,
): T | undefined {
  if (serving.length >= places) return undefined
  const video = serving.filter((lane) => lane !== 'records').length
  let best: T | undefined
  for (const one of waiting) {
    if (one.lane !== 'records' && video >= videoPlacesMax) continue
    if (best === undefined || order[one.lane] < order[best.lane]) best = one
  }
  return best
}
