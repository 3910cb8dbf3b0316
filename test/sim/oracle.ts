/** The judge of a world that has come to its end: see `judge-…`. What must hold at each request is in `ledger.ts`. */
import { takeApart } from './archive.ts'
import { judgeLines } from './judge-lines.ts'
import { judgeLoss } from './judge-loss.ts'
import { judgeObjects } from './judge-objects.ts'
import { judgeRequests } from './judge-requests.ts'
import type { World } from './world.ts'

export function judgeWorld(world: World): void {
  const archive = takeApart(world)
  judgeObjects(world, archive)
  judgeLines(world, archive)
  judgeLoss(world, archive)
  judgeRequests(world)
  judgeDisk(world)
}

/** Everything is confirmed: what is left on the card is an open segment of each class. */
function judgeDisk(world: World): void {
  const used = world.disk.usedBytes()
  const most = 2 * ((world.scale.sizes.segmentBytes ?? 0) + (world.scale.sizes.commitBytes ?? 0))
  if (used > most && world.damagedAt.length === 0)
    world.violated('disk not given back', `${used} bytes of segments are left after everything was sent`)
}
