import { type ChildProcess, spawn } from 'node:child_process'
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { systemClock } from '../../src/adapters/system-clock.ts'
import { compiledSrc } from '../support/run-ts.ts'
import { type StandIn, startStandIn } from '../support/stand-in.ts'

interface Ran {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

let dir: string
let cli: string
let standIn: StandIn
let config: string
const children: ChildProcess[] = []

beforeAll(async () => {
  cli = join(await compiledSrc(), 'cli.js')
  dir = mkdtempSync(join(tmpdir(), 'watchpost-append-'))
}, 240_000)
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
  await standIn?.close()
})
afterAll(() => rmSync(dir, { recursive: true, force: true }))

async function start(bytesPerS?: number): Promise<void> {
  standIn = await startStandIn(bytesPerS === undefined ? {} : { bytesPerS })
  const { keys, url } = standIn.server
  config = join(dir, 'watchpost.yaml')
  const lines = [
    'device: shed',
    `store: { bucket: footage, region: cn-hangzhou, endpoint: '${url}', pathStyle: true, credentials:`,
    `  { accessKeyId: ${keys.accessKeyId}, accessKeySecret: '${keys.accessKeySecret}' } }`,
    'cameras: [{ name: gate, kind: test }]',
  ]
  writeFileSync(config, `${lines.join('\n')}\n`, { mode: 0o600 })
}

function spawnAppend(args: readonly string[]): { readonly child: ChildProcess; readonly done: Promise<Ran> } {
  const env = { ...process.env, XDG_STATE_HOME: join(dir, 'state') }
  const child = spawn(process.execPath, [cli, 'append', ...args, '--config', config], { env, stdio: 'pipe' })
  children.push(child)
  let out = ''
  let err = ''
  child.stdout?.on('data', (piece) => (out += piece))
  child.stderr?.on('data', (piece) => (err += piece))
  const done = new Promise<Ran>((resolve) => child.on('close', (code) => resolve({ code, out, err })))
  return { child, done }
}

const append = (...args: string[]): Promise<Ran> => {
  const { child, done } = spawnAppend(args)
  child.stdin?.end()
  return done
}

describe('watchpost append', () => {
  test('appends a file, says the proof, and continues when the file has grown', async () => {
    await start()
    const file = join(dir, 'door.log')
    writeFileSync(file, 'one\ntwo\n')
    const first = await append('logs/door.log', file)
    expect(first).toMatchObject({ code: 0, err: '' })
    expect(first.out).toMatch(
      /^8 bytes appended to logs\/door\.log\. The store confirms 8 bytes with CRC-64 \d+, as sent\.\n$/,
    )
    expect((await append('logs/door.log', file)).out).toContain('holds all of')
    appendFileSync(file, 'three\n')
    expect((await append('logs/door.log', file)).out).toContain(
      '6 bytes appended to logs/door.log; 8 were there already',
    )
    expect(standIn.bytesOf('logs/door.log').toString()).toBe('one\ntwo\nthree\n')
  })

  test.each([[[]], [['--after']]])(
    'killed in the middle and run again, it ends with each byte once %j',
    async (more) => {
      await start(8_000_000)
      const file = join(dir, 'large.bin')
      const content = Buffer.from(Uint8Array.from({ length: 6_000_000 }, (_, i) => (i * 131) ^ (i >> 11)))
      writeFileSync(file, content)
      const before = more.length === 0 ? Buffer.alloc(0) : Buffer.from('what was there')
      if (before.length > 0) {
        const head = join(dir, 'head.bin')
        writeFileSync(head, before)
        await append('x/large.bin', head)
      }
      let kills = 0
      for (let run = 0; run < 3; run += 1) {
        const { child, done } = spawnAppend(['x/large.bin', file, ...more])
        const goal = before.length + 1_000_000 * (run + 1)
        while (child.exitCode === null && standIn.bytesOf('x/large.bin').length < goal) await systemClock.sleep(10)
        if (child.kill('SIGKILL')) kills += 1
        await done
      }
      expect(kills).toBeGreaterThan(0)
      expect(await append('x/large.bin', file, ...more)).toMatchObject({ code: 0 })
      expect(standIn.bytesOf('x/large.bin').equals(Buffer.concat([before, content]))).toBe(true)
    },
  )

  test('a stream goes behind what is there', async () => {
    await start()
    for (const text of ['first\n', 'second\n']) {
      const { child, done } = spawnAppend(['logs/stream.log'])
      child.stdin?.end(text)
      expect(await done).toMatchObject({ code: 0, err: '' })
    }
    expect(standIn.bytesOf('logs/stream.log').toString()).toBe('first\nsecond\n')
  })

  test('bad keys, files and objects are sentences with the right code', async () => {
    await start()
    const file = join(dir, 'x.txt')
    writeFileSync(file, 'text')
    expect(await append('/logs/x', file)).toMatchObject({ code: 2, err: expect.stringContaining('begins with /') })
    expect(await append('logs/x', join(dir, 'none'))).toMatchObject({ code: 3, err: expect.stringContaining('ENOENT') })
    expect(await append('logs/x', dir)).toMatchObject({ code: 2 })
    standIn.server.faults.add({ kind: 'replace-before', bytes: 3, on: 'append' })
    expect(await append('logs/x', file)).toMatchObject({
      code: 1,
      err: expect.stringContaining('cannot be appended to'),
    })
    const other = join(dir, 'other.txt')
    writeFileSync(other, 'other words')
    await append('logs/y', file)
    const refused = await append('logs/y', other)
    expect(refused).toMatchObject({ code: 1, err: expect.stringContaining('--after') })
    expect(standIn.bytesOf('logs/y').toString()).toBe('text')
    for (const { err } of [refused]) expect(err).not.toMatch(/\n\s+at /)
  })

  test('wrong keys end it with code 3 and what to do', async () => {
    await start()
    const file = join(dir, 'x.txt')
    writeFileSync(file, 'text')
    standIn.server.faults.add({ kind: 'error', status: 403, code: 'SignatureDoesNotMatch', count: 9 })
    expect(await append('logs/x', file)).toMatchObject({ code: 3, err: expect.stringContaining('secret') })
  })
})
