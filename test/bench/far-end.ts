/** The far end of a line, in a process of its own: what is measured is the sender. Gone when its parent is. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { createOssStore, type OssStore } from '../../src/adapters/oss-store.ts'
import { systemClock } from '../../src/adapters/system-clock.ts'
import { Secret } from '../../src/base/secret.ts'

/** What the child says once it listens. */
export interface FarEndAddress {
  readonly port: number
  readonly url: string
  readonly bucket: string
  readonly region: string
  readonly accessKeyId: string
  readonly accessKeySecret: string
}

export interface FarEnd {
  readonly address: FarEndAddress
  close(): Promise<void>
}

/** The least a store has to do: take the body and sum it, keep nothing. */
export const startSink = (): Promise<FarEnd> => start(['sink'])

/** The stand-in. @param bytesPerS speed of its line, in each direction; left out, as fast as it goes */
export const startBucket = (dir: string, bytesPerS?: number): Promise<FarEnd> =>
  start(['bucket', dir, ...(bytesPerS === undefined ? [] : [String(bytesPerS)])])

export function connect({ bucket, region, url, accessKeyId, accessKeySecret }: FarEndAddress): OssStore {
  return createOssStore({
    ...{ bucket, region, endpoint: url, pathStyle: true, clock: systemClock },
    credentials: () => ({ accessKeyId, accessKeySecret: new Secret(accessKeySecret) }),
  })
}

async function start(args: readonly string[]): Promise<FarEnd> {
  const child: ChildProcess = fork(fileURLToPath(new URL('./far-end-child.js', import.meta.url)), args)
  const ended = once(child, 'exit')
  const first = await Promise.race([
    once(child, 'message'),
    ended.then(([code]) => {
      throw new Error(`The far end (${args[0]}) ended with ${code} before it listened.`)
    }),
  ])
  return {
    address: first[0] as FarEndAddress,
    async close() {
      child.disconnect()
      await ended
    },
  }
}
