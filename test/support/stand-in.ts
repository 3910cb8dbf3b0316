/** The real `ali-oss` adapter on the real stand-in, over HTTP on loopback. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createOssStore, type OssStore, type OssStoreOptions } from '../../src/adapters/oss-store.ts'
import { systemClock } from '../../src/adapters/system-clock.ts'
import { Secret } from '../../src/base/secret.ts'
import { type OssServer, type OssServerOptions, startOssServer } from '../../src/oss-server/server.ts'

export interface StandIn {
  readonly server: OssServer
  readonly store: OssStore
  /** Another client of the same server, with other options. */
  connect(options?: Partial<OssStoreOptions>): OssStore
  bytesOf(key: string): Buffer
  close(): Promise<void>
}

export async function startStandIn(
  options: Partial<OssServerOptions> = {},
  client: Partial<OssStoreOptions> = {},
): Promise<StandIn> {
  const dir = mkdtempSync(join(tmpdir(), 'watchpost-oss-'))
  const server = await startOssServer({ dir, bucket: 'footage', ...options })
  const stores: OssStore[] = []
  const connect = (more: Partial<OssStoreOptions> = {}): OssStore => {
    const { accessKeyId, accessKeySecret } = server.keys
    const made = createOssStore({
      bucket: server.bucket,
      region: server.region,
      endpoint: server.url,
      pathStyle: true,
      clock: systemClock,
      credentials: () => ({ accessKeyId, accessKeySecret: new Secret(accessKeySecret) }),
      ...client,
      ...more,
    })
    stores.push(made)
    return made
  }
  return {
    server,
    store: connect(),
    connect,
    bytesOf(key) {
      const path = server.objectPath(key)
      return path === undefined ? Buffer.alloc(0) : readFileSync(path)
    },
    async close() {
      await Promise.all(stores.map((store) => store.close()))
      await server.close()
      rmSync(dir, { recursive: true, force: true })
    },
  }
}
