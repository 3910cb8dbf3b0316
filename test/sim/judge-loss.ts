/**
 * What is missing, and whether it may be: every unit is in the store once or in a named gap; every second between the
 * first and the last footage is footage or a named gap; nothing is lost that was stored, and not more than was promised
 * of what was not.
 *
 * Promises that damage makes void, and no others: a database that lost rows has lost what it knew of holes before that
 * moment (gap records that waited, ends of lives); a unit with a changed bit may go; what the card did not take while it
 * hung, refused, was full or slow may go with its process, or for want of memory.
 */

import { type Archive, type Copy, type Gap, gapsOf } from './archive.ts'
import { badDiskIn, forgotSince } from './forgotten.ts'
import type { Captured } from './witness.ts'
import type { World } from './world.ts'

/** A shorter hole is none: readers take it for the inexactness of a camera's clock. */
const holeMsMin = 1_000

export function judgeLoss(world: World, archive: Archive): void {
  for (const [camera, units] of world.witness.units) {
    const gaps = gapsOf(world, archive.catalogue, camera)
    judgeCopies(world, archive, units)
    judgeHoles(world, archive, { camera, units, gaps })
    for (const unit of units) if (!archive.copies.has(unit)) judgeLost(world, unit, gaps)
  }
}

function judgeCopies(world: World, { copies }: Archive, units: readonly Captured[]): void {
  for (const unit of units) {
    const firm = (copies.get(unit) ?? []).filter(({ heard }) => heard)
    if (firm.length <= 1) continue
    if (firm.some((copy) => isFromTheGrave(world, copy) || isNameLost(world, copy))) continue
    // A process that was killed has forgotten what it was told; of an object that is not ours any more nothing proves it.
    const forgotten = forgotSince(world, unit.at)
    if (firm.some((copy) => copy.in !== 'object' || world.orphans.has(copy.key)) && forgotten) continue
    world.violated('unit twice', `unit ${unit.index} of ${unit.camera}: ${firm.map(placeOf).join(' and ')}`)
  }
}

/** It was on its way when its process died, and landed when the next one had asked: what was pending may have gone on elsewhere. */
function isFromTheGrave({ bucket }: World, { key, offset }: Copy): boolean {
  const late = bucket.find(key)?.late ?? []
  return late.some(({ from, to, senderIsDead }) => senderIsDead && from <= offset && offset < to)
}

/** A name is written into a segment soon after it is given; a database that is damaged before that takes it along. */
const nameMsMax = 12_000
const isNameLost = ({ bucket, damagedAt }: World, { key }: Copy): boolean =>
  damagedAt.some((at) => {
    const { firstAt = Number.POSITIVE_INFINITY } = bucket.find(key) ?? {}
    return firstAt <= at && at <= firstAt + nameMsMax
  })

const placeOf = ({ key, offset, in: where }: Copy): string => `${key} at ${offset} (${where})`

function judgeHoles(
  world: World,
  { copies }: Archive,
  of: { readonly camera: string; readonly units: readonly Captured[]; readonly gaps: readonly Gap[] },
): void {
  const present = of.units.filter((unit) => copies.has(unit))
  const first = of.units[0]
  const last = present.at(-1)
  if (first === undefined || last === undefined) return
  const spans = [...present, ...of.gaps]
    .map(({ fromMs, toMs }) => ({ fromMs, toMs }))
    .sort((a, b) => a.fromMs - b.fromMs)
  let end = first.fromMs
  for (const { fromMs, toMs } of spans) {
    if (end >= last.toMs) break
    const forgotten = world.damagedAt.some((at) => at >= end) || isForgotten(world, of.units, fromMs)
    if (fromMs - end >= holeMsMin && !forgotten)
      world.violated(
        'unexplained gap',
        `camera ${of.camera}: nothing from ${(end / 1000).toFixed(3)} to ${(fromMs / 1000).toFixed(3)} s`,
      )
    end = Math.max(end, toMs)
  }
}

/** The life that filmed what comes behind the hole said so, to a card that did not take it before that life ended. */
function isForgotten(world: World, units: readonly Captured[], holeEndMs: number): boolean {
  const next = units.find(({ fromMs }) => fromMs >= holeEndMs - 1)
  const end = world.witness.ended.find(({ life }) => life === next?.life)
  return (
    next !== undefined && end !== undefined && badDiskIn(world, next.at, end.at) && badDiskIn(world, end.at, end.at)
  )
}

function judgeLost(world: World, unit: Captured, gaps: readonly Gap[]): void {
  const middle = (unit.fromMs + unit.toMs) / 2
  const causes = new Set(
    gaps.filter(({ fromMs, toMs }) => fromMs <= middle && middle <= toMs).map(({ record }) => record.cause),
  )
  const what = `unit ${unit.index} of ${unit.camera} (${(unit.at / 1000).toFixed(3)} s, ${unit.storedAt === undefined ? 'never stored' : `stored at ${(unit.storedAt / 1000).toFixed(3)} s`}, ${[...causes].join() || 'no gap'})`
  if (unit.rotted) return
  const damaged = world.damagedAt.some((at) => at >= unit.at)
  const mayEvict = world.scale.settings.buffer.quotaBytes < 1e8 || badDiskIn(world, unit.at, Number.POSITIVE_INFINITY)
  if (causes.has('evicted') && mayEvict) return
  // The rest of a GOP whose keyframe went elsewhere is not recorded, and counted like footage that never came.
  if (!unit.keyframe && causes.has('camera')) return
  const end = world.witness.ended.find(({ life }) => life === unit.life)
  if (causes.has('disk') && badDiskIn(world, unit.at, end?.at ?? Number.POSITIVE_INFINITY)) return
  if (unit.storedIn !== undefined) {
    // A full card takes segments with it, also to start on; of a recording in doubt the gap then says `power`.
    if (mayEvict && world.disk.removed.has(unit.storedIn) && causes.size > 0) return
    world.violated('stored and lost', what)
    return
  }
  if (causes.size === 0 && damaged) {
    judgeAge(world, unit, end, what)
    return
  }
  // A card that refuses may keep the end of a hole from being written down, and the next one is named with it; a database
  // that has lost rows does not know what was stored and what was not.
  const isNamed =
    causes.has('power') ||
    (causes.has('corrupt') && damaged) ||
    (causes.has('stopped') && badDiskIn(world, unit.at, end?.at ?? unit.at))
  if (isNamed) judgeAge(world, unit, end, what)
  else world.violated('lost', what)
}

/** Not stored, and its process ended: it may not have been older than this. */
function judgeAge(
  world: World,
  unit: Captured,
  end: { readonly at: number; readonly how: string } | undefined,
  what: string,
): void {
  if (end === undefined) {
    world.violated('lost', what)
    return
  }
  if (badDiskIn(world, unit.at, end.at)) return
  if (end.how === 'stop') {
    world.violated('lost in a stop', what)
    return
  }
  const { spillAfterS } = world.scale.settings.buffer
  const commitMs = world.outageIn(unit.at, end.at) ? 4_000 : 1_000
  const bound = spillAfterS * 1000 + commitMs + 3 * world.device.syncMs[1] + 50
  const age = end.at - unit.at
  if (age > bound)
    world.violated('lost too much', `${what}: it was ${Math.round(age)} ms old, ${Math.round(bound)} are promised`)
}
