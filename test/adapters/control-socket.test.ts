import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { createConnection } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { askControl, type ControlServer, serveControl } from '../../src/adapters/control-socket.ts'
import { limits } from '../../src/base/limits.ts'
import { silentLogger } from '../../src/base/log.ts'
import type { ControlHandler } from '../../src/console/control.ts'

let folder: string
let path: string
let stop: AbortController

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'watchpost-control-'))
  path = join(folder, 'sub', 'control.sock')
  stop = new AbortController()
})

afterEach(async () => {
  stop.abort()
  await rm(folder, { recursive: true, force: true })
})

async function served(handle: ControlHandler, signal = stop.signal): Promise<ControlServer> {
  const server = await serveControl({ path, handle, log: silentLogger, signal })
  if (!server.ok) throw new Error(server.error.message)
  return server.value
}

/** Writes bytes as they are and gives back all that comes until the other side closes. */
function raw(bytes: string | Buffer, close: boolean): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = createConnection(path)
    let text = ''
    socket.on('data', (chunk) => {
      text += chunk.toString()
      if (!close && text.endsWith('\n')) socket.end()
    })
    socket.on('error', reject)
    socket.on('close', () => resolve(text))
    socket.write(bytes)
    if (close) socket.end()
  })
}

describe('the control socket', () => {
  test('answers each request, with a mode that keeps strangers out', async () => {
    await served(async (request) => ({ got: request }))
    expect(await askControl(path, { do: 'status' })).toEqual({ ok: true, value: { got: { do: 'status' } } })
    expect(await askControl(path, { do: 'log', lines: 3 })).toEqual({
      ok: true,
      value: { got: { do: 'log', lines: 3 } },
    })
    expect(((await stat(path)).mode & 0o777).toString(8)).toBe('660')
  })

  test('answers several lines of one connection in order, also when the asker has closed its side', async () => {
    await served(async (request) => request.do)
    const said = await raw('{"do":"status"}\n{"do":"version"}\nnonsense\n{"do":"log"}\n', true)
    expect(
      said
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toEqual([
      { ok: true, value: 'status' },
      { ok: true, value: 'version' },
      { ok: false, error: 'A request is one JSON object on a line, such as {"do":"status"}.' },
      { ok: true, value: 'log' },
    ])
  })

  test.each([
    ['{"do":"shutdown"}', 'This request is not known; known are status, reload, version and log.'],
    ['{"do":"log","lines":1e9}', '"lines" must be a whole number from 1 to 200.'],
    ['[1]', 'A request is one JSON object on a line, such as {"do":"status"}.'],
    ['\0\0', 'A request is one JSON object on a line, such as {"do":"status"}.'],
  ])('refuses %j', async (line, error) => {
    await served(async () => 'never')
    expect(JSON.parse(await raw(`${line}\n`, false))).toEqual({ ok: false, error })
  })

  test('ends a connection whose line has no end, and lives on', async () => {
    await served(async () => 'here')
    const said = await raw(Buffer.alloc(limits.controlMessageBytesMax + 10, 0x61), false)
    expect(JSON.parse(said)).toEqual({ ok: false, error: 'The request is too long.' })
    expect(await askControl(path, { do: 'version' })).toEqual({ ok: true, value: 'here' })
  })

  test('says what a handler threw, and that an answer is too long', async () => {
    let answer: () => unknown = () => {
      throw new Error('the buffer is closed')
    }
    await served(async () => answer())
    expect(await askControl(path, { do: 'status' })).toMatchObject({
      error: { kind: 'refused', message: 'The recorder could not answer: the buffer is closed' },
    })
    answer = () => 'x'.repeat(limits.controlMessageBytesMax)
    expect(await askControl(path, { do: 'status' })).toMatchObject({ error: { kind: 'refused' } })
  })

  test('a second recorder is told that the place is taken, and the first goes on', async () => {
    await served(async () => 'first')
    const second = await serveControl({ path, handle: async () => 'second', log: silentLogger, signal: stop.signal })
    expect(second).toMatchObject({ ok: false, error: { kind: 'in-use' } })
    expect(await askControl(path, { do: 'version' })).toEqual({ ok: true, value: 'first' })
  })

  test('the socket file of a killed process is replaced', async () => {
    await served(async () => 'makes the folder', AbortSignal.abort()).then((server) => server.closed)
    const script = `require('node:net').createServer().listen(${JSON.stringify(path)}, () => process.stdout.write('up'))`
    const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
    await new Promise((resolve) => child.stdout.once('data', resolve))
    const dead = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGKILL')
    await dead
    expect((await stat(path)).isSocket()).toBe(true)
    await served(async () => 'new')
    expect(await askControl(path, { do: 'version' })).toEqual({ ok: true, value: 'new' })
  })

  test('a file of another kind in its place is refused and kept', async () => {
    path = join(folder, 'precious')
    await writeFile(path, 'keep me')
    const server = await serveControl({ path, handle: async () => 1, log: silentLogger, signal: stop.signal })
    expect(server).toMatchObject({ ok: false })
    expect(await readFile(path, 'utf8')).toBe('keep me')
  })

  test('nobody there is a sentence with what to do', async () => {
    expect(await askControl(path, { do: 'status' })).toEqual({
      ok: false,
      error: {
        kind: 'not-running',
        message: `The recorder is not running: nobody answers on ${path}. Start it with: systemctl start watchpost`,
      },
    })
  })

  test('stops with open connections and takes its file away', async () => {
    const server = await served(async () => 'here')
    const idle = createConnection(path)
    await new Promise((resolve) => idle.once('connect', resolve))
    const gone = new Promise((resolve) => idle.once('close', resolve))
    idle.on('error', () => {})
    stop.abort()
    await Promise.all([server.closed, gone])
    await expect(stat(path)).rejects.toThrow('ENOENT')
  })
})
