/** A benchmark that runs in a process of its own (`runner.ts`), as seen from here. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { OpenBench } from './bench.ts'
import type { BenchResult } from './result.ts'

export interface RemoteBench extends Omit<OpenBench, 'results'> {
  results(): Promise<readonly BenchResult[]>
}

/** Resolves when it is warm. Everything rejects once its process has ended before its time. */
export async function openRemote(name: string): Promise<RemoteBench> {
  const child = fork(fileURLToPath(new URL('./runner.js', import.meta.url)), [name], {
    execArgv: ['--expose-gc'],
  })
  const ended = once(child, 'exit')
  const answer = async (): Promise<unknown> => {
    const early = ended.then(([code]) => {
      throw new Error(`The benchmark ${name} ended with ${code}; its words are above.`)
    })
    const [message] = (await Promise.race([once(child, 'message'), early])) as [unknown]
    return message
  }
  const ask = (order: 'round' | 'results'): Promise<unknown> => {
    const answered = answer()
    child.send(order)
    return answered
  }
  await answer()
  return {
    round: async () => void (await ask('round')),
    results: async () => (await ask('results')) as readonly BenchResult[],
    async close() {
      if (child.connected) child.disconnect()
      await ended
    },
  }
}
