/** The recorder itself, on the ports of a world: what `commands/run.ts` does with the real ones. */
import { type App, createApp } from '../../src/app.ts'
import { wallMs } from '../../src/base/clock.ts'
import { createLogger, type Logger, silentLogger } from '../../src/base/log.ts'
import type { Buffer as FootageBuffer } from '../../src/buffer/buffer.ts'
import { openBuffer } from '../../src/buffer/open-buffer.ts'
import { memoryLimits } from '../../src/buffer/stage.ts'
import { debianFfmpeg } from '../../src/capture/camera-command.ts'
import { createLiveness } from '../../src/health/liveness.ts'
import type { Machine } from '../../src/health/machine.ts'
import { createTimeCorrection, type TimeCorrection } from '../../src/uplink/time-correction.ts'
import { chanceOf } from './chance.ts'
import type { Life } from './life.ts'
import { storeFor } from './network.ts'
import { createPlanMirror } from './plan-mirror.ts'
import { checkLimits, watched } from './watched-buffer.ts'
import type { Witness } from './witness.ts'
import type { World } from './world.ts'

/** @returns false if the buffer did not open */
export async function startLife(world: World, life: Life, drained: boolean): Promise<boolean> {
  const { time, scale, witness, violated } = world
  const { clock } = life
  const log = logOf(world, life)
  let app: App | undefined
  const wallTime = createTimeCorrection(clock, (offset, before) => app?.clockCorrected(offset, before))
  const fatal = (name: string, error: unknown): void => {
    if (life.dead) return
    violated(
      'fatal',
      `${name} in life ${life.number}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
    )
  }
  const { buffer: asked } = scale.settings
  const opened = await openBuffer({
    ...{ quotaBytes: asked.quotaBytes, minFreeBytes: asked.minFreeBytes, memory: memoryLimits(asked) },
    ...{ kv: world.kv.storeFor(life), disk: world.disk.diskFor(life), clock, wallTime, log },
    bootId: life.boot.id,
    fatal: (error) => fatal('buffer', error),
    sizes: scale.sizes,
  })
  if (!opened.ok) {
    world.note(`the buffer does not open: ${opened.error.message}`)
    life.dead = true
    world.kv.endLife('kill')
    return false
  }
  const buffer = opened.value
  witness.boots.set(buffer.boot.counter, life.boot)
  app = createApp(portsOf(world, { life, log, buffer, wallTime, fatal }))
  world.running = { life, buffer, app }
  await app.apply(drained ? scale.drained : scale.settings)
  return time.now() >= 0
}

interface Parts {
  readonly life: Life
  readonly log: Logger
  readonly buffer: FootageBuffer
  readonly wallTime: TimeCorrection
  readonly fatal: (name: string, error: unknown) => void
}

function portsOf(world: World, { life, log, buffer, wallTime, fatal }: Parts) {
  const { clock } = life
  const { time, witness } = world
  const mirror = createPlanMirror(() => (life.dead ? undefined : buffer))
  return {
    ...{ clock, log, version: 'sim', time: wallTime, fatal },
    random: chanceOf(world.seed, `life ${life.number}`),
    buffer: watched(world, life, buffer),
    children: world.cameras.starterFor(life),
    facts: debianFfmpeg,
    lines: world.inputs.linesFor(life),
    openStore: () => storeFor(world.network, { life, clock: wallTime, mirror }),
    liveness: createLiveness(clock.mono),
    supervisor: {
      watchdogMs: undefined,
      ready: () => {},
      alive: () => {},
      stuck: (text: string) => world.violated('stuck', text),
      stopping: () => {},
    },
    probes: { look: async () => machine },
    openSchedule: () => ({ next: () => wallMs((Math.floor(clock.wall() / 120_000) + 1) * 120_000) }),
    proof: {
      camera: () => {},
      unit(camera: string, unit: Parameters<Witness['capture']>[2]): void {
        witness.capture(camera, life, unit, time.now())
        if (witness.total() % 4 === 0) checkLimits(world, buffer)
      },
    },
  }
}

const machine: Machine = {
  ...{ uptimeMs: 1, load1: 0, cpus: 4, memoryBytes: 1e9, memoryAvailableBytes: 5e8, processBytes: 8e7 },
  ...{ diskBytes: 3e10, diskFreeBytes: 2e10, temperatureC: 50, underVoltage: false },
}

function logOf(world: World, life: Life): Logger {
  if (!world.tells) return silentLogger
  const sink = {
    write(line: string): void {
      const { level, event, message } = JSON.parse(line) as Record<string, string>
      world.note(`  [${life.number}] ${level} ${event}: ${message}`)
    },
  }
  return createLogger({ sink, clock: life.clock })
}
