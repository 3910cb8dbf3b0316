/**
 * Everything of one seed: card, network, store, cameras, and the recorder's lives one after the other. The recorder is
 * the real one (`createApp`, `openBuffer`, time correction, liveness); only what it stands on is simulated.
 */
import type { App } from '../../src/app.ts'
import { limits } from '../../src/base/limits.ts'
import type { Buffer as FootageBuffer } from '../../src/buffer/buffer.ts'
import { type Cameras, createCameras } from './cameras.ts'
import { type Chance, chanceOf } from './chance.ts'
import { type Coverage, createCoverage } from './coverage.ts'
import { createDevice, type Device } from './device.ts'
import { createDisk, type SimDisk } from './disk.ts'
import { noteOrphans } from './forgotten.ts'
import { createInputs, type SimInputs } from './inputs.ts'
import { createKv, type SimKv } from './kv.ts'
import { createLedger, type Ledger } from './ledger.ts'
import { type Boot, createLife, type Life, type WallClock } from './life.ts'
import type { NetworkWorld } from './network.ts'
import { type Bucket, createBucket } from './objects.ts'
import { startLife } from './recorder.ts'
import { type Scale, scaleOf } from './scale.ts'
import { createTime, type SimTime } from './time.ts'
import { createTrouble, type Trouble } from './trouble.ts'
import { createWitness, type Witness } from './witness.ts'

export interface Violation {
  readonly rule: string
  readonly what: string
}

export interface Running {
  readonly life: Life
  readonly buffer: FootageBuffer
  readonly app: App
}

export interface World {
  readonly seed: number
  readonly time: SimTime
  readonly chance: Chance
  readonly scale: Scale
  readonly device: Device
  readonly disk: SimDisk
  readonly kv: SimKv
  readonly bucket: Bucket
  readonly trouble: Trouble
  readonly ledger: Ledger
  readonly network: NetworkWorld
  readonly cameras: Cameras
  readonly inputs: SimInputs
  readonly wall: WallClock
  readonly witness: Witness
  readonly coverage: Coverage
  readonly violations: Violation[]
  readonly history: string[]
  readonly tells: boolean
  /** When the card did not do what it should, in ms of the world. */
  readonly badDisk: { readonly from: number; readonly until: number }[]
  /**
   * Objects whose names their life could not write down, since the card took nothing, before it ended: such a name is used
   * from memory after a while, and nobody knows of it afterwards (`limits.diskPatienceMs`).
   */
  readonly orphans: Set<string>
  /** Bytes that were read for the uplink and may be on their way, by recording: nobody may give them up. */
  readonly pinned: Map<string, number>
  /** When the database was damaged. */
  readonly damagedAt: number[]
  /** A bit of what was stored has changed. */
  isRotten: boolean
  running: Running | undefined
  diskTrouble(until: number, what: string): void
  /** In some of this time no footage had been confirmed for so long that larger groups are written. */
  outageIn(from: number, to: number): boolean
  note(text: string): void
  violated(rule: string, what: string): void
  /** A new boot, or the same one again. False if the buffer did not open. */
  start(boot: Boot, drained?: boolean): Promise<boolean>
  /** Ends the life that runs, at once. */
  end(how: 'kill' | 'power'): void
  /** As SIGTERM does. */
  stop(): Promise<void>
  newBoot(): Boot
}

const historyMax = 4_000
/** `segment-writer.ts`, less what a confirmation takes from the wire to the buffer. */
const outageMsMin = 14_000
/** `commands/run.ts` lets the uplink go on for so long. */
const drainMsMax = 3_000
/** Beyond `limits.stopMs` the process ends itself; a stop that would never have come back is worse than one that is late. */
const stopMsMax = 12_000

export function createWorld(seed: number, options: { readonly tells: boolean }): World {
  const time = createTime()
  const chance = chanceOf(seed, 'script')
  const history: string[] = []
  const violations: Violation[] = []
  const note = (text: string): void => {
    if (options.tells && history.length < historyMax)
      history.push(`${(time.now() / 1000).toFixed(3).padStart(9)}  ${text}`)
  }
  const violated = (rule: string, what: string): void => {
    if (violations.length < 50) violations.push({ rule, what: `${what} (at ${(time.now() / 1000).toFixed(3)} s)` })
    note(`VIOLATED ${rule}: ${what}`)
  }
  const witness = createWitness()
  const device = createDevice(time, chanceOf(seed, 'device'))
  const scale = scaleOf(chanceOf(seed, 'scale'))
  const bucket = createBucket()
  bucket.sizeLimit = scale.objectBytesMax
  const netChance = chanceOf(seed, 'network')
  const trouble = createTrouble(time.now, netChance)
  const coverage = createCoverage()
  const ledger = createLedger(time.now, violated)
  const link = { rttMs: netChance.pick([8, 30, 80, 250]), bytesPerS: netChance.pick([20_000, 100_000, 1_000_000]) }
  let lives = 0
  let boots = 0

  const world: World = {
    ...{
      seed,
      time,
      chance,
      scale,
      device,
      bucket,
      trouble,
      ledger,
      coverage,
      witness,
      violations,
      history,
      tells: options.tells,
      note,
      violated,
    },
    disk: createDisk(device, chanceOf(seed, 'disk'), (bytes, segment) => witness.stored(bytes, segment, time.now())),
    kv: createKv(device, chanceOf(seed, 'kv'), (key, value) => {
      if (!key.startsWith('l/')) return
      const track = key.slice(2, key.lastIndexOf('/'))
      for (const text of value.trimEnd().split('\n')) witness.destroyedLines.push({ track, text, at: time.now() })
    }),
    network: {
      time,
      chance: netChance,
      bucket,
      trouble,
      ledger,
      coverage,
      link,
      note,
      hurts: new Map(),
      onAppend: undefined,
    },
    cameras: createCameras(time, chanceOf(seed, 'cameras'), scale.cameras),
    inputs: createInputs(),
    wall: { offsetMs: 0, driftPerMs: chance.between(-50e-6, 50e-6) },
    ...{ badDisk: [], orphans: new Set(), pinned: new Map(), damagedAt: [], isRotten: false, running: undefined },
    diskTrouble(until, what) {
      // What a slow card has begun by then takes its time.
      const slowMs = device.slow === undefined ? 0 : device.slow.factor * device.syncMs[1]
      world.badDisk.push({ from: time.now(), until: until + slowMs })
      note(`-- the card ${what} until ${Math.round(until / 1000)} s`)
    },
    outageIn(from, to) {
      let since = 0
      for (const at of [...ledger.footageHeardAt, Number.POSITIVE_INFINITY]) {
        if (since >= to) return false
        if (Math.min(at, to) - since > outageMsMin && at > from) return true
        since = at
      }
      return false
    },
    newBoot() {
      boots += 1
      const before = chance.whole(3_000, 25_000)
      return { id: `boot-${seed}-${boots}`, zeroAt: time.now() - before }
    },
    async start(boot, drained = false) {
      lives += 1
      const life = createLife(time, boot, world.wall, lives)
      world.pinned.clear()
      note(`life ${lives} begins (${boot.id})`)
      return startLife(world, life, drained)
    },
    end(how) {
      const { running } = world
      if (running === undefined) return
      running.life.dead = true
      world.running = undefined
      witness.ended.push({ life: running.life.number, at: time.now(), how })
      note(how === 'kill' ? `life ${running.life.number} is killed` : `the power fails in life ${running.life.number}`)
      world.disk.endLife(how)
      world.kv.endLife(how)
      noteOrphans(world)
    },
    async stop() {
      const { running } = world
      if (running === undefined) return
      const { life, app, buffer } = running
      note(`life ${life.number} is told to stop`)
      const began = time.now()
      let done = false
      const stopped = app
        .stop(drainMsMax)
        .then(() => buffer.close())
        .then(() => {
          done = true
        })
      await Promise.race([stopped, time.sleep(limits.stopMs)])
      const inTime = done
      // As `run` does: too long is the end of the process, and the next start recovers.
      if (!inTime) await Promise.race([stopped, time.sleep(stopMsMax - limits.stopMs)])
      if (!done) violated('does not stop', `life ${life.number} was told to stop ${stopMsMax} ms ago`)
      life.dead = true
      world.running = undefined
      witness.ended.push({ life: life.number, at: time.now(), how: inTime ? 'stop' : 'kill' })
      note(`life ${life.number} has stopped after ${Math.round(time.now() - began)} ms`)
      world.disk.endLife('kill')
      world.kv.endLife('kill')
      noteOrphans(world)
    },
  }
  return world
}
