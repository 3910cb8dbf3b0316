/** Three writers, a stand-in that is killed under them again and again, and a look at what it has kept. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { expect, onTestFinished } from 'vitest'
import { startOssServer } from '../../src/oss-server/server.ts'
import { compiledSrc } from '../support/run-ts.ts'
import { client, temporaryFolder } from './setup.ts'

const keys = { accessKeyId: 'LTAItest', accessKeySecret: 'secret' }
const script = (module: string) => `
  import { startOssServer } from ${JSON.stringify(module)}
  const server = await startOssServer({ dir: process.argv[1], bucket: 'footage', keys: ${JSON.stringify(keys)} })
  console.log(server.port)
`

async function startChild(dir: string): Promise<{ child: ChildProcess; port: number }> {
  const module = `file://${join(await compiledSrc(), 'oss-server/server.js')}`
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script(module), dir], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => {
    child.kill('SIGKILL')
  })
  const lines = createInterface({ input: child.stdout })
  const [line] = (await once(lines, 'line')) as [string]
  return { child, port: Number(line) }
}

/** Fails the test when an acknowledged append is missing, altered, or followed by bytes that nobody counts. */
export async function surviveKills(lives: number, seed: number): Promise<void> {
  const dir = await temporaryFolder()
  let state = seed
  const draw = (below: number) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state % below
  }
  const acknowledged = new Map<string, { bytes: number; crc64: string }>()
  const sent = new Map<string, Buffer[]>()

  for (let life = 0; life < lives; life += 1) {
    const { child, port } = await startChild(dir)
    const server = { keys, bucket: 'footage', region: 'cn-hangzhou', port } as never
    const enough = 3 + draw(8)
    let appends = 0
    const writer = async (key: string) => {
      const oss = client(server)
      for (let turn = 0; turn < 1000; turn += 1) {
        const head = await oss.head(key).catch((error: { code?: string }) => {
          if (error.code === 'NoSuchKey') return undefined
          throw error
        })
        const position = Number((head?.res.headers as Record<string, string> | undefined)?.['content-length'] ?? 0)
        const body = Buffer.alloc(1 + draw(400_000), 65 + draw(26))
        const pieces = trimmed(sent.get(key) ?? [], position)
        sent.set(key, [...pieces, body])
        const { res } = await oss.append(key, body, { position: String(position) })
        const crc64 = (res.headers as Record<string, string>)['x-oss-hash-crc64ecma'] ?? ''
        acknowledged.set(key, { bytes: position + body.length, crc64 })
        appends += 1
        if (appends >= enough) child.kill('SIGKILL')
      }
    }
    const ended = await Promise.allSettled(['a', 'b', 'c'].map(writer))
    expect(
      ended.map(({ status }) => status),
      `SEED=${seed}`,
    ).toEqual(['rejected', 'rejected', 'rejected'])
  }

  const server = await startOssServer({ dir, bucket: 'footage' })
  try {
    for (const { key, bytes, crc64 } of server.objects()) {
      const promised = acknowledged.get(key) ?? { bytes: 0, crc64: '0' }
      const content = await readFile(server.objectPath(key) ?? '')
      expect(bytes, `${key}, SEED=${seed}`).toBeGreaterThanOrEqual(promised.bytes)
      expect(content.length).toBe(bytes)
      if (bytes === promised.bytes) expect(crc64).toBe(promised.crc64)
      expect(content.equals(Buffer.concat(sent.get(key) ?? []).subarray(0, bytes))).toBe(true)
    }
    const found = server.objects().map(({ key }) => key)
    expect(found).toEqual(expect.arrayContaining([...acknowledged.keys()]))
    const files = await readdir(join(dir, 'footage'))
    expect(files.filter((name) => name.endsWith('.data')).length).toBe(found.length)
    expect(files.filter((name) => name.endsWith('.tmp'))).toEqual([])
  } finally {
    await server.close()
  }
}

/** What was sent up to `bytes`: the last piece goes when the kill took it. */
function trimmed(pieces: readonly Buffer[], bytes: number): Buffer[] {
  const all = Buffer.concat(pieces)
  expect(all.length).toBeGreaterThanOrEqual(bytes)
  return bytes === 0 ? [] : [all.subarray(0, bytes)]
}
