/** A camera with a real process, the real clock and the real splitter, recorded into memory. */
import { createChildStarter } from '../../src/adapters/child-process.ts'
import { inspectFfmpeg } from '../../src/adapters/ffmpeg.ts'
import { systemClock } from '../../src/adapters/system-clock.ts'
import { systemRandom } from '../../src/adapters/system-random.ts'
import type { Logger } from '../../src/base/log.ts'
import { createCamera } from '../../src/capture/camera.ts'
import { probeCamera } from '../../src/capture/camera-probe.ts'
import type { CameraSource } from '../../src/capture/camera-source.ts'
import type { FootageGap } from '../../src/capture/recorder.ts'
import { createCameraRun } from '../../src/capture/run-splitter.ts'
import type { CameraState, CameraStatus } from '../../src/format/status.ts'
import { createMemorySink } from './memory-sink.ts'

export interface RealCamera {
  readonly sink: ReturnType<typeof createMemorySink>
  readonly gaps: readonly FootageGap[]
  /** Every log line, of all levels. */
  readonly lines: readonly string[]
  status(): CameraStatus
  /** Waits until it is in this state with a problem that holds `words`, or throws with its log. */
  reach(state: CameraState, words?: string): Promise<CameraStatus>
  /** Waits for this many units more than there are now. */
  units(more: number): Promise<void>
  stop(): Promise<void>
}

/** Only keeps a broken test from hanging: nothing here takes as long on a slow board. */
const deadlineMs = 50_000

export async function startRealCamera(source: CameraSource, name = 'door'): Promise<RealCamera> {
  const sink = createMemorySink()
  const gaps: FootageGap[] = []
  const lines: string[] = []
  const world = {
    clock: systemClock,
    random: systemRandom,
    children: createChildStarter(),
    log: everyLine(lines),
    sink,
    wallTime: { at: () => undefined },
    gap: (gap: FootageGap) => void gaps.push(gap),
    newRun: createCameraRun,
  }
  const facts = await inspectFfmpeg()
  const camera = createCamera(world, { name, source, rolloverBytes: 1 << 30, facts })
  const stopping = new AbortController()
  const over = camera.run(stopping.signal)

  async function until(what: string, isSo: () => boolean): Promise<void> {
    for (let waited = 0; !isSo(); waited += 50) {
      if (waited > deadlineMs) {
        const said = `${JSON.stringify(camera.status())}\n${lines.join('\n')}`
        throw new Error(`the camera did not get to ${what}; it is ${said}`)
      }
      await systemClock.sleep(50)
    }
  }

  return {
    sink,
    gaps,
    lines,
    status: camera.status,
    async reach(state, words = '') {
      await until(`${state} ${words}`, () => {
        const now = camera.status()
        return now.state === state && (now.problem ?? '').includes(words)
      })
      return camera.status()
    },
    async units(more) {
      const wanted = camera.status().unitsCaptured + more
      await until(`${wanted} units`, () => camera.status().unitsCaptured >= wanted)
    },
    async stop() {
      stopping.abort()
      await over
    },
  }
}

export async function probeReal(source: CameraSource, seconds: number) {
  const world = { clock: systemClock, children: createChildStarter(), newRun: createCameraRun }
  const camera = { name: 'door', source, facts: await inspectFfmpeg() }
  return await probeCamera(world, camera, seconds, new AbortController().signal)
}

function everyLine(lines: string[]): Logger {
  const at = (level: string) => (event: string, message: string, fields?: object) =>
    void lines.push(JSON.stringify({ level, event, message, ...fields }))
  const log: Logger = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error'), with: () => log }
  return log
}
