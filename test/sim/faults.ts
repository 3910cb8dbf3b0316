/**
 * The bad days of a world: each kind of fault with how often it comes, and what it does when its moment is there. All of
 * them end by `calmAt`.
 */
import type { Chance } from './chance.ts'
import { type Fate, type Operation, storeWords, wordFate } from './trouble.ts'
import type { World } from './world.ts'

export interface FaultKind {
  readonly name: string
  /** Against the others. */
  readonly weight: number
  readonly about: 'network' | 'store' | 'disk' | 'camera' | 'clock'
  /** @param calmAt in ms of the world: it must be over then */
  begin(world: World, dice: Chance, calmAt: number): void
}

const seconds = 1_000

const silenceAfter = (dice: Chance): number => (dice.is(0.5) ? dice.between(2, 60) : dice.between(2_000, 15_000))

function episode(
  world: World,
  of: { readonly name: string; readonly share: number; readonly ms: number; readonly calmAt: number },
  draw: (operation: Operation) => Fate | undefined,
): void {
  const until = Math.min(of.calmAt, world.time.now() + of.ms)
  const one = { from: world.time.now(), until, hits: 0, share: of.share, name: of.name, draw }
  world.trouble.episodes.push(one)
  world.trouble.past.push(one)
  world.note(`-- ${of.name} for ${Math.round((until - world.time.now()) / 1000)} s, of ${Math.round(of.share * 100)} %`)
}

const durations: readonly (readonly [number, number])[] = [
  [1, 15],
  [15, 60],
  [62, 200],
]

const drawMs = (dice: Chance): number => {
  const [least, most] = dice.pick(durations)
  return dice.between(least, most) * seconds
}

function lossy(dice: Chance, operation: Operation): Fate {
  const afterMs = silenceAfter(dice)
  const what = dice.fraction()
  if (what < 0.3) return { is: 'lost', afterMs }
  if (what < 0.65) return { is: 'reply lost', afterMs }
  if (what < 0.8) return { is: 'slow reply', byMs: dice.between(100, 9_000) }
  return operation === 'append'
    ? { is: 'late', afterMs, laterMs: dice.between(1, dice.pick([300, 3_000, 40_000])) }
    : { is: 'lost', afterMs }
}

const isFootage = (key: string): boolean => key.endsWith('.ts')
const isPlaylist = (key: string): boolean => key.endsWith('.m3u8')
const isRecord = (key: string): boolean => key.includes('events/') || key.includes('health/')

export const faultKinds: readonly FaultKind[] = [
  {
    ...{ name: 'outage', weight: 5, about: 'network' },
    begin(world, dice, calmAt) {
      const afterMs = dice.is(0.6) ? dice.between(2, 60) : dice.between(3_000, 15_000)
      episode(world, { name: 'outage', share: 1, ms: drawMs(dice), calmAt }, () => ({ is: 'unreachable', afterMs }))
    },
  },
  {
    ...{ name: 'lossy link', weight: 5, about: 'network' },
    begin: (world, dice, calmAt) =>
      episode(world, { name: 'lossy link', share: dice.between(0.05, 0.6), ms: drawMs(dice), calmAt }, (operation) =>
        lossy(dice, operation),
      ),
  },
  {
    ...{ name: 'late commits', weight: 3, about: 'network' },
    begin: (world, dice, calmAt) =>
      episode(world, { name: 'late commits', share: dice.between(0.2, 0.9), ms: drawMs(dice), calmAt }, (operation) =>
        operation === 'append'
          ? { is: 'late', afterMs: silenceAfter(dice), laterMs: dice.between(1, dice.pick([200, 3_000, 60_000])) }
          : undefined,
      ),
  },
  {
    ...{ name: 'slow link', weight: 2, about: 'network' },
    begin(world, dice, calmAt) {
      const { link } = world.network
      const before = link.bytesPerS
      link.bytesPerS = dice.pick([300, 900, 3_000])
      world.note(`-- slow link: ${link.bytesPerS} bytes/s`)
      const ms = Math.min(calmAt - world.time.now(), drawMs(dice))
      void world.time.after(ms, () => {
        link.bytesPerS = Math.max(link.bytesPerS, before)
      })
    },
  },
  {
    ...{ name: 'words of the store', weight: 5, about: 'store' },
    begin: (world, dice, calmAt) =>
      episode(
        world,
        { name: 'words of the store', share: dice.between(0.05, 0.7), ms: dice.between(3, 50) * seconds, calmAt },
        (operation) => wordFate(dice, operation),
      ),
  },
  {
    ...{ name: 'one word', weight: 4, about: 'store' },
    begin(world, dice, calmAt) {
      const word = dice.pick(storeWords)
      const share = dice.is(0.5) ? 1 : dice.between(0.2, 0.9)
      episode(
        world,
        { name: `the store says ${word.code}`, share, ms: dice.between(1, 40) * seconds, calmAt },
        (operation) =>
          !word.on.includes(operation)
            ? undefined
            : word.kind === 'clock-skewed'
              ? { is: 'skewed', offsetMs: dice.pick([0, -400, 7_000, 7_200_000]) }
              : { is: 'word', word },
      )
    },
  },
  {
    ...{ name: 'wrong answers', weight: 3, about: 'store' },
    begin: (world, dice, calmAt) =>
      episode(
        world,
        { name: 'wrong answers', share: dice.between(0.05, 0.4), ms: dice.between(2, 40) * seconds, calmAt },
        () => ({ is: dice.pick(['wrong checksum', 'wrong length']) }),
      ),
  },
  {
    ...{ name: 'meddling', weight: 3, about: 'store' },
    begin(world, dice) {
      const is = dice.pick(['deleted', 'replaced', 'foreign', 'foreign twin'] as const)
      const whose = dice.pick([isFootage, isFootage, isFootage, isPlaylist, isRecord])
      const on = dice.pick(['append', 'append', 'inspect'] as const)
      world.note(`-- somebody will meddle: ${is}`)
      world.trouble.ambushes.push({
        ...{ name: is, from: world.time.now(), fate: { is } },
        fits: (operation, key) => operation === on && whose(key) && world.bucket.find(key) !== undefined,
      })
    },
  },
  {
    ...{ name: 'neither link nor card', weight: 2, about: 'disk' },
    begin(world, dice, calmAt) {
      const ms = dice.between(60, 240) * seconds
      episode(world, { name: 'outage', share: 1, ms, calmAt }, () => ({ is: 'unreachable', afterMs: 50 }))
      const until = Math.min(calmAt, world.time.now() + ms)
      world.device.refusal = { kind: dice.pick(['io', 'unwritable']), until }
      world.diskTrouble(until, `refuses (${world.device.refusal.kind})`)
    },
  },
  {
    ...{ name: 'card hangs', weight: 2, about: 'disk' },
    begin(world, dice, calmAt) {
      const ms = dice.pick([dice.between(1, 5), dice.between(30, 90)]) * seconds
      world.device.hungUntil = Math.min(calmAt, world.time.now() + ms)
      world.diskTrouble(world.device.hungUntil, 'hangs')
    },
  },
  {
    ...{ name: 'card refuses', weight: 2, about: 'disk' },
    begin(world, dice, calmAt) {
      const until = Math.min(calmAt, world.time.now() + drawMs(dice))
      world.device.refusal = { kind: dice.pick(['io', 'unwritable']), until }
      world.diskTrouble(until, `refuses (${world.device.refusal.kind})`)
    },
  },
  {
    ...{ name: 'card slow', weight: 2, about: 'disk' },
    begin(world, dice, calmAt) {
      const until = Math.min(calmAt, world.time.now() + drawMs(dice))
      world.device.slow = { factor: dice.pick([10, 60, 300]), until }
      world.diskTrouble(until, `is ${world.device.slow.factor} times slower`)
    },
  },
  {
    ...{ name: 'card full', weight: 2, about: 'disk' },
    begin(world, dice, calmAt) {
      const { device } = world
      const until = Math.min(calmAt, world.time.now() + drawMs(dice))
      device.capacityBytes = device.segmentBytes() + dice.whole(0, 40) * 1024
      world.diskTrouble(until, 'is nearly full')
      void world.time.after(until - world.time.now(), () => {
        device.capacityBytes = Number.POSITIVE_INFINITY
      })
    },
  },
  {
    ...{ name: 'rot', weight: 2, about: 'disk' },
    begin(world, dice) {
      if (world.damagedAt.length > 0) return
      const rotten = world.disk.rot(dice, world.witness.isFootage)
      if (rotten === undefined) return
      const unit = world.witness.rotted(rotten.piece.bytes)
      world.isRotten = true
      world.note(`-- a bit of segment ${rotten.segment} changes (unit ${unit?.index} of ${unit?.camera})`)
    },
  },
  {
    ...{ name: 'camera silent', weight: 2, about: 'camera' },
    begin(world, dice) {
      const camera = dice.pick(world.cameras.all)
      camera.silentUntil = world.time.now() + dice.between(1, 25) * seconds
      world.note(`-- camera ${camera.plan.name} is silent`)
    },
  },
  {
    ...{ name: 'camera leaves', weight: 2, about: 'camera' },
    begin(world, dice) {
      const camera = dice.pick(world.cameras.all)
      world.note(`-- camera ${camera.plan.name} leaves`)
      camera.leave?.()
    },
  },
  {
    ...{ name: 'camera jumps', weight: 2, about: 'camera' },
    begin(world, dice) {
      const camera = dice.pick(world.cameras.all)
      camera.jumpTicks = dice.pick([-1, 1]) * dice.whole(100, 10_000_000)
      world.note(`-- camera ${camera.plan.name} jumps by ${camera.jumpTicks} ticks`)
    },
  },
  {
    ...{ name: 'camera resizes', weight: 1, about: 'camera' },
    begin(world, dice) {
      const camera = dice.pick(world.cameras.all)
      camera.size = camera.size === 0 ? 1 : 0
      world.note(`-- camera ${camera.plan.name} changes its picture`)
    },
  },
  {
    ...{ name: 'clock steps', weight: 1, about: 'clock' },
    begin(world, dice) {
      world.wall.offsetMs = dice.pick([0, dice.between(-5_000, 5_000), dice.between(-4e7, 4e7)])
      world.note(`-- the wall clock is ${Math.round(world.wall.offsetMs)} ms off`)
    },
  },
]

export function pickFault(dice: Chance): FaultKind {
  let left = dice.fraction() * faultKinds.reduce((sum, { weight }) => sum + weight, 0)
  for (const kind of faultKinds) {
    left -= kind.weight
    if (left < 0) return kind
  }
  return dice.pick(faultKinds)
}
