/** What a life could not write down, so that nobody knows it afterwards. */
import type { World } from './world.ts'

/** A card that was asked in vain is asked again after this, at the latest: `segment-writer.ts`, `kv-writer.ts`. */
const retryMs = 11_000

/** The card did not do what it should in some of this time, or had not been asked again since. */
export const badDiskIn = (world: World, from: number, to: number): boolean =>
  world.badDisk.some((bad) => bad.from <= to && bad.until + retryMs >= from)

/** See `World.orphans`; called when a life has ended. */
export function noteOrphans(world: World): void {
  const now = world.time.now()
  const names = [...world.kv.rows()].flatMap(([key, value]) => (key.startsWith('r/') ? [value] : [])).join()
  for (const { key, firstAt } of world.bucket.all()) {
    if (
      key.endsWith('.m3u8') ||
      !badDiskIn(world, firstAt - claimMs, now) ||
      world.witness.ended.some(({ at }) => at > firstAt && at < now)
    )
      continue
    if (!names.includes(key)) world.orphans.add(key)
  }
}

/** From a name to its first append, at most: the patience with the card, and the way. */
const claimMs = 10_000

/** A life that ended at `from` or later without having written down all that it knew. */
export const forgotSince = (world: World, from: number): boolean =>
  world.witness.ended.some(({ how, at }) => at >= from && (how !== 'stop' || badDiskIn(world, at, at)))
