/**
 * Events, reports and gap records: each line once.
 *
 * A line whose writing was answered is in the store, with these exceptions: damage took its row from the database; its
 * object was destroyed; the card did not take it (it was then offered from memory, after its patience) and its process
 * ended. No line is there twice where both copies were heard of and nobody meddled.
 */
import type { Archive } from './archive.ts'
import { badDiskIn } from './forgotten.ts'
import type { WrittenLine } from './witness.ts'
import type { World } from './world.ts'

export function judgeLines(world: World, archive: Archive): void {
  const destroyed = new Set(world.witness.destroyedLines.map(({ text }) => text))
  for (const line of world.witness.lines) {
    if (line.track === 'catalogue') continue
    const own = archive.lines.get(line.track)
    const firm = own?.firm.get(line.text) ?? 0
    // Sent from memory since the card was silent, and found in the database all the same by the life after it.
    if (firm > 1 && !excused(world, line)) world.violated('line twice', `${line.track}: ${line.text.slice(0, 120)}`)
    if (firm + (own?.other.get(line.text) ?? 0) > 0 || destroyed.has(line.text) || line.settledAt === undefined)
      continue
    if (!excused(world, line)) world.violated('line lost', `${line.track}: ${line.text.slice(0, 120)}`)
  }
  // A line that was sent from memory, since the card took no row of it, is written again by the life after it; so is one
  // of which damage took what had been said.
  const forgotten = world.damagedAt.length > 0 || world.witness.ended.some(({ at }) => badDiskIn(world, at, at))
  for (const [text, times] of archive.lines.get('catalogue')?.firm ?? []) {
    if (times > 1 && !forgotten && text.includes('"kind":"gap"')) world.violated('gap twice', text)
  }
  for (const track of ['events', 'health']) {
    const known = new Set(world.witness.lines.filter((line) => line.track === track).map(({ text }) => text))
    for (const text of archive.lines.get(track)?.firm.keys() ?? []) {
      if (!known.has(text)) world.violated('foreign line', `${track}: ${text.slice(0, 120)}`)
    }
  }
}

function excused(world: World, line: WrittenLine): boolean {
  // With the row of its recording a line that waits has lost its place, whether its own row is there or not.
  if (world.damagedAt.some((at) => at >= line.at)) return true
  const end = world.witness.ended.find(({ life }) => life === line.life)
  return end !== undefined && badDiskIn(world, line.at, end.at)
}
