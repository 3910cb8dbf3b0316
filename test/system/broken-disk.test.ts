/**
 * The recorder on disks that are missing, full, read-only or dead: it records in memory, footage flows while the network
 * lasts, it says what is wrong, and the disk is used again when it recovers. Real processes, real mounts in a namespace
 * of their own, calls that really hang in the thread pool.
 */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, type TestContext, test, vi } from 'vitest'
import { limits } from '../../src/base/limits.ts'
import type { Status } from '../../src/format/status.ts'
import { inNamespace, inNamespaceOf } from '../support/namespace.ts'
import { badFindings, createRig, type Rig, type RigOptions } from '../support/rig.ts'

const run = promisify(execFile)
/** They run side by side, and several wait for a disk for half a minute: a slow board needs more than others. */
vi.setConfig({ testTimeout: 180_000 })
const hangingDisk = new URL('../support/hanging-disk.mjs', import.meta.url).href

async function rigWith(onTestFinished: TestContext['onTestFinished'], options: RigOptions): Promise<Rig> {
  const rig = await createRig(options)
  onTestFinished(() => rig.close())
  return rig
}

/** A command where the recorder's mounts are. */
const there = (rig: Rig, ...command: readonly string[]): Promise<void> => inNamespaceOf(rig.pid(), ...command)

const bufferIs = (lines: string) => (settings: string) => settings.replace(/^buffer: .*$/m, `buffer: { ${lines} }`)
const inMemory = ({ buffer }: Status): boolean => buffer.problem?.startsWith('Recording in memory only') === true
const flowsFrom = (bytes: number) => (status: Status) =>
  status.uplink.bytesConfirmed > bytes && status.cameras.every(({ state }) => state === 'recording')
const some = 300_000

describe.concurrent('a disk that is not mounted', () => {
  test('nothing is written beneath; footage flows from memory, and goes to the disk once it is there', async ({
    onTestFinished,
  }) => {
    const rig = await rigWith(onTestFinished, {
      edit: (text) => {
        const directory = /directory: "(.*)\/buffer"/.exec(text)?.[1] ?? ''
        return bufferIs(
          `mountPoint: ${directory}/card, directory: ${directory}/card/buffer, quotaBytes: 1GB, minFreeBytes: 1MB`,
        )(text)
      },
      under: inNamespace('true'),
    })
    const card = join(rig.directory, 'card')
    await mkdir(card)
    rig.start()
    const status = await rig.until('flows from memory', (now) => inMemory(now) && flowsFrom(some)(now))
    expect(status.buffer.problem).toContain(`nothing is mounted at ${card} (buffer.mountPoint)`)
    expect(status.bootCounter).toBeGreaterThanOrEqual(1e9)
    expect((await rig.command('status')).out).toContain('Recording in memory only')
    expect(await readdir(card)).toEqual([])

    await there(rig, 'mount', '-t', 'tmpfs', '-o', 'size=64m', 'tmpfs', card)
    const used = await rig.until('uses the disk', ({ buffer }) => buffer.problem === null)
    expect(used.bootCounter).toBe(1)
    await rig.until('still flows', flowsFrom(used.uplink.bytesConfirmed + some))
    await there(rig, 'test', '-e', join(card, 'buffer/index/CURRENT'))
    expect(await readdir(card)).toEqual([])
    await rig.until('all of the first is sent', ({ uplink }) => uplink.objects.length > 0)
    expect(await rig.stop()).toBe(0)
    expect(await rig.log()).toContain('"disk-used"')
    const proof = await rig.prove()
    expect(badFindings(proof)).toEqual([])
    // The change of buffers cost no picture: the camera was not restarted, and no gap is told.
    expect(used.cameras[0]?.restarts).toBe(0)
    expect((await rig.catalogue()).filter(({ kind }) => kind === 'gap')).toEqual([])
  })
})

describe.concurrent('a disk that is full', () => {
  test('footage flows while it refuses, and it takes footage again when there is room', async ({ onTestFinished }) => {
    const rig = await rigWith(onTestFinished, {
      edit: bufferIsSmall,
      under: inNamespace('mkdir "$0/buffer" && mount -t tmpfs -o size=12m tmpfs "$0/buffer"'),
    })
    rig.start()
    await rig.until('flows', flowsFrom(some))
    const ballast = join(rig.directory, 'buffer/ballast')
    await there(rig, 'sh', '-c', `dd if=/dev/zero of=${ballast} bs=4k 2>/dev/null || true`)
    // With the store gone too, footage has to go to the disk, which refuses it.
    rig.server.setOffline(true)
    await rig.until('says so', ({ buffer }) => buffer.problem !== null)
    rig.server.setOffline(false)
    const status = await rig.until('flows', flowsFrom(some))
    await rig.until('goes on', flowsFrom(status.uplink.bytesConfirmed + some))
    await there(rig, 'rm', ballast)
    await rig.until('takes footage again', ({ buffer }) => buffer.problem === null)
    expect(await rig.stop()).toBe(0)
    expect(badFindings(await rig.prove())).toEqual([])
  })
})

const bufferIsSmall = (text: string): string => text.replace('minFreeBytes: 64MB', 'minFreeBytes: 0')

describe.concurrent('a disk that is read-only', () => {
  test('footage flows from memory, and goes to the disk once it can be written', async ({ onTestFinished }) => {
    const rig = await rigWith(onTestFinished, {
      under: inNamespace(
        'mkdir "$0/buffer" && mount -t tmpfs tmpfs "$0/buffer" && mount -o remount,bind,ro "$0/buffer"',
      ),
    })
    rig.start()
    const status = await rig.until('flows from memory', (now) => inMemory(now) && flowsFrom(some)(now))
    expect(status.buffer.problem).toContain('the file system is read-only')
    await there(rig, 'mount', '-o', 'remount,bind,rw', join(rig.directory, 'buffer'))
    await rig.until('uses the disk', ({ buffer }) => buffer.problem === null)
    expect(await rig.stop()).toBe(0)
    expect(badFindings(await rig.prove())).toEqual([])
    expect(await rig.command('verify')).toMatchObject({ code: 0 })
  })
})

describe.concurrent('a disk that hangs', () => {
  test('with more than four calls hanging it uploads, looks names up, answers, and stops when told', async ({
    onTestFinished,
  }) => {
    const rig = await rigWith(onTestFinished, {
      // By name, so that each new connection needs a look-up.
      edit: (text) => text.replace('http://127.0.0.1:', 'http://localhost:'),
      preload: (directory) => [`${hangingDisk}?${encodeURIComponent(directory)}`],
    })
    const hang = join(rig.directory, 'hang')
    rig.start()
    const before = await rig.until('flows', flowsFrom(some))
    await writeFile(hang, '4')
    // Every connection is made anew, and its name looked up.
    rig.server.setOffline(true)
    rig.server.setOffline(false)
    await rig.until('flows while calls hang', flowsFrom(before.uplink.bytesConfirmed + 8 * some), 60_000)
    // Those of the buffer itself, at most two, beside the four.
    const pipes = (await readdir(rig.directory)).find((name) => name.startsWith('pipes-')) ?? ''
    const hanging = (await readdir(join(rig.directory, pipes))).length
    expect(hanging).toBeGreaterThan(4)
    expect(hanging).toBeLessThanOrEqual(6)
    expect((await rig.command('status')).code).toBe(0)
    const began = performance.now()
    expect(await rig.stop()).toBe('SIGKILL')
    expect(performance.now() - began).toBeLessThan(3 * limits.stopMs)
    expect(await rig.log()).not.toContain('"stuck"')

    // The next start on a disk that answers knows what to make of it.
    await rm(hang)
    rig.start()
    await rig.until('records again', (now) => flowsFrom(some)(now) && now.buffer.problem === null)
    expect(await rig.stop()).toBe(0)
    const verified = await rig.command('verify')
    expect(verified).toMatchObject({ code: 0 })
    expect(verified.out).not.toContain('nexplained')
  })

  test('a start on it records in memory, and on the disk once it answers', async ({ onTestFinished }) => {
    const rig = await rigWith(onTestFinished, {})
    const segments = join(rig.directory, 'buffer/segments')
    await mkdir(segments, { recursive: true })
    // The first thing that is opened for writing: without a reader the call never comes back.
    await run('mkfifo', [join(segments, '.probe')])
    rig.start()
    const status = await rig.until('flows from memory', (now) => inMemory(now) && flowsFrom(some)(now))
    expect(status.buffer.problem).toContain('has not answered for 10 s')
    await run('cat', [join(segments, '.probe')])
    await rig.until('uses the disk', ({ buffer }) => buffer.problem === null)
    expect(existsSync(join(segments, '.probe'))).toBe(false)
    expect(await rig.stop()).toBe(0)
    expect(badFindings(await rig.prove())).toEqual([])
  })
})
