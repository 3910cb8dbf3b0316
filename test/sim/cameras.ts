/**
 * Cameras as processes that write MPEG-TS: a frame at a time, a little late each, sometimes a second's worth in a burst at
 * the beginning. On request one falls silent, leaves, jumps in its time stamps, or changes its picture.
 *
 * Frames come every 0.8 s or so: the recorder counts in units, and the fewer frames a unit has, the faster time flies.
 */
import type { Child, ChildExit, ChildListener, ChildStarter } from '../../src/capture/child.ts'
import type { Chance } from './chance.ts'
import { type Life, never } from './life.ts'
import { createStreamMaker, type PictureKind } from './stream.ts'
import type { SimTime } from './time.ts'

export interface CameraPlan {
  readonly name: string
  readonly framesPerGop: number
  readonly frameMs: number
}

/** What is wrong with a camera now. It belongs to the camera, not to one of its processes. */
export interface CameraState {
  readonly plan: CameraPlan
  /** No bytes until then, in ms of the world. */
  silentUntil: number
  size: PictureKind
  /** Added to its time stamps from the next frame on. */
  jumpTicks: number
  /** The process of the life that runs: ends it by itself. */
  leave: (() => void) | undefined
}

export interface Cameras {
  readonly all: readonly CameraState[]
  starterFor(life: Life): ChildStarter
}

const ticksPerMs = 90

export function createCameras(time: SimTime, chance: Chance, plans: readonly CameraPlan[]): Cameras {
  let serial = 0
  const nextSerial = (): number => {
    serial += 1
    return serial
  }
  const all = plans.map((plan): CameraState => {
    return { plan, silentUntil: 0, size: 0, jumpTicks: 0, leave: undefined }
  })

  function start(life: Life, camera: CameraState, listener: ChildListener): Child {
    const { framesPerGop, frameMs } = camera.plan
    const maker = createStreamMaker(nextSerial)
    const beganAt = time.now() + chance.between(100, 1_200)
    const burstMs = chance.is(0.3) ? chance.between(300, 1_500) : 0
    let ticks = Math.floor(chance.fraction() * 2 ** 33)
    let frames = 0
    let over = false
    let exited: (exit: ChildExit) => void = () => {}
    const exit = new Promise<ChildExit>((resolve) => {
      exited = resolve
    })
    const end = (how: ChildExit): void => {
      if (over) return
      over = true
      if (camera.leave === leave) camera.leave = undefined
      if (!life.dead) exited(how)
    }
    const leave = (): void => end({ kind: 'exited', code: 1 })
    camera.leave = leave

    function next(): void {
      const due = beganAt + frames * frameMs + chance.between(5, 60)
      time.after(Math.max(due, beganAt + burstMs) - time.now(), send)
    }
    function send(): void {
      if (over || life.dead) return
      ticks += camera.jumpTicks
      camera.jumpTicks = 0
      const keyframe = frames % framesPerGop === 0
      const packets = keyframe ? chance.whole(1, 5) : chance.whole(1, 2)
      const bytes = maker.frame({ ticks, keyframe, packets, size: camera.size })
      frames += 1
      ticks += frameMs * ticksPerMs
      if (time.now() >= camera.silentUntil) listener.onBytes(bytes)
      if (!over) next()
    }
    next()
    return {
      exit,
      async stop() {
        if (life.dead) return never()
        if (over) return true
        await life.clock.sleep(chance.between(5, 150))
        end({ kind: 'killed', signal: 'SIGTERM' })
        return true
      },
    }
  }

  return {
    all,
    starterFor: (life) => ({
      start({ argv }, listener) {
        const camera = all.find(({ plan }) => plan.name === argv[1])
        if (camera === undefined) throw new Error(`no camera ${argv[1]}`)
        return start(life, camera, listener)
      },
    }),
  }
}
