/**
 * Seeds on several threads. Each takes the next one when it is done; a thread of which nothing was heard for long holds a
 * seed that never ends, and is replaced.
 */
import { fileURLToPath } from 'node:url'
import { isMainThread, parentPort, Worker } from 'node:worker_threads'
import { installLightAbort } from './light-abort.ts'
import { runSeed, type SeedResult } from './run-seed.ts'
import { shortStory } from './story.ts'

export interface Done {
  readonly result: Omit<SeedResult, 'history'>
  readonly story: readonly string[]
}

/** Of real time; a seed takes a tenth of a second. */
const silenceMsMax = 60_000

/** Room for a world's short-lived things, so that few of them are looked at by the collector. */
const resourceLimits = { maxYoungGenerationSizeMb: 64 }
const begin = (): Worker => new Worker(fileURLToPath(import.meta.url), { resourceLimits })

/** @param next the seed to run, until there is none */
export async function runJobs(
  jobs: number,
  next: () => number | undefined,
  on: { done(done: Done): void; hung(seed: number): void },
): Promise<void> {
  await Promise.all(Array.from({ length: jobs }, () => runThread(next, on)))
}

function runThread(
  next: () => number | undefined,
  on: { done(done: Done): void; hung(seed: number): void },
): Promise<void> {
  return new Promise((resolve, reject) => {
    let worker = begin()
    let timer: NodeJS.Timeout | undefined

    function give(): void {
      clearTimeout(timer)
      const seed = next()
      if (seed === undefined) {
        void worker.terminate()
        resolve()
        return
      }
      timer = setTimeout(() => {
        on.hung(seed)
        void worker.terminate()
        worker = begin()
        listen()
        give()
      }, silenceMsMax)
      worker.postMessage(seed)
    }
    function listen(): void {
      worker.on('message', (done: Done) => {
        on.done(done)
        give()
      })
      worker.on('error', reject)
    }
    listen()
    give()
  })
}

/** As a thread answers; the same on the main thread, for whoever wants one seed only. */
export async function answer(seed: number): Promise<Done> {
  const { history: _none, ...result } = await runSeed(seed, { tells: false })
  if (result.violations.length === 0) return { result, story: [] }
  const told = await runSeed(seed, { tells: true })
  return { result, story: shortStory(told.history) }
}

if (!isMainThread) {
  installLightAbort()
  parentPort?.on('message', (seed: number) => {
    void answer(seed).then((done) => parentPort?.postMessage(done))
  })
}
