import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeClip } from '../support/clip.ts'
import { camera, type MadeRecording, makeRecording, noteGap } from '../support/make-recording.ts'
import { memoryArchive } from '../support/memory-archive.ts'
import { compiledSrc } from '../support/run-ts.ts'
import { type StandIn, startStandIn } from '../support/stand-in.ts'

const hourMs = 3_600_000
const startWallMs = Math.floor(Date.now() / 1000) * 1000 - 2 * hourMs
const zone = 'Asia/Kolkata'

let standIn: StandIn
let directory: string
let config: string
let program: string
let first: MadeRecording
let second: MadeRecording
const running = new Set<ChildProcess>()

interface Ran {
  readonly code: number | null
  readonly out: Buffer
  readonly text: string
  readonly problem: string
}

beforeAll(async () => {
  standIn = await startStandIn()
  directory = mkdtempSync(join(tmpdir(), 'watchpost-reader-'))
  config = writeConfig('good.yaml', standIn.server.url)
  const dist = await compiledSrc()
  program = join(directory, 'program.mjs')
  writeFileSync(program, programText(dist))
  const archive = memoryArchive()
  const clip = await makeClip({ seconds: 4, startMonoMs: 1_000_000 })
  const later = await makeClip({ seconds: 3, startMonoMs: 1_010_000 })
  first = makeRecording(archive, { startWallMs, startMonoMs: 1_000_000, runs: [clip] })
  second = makeRecording(archive, {
    startWallMs: startWallMs + 10_000,
    startMonoMs: 1_010_000,
    runs: [later],
    number: 1,
  })
  noteGap(archive, startWallMs + 4_000, startWallMs + 10_000)
  for (const [key, bytes] of archive.objects) await put(key, bytes)
})
afterAll(async () => {
  for (const child of running) child.kill('SIGKILL')
  await standIn?.close()
  rmSync(directory, { recursive: true, force: true })
})

const put = (key: string, body: Uint8Array) =>
  standIn.store.append(
    { key, position: 0, body, creation: { contentType: 'video/mp2t', headers: {} } },
    new AbortController().signal,
  )

function writeConfig(name: string, endpoint: string): string {
  const { accessKeyId, accessKeySecret } = standIn.server.keys
  const path = join(directory, name)
  const lines = [
    'device: shed',
    `site: { timeZone: ${zone} }`,
    `store: { bucket: footage, region: cn-hangzhou, endpoint: '${endpoint}', pathStyle: true, prefix: site,`,
    `  credentials: { accessKeyId: '${accessKeyId}', accessKeySecret: '${accessKeySecret}' } }`,
    'cameras: [{ name: door, kind: test }]',
  ]
  writeFileSync(path, `${lines.join('\n')}\n`, { mode: 0o600 })
  return path
}

/** The commands under test as a program of their own; the way `cli.ts` prints failures. */
function programText(dist: string): string {
  const at = (file: string): string => JSON.stringify(pathToFileURL(join(dist, file)).href)
  const commander = JSON.stringify(import.meta.resolve('commander'))
  return `
    import { Command } from ${commander}
    import { registerList } from ${at('commands/list.js')}
    import { registerTail } from ${at('commands/tail.js')}
    import { registerVerify } from ${at('commands/verify.js')}
    import { registerView } from ${at('commands/view.js')}
    const program = new Command('watchpost')
    for (const register of [registerList, registerTail, registerVerify, registerView]) register(program)
    try {
      await program.parseAsync()
    } catch (problem) {
      if (problem.exitCode === undefined) throw problem
      process.stderr.write(problem.message + '\\n')
      process.exitCode = problem.exitCode
    }
  `
}

function start(args: readonly string[]) {
  const child = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  running.add(child)
  const out: Buffer[] = []
  let problem = ''
  child.stdout.on('data', (bytes: Buffer) => out.push(bytes))
  child.stderr.on('data', (bytes: Buffer) => {
    problem += bytes
  })
  const done = new Promise<Ran>((resolve) => {
    child.on('close', (code) => {
      running.delete(child)
      const all = Buffer.concat(out)
      resolve({ code, out: all, text: all.toString(), problem })
    })
  })
  return { child, done, out: () => Buffer.concat(out), problem: () => problem }
}

const run = (...args: string[]): Promise<Ran> => start([args[0] ?? '', '--config', config, ...args.slice(1)]).done

async function until(what: () => boolean): Promise<void> {
  for (let tries = 0; !what(); tries += 1) {
    if (tries > 300) throw new Error('it did not come to be')
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

describe('watchpost list', () => {
  test('shows the cameras, and what one of them recorded, in site time', async () => {
    const cameras = await run('list')
    expect(cameras).toMatchObject({ code: 0, problem: '' })
    expect(cameras.text).toMatch(
      /^door {2}newest recording began \d{4}-\d\d-\d\d \d\d:\d\d:\d\d \+05:30 {2}\d+\.\d KiB\n/,
    )
    const door = await run('list', camera)
    expect(door.code).toBe(0)
    const lines = door.text.split('\n')
    expect(lines[0]).toBe(`door on shed, times of ${zone}`)
    expect(lines.filter((line) => line.includes('complete'))).toHaveLength(2)
    expect(lines.find((line) => line.includes('GAP'))).toMatch(/GAP +camera: The camera did not answer\./)
    expect(door.text).toContain(first.key)
    expect(lines.at(-2)).toMatch(/^2 recordings, \d+\.\d KiB, 1 gap$/)
  })

  test('as JSON is in UTC, and a range of time leaves out the rest', async () => {
    const { text } = await run('list', 'shed/door', '--json', '--until', new Date(startWallMs + 3_000).toISOString())
    expect(JSON.parse(text)).toMatchObject({
      recordings: [{ key: first.key, start: new Date(startWallMs).toISOString(), state: 'complete' }],
      gaps: [],
    })
  })

  test('says what to do where there is nothing, and for what is no time', async () => {
    const nothing = await run('list', camera, '--since', '-10m')
    expect(nothing).toMatchObject({ code: 0 })
    expect(nothing.text).toMatch(/^Camera door of shed has no recording since .*Look further back with --since=-30d/)
    const noTime = await run('list', camera, '--since', 'tea time')
    expect(noTime).toMatchObject({ code: 2, text: '' })
    expect(noTime.problem).toContain('"tea time" is not a time.')
  })

  test('says that the store does not answer, with exit code 3', async () => {
    const away = writeConfig('away.yaml', 'http://127.0.0.1:9')
    const ran = await start(['list', '--config', away]).done
    expect(ran.code).toBe(3)
    expect(ran.problem).toContain('Trying again in')
    expect(ran.problem).not.toContain(standIn.server.keys.accessKeySecret)
  })
})

describe('watchpost tail', () => {
  test('writes every byte of a camera, from recording to recording', async () => {
    const ran = await run('tail', camera, '--from', 'start', '--no-follow')
    const stored = Buffer.concat([standIn.bytesOf(first.key), standIn.bytesOf(second.key)])
    expect(ran).toMatchObject({ code: 0, problem: '' })
    expect(ran.out.equals(stored)).toBe(true)
  })

  test('follows an object through an outage, and stops at Ctrl-C', async () => {
    const key = 'site/logs/today.txt'
    await put(key, Buffer.from('one\n'))
    const tail = start(['tail', '--config', config, '--from', 'start', key])
    await until(() => tail.out().toString() === 'one\n')
    standIn.server.setOffline(true)
    await until(() => tail.problem().includes('Trying again'))
    standIn.server.setOffline(false)
    await append(key, 4, Buffer.from('two\n'))
    await until(() => tail.out().toString() === 'one\ntwo\n')
    tail.child.kill('SIGINT')
    expect(await tail.done).toMatchObject({ code: 0 })
  })

  test('ends without a word when its reader leaves', async () => {
    const key = 'site/clips/long.ts'
    await put(key, Buffer.alloc(188 * 1000))
    const tail = start(['tail', '--config', config, '--from', 'start', key])
    tail.child.stdout.once('data', () => tail.child.stdout.destroy())
    await until(() => tail.child.stdout.destroyed)
    await append(key, 188 * 1000, Buffer.alloc(188 * 1000))
    expect(await tail.done).toMatchObject({ code: 0, problem: '' })
  })

  test('says that an object is not there', async () => {
    const ran = await run('tail', 'site/logs/none.txt', '--no-follow')
    expect(ran.code).toBe(1)
    expect(ran.problem).toContain('site/logs/none.txt')
  })
})

describe('watchpost verify', () => {
  test('ends with 0 where everything agrees', async () => {
    const ran = await run('verify', camera)
    expect(ran).toMatchObject({ code: 0, problem: '' })
    expect(ran.text).toMatch(
      /^ok {5}site\/video.* 4 units, .*, decoded\nok .* 3 units.*\ngap .* cause: camera\..*\nverified: 2 objects, 7 units, \d+ bytes, CRC-64 equal, 1 gap, each with its cause\n$/,
    )
  })

  test('documents its exit codes', async () => {
    const { text } = await start(['verify', '--help']).done
    expect(text).toMatch(/10 {2}checksum: .*\n *11 {2}length/)
  })
})

describe('watchpost view', () => {
  test('prints its address, serves the page, and stops when asked', async () => {
    const view = start(['view', '--config', config, '--port', '0'])
    await until(() => view.out().includes('\n'))
    const address = /http:\S+/.exec(view.out().toString())?.[0] ?? ''
    const live = (await (await fetch(`${address}api/live?camera=door`)).json()) as {
      newest: { key: string; url: string }
    }
    expect(live.newest.key).toBe(second.key)
    const text = await (await fetch(new URL(live.newest.url, address))).text()
    expect(text).toContain('#EXT-X-ENDLIST')
    const taken = await run('view', '--port', new URL(address).port)
    expect(taken.code).toBe(4)
    expect(taken.problem).toMatch(/^Port \d+ on 127\.0\.0\.1 is in use\./)
    view.child.kill('SIGTERM')
    expect(await view.done).toMatchObject({ code: 0, problem: '' })
  })
})

describe('watchpost verify, after somebody else wrote', () => {
  test('has an exit code for what it finds', async () => {
    await append(first.key, standIn.bytesOf(first.key).length, Buffer.alloc(188))
    const ran = await run('verify', camera, '--json', '--no-decode')
    expect(ran.code).toBe(11)
    expect(JSON.parse(ran.text)).toMatchObject({ exitCode: 11, findings: [{ kind: 'range' }, { kind: 'length' }] })
  })
})

const append = (key: string, position: number, body: Uint8Array) =>
  standIn.store.append(
    { key, position, body, creation: { contentType: 'text/plain', headers: {} } },
    new AbortController().signal,
  )
