/**
 * The budget of requests: what has to be sent, once; a question and a second sending for what trouble there was; and no
 * hammering on a link that is down.
 */
import type { World } from './world.ts'

export function judgeRequests(world: World): void {
  const { requests } = world.ledger
  let troubled = 0
  for (const times of world.trouble.met.values()) troubled += times
  const lives = world.witness.ended.length + 1
  const objects = world.bucket.all().length + world.bucket.destroyed.length
  const lines = world.witness.lines.length + world.witness.destroyedLines.length
  // A unit and its line in the playlist; a line of a record, and those that the buffer writes itself.
  const needed = 2 * world.witness.total() + lines + 3 * objects
  const most = needed + 2 * troubled + 12 * lives
  if (requests.append > most)
    world.violated(
      'too many appends',
      `${requests.append}, for ${needed} things to send and ${troubled} troubled requests`,
    )
  const questions = 3 * objects + 3 * troubled + 40 * lives
  if (requests.inspect > questions)
    world.violated(
      'too many questions',
      `${requests.inspect}, for ${objects} objects, ${troubled} troubled requests, ${lives} lives`,
    )
  for (const { name, from, until, hits } of world.trouble.past) {
    if (name !== 'outage' || until - from < minute) continue
    const ended = world.witness.ended.filter(({ at }) => at >= from && at <= until).length
    // Each life begins with short waits, of up to three requests at once.
    const allowed = 16 * (1 + ended) + (8 * (until - from)) / minute
    if (hits > allowed)
      world.violated('hammering', `${hits} requests in ${Math.round((until - from) / 1000)} s without a link`)
  }
}

const minute = 60_000
