/**
 * The story of a seed: ten minutes and more in which faults come and lives end, then calm, then a last life without
 * cameras in which everything must drain.
 */
import type { Chance } from './chance.ts'
import { chanceOf } from './chance.ts'
import { faultKinds, pickFault } from './faults.ts'
import type { Boot } from './life.ts'
import type { World } from './world.ts'

export interface Weight {
  readonly chaosMs: number
  readonly units: number
  readonly faults: number
  readonly ends: number
}

const minute = 60_000
const chaosMsMin = 10 * minute
const unitsMin = 200
/** A world in which so little is filmed that it takes longer has something wrong with it. */
const chaosMsMax = 40 * minute
const calmMs = 50_000
const drainMsMax = 3 * 60 * minute

export async function play(world: World): Promise<Weight> {
  const { time, witness } = world
  const dice = chanceOf(world.seed, 'story')
  const state: Story = { world, dice, boot: world.newBoot(), faults: 0, over: false }
  if (dice.is(0.3)) world.wall.offsetMs = -Date.UTC(2026, 10, 23)
  await startUntilOpen(state)
  const chaosMs = chaosMsMin + dice.between(0, 20_000)
  const moments = plan(state, chaosMs)
  for (const { at, what } of moments) {
    await time.sleep(at - time.now())
    await what()
  }
  await time.sleep(chaosMs - time.now())
  while (witness.total() < unitsMin && time.now() < chaosMsMax) await time.sleep(2_000)
  state.over = true
  const weight = { chaosMs: time.now(), units: witness.total(), faults: state.faults, ends: witness.ended.length }
  await calm(state)
  return weight
}

interface Story {
  readonly world: World
  readonly dice: Chance
  boot: Boot
  faults: number
  over: boolean
}

interface Planned {
  readonly at: number
  readonly what: () => Promise<void> | void
}

function plan(story: Story, chaosMs: number): Planned[] {
  const { dice, world } = story
  const planned: Planned[] = []
  const count = dice.whole(4, 10)
  // Faults like company: half of them come near a death or another fault.
  const centres = Array.from({ length: dice.whole(1, 3) }, () => dice.between(50_000, chaosMs - 60_000))
  const moment = (): number =>
    dice.is(0.5)
      ? Math.min(chaosMs - 10_000, Math.max(5_000, dice.pick(centres) + dice.between(-45_000, 8_000)))
      : dice.between(10_000, chaosMs - 30_000)
  const network = faultKinds.filter(({ about }) => about === 'network' || about === 'store')
  for (let n = 0; n < count; n += 1) {
    const kind = n < 3 ? dice.pick(network) : pickFault(dice)
    planned.push({
      at: moment(),
      what() {
        story.faults += 1
        kind.begin(world, dice, chaosMs)
      },
    })
  }
  for (const centre of centres) planned.push({ at: centre, what: () => endAndBegin(story) })
  if (world.scale.withInput) {
    for (let n = dice.whole(1, 4); n > 0; n -= 1)
      planned.push({ at: dice.between(5_000, chaosMs - 30_000), what: () => motion(story) })
  }
  return planned.sort((one, other) => one.at - other.at)
}

function motion({ world, dice }: Story): void {
  world.note('-- motion')
  world.inputs.set(1)
  void world.time.after(dice.between(300, 15_000), () => world.inputs.set(0))
}

/** The life ends, some way, at a moment of its choice; the next begins after a while. */
async function endAndBegin(story: Story): Promise<void> {
  const { world, dice } = story
  const how = dice.pick(['kill', 'kill', 'power', 'power', 'power', 'stop', 'stop and reboot'] as const)
  if (how === 'kill' || how === 'power') {
    await aim(story)
    world.end(how)
    if (how === 'power') damage(story)
  } else await world.stop()
  const reboot = how === 'power' || how === 'stop and reboot'
  await world.time.sleep(reboot ? dice.between(4_000, 30_000) : dice.between(300, 6_000))
  if (reboot) {
    story.boot = world.newBoot()
    if (dice.is(0.3)) world.wall.offsetMs = dice.pick([0, -Date.UTC(2026, 10, 23), dice.between(-3e6, 3e6)])
  }
  await startUntilOpen(story)
}

/** Often the plug is pulled in the middle of something: waits for it, some seconds at most. */
async function aim({ world, dice }: Story): Promise<void> {
  const at = dice.pick(['any time', 'any time', 'segment', 'index', 'append', 'append'] as const)
  if (at === 'any time') return
  const skip = dice.whole(0, 3)
  await Promise.race([world.time.sleep(dice.between(5_000, 20_000)), underWay(world, at, dice, skip)])
  world.device.onOperation = undefined
  world.network.onAppend = undefined
}

function underWay(world: World, at: 'segment' | 'index' | 'append', dice: Chance, skip: number): Promise<void> {
  let left = skip
  return new Promise((resolve) => {
    const strike = (endsInMs: number): void => {
      left -= 1
      if (left >= 0) return
      world.device.onOperation = undefined
      world.network.onAppend = undefined
      void world.time.after(dice.between(0, endsInMs), resolve)
    }
    if (at === 'append') world.network.onAppend = (_arrivesInMs, answersInMs) => strike(answersInMs)
    else
      world.device.onOperation = (what, endsInMs) => {
        if (what === at) strike(endsInMs)
      }
  })
}

/** A database that lost its power does not always open again. */
function damage({ world, dice }: Story): void {
  // With a bad bit beside it, what the segments say of the lost rows may be wrong: two damages at once are not promised.
  if (!dice.is(0.05) || world.isRotten) return
  const how = dice.pick(['damaged', 'hopeless'] as const)
  const share = dice.pick([0.05, 0.3, 1])
  world.kv.damage(how, share)
  world.damagedAt.push(world.time.now())
  world.note(`-- the database is ${how}${how === 'damaged' ? `, ${share * 100} % of its rows are lost` : ''}`)
}

const openTriesMax = 60

async function startUntilOpen(story: Story): Promise<void> {
  const { world, dice } = story
  for (let tries = 0; ; tries += 1) {
    if (await world.start(story.boot)) return
    if (tries > openTriesMax || story.over) world.violated('does not open', `after ${tries + 1} tries`)
    if (tries > openTriesMax) throw new Error('the buffer does not open')
    await world.time.sleep(dice.between(2_000, 6_000))
  }
}

async function calm(story: Story): Promise<void> {
  const { world } = story
  const { time, trouble, device, network } = world
  world.note('-- calm')
  trouble.episodes.length = 0
  trouble.ambushes.length = 0
  device.hungUntil = 0
  device.refusal = undefined
  device.slow = undefined
  device.capacityBytes = Number.POSITIVE_INFINITY
  network.link.bytesPerS = 1_000_000
  for (const camera of world.cameras.all) camera.silentUntil = 0
  world.inputs.set(0)
  if (world.running === undefined) await startUntilOpen(story)
  await time.sleep(calmMs)
  await world.stop()
  story.boot = world.newBoot()
  await time.sleep(5_000)
  if (!(await world.start(story.boot, true))) throw new Error('the buffer does not open in calm')
  const until = time.now() + drainMsMax
  while (time.now() < until && waits(world) !== undefined) await time.sleep(1_000)
  const left = waits(world)
  if (left !== undefined) world.violated('does not drain', left)
  // Reports and catalogue lines of the last minute.
  await time.sleep(20_000)
  await world.stop()
}

/** What is still to be done, in words. */
function waits({ running }: World): string | undefined {
  for (const id of running?.buffer.held() ?? []) {
    const held = running?.buffer.recording(id)
    if (held === undefined) continue
    if (held.head.video !== undefined || held.closed || held.pending.length > 0 || held.doubt !== undefined) {
      return `${id.track} ${id.boot}/${id.number}: ${held.pending.length} pending${held.doubt ? ', in doubt' : ''}${held.closed ? ', closed' : ''}`
    }
  }
  return undefined
}
