/** What does this camera really send? `watchpost check` asks before anybody relies on it. Nothing is recorded. */
import { err, ok, type Result } from '../base/result.ts'
import { type CommandFacts, commandFor } from './camera-command.ts'
import { type LifeWorld, liveOnce } from './camera-life.ts'
import type { CameraRun, CameraRunOptions, RunState } from './camera-run.ts'
import type { CameraSource } from './camera-source.ts'
import { sentenceFor } from './camera-words.ts'

export interface ProbeWorld extends LifeWorld {
  newRun(options: CameraRunOptions): CameraRun
}

export interface CameraFindings {
  readonly codec: string
  readonly width: number | undefined
  readonly height: number | undefined
  readonly framesPerS: number | undefined
  readonly bitsPerS: number | undefined
  /** `undefined` if no second keyframe came while we looked. */
  readonly gopMs: number | undefined
}

/** A second keyframe is waited for this much longer than asked: cameras with 10 s from keyframe to keyframe exist. */
const patience = 4

/**
 * @param seconds how long to look from the first whole picture on; the first picture itself may take 20 s
 * @returns what was found, or one sentence for people: what is wrong and what to do
 */
export async function probeCamera(
  world: ProbeWorld,
  camera: { readonly name: string; readonly source: CameraSource; readonly facts: CommandFacts },
  seconds: number,
  signal: AbortSignal,
): Promise<Result<CameraFindings, string>> {
  const command = commandFor(camera.name, camera.source, camera.facts)
  if (!command.ok) return err(command.error)
  const enough = new AbortController()
  let firstSeenAt: number | undefined
  function look(state: RunState): void {
    if (state.lastKeyframeAt === undefined) return
    const now = world.clock.mono()
    firstSeenAt ??= now
    const lookedS = (now - firstSeenAt) / 1000
    if (lookedS >= seconds * patience || (lookedS >= seconds && state.gopMs !== undefined)) enough.abort()
  }
  const report = await liveOnce(
    world,
    {
      command: command.value,
      run: world.newRun({ notBefore: undefined, targetDurationS: undefined }),
      longestGopMs: undefined,
      listener: { onBytes: () => {}, onUnits: () => {}, onLine: () => {}, onTurn: look, onEnding: () => {} },
    },
    AbortSignal.any([signal, enough.signal]),
  )
  const { end, state, words } = report
  if (end.kind !== 'stopped') return err(sentenceFor(end, { camera: camera.name, source: camera.source.kind, words }))
  if (state.codec === undefined) return err(`Camera '${camera.name}' was not looked at to the end.`)
  const { codec, width, height, framesPerS, bitsPerS, gopMs } = state
  return ok({ codec, width, height, framesPerS, bitsPerS, gopMs })
}
