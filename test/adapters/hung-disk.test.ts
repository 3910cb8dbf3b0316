/**
 * Calls that really hang: each opens a FIFO that nobody reads, which holds one thread of the pool for good. Processes of
 * their own, since that is what has to go on and to end.
 */
import { execFileSync, spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { compiledSrc } from '../support/run-ts.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'watchpost-hung-'))
  execFileSync('mkfifo', [join(folder, 'dead')])
})
afterEach(() => rm(folder, { recursive: true, force: true }))

interface Ended {
  readonly how: number | NodeJS.Signals | null
  readonly out: string
}
async function node(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Ended> {
  const { UV_THREADPOOL_SIZE: _, ...rest } = process.env
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'], env: { ...rest, ...env } })
  let out = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text
  })
  const how = await new Promise<Ended['how']>((resolve) => child.on('exit', (code, signal) => resolve(code ?? signal)))
  return { how, out }
}

/** Four calls hang; then a name is looked up, and the process ends as it can. */
const fourHang = (): string => `
  const { open } = require('node:fs/promises')
  const look = () => {
    for (let n = 0; n < 4; n += 1) void open(${JSON.stringify(join(folder, 'dead'))}, 'w')
    const end = (said) => { require('node:fs').writeSync(1, said); process.kill(process.pid, 'SIGKILL') }
    require('node:dns').lookup('localhost', () => end('found'))
    setTimeout(() => end('hangs'), 1500)
  }
  setTimeout(look, 700)
  setInterval(() => {}, 1000)`

describe('with four calls hanging', () => {
  test.each([
    ['watchpost.cjs', {}, 'found'],
    ['watchpost.cjs', { UV_THREADPOOL_SIZE: '6' }, 'found'],
    ['watchpost.cjs', { UV_THREADPOOL_SIZE: '4' }, 'hangs'],
    // What the file above is for: an ES module comes too late.
    ['cli.js', {}, 'hangs'],
  ])('the process of %s with %j: the look-up %s', async (program, env, expected) => {
    const preload = join(folder, 'hang.cjs')
    await writeFile(preload, fourHang())
    const server = ['oss-server', '--bucket', 'footage', '--dir', join(folder, 'store'), '--port', '0']
    const ended = await node(['--require', preload, join(await compiledSrc(), program), ...server], env)
    expect(ended.how).toBe('SIGKILL')
    expect(ended.out.slice(-5)).toBe(expected)
  })
})

describe('the end of a process', () => {
  async function leaving(before: string, leave: string): Promise<Ended['how']> {
    const module = JSON.stringify(join(await compiledSrc(), 'adapters/leave-process.js'))
    const dead = JSON.stringify(join(folder, 'dead'))
    const program = `
      import { open, writeFile } from 'node:fs/promises'
      import { endProcess, leaveProcess } from ${module}
      const dead = ${dead}
      ${before}
      ${leave}`
    return (await node(['--input-type=module', '-e', program])).how
  }

  test.each(['leaveProcess(7, () => 0)', 'endProcess(7, () => 0)'])('%s with nothing out', async (leave) => {
    expect(await leaving('', leave)).toBe(7)
  })

  test('a call that comes back is waited for in order', async () => {
    const slow = `void open(dead, 'w'); setTimeout(() => open(dead, 'r'), 300)`
    expect(await leaving(slow, 'leaveProcess(7, () => 0)')).toBe(7)
  })

  test.each(['leaveProcess(7, () => 0)', 'endProcess(7, () => 0)'])('%s with a call that hangs', async (leave) => {
    expect(await leaving(`void open(dead, 'w')`, leave)).toBe('SIGKILL')
  })

  test('LevelDB counts as well', async () => {
    expect(await leaving('', 'leaveProcess(7, () => 1)')).toBe('SIGKILL')
    expect(await leaving('let n = 9', 'leaveProcess(7, () => Math.max(0, (n -= 1)))')).toBe(7)
  })
})
