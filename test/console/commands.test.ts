/** init, check, status and console as a person runs them, against the real stand-in and real cameras. */
import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Command } from 'commander'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { serveControl } from '../../src/adapters/control-socket.ts'
import { silentLogger } from '../../src/base/log.ts'
import { registerCheck } from '../../src/commands/check.ts'
import { CommandError } from '../../src/commands/command-error.ts'
import { registerConsole } from '../../src/commands/console.ts'
import { registerInit } from '../../src/commands/init.ts'
import { registerStatus } from '../../src/commands/status.ts'
import { compiledSrc } from '../support/run-ts.ts'
import { type StandIn, startStandIn } from '../support/stand-in.ts'
import { status } from '../support/status.ts'

let standIn: StandIn
let folder: string
let config: string

let dist: string

beforeAll(async () => {
  standIn = await startStandIn()
  dist = await compiledSrc()
  // Compiling takes long on a busy board.
}, 300_000)
afterAll(() => standIn.close())
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'watchpost-commands-'))
  config = join(folder, 'etc', 'watchpost.yaml')
})
afterEach(() => rm(folder, { recursive: true }))

/** Runs one command as `cli.ts` does. */
async function run(...words: string[]): Promise<{ code: number; out: string; error: string }> {
  let out = ''
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    out += String(text)
    return true
  })
  try {
    const program = new Command('watchpost').version('0.1.0').exitOverride()
    for (const register of [registerInit, registerCheck, registerStatus, registerConsole]) register(program)
    await program.parseAsync(['node', 'watchpost', ...words])
    return { code: 0, out, error: '' }
  } catch (error) {
    if (!(error instanceof CommandError)) throw error
    return { code: error.exitCode, out, error: error.message }
  } finally {
    write.mockRestore()
  }
}

interface Wish {
  readonly bucket?: string
  readonly region?: string
  readonly secret?: string
  readonly endpoint?: string
  readonly cameras?: string
}

async function settings(wish: Wish = {}): Promise<void> {
  const { keys, bucket, region, url } = standIn.server
  config = join(folder, 'watchpost.yaml')
  const cameras =
    wish.cameras ?? '[{name: gate, kind: test, width: 160, height: 120, framesPerS: 10, bitsPerS: 100000}]'
  await writeFile(
    config,
    `device: gate-1
store:
  bucket: ${wish.bucket ?? bucket}
  region: ${wish.region ?? region}
  endpoint: ${wish.endpoint ?? url}
  pathStyle: true
  prefix: site-7
  credentials: {accessKeyId: '${keys.accessKeyId}', accessKeySecret: '${wish.secret ?? keys.accessKeySecret}'}
cameras: ${cameras}
buffer: {directory: ${folder}/buffer, minFreeBytes: 1MB}
control: {socket: ${folder}/control.sock}
`,
    { mode: 0o600 },
  )
}

describe('watchpost init', () => {
  test('writes an example for this user only, once', async () => {
    expect(await run('init', '-c', config)).toMatchObject({
      code: 0,
      out: expect.stringContaining('Fill in store.bucket'),
    })
    expect((await stat(config)).mode & 0o777).toBe(0o600)
    await writeFile(config, 'mine')
    expect(await run('init', '-c', config)).toMatchObject({
      code: 2,
      error: expect.stringContaining('is left as it is'),
    })
    expect(await readFile(config, 'utf8')).toBe('mine')
    expect((await run('init', '--force', '-c', config)).code).toBe(0)
    expect(await readFile(config, 'utf8')).toContain('# The bucket that takes the footage.')
  })

  test('leaves an example that check finds incomplete, line by line', async () => {
    await run('init', '-c', config)
    const { code, error } = await run('check', '-c', config)
    expect(code).toBe(2)
    expect(error.split('\n').map((line) => line.split(' (line')[0])).toEqual([
      `${config} has 3 problems:`,
      '- store.bucket',
      '- store.region',
      '- store.credentials',
    ])
  })
})

describe('watchpost check', () => {
  test('looks at a camera, appends to the store, and asks it back', async () => {
    await settings()
    const { code, out, error } = await run('check', '-c', config)
    expect([code, error]).toEqual([0, ''])
    expect(out.split('\n')).toEqual([
      `✓ settings: ${config} is right`,
      expect.stringMatching(/^✓ buffer: .*buffer can be made, .* free$/),
      expect.stringMatching(/^✓ camera gate: H\.264, 160x120, 10 frames\/s, GOP 1 s, [\d.]+ Mbit\/s$/),
      expect.stringMatching(
        /^✓ store footage: \d+ bytes appended to site-7\/probe\/gate-1\/\d{8}T\d{6}\.\d{3}Z-[0-9a-f]{12}, length and CRC-64 equal \(\d+ ms\)$/,
      ),
      '',
    ])
    const [object] = standIn.server.objects().filter(({ key }) => key.startsWith('site-7/probe/'))
    expect(standIn.bytesOf(object?.key ?? '').toString()).toContain('Written by watchpost check of gate-1')
  })

  const noCamera = "[{name: gate, kind: command, command: 'exit 3'}]"

  test.each([
    [
      'wrong key',
      { secret: 'hunter2hunter2' },
      /SignatureDoesNotMatch.*Check the secret of the access key and store\.region/,
    ],
    ['wrong region', { region: 'cn-beijing' }, /store\.region/],
    ['missing bucket', { bucket: 'nobodys-bucket' }, /NoSuchBucket.*Check store\.bucket/],
    [
      'nobody listens',
      { endpoint: 'http://127.0.0.1:1' },
      /nobody listens.*Check the network, store\.endpoint and store\.region/,
    ],
  ])('says what to do: %s', async (_name, wish, wanted) => {
    await settings({ ...wish, cameras: noCamera })
    const { code, out } = await run('check', '-c', config)
    expect(code).toBe(3)
    const line = out.split('\n').find((one) => one.startsWith('✗ store'))
    expect(line).toMatch(wanted)
    expect(out).not.toContain('hunter2')
  })

  test('names a camera that does not work, and still looks at the store', async () => {
    await settings({ cameras: noCamera })
    const { code, out } = await run('check', '-c', config)
    expect(code).toBe(1)
    expect(out).toMatch(/^✗ camera gate: .*gate/m)
    expect(out).toMatch(/^✓ store/m)
  })

  test('names a full disk and a CA file that is none', async () => {
    await settings({ cameras: noCamera })
    const text = await readFile(config, 'utf8')
    await writeFile(
      config,
      text.replace('minFreeBytes: 1MB', 'minFreeBytes: 99TB').replace('store:', `store:\n  caFile: ${config}`),
    )
    const { code, out } = await run('check', '-c', config)
    expect(code).toBeGreaterThan(0)
    expect(out).toMatch(/^✗ buffer: .*free, less than buffer\.minFreeBytes \(99 TB\); nothing could be kept\.$/m)
    expect(out).toMatch(/^✗ store\.caFile: .* holds no certificate in PEM form\.$/m)
  })

  test('a file that is not there says how to make one', async () => {
    expect(await run('check', '-c', config)).toEqual({
      code: 2,
      out: '',
      error: `${config} does not exist; make it with: watchpost init --config ${config}`,
    })
  })

  test('a clock that is a day off is no obstacle', async () => {
    await settings({ cameras: noCamera })
    standIn.server.setClockOffsetMs(86_400_000)
    try {
      expect((await run('check', '-c', config)).out).toMatch(/^✓ store/m)
    } finally {
      standIn.server.setClockOffsetMs(0)
    }
  })
})

describe('watchpost status and console', () => {
  test('say that the recorder is not running', async () => {
    await settings()
    expect(await run('status', '-c', config)).toEqual({
      code: 3,
      out: '',
      error: `The recorder is not running: nobody answers on ${folder}/control.sock. Start it with: systemctl start watchpost`,
    })
    expect(await run('console', '-c', config)).toMatchObject({
      code: 2,
      error: expect.stringContaining('The console is off'),
    })
  })

  test('show what the recorder says', async () => {
    await settings()
    const stop = new AbortController()
    const path = `${folder}/control.sock`
    await serveControl({ path, handle: async () => status, log: silentLogger, signal: stop.signal })
    try {
      expect((await run('status', '-c', config)).out).toContain('camera    gate: recording')
      expect(JSON.parse((await run('status', '-c', config, '--json')).out)).toEqual(status)
      expect((await run('status', '--socket', path)).code).toBe(0)
    } finally {
      stop.abort()
    }
  })

  test('serve a person on standard input, as a process of its own', async () => {
    await settings()
    const program = `
      const { Command } = await import('commander')
      const { registerConsole } = await import(${JSON.stringify(`${dist}/commands/console.js`)})
      const program = new Command('watchpost').version('0.1.0')
      registerConsole(program)
      await program.parseAsync(['node', 'watchpost', 'console', '--stdio', '-c', ${JSON.stringify(config)}])`
    const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    let out = ''
    child.stdout.on('data', (text) => {
      out += text
    })
    child.stdin.write(
      'set cameras[0].gopS 2\nset store.credentials.accessKeySecret top-secret\ndiff\ncommit\nstatus\nexit\n',
    )
    const code = await new Promise((resolve) => child.once('close', resolve))
    expect(out.split('\n')).toEqual([
      expect.stringMatching(/^- store\.credentials\.accessKeySecret = \(secret, \d+ characters\)$/),
      '+ store.credentials.accessKeySecret = (secret, 10 characters)',
      '- cameras[0].gopS = 1',
      '+ cameras[0].gopS = 2',
      expect.stringMatching(/^Saved; the settings hold from the recorder's next start\. The recorder is not running/),
      expect.stringMatching(/^The recorder is not running/),
      'Goodbye.',
      '',
    ])
    expect(code).toBe(0)
    expect(await readFile(config, 'utf8')).toContain('gopS')
  })
})
